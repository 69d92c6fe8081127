/** How wide the columns of a table want to be, from a sample of its rows. */
import type { Row } from "../../report/table.ts";
import { cutText } from "../../report/short-text.ts";
import type { PrintedColumn } from "./cell-text.ts";
import type { Face } from "./face.ts";
import { measureLongestWord, splitAtBreaks } from "./line-wrap.ts";
import { makePrintable } from "./text-problems.ts";
import { BODY, HEADER, NULL_TEXT } from "./theme.ts";

/** Widths in points, with the padding. */
export interface ColumnMeasure {
  /** Less than this breaks numbers, or makes prose unreadably narrow. */
  readonly min: number;
  /** No word of the sample is broken, unless it is longer than WORD_LENGTH_MAX characters. */
  readonly words: number;
  /** Comfortable: prose may need a few lines. */
  readonly preferred: number;
  /** Every cell of the sample on one line. */
  readonly natural: number;
  /** False when the report asked for this very width. */
  readonly isElastic: boolean;
  /** Of a column aligned on the decimal separator: the widest part from there on, in thousandths of the size. */
  readonly fraction: number;
}

/** Prose is set in columns of this width at least, when it needs as much. */
const PROSE_MIN = 64;
/** Longer words may be broken: they are rather addresses, hashes or lists than words. */
const WORD_LENGTH_MAX = 24;
/** In thousandths of the font size: so many letters of Latin, and fewer of a script that breaks anywhere. */
const WORD_WIDTH_MAX = WORD_LENGTH_MAX * 600;
const PROSE_PREFERRED_MAX = 190;
const HEADER_WORD_MAX = 110;
const HEADER_PREFERRED_MAX = 76;
const HEADER_NATURAL_MAX = 130;
/** Digits kept free for numbers a thousand times greater, also in names, in rows that the sample does not have. */
const RESERVE_DIGITS = 3.5;
/** No more of a long text is measured: it is wider than any column anyway. */
const MEASURED_LENGTH_MAX = 500;
/** When numbers aligned on the point get this much wider than the widest, they are aligned to the right instead. */
const SPREAD_MAX = 1.6;

/** `totals` are the texts, by slot, of the totals of the sample; they are wider than its cells. */
export function measureColumns(
  columns: readonly PrintedColumn[],
  sample: readonly Row[],
  faces: { regular: Face; bold: Face },
  isWhole: boolean,
  totals: readonly (readonly string[])[],
): ColumnMeasure[] {
  return columns.map((column, slot) => {
    const cells = measureCells(column, sample, faces.regular);
    const isNumbered =
      column.isProse || column.alignment === "right" || column.alignment === "decimal";
    const reserve = !isWhole && isNumbered ? RESERVE_DIGITS * digitWidth(faces.regular) : 0;
    const sum = totals.reduce(
      (most, texts) => Math.max(most, faces.bold.measure(texts[slot] ?? "")),
      0,
    );
    const widths = {
      ...measureLabel(column.label, faces.bold),
      data: toPoints(Math.max(cells.widest, sum) + reserve, BODY.size),
      dataWord: toPoints(cells.word, BODY.size),
      dataPiece: toPoints(cells.piece, BODY.size),
    };
    return { ...decideWidths(column, widths, faces.regular), fraction: cells.fraction };
  });
}

function decideWidths(
  column: PrintedColumn,
  widths: CellWidths & { label: number; labelWord: number },
  face: Face,
): Omit<ColumnMeasure, "fraction"> {
  if (column.widthDigits !== null) {
    const asked = toPoints(column.widthDigits * digitWidth(face), BODY.size);
    return { min: asked, words: asked, preferred: asked, natural: asked, isElastic: false };
  }
  const { data, label, labelWord } = widths;
  const natural = Math.max(data, Math.min(label, HEADER_NATURAL_MAX));
  if (!column.isProse) {
    const min = Math.max(data, labelWord);
    const preferred = Math.max(min, Math.min(label, HEADER_PREFERRED_MAX));
    return { min, words: min, preferred, natural, isElastic: true };
  }
  const least = Math.max(labelWord, Math.min(data, PROSE_MIN));
  const min = Math.max(least, widths.dataPiece);
  const words = Math.max(min, widths.dataWord);
  const preferred = Math.max(words, Math.min(data, PROSE_PREFERRED_MAX));
  return { min, words, preferred, natural, isElastic: true };
}

function measureLabel(label: string, bold: Face): { label: number; labelWord: number } {
  const text = makePrintable(label);
  const word = toPoints(measureLongestWord(bold, text), HEADER.size);
  return {
    labelWord: Math.min(word, HEADER_WORD_MAX),
    label: toPoints(bold.measure(text), HEADER.size),
  };
}

interface CellWidths {
  readonly data: number;
  /** The widest word between spaces. */
  readonly dataWord: number;
  /** The widest piece that a line is never broken within. */
  readonly dataPiece: number;
}

/** Thousandths of the font size. */
interface CellMeasure {
  widest: number;
  word: number;
  piece: number;
  fraction: number;
}

function measureCells(column: PrintedColumn, sample: readonly Row[], face: Face): CellMeasure {
  const measure: CellMeasure = { widest: face.measure(NULL_TEXT), word: 0, piece: 0, fraction: 0 };
  let widestHead = 0;
  for (const row of sample) {
    const cell = row[column.index] ?? null;
    if (cell === null) continue;
    const text = column.format(cell);
    const width = measureText(face, text);
    measure.widest = Math.max(measure.widest, width);
    if (column.isProse && width > measure.piece) measureWords(measure, text, face);
    if (column.alignment !== "decimal") continue;
    const point = column.findPoint(text);
    widestHead = Math.max(widestHead, measureText(face, text.slice(0, point)));
    measure.fraction = Math.max(measure.fraction, measureText(face, text.slice(point)));
  }
  const spread = widestHead + measure.fraction;
  if (spread > measure.widest * SPREAD_MAX) return { ...measure, fraction: 0 };
  return { ...measure, widest: Math.max(measure.widest, spread) };
}

function measureWords(measure: CellMeasure, text: string, face: Face): void {
  for (const word of makePrintable(text.slice(0, MEASURED_LENGTH_MAX)).split(/\s+/u)) {
    if (word.length <= WORD_LENGTH_MAX) {
      measure.word = Math.max(measure.word, Math.min(measureText(face, word), WORD_WIDTH_MAX));
    }
    for (const piece of splitAtBreaks(word)) {
      const kept = cutText(piece, WORD_LENGTH_MAX);
      measure.piece = Math.max(measure.piece, Math.min(measureText(face, kept), WORD_WIDTH_MAX));
    }
  }
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
