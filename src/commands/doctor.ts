import { defineCommand } from "citty";
import { access as accessPath, constants, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  openControl,
  openReportReader,
  openSnowflake,
  type SnowflakeAccess,
  systemClock,
} from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import { asReportError, ReportError } from "../report/errors.ts";
import type { Connection } from "../snowflake/connection.ts";
import { setUp } from "./control.ts";
import { print, printJson } from "./output.ts";

interface Finding {
  readonly check: string;
  readonly isOk: boolean;
  readonly text: string;
  /** What to do about it. */
  readonly advice: string | null;
}

export const doctor = defineCommand({
  meta: {
    name: "doctor",
    description: "Check settings, Snowflake, tables, privileges, clock, store and mail",
  },
  args: {
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    const findings: Finding[] = [];
    const tell = (finding: Finding): void => {
      findings.push(finding);
      if (!args.json) print(describe(finding));
    };
    await examine(tell);
    if (args.json) printJson(findings);
    if (findings.some((finding) => !finding.isOk)) process.exitCode = 1;
  },
});

function describe({ check, isOk, text, advice }: Finding): string {
  return `${isOk ? "ok  " : "FAIL"}  ${check.padEnd(10)}  ${text}${advice === null ? "" : `\n                  → ${advice}`}`;
}

type Tell = (finding: Finding) => void;

/** One line a check; what cannot be checked because an earlier one failed is left out. */
async function examine(tell: Tell): Promise<void> {
  const config = await checked(tell, "settings", "correct the variables", async () => loadConfig());
  if (config === null) return;
  await checkFolder(tell, "store", resolve(config.outputFolder));
  await checkFolder(tell, "mail", resolve(config.outputFolder, "outbox"));
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
  if (access.local?.isStarted === true) await setUp(access, () => {});
  await using connection = await checked(tell, "login", advice, () => openControl(access.settings));
  if (connection === null) return;
  await checked(
    tell,
    "session",
    "grant the role and USAGE on the warehouse to the user",
    () => readSession(connection),
    (session) => session,
  );
  await checkTables(tell, connection);
  await checkClock(tell, connection);
  await checkReader(tell, config, access);
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

/** A statement that changes no row still needs the privilege. */
const TABLE_CHECKS = {
  REPORT_CONFIG: "UPDATE REPORT_CONFIG SET UPDATED_AT = UPDATED_AT WHERE FALSE",
  REPORT_RUN: "UPDATE REPORT_RUN SET VERSION = VERSION WHERE FALSE",
  REPORT_DELIVERY: "UPDATE REPORT_DELIVERY SET ERROR = ERROR WHERE FALSE",
  WORKER_HEARTBEAT:
    "INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID) SELECT WORKER_ID, BOOT_ID FROM WORKER_HEARTBEAT WHERE FALSE",
  REPORT_STATUS: "SELECT COUNT(*) FROM REPORT_STATUS",
} as const;

async function checkTables(tell: Tell, connection: Connection): Promise<void> {
  for (const [table, sql] of Object.entries(TABLE_CHECKS)) {
    const advice = `run report-service setup, or grant SELECT, INSERT and UPDATE on ${table}`;
    await checked(
      tell,
      "table",
      advice,
      () => connection.execute(sql),
      () => table,
    );
  }
}

async function readSession(connection: Connection): Promise<string> {
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
  return `user ${USER_NAME ?? "none"}, role ${ROLE_NAME ?? "none"}, warehouse ${WAREHOUSE_NAME ?? "none"}, ${SCHEMA_NAME}`;
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

/** Tells of the result of one check, or of its error with what to do. */
async function checked<T>(
  tell: Tell,
  check: string,
  advice: string,
  work: () => Promise<T>,
  describeResult: (result: T) => string = () => "fine",
): Promise<T | null> {
  try {
    const result = await work();
    tell({ check, isOk: true, text: describeResult(result), advice: null });
    return result;
  } catch (thrown) {
    const error = asReportError(thrown);
    tell({ check, isOk: false, text: error.message, advice });
    return null;
  }
}
