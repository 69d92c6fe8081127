import { openControl, systemClock } from "../app.ts";
import {
  type DeployedService,
  openDeployedService,
  type WorkerCounts,
} from "../aws/deployed-service.ts";
import { openS3Reader } from "../aws/s3-store.ts";
import { type Config, loadConfig } from "../config.ts";
import type { Artifact } from "../report/artifact.ts";
import { asReportError, ReportError } from "../report/errors.ts";
import { formatBytes } from "../report/message.ts";
import type { Connection } from "../snowflake/connection.ts";
import { openSnowflake } from "../snowflake-access.ts";
import { addReport, cancelReport, findReport, readHistory } from "../snowflake/reports.ts";
import { type DeployOutputs, readDeployOutputs } from "./deploy-outputs.ts";
import { checked, type Tell } from "./findings.ts";
import { callTrigger } from "./trigger-call.ts";

/** Hears what is seen while something is waited for, such as "1 wanted, 0 there, PENDING". */
export type Watch = (check: string, text: string) => void;

/** A task of Fargate is there within a minute or two; beyond this something is wrong. */
const MADE_WITHIN_MS = 10 * 60_000;
/** IDLE_GRACE, and the time that ECS takes to end a task. */
const GONE_WITHIN_MS = 10 * 60_000;
const LOOK_INTERVAL_MS = 2_000;

/**
 * After a deploy: wakes the service, has it make a report of its own, and waits until nobody is there any more. A line
 * for each step; what comes after a step that failed is left out. `url` is where to post instead of the deploy's.
 */
export async function examineDeployed(tell: Tell, watch: Watch, url?: string): Promise<void> {
  const place = await checked(
    tell,
    "settings",
    "set SNOWFLAKE_SECRET_ID, and TRIGGER_URL or --url; or run it where sst deploy ran",
    () => findDeployment(url),
    ({ triggerUrl, outputs }) => `${outputs.service} behind ${triggerUrl}`,
  );
  if (place === null) return;
  const { config, outputs, triggerUrl } = place;
  await using connection = await openQueue(tell, config);
  if (connection === null) return;
  await using service = await openDeployedService(outputs.cluster, outputs.service);
  const answer = await checked(
    tell,
    "trigger",
    "look into the log of the trigger's function; the URL is the deploy's triggerUrl",
    () => callTrigger(triggerUrl, config.triggerApiKey),
    (body) => body,
  );
  if (answer === null) return;
  const artifact = await checkReport(tell, watch, connection, service);
  if (artifact === null) return;
  await checkFile(tell, config, artifact);
  await checkGone(tell, watch, service);
}

interface Deployment {
  readonly config: Config;
  readonly outputs: DeployOutputs;
  readonly triggerUrl: string;
}

/** What is said here is right, then what the deploy from this folder wrote, then the variables. */
async function findDeployment(url: string | undefined): Promise<Deployment> {
  const outputs = await readDeployOutputs();
  const given = loadConfig();
  const isBare = given.snowflake.kind === "local" && outputs.secret !== null;
  const config = isBare ? loadConfig(undefined, { SNOWFLAKE_SECRET_ID: outputs.secret }) : given;
  if (config.snowflake.kind === "local") {
    throw new ReportError("configuration", "SNOWFLAKE_SECRET_ID: no Snowflake is configured");
  }
  return { config, outputs, triggerUrl: url ?? outputs.triggerUrl ?? config.triggerUrl };
}

async function openQueue(tell: Tell, config: Config): Promise<Connection | null> {
  return await checked(
    tell,
    "login",
    "check the secret, or account, user, key, network policy",
    async () => {
      await using access = await openSnowflake(config);
      return await openControl(access.settings);
    },
    () => "to the queue's tables",
  );
}

