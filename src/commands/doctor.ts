import { defineCommand } from "citty";
import { access as accessPath, constants, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { openControl, openReportReader, systemClock } from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import { ReportError } from "../report/errors.ts";
import { readChain } from "../snowflake/chain.ts";
import type { Connection } from "../snowflake/connection.ts";
import { openSnowflake, type SnowflakeAccess } from "../snowflake-access.ts";
import { setUp } from "./control.ts";
import { judgeChain, type Onlooker } from "./doctor-chain.ts";
import { examineDeployed, type Watch } from "./doctor-deployed.ts";
import { checkTables } from "./doctor-tables.ts";
import { checked, describeFinding, type Finding, type Tell } from "./findings.ts";
import { print, printJson } from "./output.ts";

export const doctor = defineCommand({
  meta: {
    name: "doctor",
    description:
      "Check settings, Snowflake, tables, privileges, the trigger chain, clock, store and mail",
  },
  args: {
    deployed: {
      type: "boolean",
      description: "After a deploy: trigger, make a smoke report, wait until nobody is there",
    },
    url: {
      type: "string",
      description: "With --deployed: where to post (default: what sst deploy wrote, TRIGGER_URL)",
    },
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    if (args.url !== undefined && !args.deployed) {
      throw new ReportError("invalid_report", "--url goes with --deployed");
    }
    const findings: Finding[] = [];
    const tell = (finding: Finding): void => {
      findings.push(finding);
      if (!args.json) print(describeFinding(finding));
    };
    const watch = args.json ? () => {} : createWatch();
    await (args.deployed ? examineDeployed(tell, watch, args.url) : examine(tell));
    if (args.json) printJson(findings);
    if (findings.some((finding) => !finding.isOk)) process.exitCode = 1;
  },
});

/** A line whenever something else is seen. */
function createWatch(): Watch {
  let last = "";
  return (check, text) => {
    const line = `      ${check.padEnd(10)}  ${text}`;
    if (line !== last) print(line);
    last = line;
  };
}

/** One line a check; what cannot be checked because an earlier one failed is left out. */
async function examine(tell: Tell): Promise<void> {
  const config = await checked(tell, "settings", "correct the variables", async () => loadConfig());
  if (config === null) return;
  await checkOutput(tell, config);
  await checkFolder(tell, "scratch", resolve(config.worker.scratchFolder));
  await using access = await checked(
    tell,
    "snowflake",
    "set SNOWFLAKE_ACCOUNT and a way to log in",
    () => openSnowflake(config),
    describeAccess,
  );
  if (access !== null) await checkSnowflake(tell, config, access);
}

async function checkSnowflake(tell: Tell, config: Config, access: SnowflakeAccess): Promise<void> {
  const advice = "check account, user, key, network policy";
  if (access.local?.isStarted === true) await setUp(access);
  await using connection = await checked(tell, "login", advice, () => openControl(access.settings));
  if (connection === null) return;
  const session = await checked(
    tell,
    "session",
    "GRANT ROLE ... TO USER ...; GRANT USAGE ON WAREHOUSE, DATABASE and SCHEMA ... TO ROLE ...;",
    () => readSession(connection),
    ({ user, role, warehouse, schema }) =>
      `user ${user}, role ${role}, warehouse ${warehouse}, ${schema}`,
  );
  if (session !== null) {
    await checkTables(tell, connection, session.schema, session.role);
    const isLocal = access.local !== null;
    const onlooker = { role: session.role, names: config.setupNames, isLocal };
    await checkChain(tell, connection, session.schema, onlooker);
  }
  await checkClock(tell, connection);
  await checkReader(tell, config, access);
}

async function checkChain(
  tell: Tell,
  connection: Connection,
  schema: string,
  onlooker: Onlooker,
): Promise<void> {
  const chain = await checked(
    tell,
    "chain",
    "GRANT USAGE ON SCHEMA and MONITOR EXECUTION ON ACCOUNT to the role",
    () => readChain(connection, schema),
    () => "stream, procedures, function and tasks can be looked at",
  );
  if (chain !== null) for (const finding of judgeChain(chain, onlooker)) tell(finding);
}

const SKEW_MAX_MS = 30_000;

async function checkClock(tell: Tell, connection: Connection): Promise<void> {
  await checked(
    tell,
    "clock",
    "synchronise this machine's clock (leases are decided by the database's)",
    async () => {
      const beforeMs = systemClock.now().getTime();
      const { rows } = await connection.execute(
        "SELECT DATE_PART(epoch_millisecond, SYSDATE()) AS NOW_MS",
      );
      const middleMs = (beforeMs + systemClock.now().getTime()) / 2;
      const skewMs = Math.round(middleMs - Number(rows[0]?.["NOW_MS"]));
      if (Math.abs(skewMs) <= SKEW_MAX_MS) return skewMs;
      throw new ReportError("configuration", `${skewMs} ms away from the database's clock`);
    },
    (skewMs) => `${skewMs} ms from the database's`,
  );
}

async function checkReader(tell: Tell, config: Config, access: SnowflakeAccess): Promise<void> {
  await checked(
    tell,
    "reader",
    "grant SNOWFLAKE_READER_ROLE to the user, with USAGE on the warehouse",
    async () => {
      await using reader = await openReportReader(access.settings, config);
      const query = { sql: "SELECT 1", binds: [], timeoutSeconds: 60, timezone: "UTC" };
      const tag = { app: "report-service", purpose: "doctor" };
      const { table } = await reader.query({ ...query, tag }, new AbortController().signal);
      return table.rowCount;
    },
    () =>
      config.readerRole === null
        ? "report SQL runs, under the queue's own role (SNOWFLAKE_READER_ROLE gives it a read-only one)"
        : `report SQL runs under ${config.readerRole}`,
  );
}

interface SessionFacts {
  readonly user: string;
  readonly role: string;
  readonly warehouse: string;
  /** DATABASE.SCHEMA. */
  readonly schema: string;
}

async function readSession(connection: Connection): Promise<SessionFacts> {
  const { rows } = await connection.execute(
    `SELECT CURRENT_USER() AS USER_NAME, CURRENT_ROLE() AS ROLE_NAME, CURRENT_WAREHOUSE() AS WAREHOUSE_NAME,
       CURRENT_DATABASE() || '.' || CURRENT_SCHEMA() AS SCHEMA_NAME`,
  );
  const { USER_NAME, ROLE_NAME, WAREHOUSE_NAME, SCHEMA_NAME } = rows[0] ?? {};
  if (SCHEMA_NAME === null || SCHEMA_NAME === undefined) {
    throw new ReportError(
      "configuration",
      "the database or the schema is missing, or may not be used",
    );
  }
  return {
    user: USER_NAME ?? "none",
    role: ROLE_NAME ?? "none",
    warehouse: WAREHOUSE_NAME ?? "none",
    schema: SCHEMA_NAME,
  };
}

/** With a bucket nothing is written into OUTPUT_FOLDER, which may well be read-only. */
async function checkOutput(tell: Tell, { cloud, outputFolder }: Config): Promise<void> {
  if (cloud.bucket === null) {
    await checkFolder(tell, "store", resolve(outputFolder));
    await checkFolder(tell, "mail", resolve(outputFolder, "outbox"));
    return;
  }
  const store = `not checked: s3://${cloud.bucket}; doctor --deployed looks at a file in it`;
  tell({ check: "store", isOk: true, text: store, advice: null });
  tell({ check: "mail", isOk: true, text: "not checked: goes by SES", advice: null });
}

async function checkFolder(tell: Tell, check: string, folder: string): Promise<void> {
  await checked(
    tell,
    check,
    `make ${folder} writable`,
    async () => {
      await mkdir(folder, { recursive: true });
      await accessPath(folder, constants.W_OK);
      const probe = join(folder, `.doctor-${crypto.randomUUID()}`);
      await Bun.write(probe, "probe");
      await rm(probe);
      return folder;
    },
    (path) => path,
  );
}

function describeAccess(access: SnowflakeAccess): string {
  if (access.local === null) return `account ${access.settings.account}`;
  return `local, ${access.local.url}`;
}
