import type { BindValue, Connection } from "./connection.ts";
import { dateOrNull, numberOf, numberOrNull, type ResultRow, textOf } from "./rows.ts";
import { readRun } from "./settled-runs.ts";
import { ReportError } from "../report/errors.ts";
import type { SettledRun } from "../worker/ports.ts";

/** What a person asks for, by column of REPORT_CONFIG; what is left out gets the column's default. */
export type NewReport = Readonly<Record<string, string | number>>;

/** One line of REPORT_STATUS. Times in UTC. */
export interface ReportStatus {
  readonly configId: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly lastOutcome: string | null;
  /** Why it was skipped, waits, or was late. */
  readonly lastReason: string | null;
  /** Since when it waits for its data; null: it does not. */
  readonly waitingSince: Date | null;
  readonly rowCount: number | null;
  readonly sizeBytes: number | null;
  readonly seconds: number | null;
  readonly attempt: number;
  readonly lastError: string | null;
  readonly nextRunAt: Date | null;
  readonly createdAt: Date | null;
  readonly finishedAt: Date | null;
  readonly lastRunId: string | null;
  /** The run that this report does again. */
  readonly rerunOf: string | null;
}

/** One line of REPORT_DELIVERY. */
export interface DeliveryStatus {
  readonly channel: string;
  readonly target: string;
  readonly kind: string;
  /** Of a burst: whose rows it carries. */
  readonly recipientKey: string | null;
  readonly state: string;
  readonly attempt: number;
  readonly error: string | null;
  readonly providerId: string | null;
}

