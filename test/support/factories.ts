import type { Artifact, Format } from "../../src/report/artifact.ts";
import type { ErrorCode } from "../../src/report/errors.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { MessageFacts } from "../../src/report/message.ts";
import { parseReport, type Report, type ReportRow } from "../../src/report/request.ts";
import type { Cell, Column, ColumnType, Table } from "../../src/report/table.ts";
import type { Claim, DeliveryClaim, RunFacts } from "../../src/worker/ports.ts";
import { START } from "./clock.ts";

/** A row as a person would write it: an ADHOC report that asks for one CSV file. */
export function aReportRow(changes: Partial<ReportRow> = {}): ReportRow {
  return {
    configId: "report-1",
    reportName: "Daily Sales",
    reportType: "ADHOC",
    reportSql: "SELECT * FROM SALES",
    parameters: null,
    outputFormat: "CSV",
    options: null,
    scheduleCron: null,
    timezone: null,
    misfirePolicy: "RUN_ONCE",
    emailRecipients: null,
    snsTopicArn: null,
    slackWebhook: null,
    ownerEmail: "owner@example.com",
    maxAttempts: 5,
    asOf: null,
    ...changes,
  };
}

/** The changes that make a row SCHEDULED. */
export const DAILY_AT_NINE = { reportType: "SCHEDULED", scheduleCron: "0 9 * * *" } as const;

export function aReport(changes: Partial<ReportRow> = {}): Report {
  return parseReport(aReportRow(changes), new Date(START));
}

export function aClaim(
  changes: Partial<Omit<Claim, "row">> & { row?: Partial<ReportRow> } = {},
): Claim {
  const row = aReportRow(changes.row);
  return {
    configId: row.configId,
    token: "b0071d00-token",
    fence: 1,
    runId: "run-1",
    attempt: 1,
    maxAttempts: row.maxAttempts,
    crashCount: 0,
    interruptCount: 0,
    nextRunAt: null,
    cancelRequested: false,
    waitingSince: null,
    claimedAt: new Date(START),
    queueMs: 0,
    rowsClaimed: 1,
    takenOver: false,
    ...changes,
    row,
  };
}

export function aColumn(name: string, type: ColumnType = "text"): Column {
  return { name, type, nullable: true, precision: 0, scale: 0 };
}

export interface TableParts {
  readonly columns?: readonly (string | Column)[];
  readonly rows?: readonly (readonly Cell[])[];
  /** What the warehouse says there are; by default as many as there are. */
  readonly reported?: number;
  readonly batchSize?: number;
  /** Called before each batch is given, with the number of rows given so far. */
  readonly beforeBatch?: (given: number) => void | Promise<void>;
}

/** A table that can be read once, and that throws `rows_missing` at its end when the count is wrong: as the port says. */
export function aTable(parts: TableParts = {}): Table {
  const columns = (parts.columns ?? ["ID", "NAME"]).map((column) =>
    typeof column === "string" ? aColumn(column) : column,
  );
  const rows = parts.rows ?? [
    ["1", "one"],
    ["2", null],
  ];
  const rowCount = parts.reported ?? rows.length;
  let opened = false;
  async function* read(): AsyncGenerator<readonly (readonly Cell[])[]> {
    if (opened) throw new Error("the table was read twice");
    opened = true;
    const size = parts.batchSize ?? 100;
    for (let at = 0; at < rows.length; at += size) {
      await parts.beforeBatch?.(at);
      yield rows.slice(at, at + size);
    }
    if (rows.length !== rowCount) {
      throw new ReportError("rows_missing", `${rows.length} of ${rowCount} rows came`);
    }
  }
  return { columns, rowCount, batches: { [Symbol.asyncIterator]: () => read() } };
}

export function anArtifact(changes: Partial<Artifact> = {}): Artifact {
  const format: Format = changes.format ?? "CSV";
  return {
    format,
    fileName: `daily-sales-2026-03-02.${format.toLowerCase()}`,
    mediaType: "text/csv; charset=utf-8",
    uri: `memory://report-1/f1-run-1/${format}`,
    sizeBytes: 1_000,
    rowCount: 2,
    sha256: "ab".repeat(32),
    ...changes,
  };
}

export function someFacts(changes: Partial<MessageFacts> = {}): MessageFacts {
  return {
    runId: "run-1",
    configId: "report-1",
    reportName: "Daily Sales",
    rowCount: 2,
    queryId: "01b2-query",
    scheduledFor: null,
    startedAt: new Date("2026-03-02T10:00:00Z"),
    finishedAt: new Date("2026-03-02T10:00:12.340Z"),
    errorCode: null,
    errorMessage: null,
    warnings: [],
    ...changes,
  };
}

/** Of a run of which nothing more is known. */
export function someRunFacts(changes: Partial<RunFacts> = {}): RunFacts {
  return {
    scheduledFor: null,
    missed: [],
    queryId: null,
    rowCount: null,
    queryMs: null,
    renderMs: null,
    storeMs: null,
    warnings: [],
    sqlSha256: "ab".repeat(32),
    parameters: null,
    dataAsOf: null,
    resultSha256: null,
    reason: null,
    ...changes,
  };
}

export function aDeliveryClaim(changes: Partial<DeliveryClaim> = {}): DeliveryClaim {
  return {
    deliveryId: "delivery-1",
    token: "token-1",
    fence: 1,
    runId: "run-1",
    channel: "EMAIL",
    target: "reader@example.com",
    kind: "RESULT",
    recipientKey: null,
    attempt: 1,
    takenOver: false,
    ...changes,
  };
}

/** What was thrown, as a ReportError; anything else fails the test as itself. */
export function errorOf(work: () => unknown): ReportError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof ReportError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

export function anError(code: ErrorCode, message = `a ${code}`): ReportError {
  return new ReportError(code, message);
}
