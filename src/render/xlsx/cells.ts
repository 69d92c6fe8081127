import type { ColumnType } from "../../report/table.ts";
import {
  appendAscii,
  appendBytes,
  appendUtf8,
  encodeText,
  type ByteBuffer,
} from "../byte-buffer.ts";
import type { WarningTally } from "../cell-warnings.ts";
import {
  formatDate,
  formatTimestamp,
  formatWallTime,
  isTrue,
  parseDays,
  parseEpoch,
  parseTimestamp,
  type Epoch,
} from "../cells.ts";
import { escapeXml, fitText, isPlainText, needsSpacePreserved } from "./text.ts";
import type { CellStyleIndexes } from "./parts.ts";

/** Writes a cell that is not null. `row` is the row's number in digits. */
export type WriteCell = (target: ByteBuffer, row: Uint8Array, cell: string) => void;

/** What the writers of one file share. */
export interface CellContext {
  readonly timezone: string;
  readonly tally: WarningTally;
}

const SECONDS_PER_DAY = 86_400;
const MILLISECONDS_PER_DAY = 86_400_000;
const NANOS_PER_MILLISECOND = 1_000_000;
/** This part of a positive double, added to it, gives the next one. */
const HALF_STEP = Number.EPSILON / 2;
/** Days from 1899-12-30, where Excel counts from once its false 1900-02-29 is past, to 1970-01-01. */
const SERIAL_OF_1970 = 25_569;
/** 1900-03-01: earlier serials are a day off. */
const SERIAL_MIN = 61;
/** The day after 9999-12-31. */
const SERIAL_END = 2_958_466;
/** Source: "Excel specifications and limits", number precision and largest and smallest numbers. */
const DIGITS_MAX = 15;
const NUMBER_MAX = 9.99999999999999e307;
const NUMBER_MIN = 2.2251e-308;

const NUMBER_END = encodeText("</v></c>");
const TEXT_END = encodeText("</t></is></c>");
const DECIMAL = /^-?\d+(?:\.\d+)?$/;
const REAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The writer of one column's cells, in the column with these letters. */
export function createCellWriter(
  type: ColumnType,
  letters: string,
  styles: CellStyleIndexes,
  context: CellContext,
): WriteCell {
  const asText = createTextWriter(letters, styles.text, context.tally);
  switch (type) {
    case "fixed":
      return createNumberWriter(letters, styles.value, fitsDecimal, asText, context.tally);
    case "real":
      return createNumberWriter(letters, styles.value, fitsReal, asText, context.tally);
    case "boolean":
      return createBooleanWriter(letters, styles.value);
    case "date":
      return createDateWriter(letters, styles.value, asText, context.tally);
    case "time":
      return createTimeWriter(letters, styles, context.tally);
    case "timestamp_ntz":
    case "timestamp_ltz":
      return createTimestampWriter(type, letters, styles, asText, context);
    case "timestamp_tz":
      return (target, row, cell) =>
        asText(target, row, formatTimestamp(cell, type, context.timezone));
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
      return createTextWriter(letters, styles.value, context.tally);
  }
}

/** Whether a cell of decimals or floats is a number in the sheet; otherwise it stays text. */
export function fitsNumber(type: ColumnType, cell: string): boolean {
  return type === "real" ? fitsReal(cell) : fitsDecimal(cell);
}

/** Bytes before and after the row's number. */
function openCell(letters: string, style: string, rest: string): readonly [Uint8Array, Uint8Array] {
  const styled = style === "0" ? "" : ` s="${style}"`;
  return [encodeText(`<c r="${letters}`), encodeText(`"${styled}${rest}`)];
}

function createTextWriter(letters: string, style: string, tally: WarningTally): WriteCell {
  const [before, after] = openCell(letters, style, ' t="inlineStr"><is><t>');
  const [, afterSpaced] = openCell(letters, style, ' t="inlineStr"><is><t xml:space="preserve">');
  return (target, row, cell) => {
    appendBytes(target, before);
    appendBytes(target, row);
    if (isPlainText(cell) && !hasSpaceAtEnd(cell)) {
      appendBytes(target, after);
      appendUtf8(target, cell);
    } else {
      const text = fitText(cell, tally);
      appendBytes(target, needsSpacePreserved(text) ? afterSpaced : after);
      appendUtf8(target, escapeXml(text));
    }
    appendBytes(target, TEXT_END);
  };
}

function hasSpaceAtEnd(text: string): boolean {
  return text.charCodeAt(0) === 0x20 || text.charCodeAt(text.length - 1) === 0x20;
}

