/** Which columns of a result are in the table, which make its groups, and what is aggregated where. */
import { ReportError } from "../../report/errors.ts";
import type { Column } from "../../report/table.ts";
import { planGroups, refuseHidden, type AggregatePlan } from "../aggregates.ts";
import { describeColumn, selectColumns, type ShownColumn } from "../cell-columns.ts";
import type { RenderContext } from "../renderer.ts";
import {
  createAggregateColumn,
  createPrintedColumns,
  emptyColumn,
  type PrintedColumn,
} from "./cell-text.ts";

export interface BodyPlan {
  /** The columns of the table: those that make the groups stand in the headings instead. */
  readonly columns: readonly PrintedColumn[];
  /** The columns that make the groups, the outermost first. */
  readonly levels: readonly PrintedColumn[];
  readonly subtotals: AggregateSet;
  readonly totals: AggregateSet;
}

export interface AggregateSet {
  readonly plans: readonly AggregatePlan[];
  /** What the row of results is called: "Total", or "Average" when nothing else is shown. */
  readonly name: string;
  /** One for each column of the table; its cells are at `index`, which is the slot. */
  readonly columns: readonly PrintedColumn[];
  /** The slot of each plan; -1 for a column that is not in the table. */
  readonly slots: readonly number[];
  /** How each plan's result reads behind the name of the row, for one that has no slot. */
  readonly beside: readonly PrintedColumn[];
}

const ROW_NAMES = {
  sum: "Total",
  average: "Average",
  min: "Minimum",
  max: "Maximum",
  count: "Count",
} as const;

/** Throws ReportError `invalid_report` for options that the result does not fit. */
export function planBody(columns: readonly Column[], context: RenderContext): BodyPlan {
  const { options } = context;
  const plan = planGroups(columns, options);
  // The hidden ones too: they can make groups.
  const all = columns.map((column, index) => describeColumn(column, index, options.columns));
  const shown = selectColumns(columns, options);
  refuseHidden(
    plan,
    shown.map(({ index }) => index),
  );
  const body = shown.filter(({ index }) => !plan.levels.includes(index));
  if (body.length === 0) {
    throw new ReportError("invalid_report", "OPTIONS: groupBy: leaves no column for the table");
  }
  const levels = plan.levels.flatMap((index) => all[index] ?? []);
  return {
    columns: createPrintedColumns(body, context),
    levels: createPrintedColumns(levels, context),
    subtotals: createSet(plan.subtotals, { body, all }, context),
    totals: createSet(plan.totals, { body, all }, context),
  };
}

function createSet(
  plans: readonly AggregatePlan[],
  shown: { body: readonly ShownColumn[]; all: readonly ShownColumn[] },
  context: RenderContext,
): AggregateSet {
  const slots = plans.map(({ index }) => shown.body.findIndex((column) => column.index === index));
  const [first, ...others] = new Set(plans.map(({ aggregate }) => aggregate));
  const isOfOneKind = others.length === 0;
  const columns = shown.body.map((column, slot): PrintedColumn => {
    const plan = plans[slots.indexOf(slot)];
    return plan === undefined
      ? emptyColumn(slot)
      : createAggregateColumn(column, plan, { index: slot, isNamed: !isOfOneKind }, context);
  });
  const beside = plans.flatMap((plan) => {
    const column = shown.all[plan.index];
    const place = { index: plan.index, isNamed: !isOfOneKind };
    return column === undefined ? [] : [createAggregateColumn(column, plan, place, context)];
  });
  const name = isOfOneKind ? ROW_NAMES[first ?? "sum"] : "Total";
  return { plans, name, columns, slots, beside };
}
