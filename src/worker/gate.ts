import { ReportError } from "../report/errors.ts";
import type { ReadyOptions } from "../report/options.ts";
import type { Outcome } from "../report/outcome.ts";
import type { Parameters } from "../report/parameter-values.ts";
import { READY_SQL, type Report } from "../report/request.ts";
import { type Cell, type Column, isTrueCell, type Table } from "../report/table.ts";
import { nameStatement, runQuery } from "./query.ts";
import { reportProgress, type Run } from "./run.ts";

const MINUTE_MS = 60_000;

/**
 * Asks the data-ready condition once. Null: go on, either because it is true, or because it is late and OPTIONS say to
 * send it so, which the files, the message and the audit then say. Otherwise the report waits for the next look.
 * Throws ReportError `data_not_ready` when it is late and has to fail, and what the condition's SQL throws, by its name.
 */
export async function checkReady(
  run: Run,
  report: Report,
  parameters: Parameters,
): Promise<Outcome | null> {
  const { readyWhen } = report.options;
  if (readyWhen === undefined) return null;
  reportProgress(run, "check", 0);
  if (await isReady(run, report, readyWhen, parameters)) return null;
  const now = await run.ports.queue.now();
  const since = waitingSince(run, report);
  const deadlineMs =
    (run.facts.scheduledFor ?? since).getTime() + readyWhen.deadlineMinutes * MINUTE_MS;
  const leftMs = deadlineMs - now.getTime();
  if (leftMs <= 0) {
    goLate(run, readyWhen, new Date(deadlineMs));
    return null;
  }
  run.facts.reason = `waits until ${formatInstant(new Date(deadlineMs))} for its data: ${describeCondition(readyWhen)}`;
  return {
    kind: "waiting",
    since,
    delayMs: Math.min(readyWhen.checkEveryMinutes * MINUTE_MS, leftMs),
  };
}

/** A newer occurrence than the one that was waited for begins anew. */
function waitingSince(run: Run, report: Report): Date {
  const { claimedAt, nextRunAt, waitingSince: since } = run.claim;
  const isSameOccurrence =
    report.schedule === null || run.facts.scheduledFor?.getTime() === nextRunAt?.getTime();
  return isSameOccurrence ? (since ?? claimedAt) : claimedAt;
}

function goLate(run: Run, readyWhen: ReadyOptions, deadline: Date): void {
  const reason = `its data were not ready by ${formatInstant(deadline)}: ${describeCondition(readyWhen)}`;
  if (readyWhen.late === "fail") throw new ReportError("data_not_ready", reason);
  const message = `This report is late, and ${reason}`;
  run.facts.reason = `late, because ${reason}`;
  run.facts.warnings = [
    ...run.facts.warnings,
    { format: null, code: "data_not_ready", count: 1, message },
  ];
}

const CONDITION_LENGTH_MAX = 300;

/** As its author wrote it, so with the names of parameters and not their values. */
function describeCondition({ sql }: ReadyOptions): string {
  const text = sql.replace(/\s+/g, " ").trim();
  const shown =
    text.length > CONDITION_LENGTH_MAX ? `${text.slice(0, CONDITION_LENGTH_MAX)}…` : text;
  return `${shown} is not true`;
}

function formatInstant(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

async function isReady(
  run: Run,
  report: Report,
  readyWhen: ReadyOptions,
  parameters: Parameters,
): Promise<boolean> {
  try {
    const { table } = await runQuery(run, report, readyWhen.sql, parameters, "ready");
    return isTrue(table.columns[0], await readFirstCell(table));
  } catch (thrown) {
    throw nameStatement(READY_SQL, thrown);
  }
}

async function readFirstCell(table: Table): Promise<Cell> {
  for await (const batch of table.batches) {
    const [row] = batch;
    if (row !== undefined) return row[0] ?? null;
  }
  return null;
}

/** A number is true as it is in Snowflake: when it is not 0. No row and NULL are not true. */
function isTrue(column: Column | undefined, cell: Cell): boolean {
  if (column?.type === "boolean") return isTrueCell(cell);
  if (column?.type === "fixed" || column?.type === "real")
    return cell !== null && Number(cell) !== 0;
  throw new ReportError(
    "invalid_report",
    `its first column is ${column?.type ?? "missing"}; it must be a BOOLEAN or a number`,
  );
}