/** A decimal goes into the file as it came, digit for digit; what a double cannot hold stays text. */
function createNumberWriter(
  letters: string,
  style: string,
  fits: (cell: string) => boolean,
  asText: WriteCell,
  tally: WarningTally,
): WriteCell {
  const [before, after] = openCell(letters, style, "><v>");
  return (target, row, cell) => {
    if (fits(cell)) {
      appendNumber(target, before, row, after, cell);
    } else {
      tally.number_as_text++;
      asText(target, row, cell);
    }
  };
}

function appendNumber(
  target: ByteBuffer,
  before: Uint8Array,
  row: Uint8Array,
  after: Uint8Array,
  digits: string,
): void {
  appendBytes(target, before);
  appendBytes(target, row);
  appendBytes(target, after);
  appendAscii(target, digits);
  appendBytes(target, NUMBER_END);
}

/** Whether a decimal has at most 15 digits that count: zeros before the first and after the last decimal do not. */
function fitsDecimal(cell: string): boolean {
  if (!DECIMAL.test(cell)) return false;
  if (cell.length <= DIGITS_MAX) return true;
  const digits = cell.includes(".") ? cell.replace(/\.?0+$/, "") : cell;
  return digits.replace(/^-?0*\.?0*/, "").replace(".", "").length <= DIGITS_MAX;
}

function fitsReal(cell: string): boolean {
  if (!REAL.test(cell)) return false;
  const size = Math.abs(Number(cell));
  return size === 0 || (size <= NUMBER_MAX && size >= NUMBER_MIN);
}

function createBooleanWriter(letters: string, style: string): WriteCell {
  const [before, after] = openCell(letters, style, ' t="b"><v>');
  return (target, row, cell) => appendNumber(target, before, row, after, isTrue(cell) ? "1" : "0");
}

function createDateWriter(
  letters: string,
  style: string,
  asText: WriteCell,
  tally: WarningTally,
): WriteCell {
  const [before, after] = openCell(letters, style, "><v>");
  return (target, row, cell) => {
    const days = parseDays(cell);
    const serial = days + SERIAL_OF_1970;
    if (serial >= SERIAL_MIN && serial < SERIAL_END) {
      appendNumber(target, before, row, after, String(serial));
    } else {
      tally.date_as_text++;
      asText(target, row, formatDate(days));
    }
  };
}

function createTimeWriter(
  letters: string,
  styles: CellStyleIndexes,
  tally: WarningTally,
): WriteCell {
  const append = createSerialWriter(letters, styles, tally);
  return (target, row, cell) => {
    const time = parseEpoch(cell);
    append(target, row, toDays(time), time.nanos);
  };
}

function createTimestampWriter(
  type: "timestamp_ntz" | "timestamp_ltz",
  letters: string,
  styles: CellStyleIndexes,
  asText: WriteCell,
  { timezone, tally }: CellContext,
): WriteCell {
  const append = createSerialWriter(letters, styles, tally);
  return (target, row, cell) => {
    const wall = parseTimestamp(cell, type, timezone);
    const serial = toDays({
      seconds: wall.seconds + SERIAL_OF_1970 * SECONDS_PER_DAY,
      nanos: wall.nanos,
    });
    if (serial >= SERIAL_MIN && serial < SERIAL_END) {
      append(target, row, serial, wall.nanos);
    } else {
      tally.date_as_text++;
      asText(target, row, formatWallTime(wall));
    }
  };
}

/**
 * Days with their fraction: the nearest double that does not fall short of the moment. LibreOffice (7.4.7) cuts rather
 * than rounds, and would show the second or the millisecond before for one in seven moments of 1967 to 1972. Digits
 * after the millisecond are cut: Excel shows none, and rounding could reach the next day.
 */
function toDays({ seconds, nanos }: Epoch): number {
  const milliseconds = seconds * 1000 + Math.floor(nanos / NANOS_PER_MILLISECOND);
  const serial = milliseconds / MILLISECONDS_PER_DAY;
  const day = Math.floor(serial);
  const isShort = (serial - day) * MILLISECONDS_PER_DAY < milliseconds - day * MILLISECONDS_PER_DAY;
  return isShort ? serial + serial * HALF_STEP : serial;
}

function createSerialWriter(
  letters: string,
  styles: CellStyleIndexes,
  tally: WarningTally,
): (target: ByteBuffer, row: Uint8Array, serial: number, nanos: number) => void {
  const [before, afterWhole] = openCell(letters, styles.value, "><v>");
  const [, afterFraction] = openCell(letters, styles.fraction, "><v>");
  return (target, row, serial, nanos) => {
    if (nanos % NANOS_PER_MILLISECOND !== 0) tally.fraction_cut++;
    appendNumber(target, before, row, nanos === 0 ? afterWhole : afterFraction, String(serial));
  };
}
