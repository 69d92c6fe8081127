/** How the columns of one page share its width. */
import type { ColumnMeasure } from "./column-measures.ts";

/** A table that fills this part of the page is stretched to fill it all; a narrower one only by STRETCH_MAX. */
const FILLS_FROM = 0.55;
const STRETCH_MAX = 1.35;
/** Halvings of the level that widths are raised to: far below a hundredth of a point. */
const LEVEL_STEPS = 40;

/**
 * From the least widths to unbroken words, then to the preferred widths, then to the natural ones, then stretched:
 * never beyond `room`.
 */
export function shareWidth(measures: readonly ColumnMeasure[], room: number): number[] {
  let widths = measures.map((measure) => measure.min);
  for (const target of ["words", "preferred", "natural"] as const) {
    const goals = measures.map((measure) => measure[target]);
    widths = growToward(widths, goals, room);
  }
  return stretch(widths, measures, room);
}

/** Raises all to one level, as water does: narrow columns reach their goals before wide ones get more. */
function growToward(widths: readonly number[], goals: readonly number[], room: number): number[] {
  const raise = (level: number): number[] =>
    widths.map((width, at) => Math.max(width, Math.min(goals[at] ?? 0, level)));
  const all = raise(Number.POSITIVE_INFINITY);
  if (sumOf(all) <= room) return all;
  let low = 0;
  let high = room;
  for (let step = 0; step < LEVEL_STEPS; step++) {
    const level = (low + high) / 2;
    if (sumOf(raise(level)) <= room) low = level;
    else high = level;
  }
  return raise(low);
}

function stretch(
  widths: readonly number[],
  measures: readonly ColumnMeasure[],
  room: number,
): number[] {
  const total = sumOf(widths);
  const elastic = sumOf(widths.filter((_, at) => measures[at]?.isElastic));
  if (elastic === 0 || total >= room) return [...widths];
  const goal = total >= room * FILLS_FROM ? room : Math.min(room, total * STRETCH_MAX);
  const factor = 1 + (goal - total) / elastic;
  return widths.map((width, at) => (measures[at]?.isElastic ? width * factor : width));
}

export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
