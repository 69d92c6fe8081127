import type { ReportOptions } from "../../report/options.ts";
import type { Column } from "../../report/table.ts";
import { planGroups, refuseHidden, type AggregatePlan } from "../aggregates.ts";
import type { ShownColumn } from "../cell-columns.ts";

/** An aggregate with the column of the sheet under which it stands, counted from 0. */
export interface ShownAggregate extends AggregatePlan {
  readonly at: number;
}

export interface GroupLevel {
  /** Of the column whose value makes the group, in a row. */
  readonly index: number;
  readonly column: Column;
  /** The column of the sheet that says which group ended; null when each one holds an aggregate. */
  readonly labelAt: number | null;
}

/** The rows that are added to those of the table. */
export interface SummaryPlan {
  /** The outermost first. */
  readonly levels: readonly GroupLevel[];
  readonly subtotals: readonly ShownAggregate[];
  readonly totals: readonly ShownAggregate[];
  /** As for a group. */
  readonly totalLabelAt: number | null;
}

/**
 * Throws ReportError `invalid_report` that names the option's path when it does not fit the columns. No label stands
 * in a column that is aggregated: a formula that counts it would count the label.
 */
export function planSummaries(
  columns: readonly Column[],
  shown: readonly ShownColumn[],
  options: ReportOptions,
): SummaryPlan {
  const groups = planGroups(columns, options);
  const places = shown.map(({ index }) => index);
  refuseHidden(groups, places);
  const place = (plan: AggregatePlan): ShownAggregate => ({
    ...plan,
    at: places.indexOf(plan.index),
  });
  const [subtotals, totals] = [groups.subtotals.map(place), groups.totals.map(place)];
  const taken = new Set([...subtotals, ...totals].map(({ at }) => at));
  const free = [...shown.keys()].find((at) => !taken.has(at)) ?? null;
  const levels = groups.levels.map((index): GroupLevel => {
    const own = places.indexOf(index);
    const labelAt = own === -1 || taken.has(own) ? free : own;
    return { index, column: columnOf(columns, index), labelAt };
  });
  return { levels, subtotals, totals, totalLabelAt: free };
}

/** Whether the sheets have rows of their own beside those of the table. */
export function hasSummaries({ levels, totals }: SummaryPlan): boolean {
  return levels.length > 0 || totals.length > 0;
}

function columnOf(columns: readonly Column[], index: number): Column {
  const column = columns[index];
  if (column === undefined) throw new Error("A planned column is not there");
  return column;
}
