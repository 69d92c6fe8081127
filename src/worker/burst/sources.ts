import { join } from "node:path";
import { ROWS_WITHOUT_RECIPIENT } from "../../report/burst.ts";
import { checkKeyColumn, keyText } from "../../report/burst-key.ts";
import { type BurstSource, reportOf } from "../../report/burst-plan.ts";
import { ReportError } from "../../report/errors.ts";
import { formatCount } from "../../report/message.ts";
import type { Parameters } from "../../report/parameter-values.ts";
import type { Report } from "../../report/request.ts";
import type { Column, Row, Table } from "../../report/table.ts";
import type { QueryResult } from "../ports.ts";
import { queryReport } from "../query.ts";
import { reportProgress, type Run } from "../run.ts";
import { makeRendering } from "./rendering.ts";
import { type Spool, spoolTable } from "./spool.ts";
import { failRecipients, refuseOutage, runFor, type Tally } from "./tally.ts";

/** REPORT_SQL is run once, its rows are split by a column, and each key's files are made of its part. */
export async function makeSplit(
  run: Run,
  report: Report,
  splitBy: string,
  sources: readonly BurstSource[],
  parameters: Parameters,
  tally: Tally,
): Promise<void> {
  const result = await queryReport(run, report, parameters);
  tally.queries += 1;
  const spool = await splitResult(run, result.table, splitBy, sources, tally);
  for (const source of sources) {
    for (const rendering of source.renderings) {
      const part = { ...result, table: spool.tableOf(source.splitKey ?? "") };
      await makeRendering(run, report, source, rendering, part, tally);
    }
  }
}

async function splitResult(
  run: Run,
  table: Table,
  splitBy: string,
  sources: readonly BurstSource[],
  tally: Tally,
): Promise<Spool> {
  const { at, column } = findColumn(table.columns, splitBy);
  const wanted = new Set(sources.map(({ splitKey }) => splitKey));
  let rowsOfNobody = 0;
  const chooseKey = (row: Row): string | null => {
    const key = keyText(column, row[at] ?? null);
    if (key === null || !tally.audience.keys.has(key)) rowsOfNobody += 1;
    return wanted.has(key) ? key : null;
  };
  const spool = await spoolTable(table, chooseKey, spoolFolder(run), (rowCount) => {
    run.signal.throwIfAborted();
    reportProgress(run, "split", rowCount);
  });
  if (rowsOfNobody > 0) {
    const message = `${formatCount(rowsOfNobody)} of ${formatCount(table.rowCount)} rows are in no file, because no recipient has their ${column.name} as KEY`;
    tally.warnings.push({
      format: null,
      code: ROWS_WITHOUT_RECIPIENT,
      count: rowsOfNobody,
      message,
    });
  }
  return spool;
}

/** As it stands in the result, or in another case when only one column is meant. */
function findColumn(columns: readonly Column[], name: string): { at: number; column: Column } {
  const option = "OPTIONS.burst.splitBy";
  const exact = columns.flatMap((column, at) => (column.name === name ? [{ at, column }] : []));
  const alike = columns.flatMap((column, at) =>
    column.name.toUpperCase() === name.toUpperCase() ? [{ at, column }] : [],
  );
  const [found, second] = exact.length > 0 ? exact : alike;
  if (found === undefined || second !== undefined) {
    const reason = found === undefined ? "has no column" : "has more than one column";
    throw new ReportError("invalid_report", `${option}: REPORT_SQL ${reason} ${name}`);
  }
  checkKeyColumn(option, found.column);
  return found;
}

/** REPORT_SQL is run once for each set of parameters. A failure ends with the recipients who have that set. */
export async function makeEach(
  run: Run,
  report: Report,
  sources: readonly BurstSource[],
  parameters: Parameters,
  tally: Tally,
): Promise<void> {
  for (const source of sources) {
    run.signal.throwIfAborted();
    const recipients = source.renderings.flatMap((rendering) => rendering.recipients);
    const [first] = source.renderings;
    if (first === undefined) continue;
    const tried = tally.done.length + tally.failed.length + tally.unmet;
    try {
      await makeSource(run, report, source, parameters, tally);
    } catch (thrown) {
      const already = tally.done.length + tally.failed.length + tally.unmet - tried;
      failRecipients(
        run,
        tally,
        recipients.slice(already),
        thrown,
        reportOf(report, source, first),
      );
    }
  }
}

async function makeSource(
  run: Run,
  report: Report,
  source: BurstSource,
  parameters: Parameters,
  tally: Tally,
): Promise<void> {
  refuseOutage(tally);
  const own = runFor(run, tally);
  const result = await queryReport(own, report, { ...parameters, ...source.parameters });
  noteQuery(run, own, tally);
  const open = await openResult(own, source, result, tally);
  for (const rendering of source.renderings) {
    await makeRendering(run, report, source, rendering, { ...result, table: open() }, tally);
  }
}

/** A result is read once, so one that is rendered in several ways goes through the disk. */
async function openResult(
  own: Run,
  { renderings }: BurstSource,
  { table }: QueryResult,
  tally: Tally,
): Promise<() => Table> {
  if (renderings.length === 1) return () => table;
  const folder = join(spoolFolder(own), String(tally.queries));
  const spool = await spoolTable(
    table,
    () => "",
    folder,
    (rowCount) => {
      own.signal.throwIfAborted();
      reportProgress(own, "split", rowCount);
    },
  );
  return () => spool.tableOf("");
}

/** The audit has the sum of the rows, the oldest data, and a query id when there is one query. */
function noteQuery({ facts }: Run, own: Run, tally: Tally): void {
  tally.queries += 1;
  const { rowCount, queryMs, queryId, dataAsOf } = own.facts;
  facts.rowCount = (facts.rowCount ?? 0) + (rowCount ?? 0);
  facts.queryMs = (facts.queryMs ?? 0) + (queryMs ?? 0);
  facts.queryId = tally.queries === 1 ? queryId : null;
  const isOlder = facts.dataAsOf === null || (dataAsOf !== null && dataAsOf < facts.dataAsOf);
  if (isOlder) facts.dataAsOf = dataAsOf;
}

function spoolFolder({ settings, claim }: Run): string {
  return join(settings.scratchFolder, claim.runId, "spool");
}