/** Inserts the row that a person would insert, and gives back its CONFIG_ID. */
export async function addReport(connection: Connection, report: NewReport): Promise<string> {
  const configId = String(report["CONFIG_ID"] ?? crypto.randomUUID());
  const columns = Object.keys({ ...report, CONFIG_ID: configId });
  const values: BindValue[] = columns.map((column) =>
    column === "CONFIG_ID" ? configId : (report[column] ?? null),
  );
  await connection.execute(
    `INSERT INTO REPORT_CONFIG (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    values,
  );
  return configId;
}

const STATUS_COLUMNS = `CONFIG_ID, REPORT_NAME, REPORT_TYPE, STATUS, LAST_OUTCOME, LAST_REASON, ROW_COUNT, ARTIFACT_BYTES, SECONDS, ATTEMPT,
  LAST_ERROR, LAST_RUN_ID, RERUN_OF,
  DATE_PART(epoch_millisecond, WAITING_SINCE) AS WAITING_SINCE_MS,
  DATE_PART(epoch_millisecond, NEXT_RUN_AT) AS NEXT_RUN_AT_MS,
  DATE_PART(epoch_millisecond, CREATED_AT) AS CREATED_AT_MS,
  DATE_PART(epoch_millisecond, FINISHED_AT) AS FINISHED_AT_MS`;

/** The newest reports first; of one status when given. */
export async function listReports(
  connection: Connection,
  options: { readonly status: string | null; readonly limit: number },
): Promise<ReportStatus[]> {
  const { rows } = await connection.execute(
    `SELECT ${STATUS_COLUMNS} FROM REPORT_STATUS
     ${options.status === null ? "" : "WHERE STATUS = ?"}
     ORDER BY CREATED_AT DESC, CONFIG_ID LIMIT ${options.limit}`,
    options.status === null ? [] : [options.status],
  );
  return rows.map(statusOf);
}

/** One report by its CONFIG_ID or the beginning of it. Throws ReportError `invalid_report` when none or several match. */
export async function findReport(connection: Connection, id: string): Promise<ReportStatus> {
  const { rows } = await connection.execute(
    `SELECT ${STATUS_COLUMNS} FROM REPORT_STATUS WHERE STARTSWITH(CONFIG_ID, ?) ORDER BY CONFIG_ID LIMIT 2`,
    [id],
  );
  const [first, second] = rows.map(statusOf);
  if (first === undefined) throw new ReportError("invalid_report", `no report begins with "${id}"`);
  if (second !== undefined && first.configId !== id) {
    throw new ReportError("invalid_report", `several reports begin with "${id}"; give more of it`);
  }
  return first;
}

/** The columns of a report that say when it runs, as they stand in its row. */
export async function readSchedule(
  connection: Connection,
  configId: string,
): Promise<{ type: string; cron: string; timezone: string }> {
  const { rows } = await connection.execute(
    "SELECT REPORT_TYPE, SCHEDULE_CRON, TIMEZONE FROM REPORT_CONFIG WHERE CONFIG_ID = ?",
    [configId],
  );
  const row = rows[0] ?? {};
  const timezone = (row["TIMEZONE"] ?? "").trim();
  return {
    type: textOf(row, "REPORT_TYPE"),
    cron: row["SCHEDULE_CRON"] ?? "",
    timezone: timezone === "" ? "UTC" : timezone,
  };
}

/** The latest runs of a report, the newest first, and the deliveries of the newest. */
export async function readHistory(
  connection: Connection,
  configId: string,
  runsMax: number,
): Promise<{ runs: SettledRun[]; deliveries: DeliveryStatus[] }> {
  const { rows } = await connection.execute(
    `SELECT RUN_ID FROM REPORT_RUN WHERE CONFIG_ID = ? AND OUTCOME IS NOT NULL AND STARTED_AT IS NOT NULL
     ORDER BY STARTED_AT DESC, FENCE DESC LIMIT ${runsMax}`,
    [configId],
  );
  const runs: SettledRun[] = [];
  for (const row of rows) runs.push(await readRun(connection, textOf(row, "RUN_ID")));
  const newest = runs[0]?.runId;
  return { runs, deliveries: newest === undefined ? [] : await readDeliveries(connection, newest) };
}

async function readDeliveries(connection: Connection, runId: string): Promise<DeliveryStatus[]> {
  const { rows } = await connection.execute(
    `SELECT CHANNEL, TARGET, KIND, RECIPIENT_KEY, STATE, ATTEMPT, ERROR, PROVIDER_ID FROM REPORT_DELIVERY
     WHERE RUN_ID = ? ORDER BY CHANNEL, RECIPIENT_KEY, TARGET`,
    [runId],
  );
  return rows.map((row) => ({
    channel: textOf(row, "CHANNEL"),
    target: textOf(row, "TARGET"),
    kind: textOf(row, "KIND"),
    recipientKey: row["RECIPIENT_KEY"] ?? null,
    state: textOf(row, "STATE"),
    attempt: numberOf(row, "ATTEMPT"),
    error: row["ERROR"] ?? null,
    providerId: row["PROVIDER_ID"] ?? null,
  }));
}

/** Stops a report: at once when nobody works on it, else its worker is asked to. False: it is over already. */
export async function cancelReport(
  connection: Connection,
  configId: string,
): Promise<"cancelled" | "requested" | "over"> {
  const waiting = await connection.execute(
    `UPDATE REPORT_CONFIG SET STATUS = 'CANCELLED', CANCEL_REQUESTED_AT = SYSDATE(), UPDATED_AT = SYSDATE()
     WHERE CONFIG_ID = ? AND STATUS = 'PENDING'`,
    [configId],
  );
  if (waiting.rowsAffected > 0) return "cancelled";
  const running = await connection.execute(
    `UPDATE REPORT_CONFIG SET CANCEL_REQUESTED_AT = SYSDATE(), UPDATED_AT = SYSDATE()
     WHERE CONFIG_ID = ? AND STATUS = 'PROCESSING'`,
    [configId],
  );
  return running.rowsAffected > 0 ? "requested" : "over";
}

/** Asks for a report again, now, with all its attempts. False: a worker holds it. */
export async function retryReport(connection: Connection, configId: string): Promise<boolean> {
  const { rowsAffected } = await connection.execute(
    `UPDATE REPORT_CONFIG SET STATUS = 'PENDING', ATTEMPT = 0, CRASH_COUNT = 0, INTERRUPT_COUNT = 0, RUN_AFTER = NULL,
       CANCEL_REQUESTED_AT = NULL, WAITING_SINCE = NULL, LAST_ERROR = NULL, UPDATED_AT = SYSDATE(),
       NEXT_RUN_AT = IFF(UPPER(TRIM(REPORT_TYPE)) = 'SCHEDULED', SYSDATE(), NULL)
     WHERE CONFIG_ID = ? AND STATUS <> 'PROCESSING'`,
    [configId],
  );
  return rowsAffected > 0;
}

function statusOf(row: ResultRow): ReportStatus {
  return {
    configId: textOf(row, "CONFIG_ID"),
    name: textOf(row, "REPORT_NAME"),
    type: textOf(row, "REPORT_TYPE"),
    status: textOf(row, "STATUS"),
    lastOutcome: row["LAST_OUTCOME"] ?? null,
    lastReason: row["LAST_REASON"] ?? null,
    waitingSince: dateOrNull(row, "WAITING_SINCE_MS"),
    rowCount: numberOrNull(row, "ROW_COUNT"),
    sizeBytes: numberOrNull(row, "ARTIFACT_BYTES"),
    seconds: numberOrNull(row, "SECONDS"),
    attempt: numberOf(row, "ATTEMPT"),
    lastError: row["LAST_ERROR"] ?? null,
    nextRunAt: dateOrNull(row, "NEXT_RUN_AT_MS"),
    createdAt: dateOrNull(row, "CREATED_AT_MS"),
    finishedAt: dateOrNull(row, "FINISHED_AT_MS"),
    lastRunId: row["LAST_RUN_ID"] ?? null,
    rerunOf: row["RERUN_OF"] ?? null,
  };
}
