import type { Connection } from "./connection.ts";
import { isMissing } from "./object-states.ts";
import type { ResultRow } from "./rows.ts";

/** What is between an INSERT into REPORT_CONFIG and POST /trigger, as Snowflake shows it. */
export interface Chain {
  /** DATABASE.SCHEMA that it lies in. */
  readonly schema: string;
  /** Null: it is missing, or cannot be seen. */
  readonly stream: {
    readonly isStale: boolean;
    /** UTC. */
    readonly staleAfter: string | null;
  } | null;
  readonly tasks: readonly ChainTask[];
  /** Names of the procedures that can be seen. */
  readonly procedures: readonly string[];
  readonly hasFunction: boolean;
}

export interface ChainTask {
  readonly name: string;
  /** Null: it is missing, or cannot be seen. */
  readonly state: "started" | "suspended" | null;
  /** Why Snowflake suspended it, when it did. */
  readonly suspendedBecause: string | null;
  /** The newest run that has ended, and the newest that failed; null where TASK_HISTORY has none of the last seven days. */
  readonly lastRun: ChainRun | null;
  readonly lastFailure: ChainRun | null;
}

export interface ChainRun {
  /** SUCCEEDED, FAILED, CANCELLED, FAILED_AND_AUTO_SUSPENDED. */
  readonly state: string;
  /** As Snowflake writes it, in UTC. */
  readonly at: string;
  readonly error: string;
}

export const STREAM = "REPORT_CONFIG_INSERT_STREAM";
export const FUNCTION = "TRIGGER_ECS_SERVICE";
export const TASKS = ["ECS_TRIGGER_TASK", "REPORT_SAFETY_TASK", "REPORT_PRUNE_TASK"] as const;
export const PROCEDURES = [
  "SEND_ECS_TRIGGER",
  "TRIGGER_IF_DUE",
  "PRUNE_WORKER_HEARTBEAT",
  "REQUEST_REPORT",
  "CANCEL_REPORT",
  "RETRY_REPORT",
] as const;

/** Reads the chain of a schema. `schema` is DATABASE.SCHEMA. What may not be seen is as if it were missing. */
export async function readChain(connection: Connection, schema: string): Promise<Chain> {
  const list = async (kind: string): Promise<ResultRow[]> =>
    await readRows(connection, `SHOW ${kind} IN SCHEMA ${schema}`);
  const stream = (await list("STREAMS")).find((row) => row["name"] === STREAM);
  const tasks = await list("TASKS");
  const procedures = await list("PROCEDURES");
  const functions = await list("FUNCTIONS");
  const histories = await Promise.all(TASKS.map((name) => readHistory(connection, schema, name)));
  return {
    schema,
    stream:
      stream === undefined
        ? null
        : { isStale: stream["stale"] === "true", staleAfter: timeText(stream["stale_after"]) },
    tasks: TASKS.map((name, index) =>
      describeTask(
        name,
        tasks.find((row) => row["name"] === name),
        histories[index] ?? [],
      ),
    ),
    procedures: procedures.flatMap((row) => row["name"] ?? []),
    hasFunction: functions.some((row) => row["name"] === FUNCTION),
  };
}

async function readRows(connection: Connection, sql: string): Promise<ResultRow[]> {
  try {
    return (await connection.execute(sql)).rows;
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** SHOW gives times as seconds since 1970. Null where there is none. */
function timeText(seconds: string | null | undefined): string | null {
  const time = new Date(Number(seconds ?? Number.NaN) * 1_000);
  return Number.isNaN(time.getTime()) ? null : time.toISOString().slice(0, 19).replace("T", " ");
}

const RUNS_MAX = 50;

/** The newest first. */
async function readHistory(
  connection: Connection,
  schema: string,
  task: string,
): Promise<ChainRun[]> {
  const [database] = schema.split(".");
  const rows = await readRows(
    connection,
    `SELECT STATE, ERROR_MESSAGE, TO_VARCHAR(COMPLETED_TIME, 'YYYY-MM-DD HH24:MI:SS') AS COMPLETED_AT
     FROM TABLE(${database}.INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '${task}', RESULT_LIMIT => ${RUNS_MAX}))
     WHERE DATABASE_NAME || '.' || SCHEMA_NAME = '${schema}' AND COMPLETED_TIME IS NOT NULL
     ORDER BY COMPLETED_TIME DESC`,
  );
  return rows.map((row) => ({
    state: row["STATE"] ?? "",
    at: row["COMPLETED_AT"] ?? "",
    error: row["ERROR_MESSAGE"] ?? "",
  }));
}

function describeTask(
  name: string,
  row: ResultRow | undefined,
  runs: readonly ChainRun[],
): ChainTask {
  const ended = runs.filter(({ state }) => state !== "SKIPPED");
  return {
    name,
    state: row === undefined ? null : row["state"] === "started" ? "started" : "suspended",
    suspendedBecause: row?.["last_suspended_reason"] ?? null,
    lastRun: ended[0] ?? null,
    lastFailure: ended.find(({ state }) => state.startsWith("FAILED")) ?? null,
  };
}
