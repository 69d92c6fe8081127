import type { Cell, Row } from "../../report/table.ts";
import { createAccumulator, createGroupBreaks } from "../aggregates.ts";
import { fitsNumber } from "./cells.ts";
import type { Position } from "./formulas.ts";
import { labelGroup, TOTAL_LABEL } from "./labels.ts";
import type { ShownAggregate, SummaryPlan } from "./summary-plan.ts";

/** What stands in one cell of a summary row. */
export interface SummaryCell {
  readonly plan: ShownAggregate;
  /** Exact, as a wire cell of plan.column; null when there was no value. */
  readonly value: Cell;
  /** Whether cells stand in the sheet as a text that a formula may leave out: large numbers, and empty texts. */
  readonly hasText: boolean;
}

export interface Summary {
  readonly place: "subtotal" | "total";
  /** Groups that are still open around this row: how deep Excel folds it. */
  readonly depth: number;
  readonly label: string;
  readonly labelAt: number | null;
  /** Where its rows begin; null when there are none. */
  readonly from: Position | null;
  readonly cells: readonly SummaryCell[];
}

/** Groups and aggregates of rows as they go by. Ask `next` before a row is written and `add` once it is. */
export interface Summaries {
  /** The groups that end before this row, the innermost first. */
  next(row: Row): readonly Summary[];
  add(row: Row, position: Position): void;
  /** The groups that end with the last row, and the totals. */
  finish(): readonly Summary[];
}

/** Rows being summed up. */
interface Span {
  readonly from: Position;
  readonly first: Row;
  rowCount: number;
  readonly running: readonly RunningAggregate[];
}

interface RunningAggregate {
  add(row: Row): void;
  result(): SummaryCell;
}

export function createSummaries(plan: SummaryPlan, timezone: string): Summaries {
  const breaks = createGroupBreaks(plan.levels.map(({ index }) => index));
  const totals = plan.totals.map(createRunning);
  const open: Span[] = [];
  let start: Position | null = null;

  function close(level: number): Summary[] {
    return open
      .splice(level)
      .map((span, offset) => summarize(plan, level + offset, span, timezone))
      .reverse();
  }
  return {
    next(row) {
      const level = breaks.next(row);
      return level === null ? [] : close(level);
    },
    add(row, { sheet, row: number }) {
      start ??= { sheet, row: number };
      while (open.length < plan.levels.length) {
        open.push(openSpan(plan, row, { sheet, row: number }));
      }
      for (const span of open) addTo(span, row);
      for (const total of totals) total.add(row);
    },
    finish() {
      const ended = close(0);
      if (totals.length === 0) return ended;
      return [...ended, totalOf(plan, start, totals)];
    },
  };
}

function openSpan(plan: SummaryPlan, first: Row, from: Position): Span {
  return { from, first, rowCount: 0, running: plan.subtotals.map(createRunning) };
}

function addTo(span: Span, row: Row): void {
  span.rowCount++;
  for (const running of span.running) running.add(row);
}

function summarize(plan: SummaryPlan, level: number, span: Span, timezone: string): Summary {
  const group = plan.levels[level];
  if (group === undefined) throw new Error("A group has no level");
  const value = span.first[group.index] ?? null;
  return {
    place: "subtotal",
    depth: level,
    label: labelGroup(value, group.column.type, timezone, {
      rowCount: span.rowCount,
      hasSubtotals: plan.subtotals.length > 0,
    }),
    labelAt: group.labelAt,
    from: span.from,
    cells: span.running.map((running) => running.result()),
  };
}

function totalOf(
  plan: SummaryPlan,
  from: Position | null,
  totals: readonly RunningAggregate[],
): Summary {
  return {
    place: "total",
    depth: 0,
    label: TOTAL_LABEL,
    labelAt: plan.totalLabelAt,
    from,
    cells: totals.map((total) => total.result()),
  };
}

function createRunning(plan: ShownAggregate): RunningAggregate {
  const accumulator = createAccumulator(plan.source, plan.aggregate);
  const isLeftOut = findLeftOut(plan);
  let hasText = false;
  return {
    add(row) {
      const cell = row[plan.index] ?? null;
      accumulator.add(cell);
      if (cell !== null && !hasText) hasText = isLeftOut(cell);
    },
    result: () => ({ plan, value: accumulator.result(), hasText }),
  };
}

/** Whether a cell that counts in the aggregate may be left out by a formula over the sheet. */
function findLeftOut({ aggregate, source }: ShownAggregate): (cell: string) => boolean {
  switch (aggregate) {
    case "sum":
    case "average":
      // A spreadsheet leaves out a text, and a sum leaves out NaN: they agree.
      return (cell) => !fitsNumber(source.type, cell) && cell !== "NaN";
    case "count":
      // LibreOffice takes an empty text for no value at all.
      return (cell) => cell === "";
    case "min":
    case "max":
      // The result is one of the cells: whether it is text is seen when it is written.
      return () => false;
  }
}
