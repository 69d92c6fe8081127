import type { Artifact, Format } from "./artifact.ts";
import type { ErrorCode, ReportError } from "./errors.ts";
import type { ReportOptions } from "./options.ts";
import type { Parameters } from "./parameter-values.ts";
import { refuse, splitList } from "./row-text.ts";

/** What a message calls the SQL that says who gets what. */
export const BURST_SQL = "OPTIONS.burst.sql";

/**
 * REPORT_RUN.ARTIFACTS holds each recipient's files: some 500 bytes a file, of the 16 MB that a VARIANT of any account
 * holds. Source: Snowflake, "Semi-structured data types".
 */
export const RECIPIENTS_MAX = 5_000;

/** Code of the warning that is for whoever writes the burst SQL, and for no recipient. */
export const ROWS_WITHOUT_RECIPIENT = "rows_without_recipient";

/** Whose file, message or failure it is. An address may have several keys, and a key several addresses. */
export interface RecipientMark {
  readonly key: string;
  readonly email: string;
}

/** A row of the burst SQL: who gets which rows, and how. Null: as the report says. */
export interface Recipient extends RecipientMark {
  /** These win over the report's own. */
  readonly parameters: Parameters;
  readonly formats: readonly Format[] | null;
  readonly fileName: string | null;
  readonly locale: string | null;
  readonly timezone: string | null;
}

export interface FailedRecipient extends RecipientMark {
  readonly error: ReportError;
}

/** Failures that end with the recipient. Any other is one of the whole run, such as the warehouse being gone. */
export const RECIPIENT_FAILURE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "recipient_refused",
  "invalid_report",
  "query_failed",
  "query_timeout",
  "too_many_rows",
  "rows_missing",
  "render_failed",
  "store_failed",
]);

/** What a run has done for its recipients: what the ledger is told. */
export interface BurstResult {
  readonly done: readonly RecipientMark[];
  readonly failed: readonly FailedRecipient[];
}

/** Files that are stored, and whose they are. */
export interface Published {
  readonly artifacts: readonly Artifact[];
  readonly burst: BurstResult;
}

/**
 * Throws ReportError `invalid_report` when a burst and the rest of its row do not go together. Who gets what is said in
 * one place; "changed" is asked of one result, which a burst has not; and Snowflake unloads whole results only.
 */
export function checkBurst(
  options: ReportOptions,
  formats: readonly Format[],
  emailRecipients: string | null,
): void {
  if (options.burst === undefined) return;
  if (splitList(emailRecipients ?? "").length > 0) {
    refuse("EMAIL_RECIPIENTS", "must be empty, because OPTIONS.burst says who gets which rows");
  }
  if (options.sendWhen === "changed") {
    refuse("OPTIONS", "sendWhen: changed cannot be asked of a burst; rows and empty can");
  }
  if (options.pushDown === "always") refuse("OPTIONS", "pushDown: always cannot be had in a burst");
  refuseUnloaded("OUTPUT_FORMAT", formats);
}

/** Throws ReportError `invalid_report` that names the column. */
export function refuseUnloaded(column: string, formats: readonly Format[]): Format[] {
  if (formats.includes("PARQUET")) refuse(column, "PARQUET cannot be had in a burst");
  return [...formats];
}

/** The same for the same recipient, however the address is written. */
export function identityOf({ key, email }: RecipientMark): string {
  return JSON.stringify([key, email.toLowerCase()]);
}
