import { z } from "zod";
import { ReportError } from "../report/errors.ts";
import type { ReportRow } from "../report/request.ts";
import type { AuditedRun } from "../report/rerun.ts";
import type { Connection } from "./connection.ts";
import { ROW_COLUMNS } from "./queue-sql.ts";
import { dateOrNull, numberOf, reportRowOf, type ResultRow, textOf } from "./rows.ts";

/**
 * A run by its RUN_ID or the beginning of it, and the row of its report as it is now. Throws ReportError
 * `invalid_report` when none or several match, and when the report is not there any more.
 */
export async function findRun(
  connection: Connection,
  id: string,
): Promise<{ run: AuditedRun; row: ReportRow }> {
  const first = await findRunRow(
    connection,
    id,
    "CONFIG_ID, SQL_SHA256, PARAMETERS, DATE_PART(epoch_millisecond, DATA_AS_OF) AS DATA_AS_OF_MS",
  );
  return { run: auditedRunOf(first), row: await readRow(connection, textOf(first, "CONFIG_ID")) };
}

/** The files of a run, by its RUN_ID or the beginning of it. Throws as `findRun` does; its report may be gone. */
export async function findRunFiles(
  connection: Connection,
  id: string,
): Promise<{ runId: string; reportName: string; uris: string[] }> {
  const row = await findRunRow(connection, id, "REPORT_NAME, ARTIFACTS");
  const artifacts = z
    .array(z.object({ uri: z.string() }))
    .parse(JSON.parse(row["ARTIFACTS"] ?? "[]"));
  return {
    runId: textOf(row, "RUN_ID"),
    reportName: row["REPORT_NAME"] ?? "a report without a name",
    // Recipients of a burst may share a file.
    uris: [...new Set(artifacts.map(({ uri }) => uri))],
  };
}

async function findRunRow(connection: Connection, id: string, columns: string): Promise<ResultRow> {
  const { rows } = await connection.execute(
    `SELECT RUN_ID, ${columns}, IFF(RUN_ID = ?, 1, 0) AS IS_EXACT
     FROM REPORT_RUN WHERE STARTSWITH(RUN_ID, ?) ORDER BY IS_EXACT DESC, RUN_ID LIMIT 2`,
    [id, id],
  );
  const [first, second] = rows;
  if (first === undefined) throw new ReportError("invalid_report", `no run begins with "${id}"`);
  if (second !== undefined && numberOf(first, "IS_EXACT") === 0) {
    throw new ReportError("invalid_report", `several runs begin with "${id}"; give more of it`);
  }
  return first;
}

async function readRow(connection: Connection, configId: string): Promise<ReportRow> {
  const { rows } = await connection.execute(
    `SELECT ${ROW_COLUMNS} FROM REPORT_CONFIG C WHERE C.CONFIG_ID = ?`,
    [configId],
  );
  const [row] = rows;
  if (row !== undefined) return reportRowOf(row);
  throw new ReportError(
    "invalid_report",
    `its report ${configId} is not in REPORT_CONFIG any more`,
  );
}

function auditedRunOf(row: ResultRow): AuditedRun {
  const parameters = row["PARAMETERS"] ?? null;
  return {
    runId: textOf(row, "RUN_ID"),
    sqlSha256: row["SQL_SHA256"] ?? null,
    // A VARIANT that holds JSON's null comes as that text.
    parameters: parameters === "null" ? null : parameters,
    dataAsOf: dateOrNull(row, "DATA_AS_OF_MS"),
  };
}
