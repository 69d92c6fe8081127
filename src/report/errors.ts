/** Every way a run can go wrong. The code is what the audit, the metrics and the retry rule see. */
export type ErrorCode =
  | "invalid_report" // the row itself is malformed; the message names the column
  | "statement_refused" // REPORT_SQL is not one SELECT
  | "query_failed" // the warehouse refused or failed the statement
  | "query_timeout" // the statement ran longer than its limit and was cancelled
  | "data_not_ready" // the data-ready condition was not true by its deadline
  | "too_many_rows" // the result does not fit what the report asked for
  | "rows_missing" // fewer rows arrived than the warehouse reported
  | "render_failed"
  | "store_failed"
  | "recipient_refused" // not an allowed recipient, or a wrong row of a burst
  | "delivery_failed"
  | "warehouse_unavailable" // no connection; burns no attempt
  | "login_refused" // the warehouse is there and says no
  | "lease_lost" // another worker owns the report now
  | "cancelled"
  | "interrupted" // the worker was told to stop
  | "crashed" // the worker died too often over this report
  | "configuration" // a setting is missing or wrong
  | "internal"; // a defect of this program

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "query_timeout",
  "rows_missing",
  "store_failed",
  "delivery_failed",
  "warehouse_unavailable",
  "login_refused",
  "internal",
]);

/** What the warehouse said of a failed statement; never the bound values. */
export interface WarehouseFacts {
  readonly sqlState?: string;
  readonly vendorCode?: string;
  readonly queryId?: string;
}

interface ErrorFacts {
  readonly cause?: unknown;
  readonly warehouse?: WarehouseFacts;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
}

/** The one error class of this program: a code to decide by, a sentence for a person, the cause. */
export class ReportError extends Error {
  readonly code: ErrorCode;
  readonly warehouse: WarehouseFacts;
  /** Set when this very failure is known to pass, or known not to, whatever its code says. */
  readonly retryable: boolean;
  /** Set when the other side said how long to wait. */
  readonly retryAfterMs: number | null;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "ReportError";
    this.code = code;
    this.warehouse = facts.warehouse ?? {};
    this.retryable = facts.retryable ?? isRetryable(code);
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** Whether a later attempt of the same work can succeed. */
export function isRetryable(code: ErrorCode): boolean {
  return RETRYABLE.has(code);
}

/** Anything thrown, as a ReportError; a foreign error keeps its message under `code`. */
export function asReportError(thrown: unknown, code: ErrorCode = "internal"): ReportError {
  if (thrown instanceof ReportError) return thrown;
  return new ReportError(code, messageOf(thrown), { cause: thrown });
}

/** The sentence in anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
