import type { CsvOptions } from "../report/options.ts";
import type { ColumnType } from "../report/table.ts";
import {
  appendAscii,
  appendByte,
  appendDoubling,
  appendPlain,
  appendUtf8,
  type ByteBuffer,
} from "./byte-buffer.ts";
import type { WarningTally } from "./cell-warnings.ts";
import { selectFormat } from "./cell-format.ts";
import { formatTimestamp, type TimestampType } from "./cells.ts";
import { appendPlainTimestamp } from "./csv-times.ts";

const QUOTE = 0x22;

/** Writes a cell that is not null. */
export type WriteCell = (target: ByteBuffer, cell: string) => void;

/** What the writers of one file share. */
export interface CsvDialect {
  readonly options: CsvOptions;
  readonly delimiterCode: number;
  readonly timezone: string;
  readonly tally: WarningTally;
}

/** The writer of a column's cells. */
export function createCellWriter(type: ColumnType, dialect: CsvDialect): WriteCell {
  const isText = type === "text" || type === "variant" || type === "object" || type === "array";
  if (isText) return createTextWriter(dialect, type === "variant");
  if (isTimestamp(type) && !clashesWithPlain(dialect.options)) {
    const { timezone } = dialect;
    return (target, cell) => {
      if (type === "timestamp_ntz" && appendPlainTimestamp(target, cell)) return;
      appendAscii(target, formatTimestamp(cell, type, timezone));
    };
  }
  const format = selectFormat(type, dialect.timezone, ["true", "false"]);
  return createPlainWriter(format, type === "binary", dialect);
}

function isTimestamp(type: ColumnType): type is TimestampType {
  return type.startsWith("timestamp_");
}

/**
 * Numbers and dates need quotes only when the delimiter or the null text is made of their characters; binary also
 * when it has no bytes, which is no null.
 */
function createPlainWriter(
  format: ((cell: string) => string) | null,
  mayBeEmpty: boolean,
  { options, delimiterCode }: CsvDialect,
): WriteCell {
  if (!mayBeEmpty && !clashesWithPlain(options)) {
    return format === null ? appendAscii : (target, cell) => appendAscii(target, format(cell));
  }
  return (target, cell) => {
    const text = format === null ? cell : format(cell);
    if (needsQuotes(text, options, delimiterCode)) appendQuoted(target, text);
    else appendAscii(target, text);
  };
}

function clashesWithPlain({ quote, delimiter, nullText }: CsvOptions): boolean {
  return quote === "all" || /[\w+\-.: ]/.test(delimiter) || nullText !== "";
}

/** `numbersAreSafe`: a text that is a number is no formula, although it begins with a sign. */
export function createTextWriter(dialect: CsvDialect, numbersAreSafe: boolean): WriteCell {
  const { options, delimiterCode, tally } = dialect;
  const specials = listSpecials(delimiterCode);
  // An empty text has no first character, so it never gets past `isOrdinary`.
  const mayBePlain = options.quote !== "all" && delimiterCode < 0x80;
  return (target, cell) => {
    if (mayBePlain && isOrdinary(cell) && cell !== options.nullText) {
      if (appendPlain(target, cell, specials)) return;
    }
    let text = cell;
    if (options.formulaGuard && looksLikeFormula(cell) && !(numbersAreSafe && isNumber(cell))) {
      tally.formula_guarded++;
      text = `'${cell}`;
    }
    if (!text.isWellFormed()) tally.lone_surrogate++;
    if (needsQuotes(text, options, delimiterCode)) appendQuoted(target, text);
    else appendUtf8(target, text);
  };
}

/**
 * Starts with a digit or a letter: no formula, whatever follows. Where `\s` has characters is left out as a whole
 * (ECMA-262, 12.2 "White Space": U+00A0, U+1680 to U+3000, U+FEFF).
 */
function isOrdinary(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first < 0x80) return first > 0x40 || (first >= 0x30 && first <= 0x39);
  return (first > 0xa0 && first < 0x1680) || (first > 0x3000 && first < 0xd800);
}

/** The characters for which a text is quoted. */
function listSpecials(delimiterCode: number): Uint8Array {
  const specials = new Uint8Array(128);
  for (const code of [delimiterCode, QUOTE, 0x0a, 0x0d]) if (code < 128) specials[code] = 1;
  return specials;
}

/** Spreadsheets skip spaces of every kind before they look for a formula. */
function looksLikeFormula(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first > 0x40 && first < 0x80) return false;
  return /^(?:[\t\r]|\s*[=+\-@])/.test(text);
}

function isNumber(text: string): boolean {
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

/** U+FEFF too: at the head of a file without a byte order mark, readers would take it for one and drop it. */
function needsQuotes(text: string, options: CsvOptions, delimiterCode: number): boolean {
  if (options.quote === "all" || text === options.nullText || text === "") return true;
  if (text.charCodeAt(0) === 0xfeff) return true;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === delimiterCode || code === QUOTE || code === 0x0a || code === 0x0d) return true;
  }
  return false;
}

function appendQuoted(target: ByteBuffer, text: string): void {
  appendByte(target, QUOTE);
  appendDoubling(target, text, QUOTE);
  appendByte(target, QUOTE);
}
