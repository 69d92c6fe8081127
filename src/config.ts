import type { PresentationSettings } from "./render/presentation.ts";
import { ReportError } from "./report/errors.ts";
import { Secret } from "./secret.ts";
import { readSnowflakeSettings, type SnowflakeSource } from "./snowflake/settings-source.ts";
import type { SnowflakeSettings } from "./snowflake/settings.ts";
import { checkOperator, type Variables, variables } from "./variables.ts";

/** Where Snowflake is: settled by the variables, by them and a secret that is yet to be read, or on this machine. */
export type SnowflakeConfig =
  | { readonly kind: "settings"; readonly settings: Secret<SnowflakeSettings> }
  | { readonly kind: "secret"; readonly secretId: string; readonly source: Secret<SnowflakeSource> }
  | { readonly kind: "local" };

export interface Config {
  readonly snowflake: SnowflakeConfig;
  readonly readerRole: string | null;
  readonly names: {
    readonly database: string;
    readonly schema: string;
    readonly warehouse: string;
  };
  /** What `setup` calls the roles and the user that it makes. */
  readonly setupNames: {
    readonly role: string;
    readonly workerRole: string;
    readonly readerRole: string;
    readonly taskRole: string;
    readonly userRole: string;
    readonly serviceUser: string;
  };
  readonly worker: {
    readonly id: string;
    readonly concurrency: number;
    readonly reportsPerOwnerMax: number;
    readonly pollIntervalMs: number;
    readonly queryTimeoutSeconds: number;
    readonly pushDownRows: number;
    /** DATABASE.SCHEMA.STAGE, as it stands in SQL. */
    readonly pushDownStage: string;
    readonly leaseMs: number;
    readonly heartbeatMs: number;
    readonly stopGraceMs: number;
    readonly idleGraceMs: number;
    readonly port: number;
    readonly scratchFolder: string;
  };
  readonly cloud: {
    /** Null: everything but Snowflake is on this machine. */
    readonly bucket: string | null;
    readonly bucketPrefix: string;
    readonly triggerFunction: string | null;
    /** Of the ECS agent; null outside of ECS. */
    readonly agentUrl: string | null;
    /** AWS's addresses are replaced, as by an emulator. */
    readonly isEmulated: boolean;
    readonly writesMetrics: boolean;
  };
  readonly triggerUrl: string;
  readonly triggerApiKey: Secret<string> | null;
  readonly outputFolder: string;
  readonly presentation: PresentationSettings;
  readonly mail: {
    readonly from: string;
    readonly operator: string | null;
    /** Lower case; empty: any. */
    readonly recipientDomains: readonly string[];
    readonly attachmentBytesMax: number;
  };
  readonly logLevel: "DEBUG" | "INFO" | "WARN" | "ERROR";
  readonly local: {
    readonly port: number;
    readonly file: string | null;
    readonly lineItems: number;
    /** How long a minute of a task's schedule lasts. */
    readonly taskTickMs: number;
  };
}

/**
 * Reads the environment once. Throws ReportError `configuration` with every problem, each naming its variable.
 * An empty variable is as good as none. `overrides` are what the command line says instead.
 */
export function loadConfig(
  environment: NodeJS.ProcessEnv = process.env,
  overrides: Readonly<Record<string, string | undefined>> = {},
): Config {
  const given = Object.fromEntries(
    [...Object.entries(environment), ...Object.entries(overrides)].filter(
      ([name, value]) => name in variables.shape && value !== "" && value !== undefined,
    ),
  );
  const parsed = variables.safeParse(given);
  const problems = [
    ...(parsed.success ? checkTogether(parsed.data) : parsed.error.issues.map(describeIssue)),
    ...checkSnowflake(given),
  ];
  if (!parsed.success || problems.length > 0) {
    throw new ReportError("configuration", problems.join("\n"));
  }
  return build(parsed.data);
}

/** What leads out of a task whose other settings are wrong; see worker-place.ts. */
export function loadPlace(
  environment: NodeJS.ProcessEnv = process.env,
): Pick<Config["cloud"], "agentUrl" | "triggerFunction"> {
  const { ECS_AGENT_URI, TRIGGER_FUNCTION } = environment;
  return { agentUrl: ECS_AGENT_URI || null, triggerFunction: TRIGGER_FUNCTION || null };
}

function describeIssue(issue: { readonly path: PropertyKey[]; readonly message: string }): string {
  return `${issue.path.join(".")}: ${issue.message}`;
}

function checkTogether(values: Variables): string[] {
  return [...checkLease(values), ...checkOperator(values)];
}

