import { z } from "zod";
import { checkOperator, variables } from "../variables.ts";

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  );

const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");

const count = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

/** What a deployment may be told, in `.env` or the environment of `sst deploy`. */
export const deploymentVariables = z.object({
  DEPLOY_ARCHITECTURE: z
    .enum(["x86_64", "arm64"])
    .default("x86_64")
    .describe("Processor of the worker; must be one that the deploying machine can build for"),
  DEPLOY_NETWORK: z
    .enum(["public", "private", "existing"])
    .default("public")
    .describe("A network of its own without or with private subnets and NAT, or one that is there"),
  DEPLOY_VPC_ID: z.string().optional().describe("Of an existing network"),
  DEPLOY_SUBNET_IDS: list.describe("Of an existing network, separated by commas"),
  DEPLOY_SECURITY_GROUP_IDS: list.describe("Of an existing network, separated by commas"),
  DEPLOY_PUBLIC_IP: flag.describe(
    "Of an existing network: its subnets reach the world without NAT (true, false)",
  ),
  DEPLOY_WORKERS_MAX: count(10, 1, 100).describe("The most workers at a time"),
  DEPLOY_TICK_MINUTES: count(30, 5, 1_440).describe("How often the queue is looked at untriggered"),
  DEPLOY_API_KEY: flag.describe("Ask for an API key as well as for a signature (true, false)"),
  DEPLOY_ARTIFACT_DAYS: count(90, 1, 3_650).describe("How long files are kept"),
  DEPLOY_LINK_DAYS: count(30, 1, 365).describe("How long a link in a mail opens its file"),
  DEPLOY_ALARM_EMAIL: z.email().optional().describe("Subscribed to the alarms"),
  SNOWFLAKE_API_AWS_IAM_USER_ARN: z
    .string()
    .startsWith("arn:")
    .optional()
    .describe("From DESC INTEGRATION REPORT_TRIGGER_API, after the first deploy"),
  SNOWFLAKE_API_AWS_EXTERNAL_ID: z.string().optional().describe("From the same"),
  MAIL_FROM: z
    .string()
    .refine((from) => z.email().safeParse(addressOf(from)).success, {
      message: "must be an address, or a name with one: Reports <reports@example.com>",
    })
    .optional()
    .describe("Sender of mail; its identity is made in SES"),
  DEPLOY_MAIL_IDENTITY: z
    .string()
    .optional()
    .describe("Identity in SES that MAIL_FROM belongs to, such as its domain; then none is made"),
});

/** Variables of the worker that are checked here and passed on as they are. */
export const passedVariables = variables.pick({
  SNOWFLAKE_ACCOUNT: true,
  SNOWFLAKE_ACCESS_URL: true,
  SNOWFLAKE_USER: true,
  SNOWFLAKE_WORKLOAD_IDENTITY: true,
  SNOWFLAKE_ROLE: true,
  SNOWFLAKE_READER_ROLE: true,
  SNOWFLAKE_WAREHOUSE: true,
  SNOWFLAKE_DATABASE: true,
  SNOWFLAKE_SCHEMA: true,
  SNOWFLAKE_OCSP: true,
  SETUP_TASK_ROLE: true,
  WORKER_CONCURRENCY: true,
  REPORTS_PER_OWNER_MAX: true,
  QUERY_TIMEOUT: true,
  PUSH_DOWN_ROWS: true,
  PUSH_DOWN_STAGE: true,
  IDLE_GRACE: true,
  REPORT_ACCENT_COLOR: true,
  OPERATOR_EMAIL: true,
  RECIPIENT_DOMAINS: true,
  ATTACHMENT_BYTES_MAX: true,
  LOG_LEVEL: true,
});

export type DeploymentSettings = z.output<typeof deploymentVariables> & {
  /** The passed variables that were given, as they were given. */
  readonly passed: Readonly<Record<string, string>>;
  /** Names in Snowflake that run_after_deploy.sql speaks of. */
  readonly names: { readonly database: string; readonly schema: string; readonly taskRole: string };
};

