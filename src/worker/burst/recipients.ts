import {
  BURST_SQL,
  type FailedRecipient,
  identityOf,
  type Recipient,
  RECIPIENTS_MAX,
} from "../../report/burst.ts";
import { readRecipients } from "../../report/burst-rows.ts";
import { checkRecipientParameters } from "../../report/burst-plan.ts";
import { ReportError } from "../../report/errors.ts";
import { formatCount } from "../../report/message.ts";
import type { BurstOptions } from "../../report/options.ts";
import type { Parameters } from "../../report/parameter-values.ts";
import type { Report } from "../../report/request.ts";
import { occurrenceBefore } from "../../report/schedule.ts";
import type { Column, Row, Table } from "../../report/table.ts";
import { nameStatement, runQuery } from "../query.ts";
import { reportProgress, type Run } from "../run.ts";

/** Whom a run of a burst is for. */
export interface Audience {
  /** Everybody in the rows of the burst SQL. */
  readonly total: number;
  /** How many have their message of this occurrence, so that nothing is done for them. */
  readonly served: number;
  readonly recipients: readonly Recipient[];
  /** Their rows are wrong. */
  readonly failed: readonly FailedRecipient[];
  /** Also of those who are served or whose rows are wrong: a row of theirs is nobody else's. */
  readonly keys: ReadonlySet<string>;
}

/** Throws ReportError: what the burst SQL fails with, `invalid_report` for its columns, `too_many_rows`. */
export async function findAudience(
  run: Run,
  report: Report,
  burst: BurstOptions,
  parameters: Parameters,
): Promise<Audience> {
  reportProgress(run, "query", 0);
  const isSplit = burst.splitBy !== undefined;
  const { columns, rows } = await queryRecipients(run, report, burst.sql, parameters);
  const read = readRecipients(columns, rows, isSplit);
  const everybody = [...read.recipients, ...read.failed];
  const served = await findServed(run, report);
  const isLeft = (recipient: Recipient | FailedRecipient): boolean =>
    !served.has(identityOf(recipient));
  const left = read.recipients.filter(isLeft);
  const checked = isSplit
    ? { recipients: left, failed: [] }
    : checkRecipientParameters(left, report.sql, parameters);
  const failed = [...read.failed.filter(isLeft), ...checked.failed];
  return {
    total: everybody.length,
    served: everybody.length - checked.recipients.length - failed.length,
    recipients: checked.recipients,
    failed,
    keys: new Set(everybody.map(({ key }) => key)),
  };
}

/** An ADHOC report is one occurrence, however often it is asked for again. */
async function findServed(run: Run, report: Report): Promise<ReadonlySet<string>> {
  const { schedule } = report;
  const { scheduledFor } = run.facts;
  const since =
    schedule === null || scheduledFor === null ? null : occurrenceBefore(schedule, scheduledFor);
  const served = await run.ports.queue.servedRecipients(run.claim.configId, since);
  return new Set(served.map(identityOf));
}

async function queryRecipients(
  run: Run,
  report: Report,
  sql: string,
  parameters: Parameters,
): Promise<{ columns: readonly Column[]; rows: Row[] }> {
  try {
    const { table } = await runQuery(run, report, sql, parameters, "burst");
    refuseTooMany(table);
    const rows: Row[] = [];
    for await (const batch of table.batches) {
      run.signal.throwIfAborted();
      rows.push(...batch);
    }
    return { columns: table.columns, rows };
  } catch (thrown) {
    throw nameStatement(BURST_SQL, thrown);
  }
}

function refuseTooMany({ rowCount }: Table): void {
  if (rowCount <= RECIPIENTS_MAX) return;
  throw new ReportError(
    "too_many_rows",
    `${BURST_SQL} gives ${formatCount(rowCount)} recipients; at most ${formatCount(RECIPIENTS_MAX)} are allowed, so make several reports of it`,
  );
}
