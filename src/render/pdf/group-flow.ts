/** Rows in the order of the query, with a heading where a group begins and results where it ends. */
import type { Row } from "../../report/table.ts";
import { createAccumulator, createGroupBreaks } from "../aggregates.ts";
import type { Accumulator } from "../sums.ts";
import type { AggregateSet, BodyPlan } from "./body-columns.ts";
import { composeHeading, type GroupHeading, type RowLook } from "./group-heading.ts";
import type { TablePages } from "./table-pages.ts";
import type { TotalsRows } from "./totals-row.ts";

export interface GroupFlow {
  /** Whether a row that is not printed counts for anything. */
  readonly needsAllRows: boolean;
  /** A row that is not printed still counts in the totals, and in those of the groups that are open. */
  take(row: Row, isPrinted: boolean): void;
  /** Ends the groups and prints the results of the whole. */
  finish(): void;
}

interface FlowParts {
  readonly body: BodyPlan;
  readonly pages: TablePages;
  readonly look: RowLook;
  readonly subtotals: TotalsRows;
  readonly totals: TotalsRows;
}

interface OpenGroup {
  readonly heading: GroupHeading;
  readonly results: readonly Accumulator[];
}

export function createGroupFlow({ body, pages, look, subtotals, totals }: FlowParts): GroupFlow {
  const breaks = createGroupBreaks(body.levels.map(({ index }) => index));
  const whole = startResults(body.totals);
  let open: OpenGroup[] = [];
  let rowCount = 0;

  function openGroups(row: Row, from: number): GroupHeading[] {
    for (const [level, column] of body.levels.entries()) {
      if (level < from) continue;
      const heading = composeHeading(column, { level, cell: row[column.index] ?? null }, look);
      open.push({ heading, results: startResults(body.subtotals) });
    }
    return open.slice(from).map(({ heading }) => heading);
  }

  function closeGroups(level: number): void {
    if (body.subtotals.plans.length > 0) {
      for (const { heading, results } of open.slice(level).toReversed()) {
        pages.closeGroups(heading.level + 1);
        pages.printBandRow(subtotals.compose(heading, readResults(results)));
      }
    }
    open = open.slice(0, level);
    pages.closeGroups(level);
  }

  return {
    needsAllRows: body.levels.length > 0 || body.totals.plans.length > 0,
    take(row, isPrinted) {
      rowCount += 1;
      const level = breaks.next(row);
      let opened: readonly GroupHeading[] = [];
      if (level !== null) {
        closeGroups(level);
        if (isPrinted) opened = openGroups(row, level);
      }
      addRow(whole, body.totals, row);
      for (const { results } of open) addRow(results, body.subtotals, row);
      if (isPrinted) pages.printRow(row, opened);
    },
    finish() {
      closeGroups(0);
      if (body.totals.plans.length === 0 || rowCount === 0) return;
      pages.printBandRow(totals.compose(null, readResults(whole)));
    },
  };
}

/** The results of some rows, which tell how much room those of all rows will need. */
export function aggregateRows(set: AggregateSet, rows: readonly Row[]): Row {
  const results = startResults(set);
  for (const row of rows) addRow(results, set, row);
  return readResults(results);
}

function startResults(set: AggregateSet): Accumulator[] {
  return set.plans.map(({ source, aggregate }) => createAccumulator(source, aggregate));
}

function addRow(results: readonly Accumulator[], set: AggregateSet, row: Row): void {
  for (let at = 0; at < results.length; at++) {
    results[at]?.add(row[set.plans[at]?.index ?? -1] ?? null);
  }
}

function readResults(results: readonly Accumulator[]): Row {
  return results.map((result) => result.result());
}