/** Reads them. Throws an Error that names every variable that is missing or wrong. */
export function readDeploymentSettings(
  environment: Readonly<Record<string, string | undefined>>,
): DeploymentSettings {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value !== "") given[name] = value;
  }
  const own = deploymentVariables.safeParse(given);
  const worker = passedVariables.safeParse(given);
  if (!own.success || !worker.success) {
    const problems = [own, worker]
      .flatMap(({ error }) => error?.issues ?? [])
      .map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(`The deployment's settings are wrong: ${problems.join("; ")}`);
  }
  const [unreachable] = checkOperator(worker.data);
  if (unreachable !== undefined) throw new Error(unreachable);
  const passed = Object.entries(given).filter(([name]) => name in passedVariables.shape);
  const { SNOWFLAKE_DATABASE, SNOWFLAKE_SCHEMA, SETUP_TASK_ROLE } = worker.data;
  const settings = {
    ...own.data,
    passed: Object.fromEntries(passed),
    names: { database: SNOWFLAKE_DATABASE, schema: SNOWFLAKE_SCHEMA, taskRole: SETUP_TASK_ROLE },
  };
  checkTogether(settings);
  return settings;
}

function checkTogether(settings: DeploymentSettings): void {
  const { DEPLOY_NETWORK, DEPLOY_VPC_ID, DEPLOY_SUBNET_IDS, DEPLOY_SECURITY_GROUP_IDS } = settings;
  const isNamed = DEPLOY_VPC_ID !== undefined && DEPLOY_SUBNET_IDS.length > 0;
  if (DEPLOY_NETWORK === "existing" && (!isNamed || DEPLOY_SECURITY_GROUP_IDS.length === 0)) {
    throw new Error(
      "DEPLOY_NETWORK=existing needs DEPLOY_VPC_ID, DEPLOY_SUBNET_IDS and DEPLOY_SECURITY_GROUP_IDS",
    );
  }
  if (DEPLOY_NETWORK !== "existing") refuseNetworkParts(settings);
  const { SNOWFLAKE_API_AWS_IAM_USER_ARN: user, SNOWFLAKE_API_AWS_EXTERNAL_ID: id } = settings;
  if ((user === undefined) !== (id === undefined)) {
    throw new Error(
      "SNOWFLAKE_API_AWS_IAM_USER_ARN and SNOWFLAKE_API_AWS_EXTERNAL_ID come together, from DESC INTEGRATION REPORT_TRIGGER_API",
    );
  }
  const { DEPLOY_MAIL_IDENTITY: identity, MAIL_FROM: from } = settings;
  if (identity !== undefined && !isOf(from ?? "", identity)) {
    throw new Error("DEPLOY_MAIL_IDENTITY has to be the address of MAIL_FROM or its domain");
  }
}

/** Left unread, they would let a deploy make a network that nobody asked for. */
function refuseNetworkParts(settings: DeploymentSettings): void {
  const { DEPLOY_VPC_ID, DEPLOY_SUBNET_IDS, DEPLOY_SECURITY_GROUP_IDS, DEPLOY_PUBLIC_IP } =
    settings;
  const parts = {
    DEPLOY_VPC_ID: DEPLOY_VPC_ID !== undefined,
    DEPLOY_SUBNET_IDS: DEPLOY_SUBNET_IDS.length > 0,
    DEPLOY_SECURITY_GROUP_IDS: DEPLOY_SECURITY_GROUP_IDS.length > 0,
    DEPLOY_PUBLIC_IP,
  };
  for (const [name, isGiven] of Object.entries(parts)) {
    if (isGiven) throw new Error(`${name} needs DEPLOY_NETWORK=existing`);
  }
}

function isOf(from: string, identity: string): boolean {
  const address = addressOf(from).toLowerCase();
  const wanted = identity.toLowerCase();
  return address === wanted || address.endsWith(`@${wanted}`) || address.endsWith(`.${wanted}`);
}

/** The address of a sender that may have a name, as SES knows it. */
export function addressOf(from: string): string {
  return /^[^<>]*<([^<>]+)>$/.exec(from.trim())?.[1] ?? from;
}

/** Names that must not collide between stages of one account: `prod` has the plain ones. */
export function stageName(name: string, stage: string): string {
  return stage === "prod" ? name : `${name}-${stage}`;
}