/** Three missed beats must fit before the worker fences itself, which it does before another may take over. */
function checkLease(values: Variables): string[] {
  return values.HEARTBEAT_INTERVAL * 4 > values.LEASE_DURATION
    ? ["HEARTBEAT_INTERVAL: must be at most a quarter of LEASE_DURATION"]
    : [];
}

/** Also when something else is wrong, so that everything is told together. */
function checkSnowflake(given: Readonly<Record<string, string | undefined>>): string[] {
  const settings = readSnowflakeSettings({ ...given, SNOWFLAKE_OCSP: "off" });
  return settings !== null && "problems" in settings ? settings.problems : [];
}

function build(values: Variables): Config {
  return {
    snowflake: snowflakeConfig(values),
    readerRole: values.SNOWFLAKE_READER_ROLE ?? null,
    names: {
      database: values.SNOWFLAKE_DATABASE,
      schema: values.SNOWFLAKE_SCHEMA,
      warehouse: values.SNOWFLAKE_WAREHOUSE,
    },
    setupNames: {
      role: values.SETUP_ADMIN_ROLE,
      workerRole: values.SETUP_WORKER_ROLE,
      readerRole: values.SETUP_READER_ROLE,
      taskRole: values.SETUP_TASK_ROLE,
      userRole: values.SETUP_USER_ROLE,
      serviceUser: values.SETUP_SERVICE_USER,
    },
    worker: {
      id: values.WORKER_ID,
      concurrency: values.WORKER_CONCURRENCY,
      reportsPerOwnerMax: values.REPORTS_PER_OWNER_MAX,
      pollIntervalMs: values.POLL_INTERVAL,
      queryTimeoutSeconds: Math.max(1, Math.round(values.QUERY_TIMEOUT / 1_000)),
      pushDownRows: values.PUSH_DOWN_ROWS,
      pushDownStage: qualifyName(
        values.PUSH_DOWN_STAGE,
        values.SNOWFLAKE_DATABASE,
        values.SNOWFLAKE_SCHEMA,
      ),
      leaseMs: values.LEASE_DURATION,
      heartbeatMs: values.HEARTBEAT_INTERVAL,
      stopGraceMs: values.STOP_GRACE,
      idleGraceMs: values.IDLE_GRACE,
      port: values.PORT,
      scratchFolder: values.SCRATCH_FOLDER,
    },
    cloud: {
      bucket: values.REPORT_BUCKET ?? null,
      bucketPrefix: values.REPORT_BUCKET_PREFIX,
      triggerFunction: values.TRIGGER_FUNCTION ?? null,
      agentUrl: values.ECS_AGENT_URI ?? null,
      isEmulated: values.AWS_ENDPOINT_URL !== undefined,
      writesMetrics: values.METRICS === "emf",
    },
    triggerUrl: values.TRIGGER_URL,
    triggerApiKey: values.TRIGGER_API_KEY === undefined ? null : new Secret(values.TRIGGER_API_KEY),
    outputFolder: values.OUTPUT_FOLDER,
    presentation: {
      logoFile: values.REPORT_LOGO ?? null,
      accentColor: values.REPORT_ACCENT_COLOR,
      fontsFolder: values.REPORT_FONTS_DIR ?? null,
    },
    mail: {
      from: values.MAIL_FROM,
      operator: values.OPERATOR_EMAIL ?? null,
      recipientDomains: values.RECIPIENT_DOMAINS,
      attachmentBytesMax: values.ATTACHMENT_BYTES_MAX,
    },
    logLevel: values.LOG_LEVEL,
    local: {
      port: values.LOCAL_SNOWFLAKE_PORT,
      file: values.LOCAL_SNOWFLAKE_FILE === "memory" ? null : values.LOCAL_SNOWFLAKE_FILE,
      lineItems: values.LOCAL_SNOWFLAKE_LINE_ITEMS,
      taskTickMs: values.LOCAL_TASK_TICK,
    },
  };
}

function snowflakeConfig(values: Variables): SnowflakeConfig {
  const settings = readSnowflakeSettings(values);
  if (settings !== null && !("problems" in settings)) {
    return { kind: "settings", settings: new Secret(settings) };
  }
  const secretId = values.SNOWFLAKE_SECRET_ID;
  if (secretId === undefined) return { kind: "local" };
  return { kind: "secret", secretId, source: new Secret<SnowflakeSource>(values) };
}

/** A name of three parts from one, two or three. */
function qualifyName(name: string, database: string, schema: string): string {
  const parts = name.match(/"(?:[^"]|"")+"|[^.]+/g) ?? [];
  return [...[database, schema].slice(0, 3 - parts.length), ...parts].join(".");
}