/** Null: no file was made. */
async function checkReport(
  tell: Tell,
  watch: Watch,
  connection: Connection,
  service: DeployedService,
): Promise<Artifact | null> {
  return await checked(
    tell,
    "report",
    "look into the worker's log (/ecs/report-service) and at the stopped tasks of the service",
    async () => {
      const configId = await addReport(connection, SMOKE_REPORT);
      await untilCompleted(watch, connection, service, configId);
      const { runs } = await readHistory(connection, configId, 1);
      const [artifact] = runs[0]?.artifacts ?? [];
      if (artifact !== undefined) return artifact;
      throw new ReportError("internal", `the report ${configId} is completed, without a file`);
    },
    ({ uri, sizeBytes }) => `COMPLETED, ${uri}, ${formatBytes(sizeBytes)}`,
  );
}

/** Reads no table, is one row, and goes to nobody. */
const SMOKE_REPORT = {
  REPORT_NAME: "doctor deployed",
  REPORT_SQL: "SELECT 1 AS ONE",
  OUTPUT_FORMAT: "CSV",
};

async function untilCompleted(
  watch: Watch,
  connection: Connection,
  service: DeployedService,
  configId: string,
): Promise<void> {
  const isMade = await repeat(MADE_WITHIN_MS, async () => {
    const { status, lastError } = await findReport(connection, configId);
    watch("report", `${await describeWorkers(service)}, ${status}`);
    if (status === "PENDING" || status === "PROCESSING") return false;
    if (status === "COMPLETED") return true;
    throw new ReportError("internal", `the report ${configId} is ${status}: ${lastError ?? ""}`);
  });
  if (isMade) return;
  // Nobody waits for it any more.
  await cancelReport(connection, configId);
  const minutes = MADE_WITHIN_MS / 60_000;
  throw new ReportError("internal", `the report ${configId} is not made after ${minutes} minutes`);
}

async function checkFile(tell: Tell, config: Config, artifact: Artifact): Promise<void> {
  const check = "file";
  await using reader = await openS3Reader(config.cloud.isEmulated);
  const bytes = await reader.read(artifact.uri).catch((thrown: unknown) => asReportError(thrown));
  if (bytes instanceof ReportError) {
    tell({ check, isOk: true, text: `not checked: ${bytes.message}`, advice: null });
    return;
  }
  const sha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  const isOk = sha256 === artifact.sha256;
  const text = isOk
    ? "is in the bucket, and what the audit says"
    : `${artifact.uri} has another hash`;
  tell({ check, isOk, text, advice: isOk ? null : "look who else writes to the bucket" });
}

async function checkGone(tell: Tell, watch: Watch, service: DeployedService): Promise<void> {
  const check = "zero";
  const seen = await service.countWorkers().catch((thrown: unknown) => asReportError(thrown));
  if (seen instanceof ReportError) {
    tell({ check, isOk: true, text: `not checked: ${seen.message}`, advice: null });
    return;
  }
  await checked(
    tell,
    check,
    "look whether reports are waiting (report-service list), and into the worker's log",
    async () => {
      const isGone = await repeat(GONE_WITHIN_MS, async () => {
        const { desired, running } = await service.countWorkers();
        watch(check, describeCounts({ desired, running }));
        return desired === 0 && running === 0;
      });
      if (isGone) return;
      const minutes = GONE_WITHIN_MS / 60_000;
      throw new ReportError("internal", `workers are still there after ${minutes} minutes`);
    },
    () => "nobody is wanted and nobody is there",
  );
}

async function describeWorkers(service: DeployedService): Promise<string> {
  try {
    return describeCounts(await service.countWorkers());
  } catch {
    // Why is told when it is what is checked.
    return "workers cannot be seen";
  }
}

function describeCounts({ desired, running }: WorkerCounts): string {
  return `${desired} wanted, ${running} there`;
}

/** Looks until it is true; false: it was not in time. */
async function repeat(withinMs: number, look: () => Promise<boolean>): Promise<boolean> {
  const endMs = systemClock.monotonicMs() + withinMs;
  while (!(await look())) {
    if (systemClock.monotonicMs() > endMs) return false;
    await systemClock.sleep(LOOK_INTERVAL_MS, new AbortController().signal);
  }
  return true;
}
