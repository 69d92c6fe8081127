import { resolve } from "node:path";
import { z } from "zod";
import { messageOf, ReportError } from "../report/errors.ts";

/** What a deploy made, as far as it has to be known to look after it. */
export interface DeployOutputs {
  readonly triggerUrl: string | null;
  /** Name of the secret that holds Snowflake's settings. */
  readonly secret: string | null;
  readonly cluster: string;
  readonly service: string;
}

/** As `sst deploy` names them for the stage "prod". */
const CLUSTER = "report-service-cluster";
const SERVICE = "report-service";

const outputs = z.object({
  triggerUrl: z.url().nullish().default(null),
  secret: z.string().nullish().default(null),
  cluster: z.string().default(CLUSTER),
  service: z.string().default(SERVICE),
});

/** `sst deploy` writes it into the checkout that it deploys. */
const FILE = ".sst/outputs.json";

/**
 * What the latest deploy from this folder said; without one, the names of the production stage. Throws ReportError
 * `configuration`.
 */
export async function readDeployOutputs(folder = process.cwd()): Promise<DeployOutputs> {
  const file = Bun.file(resolve(folder, FILE));
  if (!(await file.exists())) return outputs.parse({});
  try {
    return outputs.parse(await file.json());
  } catch (thrown) {
    const reason = thrown instanceof z.ZodError ? z.prettifyError(thrown) : messageOf(thrown);
    const text = `${FILE} is not what sst deploy writes: ${reason.replaceAll(/\s+/g, " ")}`;
    throw new ReportError("configuration", text, { cause: thrown });
  }
}
