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
/** "Total " in bold letters. */
const LABEL_MARGIN = 8;
/** Characters of the types whose values are all as wide. */
const WIDTHS: ReadonlyMap<ColumnType, number> = new Map([
  ["boolean", 5],
  ["date", 10],
  ["time", 12],
  ["timestamp_ntz", 23],
  ["timestamp_ltz", 23],
  ["timestamp_tz", 29],
]);

/** What is written into the column besides the cells of the table. */
export interface SummaryRoom {
  /** How many values a sum has; 1 when there is none. */
  readonly rowCount: number;
  /** Whether the names of groups and "Total" stand here. */
  readonly isLabel: boolean;
}

/** Width of a column in characters: of the options, or else from its label, the first rows and the sums to come. */
export function measureWidth(
  shown: ShownColumn,
  sample: readonly Row[],
  room: SummaryRoom,
): number {
  if (shown.options.width !== undefined) return shown.options.width;
  const header = Bun.stringWidth(shown.label) + HEADER_MARGIN;
  const cells = measureCells(shown, sample, room.rowCount) + (room.isLabel ? LABEL_MARGIN : 0);
  return Math.min(Math.max(header, cells, WIDTH_MIN), WIDTH_MAX);
}

function measureCells(
  { index, column, options }: ShownColumn,
  sample: readonly Row[],
  rowCount: number,
): number {
  const fixed = WIDTHS.get(column.type);
  if (fixed !== undefined) return fixed + MARGIN;
  let widest = 0;
  for (const row of sample.slice(0, SAMPLE_ROWS_MAX)) {
    widest = Math.max(widest, measureText(row[index] ?? ""));
  }
  if (column.type !== "fixed" && column.type !== "real") return widest + MARGIN;
  const digits = widest + Math.ceil(Math.log10(Math.max(rowCount, 1)));
  return Math.max(digits + measureFormat(options.format, digits) + NUMBER_MARGIN, NUMBER_WIDTH_MIN);
}

/** What a number format adds: separators, currencies, signs. */
function measureFormat(format: string | undefined, digits: number): number {
  const [positive = ""] = (format ?? "").split(";");
  const separators = positive.includes(",") ? Math.floor(digits / 3) : 0;
  const texts = positive.replace(/\[\$([^\]-]*)[^\]]*\]/g, "$1").replace(/[0#?,."\\]/g, "");
  return separators + Bun.stringWidth(texts);
}

function measureText(text: string): number {
  const lines = text.slice(0, 4 * WIDTH_MAX).split("\n");
  return Math.max(...lines.map((line) => Bun.stringWidth(line)));
}
