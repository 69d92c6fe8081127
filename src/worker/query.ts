import { ReportError } from "../report/errors.ts";
import type { Parameters } from "../report/parameter-values.ts";
import { bindParameters } from "../report/parameters.ts";
import type { Report } from "../report/request.ts";
import { atTime } from "../report/time-travel.ts";
import type { Claim, Heartbeat, QueryResult } from "./ports.ts";
import { reportProgress, type Run } from "./run.ts";

/** Runs a report's SQL, on the data as of the time that the row names, and notes what the audit keeps of it. */
export async function queryReport(
  run: Run,
  report: Report,
  parameters: Parameters,
): Promise<QueryResult> {
  const { ports, facts } = run;
  reportProgress(run, "query", 0);
  const startedMs = ports.clock.monotonicMs();
  const { asOf } = report;
  const sql = asOf === null ? report.sql : atTime(report.sql, asOf);
  const result = await runQuery(run, report, sql, parameters).catch((thrown: unknown) => {
    throw asOf === null ? thrown : explainTimeTravel(thrown, asOf);
  });
  facts.queryId = result.queryId;
  facts.rowCount = result.table.rowCount;
  facts.dataAsOf = asOf ?? result.dataAsOf;
  facts.queryMs = ports.clock.monotonicMs() - startedMs;
  return { ...result, dataAsOf: facts.dataAsOf };
}

/** Source of the wording: "Time travel data is not available for table T. The requested time is either beyond ...". */
function explainTimeTravel(thrown: unknown, asOf: Date): unknown {
  if (!(thrown instanceof ReportError) || !/time travel/i.test(thrown.message)) return thrown;
  const { code, message, warehouse, retryable } = thrown;
  const reason = `AS_OF: the data of ${asOf.toISOString()} are not kept; Time Travel reaches back as far as DATA_RETENTION_TIME_IN_DAYS of each table, and not before the table was made`;
  return new ReportError(code, `${reason} (${message})`, { cause: thrown, warehouse, retryable });
}

/** One statement of a report, bound. */
export async function runQuery(
  run: Run,
  report: Report,
  sql: string,
  parameters: Parameters,
  purpose: "ready" | "burst" | null = null,
): Promise<QueryResult> {
  const { claim, ports, settings, signal } = run;
  const query = {
    ...bindParameters(sql, parameters),
    timeoutSeconds: settings.queryTimeoutSeconds,
    tag: queryTag(claim, purpose),
    timezone: report.timezone,
  };
  return await whileMoving(ports.heartbeat, () => ports.warehouse.query(query, signal));
}

/** By which the cost of a statement can be found. Without a purpose it is REPORT_SQL. */
export function queryTag(claim: Claim, purpose: string | null): Readonly<Record<string, string>> {
  return {
    app: "report-service",
    report: claim.configId,
    run: claim.runId,
    attempt: String(claim.attempt),
    ...(purpose === null ? {} : { purpose }),
  };
}

const QUERY_PULSE_MS = 30_000;

/** Work that takes long is no hang when it has a limit of its own: a query is cancelled, each part of an upload fails. */
export async function whileMoving<T>(
  heartbeat: Pick<Heartbeat, "progress">,
  work: () => Promise<T>,
): Promise<T> {
  const pulse = setInterval(() => heartbeat.progress(), QUERY_PULSE_MS);
  try {
    return await work();
  } finally {
    clearInterval(pulse);
  }
}

/** What failed over a statement of OPTIONS says which; an outage or a stop is no failure of the statement. */
export function nameStatement(name: string, thrown: unknown): unknown {
  const named: ReadonlySet<string> = new Set([
    "query_failed",
    "query_timeout",
    "rows_missing",
    "invalid_report",
  ]);
  if (!(thrown instanceof ReportError) || !named.has(thrown.code)) return thrown;
  const { code, warehouse, retryable } = thrown;
  return new ReportError(code, `${name}: ${thrown.message}`, {
    cause: thrown,
    warehouse,
    retryable,
  });
}
