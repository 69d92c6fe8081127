/** How wide the columns of a table want to be, from a sample of its rows. */
import type { Row } from "../../report/table.ts";
import type { PrintedColumn } from "./cell-text.ts";
import type { Face } from "./face.ts";
import { measureLongestWord } from "./line-wrap.ts";
import { makePrintable } from "./text-problems.ts";
import { BODY, HEADER, NULL_TEXT } from "./theme.ts";

/** Widths in points, with the padding. */
export interface ColumnMeasure {
  /** Less than this breaks numbers, or makes prose unreadably narrow. */
  readonly min: number;
  /** Comfortable: prose may need a few lines. */
  readonly preferred: number;
  /** Every cell of the sample on one line. */
  readonly natural: number;
  /** False when the report asked for this very width. */
  readonly isElastic: boolean;
  /** Of a column aligned on the decimal separator: the widest part from there on, in thousandths of the size. */
  readonly fraction: number;
}

const PROSE_MIN = 64;
const PROSE_PREFERRED_MAX = 190;
const HEADER_WORD_MAX = 110;
const HEADER_PREFERRED_MAX = 76;
const HEADER_NATURAL_MAX = 130;
/** Digits kept free for numbers a thousand times greater, in rows that the sample does not have. */
const RESERVE_DIGITS = 3.5;
/** No more of a long text is measured: it is wider than any column anyway. */
const MEASURED_LENGTH_MAX = 500;
/** When numbers aligned on the point get this much wider than the widest, they are aligned to the right instead. */
const SPREAD_MAX = 1.6;

export function measureColumns(
  columns: readonly PrintedColumn[],
  sample: readonly Row[],
  faces: { regular: Face; bold: Face },
  isWhole: boolean,
): ColumnMeasure[] {
  return columns.map((column) => {
    const cells = measureCells(column, sample, faces.regular);
    const isNumber = column.alignment === "right" || column.alignment === "decimal";
    const reserve = !isWhole && isNumber ? RESERVE_DIGITS * digitWidth(faces.regular) : 0;
    const data = toPoints(cells.widest + reserve, BODY.size);
    const { word, whole } = measureLabel(column.label, faces.bold);
    return { ...decideWidths(column, { data, word, whole }, faces.regular), ...cells };
  });
}

function decideWidths(
  column: PrintedColumn,
  widths: { data: number; word: number; whole: number },
  face: Face,
): Omit<ColumnMeasure, "fraction"> {
  if (column.widthDigits !== null) {
    const asked = toPoints(column.widthDigits * digitWidth(face), BODY.size);
    return { min: asked, preferred: asked, natural: asked, isElastic: false };
  }
  const { data, word, whole } = widths;
  const natural = Math.max(data, Math.min(whole, HEADER_NATURAL_MAX));
  if (!column.isProse) {
    const min = Math.max(data, word);
    const preferred = Math.max(min, Math.min(whole, HEADER_PREFERRED_MAX));
    return { min, preferred, natural, isElastic: true };
  }
  const preferred = Math.max(word, Math.min(data, PROSE_PREFERRED_MAX));
  const min = Math.min(preferred, Math.max(word, PROSE_MIN));
  return { min, preferred, natural, isElastic: true };
}

function measureLabel(label: string, bold: Face): { word: number; whole: number } {
  const text = makePrintable(label);
  const word = toPoints(measureLongestWord(bold, text), HEADER.size);
  return {
    word: Math.min(word, HEADER_WORD_MAX),
    whole: toPoints(bold.measure(text), HEADER.size),
  };
}

function measureCells(
  column: PrintedColumn,
  sample: readonly Row[],
  face: Face,
): { widest: number; fraction: number } {
  let widest = face.measure(NULL_TEXT);
  let widestHead = 0;
  let widestTail = 0;
  for (const row of sample) {
    const cell = row[column.index] ?? null;
    if (cell === null) continue;
    const text = column.format(cell);
    widest = Math.max(widest, measureText(face, text));
    if (column.alignment !== "decimal") continue;
    const point = column.findPoint(text);
    widestHead = Math.max(widestHead, measureText(face, text.slice(0, point)));
    widestTail = Math.max(widestTail, measureText(face, text.slice(point)));
  }
  const spread = widestHead + widestTail;
  if (spread > widest * SPREAD_MAX) return { widest, fraction: 0 };
  return { widest: Math.max(widest, spread), fraction: widestTail };
}

function measureText(face: Face, text: string): number {
  const simple = text.length > MEASURED_LENGTH_MAX ? -1 : face.measureSimple(text);
  if (simple >= 0) return simple;
  const lines = makePrintable(text.slice(0, MEASURED_LENGTH_MAX)).split("\n");
  return lines.reduce((widest, line) => Math.max(widest, face.measure(line)), 0);
}

function toPoints(units: number, size: number): number {
  // A hundredth of a point more, so that rounding never wraps the widest cell of its column.
  return (units * size) / 1000 + 2 * BODY.padX + 0.01;
}

function digitWidth(face: Face): number {
  return face.widthOf(0x30);
}
