import type { ColumnType, Row } from "../../report/table.ts";
import type { ShownColumn } from "../cell-columns.ts";

const SAMPLE_ROWS_MAX = 1000;
const WIDTH_MIN = 6;
const WIDTH_MAX = 60;
/** Room for the button of the filter, and for bold letters. */
const HEADER_MARGIN = 4;
const MARGIN = 2;
/** A number that is wider than its column shows as ####, so a larger one than in the sample needs room. */
const NUMBER_WIDTH_MIN = 11;
const NUMBER_MARGIN = 4;
/** Characters of the types whose values are all as wide. */
const WIDTHS: ReadonlyMap<ColumnType, number> = new Map([
  ["boolean", 5],
  ["date", 10],
  ["time", 12],
  ["timestamp_ntz", 23],
  ["timestamp_ltz", 23],
  ["timestamp_tz", 29],
]);

/** Width of a column in characters: of the options, or else from its label and the first rows. */
export function measureWidth(shown: ShownColumn, sample: readonly Row[]): number {
  if (shown.options.width !== undefined) return shown.options.width;
  const header = Bun.stringWidth(shown.label) + HEADER_MARGIN;
  const widest = Math.max(header, measureCells(shown, sample));
  return Math.min(Math.max(widest, WIDTH_MIN), WIDTH_MAX);
}

function measureCells({ index, column }: ShownColumn, sample: readonly Row[]): number {
  const fixed = WIDTHS.get(column.type);
  if (fixed !== undefined) return fixed + MARGIN;
  let widest = 0;
  for (const row of sample.slice(0, SAMPLE_ROWS_MAX)) {
    widest = Math.max(widest, measureText(row[index] ?? ""));
  }
  const isNumber = column.type === "fixed" || column.type === "real";
  return isNumber ? Math.max(widest + NUMBER_MARGIN, NUMBER_WIDTH_MIN) : widest + MARGIN;
}

function measureText(text: string): number {
  const lines = text.slice(0, 4 * WIDTH_MAX).split("\n");
  return Math.max(...lines.map((line) => Bun.stringWidth(line)));
}
