import { domainToASCII } from "node:url";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const duration = (fallback: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'must be a duration such as "90s", "30m" or "1h"')
    .default(fallback)
    .transform(parseDuration)
    .refine((milliseconds) => milliseconds >= DURATION_MIN_MS, "must be at least 100ms");

const integer = (fallback: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .default(String(fallback))
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((item) => item.trim().toLowerCase())
      .filter((item) => item !== ""),
  );

/** Nothing is looked at in a tight loop. */
const DURATION_MIN_MS = 100;

/** Every variable, with what `--help` and README.md say of it. The Snowflake ones may also come from the secret. */
export const variables = z.object({
  SNOWFLAKE_ACCOUNT: z
    .string()
    .optional()
    .describe("Account identifier. Without it the local Snowflake is used"),
  SNOWFLAKE_ACCESS_URL: z.url().optional().describe("Full URL instead of the account's own"),
  SNOWFLAKE_USER: z.string().optional().describe("User name, for key pair and password"),
  SNOWFLAKE_PRIVATE_KEY: z.string().optional().describe("Private key (PEM) of a key pair"),
  SNOWFLAKE_PRIVATE_KEY_PASSPHRASE: z.string().optional().describe("Passphrase of that key"),
  SNOWFLAKE_PASSWORD: z.string().optional().describe("Password (not for service users)"),
  SNOWFLAKE_TOKEN: z.string().optional().describe("Programmatic access token"),
  SNOWFLAKE_OAUTH_CLIENT_ID: z.string().optional().describe("OAuth client credentials: client id"),
  SNOWFLAKE_OAUTH_CLIENT_SECRET: z
    .string()
    .optional()
    .describe("OAuth client credentials: client secret"),
  SNOWFLAKE_OAUTH_TOKEN_URL: z
    .url()
    .optional()
    .describe("OAuth client credentials: token endpoint"),
  SNOWFLAKE_OAUTH_SCOPE: z.string().optional().describe("OAuth client credentials: scope"),
  SNOWFLAKE_WORKLOAD_IDENTITY: z
    .enum(["AWS"])
    .optional()
    .describe("AWS: the task role is who the worker is; no secret at all"),
  SNOWFLAKE_SECRET_ID: z
    .string()
    .optional()
    .describe("Secrets Manager secret that holds the above, such as report-service/snowflake"),
  SNOWFLAKE_ROLE: z.string().optional().describe("Role of the queue's connection"),
  SNOWFLAKE_READER_ROLE: z
    .string()
    .optional()
    .describe("Read-only role under which report SQL runs. Default: SNOWFLAKE_ROLE"),
  SNOWFLAKE_WAREHOUSE: z.string().default("COMPUTE_WH").describe("Warehouse"),
  SNOWFLAKE_DATABASE: z.string().default("REPORTING_DB").describe("Database of the queue"),
  SNOWFLAKE_SCHEMA: z.string().default("CONFIG").describe("Schema of the queue"),
  SETUP_ADMIN_ROLE: z
    .string()
    .default("CORTEX_USER_ROLE")
    .describe("`setup`: role of the people who run the service"),
  SETUP_WORKER_ROLE: z
    .string()
    .default("REPORT_WORKER_ROLE")
    .describe("`setup`: role of the queue, which SNOWFLAKE_ROLE then names"),
  SETUP_READER_ROLE: z
    .string()
    .default("REPORT_READER_ROLE")
    .describe("`setup`: role of report SQL, which SNOWFLAKE_READER_ROLE then names"),
  SETUP_TASK_ROLE: z
    .string()
    .default("REPORT_TASK_ROLE")
    .describe("`setup`: role that owns the tasks and procedures"),
  SETUP_USER_ROLE: z
    .string()
    .default("REPORT_USER_ROLE")
    .describe("`setup`: role of the people who ask for reports"),
  SETUP_SERVICE_USER: z
    .string()
    .default("REPORT_SERVICE_USER")
    .describe("`setup`: user that the service logs in as"),
  SNOWFLAKE_OCSP: z
    .enum(["off", "fail-open", "fail-closed"])
    .default("fail-open")
    .describe("Whether certificates are checked for revocation"),
  WORKER_ID: z.string().default(hostname()).describe("Name of this worker in the audit trail"),
  WORKER_CONCURRENCY: integer(2, 1, 16).describe("Reports at a time; one lane is for ADHOC only"),
  REPORTS_PER_OWNER_MAX: integer(3, 1, 1_000).describe(
    "Reports of one owner at a time, over all workers; the others' go first",
  ),
  POLL_INTERVAL: duration("30m").describe("How often the queue is looked at without a trigger"),
  QUERY_TIMEOUT: duration("15m").describe(
    "A report's SQL is cancelled in the warehouse after this",
  ),
  PUSH_DOWN_ROWS: integer(5_000_000, 0, 1_000_000_000_000).describe(
    "A CSV file of more rows is written by Snowflake itself (OPTIONS.pushDown)",
  ),
  PUSH_DOWN_STAGE: z
    .string()
    .regex(
      /^(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)(?:\.(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)){0,2}$/,
      "must be the name of a stage",
    )
    .default("REPORT_STAGE")
    .describe("Stage that Snowflake writes files to; SNOWFLAKE_ROLE needs READ and WRITE on it"),
  LEASE_DURATION: duration("300s").describe(
    "Another worker takes over after this long without a beat",
  ),
  HEARTBEAT_INTERVAL: duration("30s").describe("How often a working worker gives a sign of life"),
  STOP_GRACE: duration("90s").describe("How long a report may go on after SIGTERM"),
  IDLE_GRACE: duration("60s").describe(
    "How long the queue is empty before a worker in AWS says so, after which it is let go",
  ),
  PORT: integer(8080, 0, 65_535).describe("Port of POST /trigger and GET /health"),
  TRIGGER_URL: z
    .url()
    .default("http://127.0.0.1:8080/trigger")
    .describe("Where `report-service trigger` posts to"),
  TRIGGER_API_KEY: z.string().optional().describe("Sent to TRIGGER_URL beside the signature"),
  REPORT_BUCKET: z
    .string()
    .optional()
    .describe("S3 bucket for files; with it mail goes by SES and notices by SNS and Slack"),
  REPORT_BUCKET_PREFIX: z
    .string()
    .regex(/^([^/].*\/)?$/, 'must be empty, or end in "/" and not begin with it')
    .default("reports/")
    .describe("What the keys in the bucket begin with"),
  TRIGGER_FUNCTION: z
    .string()
    .optional()
    .describe("Lambda function that owns the number of workers and makes links"),
  ECS_AGENT_URI: z.url().optional().describe("Given by ECS to each task; protects it at work"),
  AWS_ENDPOINT_URL: z.url().optional().describe("Of an AWS emulator, for every AWS service"),
  METRICS: z
    .enum(["off", "emf"])
    .default("off")
    .describe("With emf: metrics as log lines that CloudWatch reads"),
  OUTPUT_FOLDER: z.string().default("out").describe("Where files go when no bucket is configured"),
  SCRATCH_FOLDER: z
    .string()
    .default(join(tmpdir(), "report-service"))
    .describe("Where files are while they are made; what killed workers left is removed at start"),
  REPORT_LOGO: z
    .string()
    .optional()
    .describe("PNG or JPEG file, at the head of each PDF and on EXCEL's sheet About"),
  REPORT_ACCENT_COLOR: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as "#1f4e79"')
    .default("#1f4e79")
    .describe("Colour of headings and rules"),
  REPORT_FONTS_DIR: z
    .string()
    .optional()
    .describe("Folder with further fonts (.ttf, .otf, .ttc, .otc), for what the default ones lack"),
  MAIL_FROM: z.string().default("reports@localhost").describe("Sender of mail"),
  OPERATOR_EMAIL: z
    .email()
    .optional()
    .describe("Told of failures of reports without OWNER_EMAIL; `setup` makes it a daily summary"),
  RECIPIENT_DOMAINS: list.describe(
    "Domains that mail may go to, separated by commas. Default: any",
  ),
  ATTACHMENT_BYTES_MAX: integer(7_000_000, 0, 40_000_000).describe(
    "Files beyond this, as encoded for mail, are linked instead of attached",
  ),
  LOG_LEVEL: z
    .enum(["DEBUG", "INFO", "WARN", "ERROR"])
    .default("INFO")
    .describe("DEBUG shows each phase of each report"),
  LOCAL_SNOWFLAKE_PORT: integer(8085, 0, 65_535).describe("Port of the local Snowflake"),
  LOCAL_SNOWFLAKE_FILE: z
    .string()
    .default(".local/snowflake.db")
    .describe("Data of the local Snowflake; `memory` keeps nothing"),
  LOCAL_SNOWFLAKE_LINE_ITEMS: integer(60_000, 0, 60_000_000).describe(
    "Size of the local sample data, in line items",
  ),
  LOCAL_TASK_TICK: duration("1s").describe(
    "How long a minute in the schedules of the local Snowflake's tasks lasts",
  ),
});

export type Variables = z.output<typeof variables>;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

function parseDuration(text: string): number {
  const [, count, unit] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  return unit === "ms" || unit === "s" || unit === "m" || unit === "h"
    ? Number(count) * UNIT_MS[unit]
    : Number.NaN;
}

/** Nobody would hear of a message to the operator that may not be sent. */
export function checkOperator({
  OPERATOR_EMAIL,
  RECIPIENT_DOMAINS,
}: Pick<Variables, "OPERATOR_EMAIL" | "RECIPIENT_DOMAINS">): string[] {
  if (OPERATOR_EMAIL === undefined || RECIPIENT_DOMAINS.length === 0) return [];
  const domain = OPERATOR_EMAIL.slice(OPERATOR_EMAIL.lastIndexOf("@") + 1).toLowerCase();
  return RECIPIENT_DOMAINS.some((allowed) => [allowed, domainToASCII(allowed)].includes(domain))
    ? []
    : [`OPERATOR_EMAIL: ${domain} is none of the domains of RECIPIENT_DOMAINS`];
}
