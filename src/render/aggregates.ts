/** Groups, subtotals and totals: what the options ask for, exact sums, and where groups end. */
import { ReportError } from "../report/errors.ts";
import type { Aggregate, ReportOptions } from "../report/options.ts";
import type { Cell, Column, Row } from "../report/table.ts";
import {
  AVERAGE_DIGITS,
  createFixedSum,
  createRealSum,
  parseReal,
  parseScaled,
  type Accumulator,
} from "./sums.ts";

/** What to aggregate of which column. */
export interface AggregatePlan {
  /** Where the column's cells are in a row. */
  readonly index: number;
  readonly aggregate: Aggregate;
  /** Whose cells are aggregated. */
  readonly source: Column;
  /** What the result is shown as. */
  readonly column: Column;
}

/** What the options say of groups and totals, for the columns there are. */
export interface GroupPlan {
  /** The places of the groupBy columns, the outermost first. */
  readonly levels: readonly number[];
  /** Shown under each group of each level. */
  readonly subtotals: readonly AggregatePlan[];
  /** Shown at the end. */
  readonly totals: readonly AggregatePlan[];
}

/**
 * Throws ReportError `invalid_report` with the option's path for a column that the result does not have, one that is
 * grouped by twice, a sum or an average of a column that has no numbers, and subtotals without groups.
 */
export function planGroups(
  columns: readonly Column[],
  options: Pick<ReportOptions, "groupBy" | "subtotals" | "totals">,
): GroupPlan {
  const levels = options.groupBy.map((name) => requireColumn(columns, name, "groupBy"));
  const twice = levels.find((index, at) => levels.indexOf(index) !== at);
  if (twice !== undefined) refuse("groupBy", `names the column ${columns[twice]?.name} twice`);
  const subtotals = planAggregates(columns, options.subtotals, "subtotals");
  if (subtotals.length > 0 && levels.length === 0) refuse("subtotals", "needs groupBy");
  return { levels, subtotals, totals: planAggregates(columns, options.totals, "totals") };
}

/**
 * The aggregates that an option names; columns match exactly, else in any case. Throws ReportError `invalid_report`
 * as planGroups does.
 */
export function planAggregates(
  columns: readonly Column[],
  named: Readonly<Record<string, Aggregate>>,
  option: "subtotals" | "totals",
): AggregatePlan[] {
  const places = new Set<number>();
  return Object.entries(named).map(([name, aggregate]) => {
    const path = `${option}.${name}`;
    const index = requireColumn(columns, name, path);
    const column = columns[index];
    if (column === undefined) throw new Error("A found column is not there");
    if (places.has(index)) refuse(path, `names the column ${column.name} twice`);
    places.add(index);
    const isNumeric = column.type === "fixed" || column.type === "real";
    if (!isNumeric && (aggregate === "sum" || aggregate === "average")) {
      refuse(path, `${aggregate} needs a column of numbers, and this one is ${column.type}`);
    }
    return { index, aggregate, source: column, column: aggregateColumn(column, aggregate) };
  });
}

/**
 * Throws ReportError `invalid_report` for an aggregate of a column that is hidden: the result would stand under
 * nothing. `shown` are the places of the others.
 */
export function refuseHidden({ subtotals, totals }: GroupPlan, shown: readonly number[]): void {
  for (const [option, plans] of Object.entries({ subtotals, totals })) {
    const hidden = plans.find(({ index }) => !shown.includes(index));
    if (hidden !== undefined) refuse(`${option}.${hidden.source.name}`, "the column is hidden");
  }
}

function requireColumn(columns: readonly Column[], name: string, path: string): number {
  const index = findColumn(columns, name);
  if (index === -1) refuse(path, `the result has no column ${JSON.stringify(name)}`);
  return index;
}

function refuse(path: string, reason: string): never {
  throw new ReportError("invalid_report", `OPTIONS: ${path}: ${reason}`);
}

/** The place of a column by its name, exactly, else in any case; -1 when there is none. */
export function findColumn(columns: readonly Column[], name: string): number {
  const exact = columns.findIndex((column) => column.name === name);
  if (exact !== -1) return exact;
  return columns.findIndex((column) => column.name.toUpperCase() === name.toUpperCase());
}

function aggregateColumn(column: Column, aggregate: Aggregate): Column {
  if (aggregate === "count") return { ...column, type: "fixed", precision: 38, scale: 0 };
  if (aggregate !== "average" || column.type !== "fixed") return column;
  return { ...column, precision: 38, scale: column.scale + AVERAGE_DIGITS };
}

/** Nulls, and NaN, are left out, as SQL's aggregates leave out nulls. Sums and averages are of numbers only. */
export function createAccumulator(column: Column, aggregate: Aggregate): Accumulator {
  if (aggregate === "count") return createCount();
  if (aggregate === "min" || aggregate === "max") return createExtreme(column, aggregate);
  if (column.type === "fixed") return createFixedSum(column.scale, aggregate === "average");
  if (column.type === "real") return createRealSum(aggregate === "average");
  return { add: () => undefined, result: () => null };
}

function createCount(): Accumulator {
  let count = 0;
  return {
    add: (cell) => {
      if (cell !== null) count += 1;
    },
    result: () => String(count),
  };
}

function createExtreme(column: Column, aggregate: "min" | "max"): Accumulator {
  const compare = compareCells(column);
  let extreme: Cell = null;
  return {
    add: (cell) => {
      if (cell === null || (column.type === "real" && Number.isNaN(parseReal(cell)))) return;
      if (extreme === null) extreme = cell;
      const order = compare(cell, extreme);
      if (aggregate === "min" ? order < 0 : order > 0) extreme = cell;
    },
    result: () => extreme,
  };
}

/** Orders two cells of a column as the warehouse would: numbers and times by value, text by code point. */
export function compareCells(column: Column): (a: string, b: string) => number {
  switch (column.type) {
    case "fixed":
      return (a, b) => sign(parseScaled(a, column.scale) - parseScaled(b, column.scale));
    case "real":
      return (a, b) => parseReal(a) - parseReal(b);
    case "date":
    case "time":
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return (a, b) => sign(parseSeconds(a) - parseSeconds(b));
    case "text":
    case "boolean":
    case "binary":
    case "variant":
    case "object":
    case "array":
      return (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  }
}

/** Nanoseconds (or days) of a date or time; the offset of a timestamp_tz does not count. */
function parseSeconds(text: string): bigint {
  const [seconds = "0"] = text.split(" ", 1);
  return parseScaled(seconds, 9);
}

function sign(value: bigint): number {
  return value < 0n ? -1 : value > 0n ? 1 : 0;
}

/**
 * Tells where groups end. `levels` are the places of the groupBy columns, the outermost first. The result of `next` is
 * the outermost level whose value differs from the row before (0 for the first row), or null within a group.
 */
export function createGroupBreaks(levels: readonly number[]): { next(row: Row): number | null } {
  let previous: readonly Cell[] | null = null;
  return {
    next: (row) => {
      const values = levels.map((index) => row[index] ?? null);
      const before = previous;
      previous = values;
      if (levels.length === 0) return null;
      if (before === null) return 0;
      const level = values.findIndex((value, at) => value !== before[at]);
      return level === -1 ? null : level;
    },
  };
}
