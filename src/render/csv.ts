import { ReportError } from "../report/errors.ts";
import type { CsvOptions } from "../report/options.ts";
import type { Column, ColumnType, Row } from "../report/table.ts";
import {
  appendAscii,
  appendByte,
  appendBytes,
  appendUtf8,
  createByteBuffer,
  encodeText,
  takeBytes,
  type ByteBuffer,
} from "./byte-buffer.ts";
import { selectColumns, unknownColumns } from "./cell-columns.ts";
import { createTally, listWarnings, type WarningTally } from "./cell-warnings.ts";
import { formatDate, formatTime, formatTimestamp, isTrue, parseDays } from "./cells.ts";
import { createGzip } from "./deflate.ts";
import type { ByteSink, CreateRenderer, RenderContext, Renderer } from "./renderer.ts";

const FLUSH_BYTES = 256 * 1024;
/** The usual level: a gzip was asked for because size matters. */
const GZIP_LEVEL = 6;
const QUOTE = 0x22;

/** Writes a cell that is not null. */
type WriteCell = (target: ByteBuffer, cell: string) => void;

/** What the writers of one file share. */
interface Dialect {
  readonly options: CsvOptions;
  readonly delimiterCode: number;
  readonly timezone: string;
  readonly tally: WarningTally;
}

/**
 * CSV as in RFC 4180, in UTF-8. A null is `nullText` and never quoted; an empty text, or a text that reads like
 * `nullText`, is quoted, so the two stay apart. Dates and times are ISO 8601 with a space, timestamps with a
 * zone carry their offset, decimals are as they came, binary is hexadecimal.
 * Throws ReportError `invalid_report` for a delimiter or a null text that would make the file ambiguous.
 */
export const createCsvRenderer: CreateRenderer = (context, sink) => {
  const dialect = createDialect(context);
  const gzip = dialect.options.gzip ? createGzip(sink, GZIP_LEVEL) : null;
  const target = gzip ?? sink;
  const buffer = createByteBuffer(2 * FLUSH_BYTES);
  let writeRow: (row: Row) => void = refuseRow;
  let rowCount = 0;

  return {
    begin(columns) {
      writeRow = openTable(columns, context, dialect, buffer);
    },
    async rows(batch) {
      for (const row of batch) {
        writeRow(row);
        if (buffer.length >= FLUSH_BYTES) await target.write(takeBytes(buffer));
      }
      rowCount += batch.length;
    },
    async finish() {
      await writeLast(buffer, target);
      await gzip?.finish();
      return { rowCount, warnings: listWarnings(dialect.tally) };
    },
  } satisfies Renderer;
};

function createDialect(context: RenderContext): Dialect {
  const options = context.options.csv;
  const { delimiter, nullText } = options;
  if (/["\r\n]/.test(delimiter) || !delimiter.isWellFormed()) {
    throw new ReportError("invalid_report", "OPTIONS: csv.delimiter cannot separate cells");
  }
  if (nullText.includes(delimiter) || /["\r\n]/.test(nullText) || !nullText.isWellFormed()) {
    throw new ReportError(
      "invalid_report",
      "OPTIONS: csv.nullText must not hold the delimiter, a quote, a line end or half a character",
    );
  }
  return {
    options,
    delimiterCode: delimiter.charCodeAt(0),
    timezone: context.timezone,
    tally: createTally(),
  };
}

/** Writes what stands before the rows and gives back the writer of rows. */
function openTable(
  columns: readonly Column[],
  context: RenderContext,
  dialect: Dialect,
  buffer: ByteBuffer,
): (row: Row) => void {
  const { options, tally } = dialect;
  const shown = selectColumns(columns, context.options);
  tally.unknown_column = unknownColumns(columns, context.options).length;
  if (options.bom) appendBytes(buffer, encodeText("\uFEFF"));
  if (options.header) {
    const writers = shown.map(() => createTextWriter(dialect, false));
    const labels = shown.map((column) => column.label);
    createRowWriter(labels.keys().toArray(), writers, labels.length, options, buffer)(labels);
  }
  const indexes = shown.map((column) => column.index);
  const writers = shown.map(({ column }) => createCellWriter(column.type, dialect));
  return createRowWriter(indexes, writers, columns.length, options, buffer);
}

function createRowWriter(
  indexes: readonly number[],
  writers: readonly WriteCell[],
  cellCount: number,
  options: CsvOptions,
  buffer: ByteBuffer,
): (row: Row) => void {
  const delimiter = encodeText(options.delimiter);
  const lineEnd = encodeText(options.lineEnd === "crlf" ? "\r\n" : "\n");
  const nullText = encodeText(options.nullText);
  return (row) => {
    if (row.length !== cellCount) {
      throw new ReportError("render_failed", "A row has another number of cells than columns");
    }
    for (let at = 0; at < indexes.length; at++) {
      if (at > 0) appendBytes(buffer, delimiter);
      const cell = row[indexes[at]!] ?? null;
      if (cell === null) appendBytes(buffer, nullText);
      else writers[at]!(buffer, cell);
    }
    appendBytes(buffer, lineEnd);
  };
}

function createCellWriter(type: ColumnType, dialect: Dialect): WriteCell {
  const isText = type === "text" || type === "variant" || type === "object" || type === "array";
  if (isText) return createTextWriter(dialect, type === "variant");
  const format = selectFormat(type, dialect.timezone);
  return createPlainWriter(format, dialect);
}

/** From the wire's text to the file's, for the types whose text is always ASCII. */
function selectFormat(
  type: Exclude<ColumnType, "text" | "variant" | "object" | "array">,
  timezone: string,
): ((cell: string) => string) | null {
  switch (type) {
    case "fixed":
    case "real":
    case "binary":
      return null;
    case "boolean":
      return (cell) => (isTrue(cell) ? "true" : "false");
    case "date":
      return (cell) => formatDate(parseDays(cell));
    case "time":
      return formatTime;
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return (cell) => formatTimestamp(cell, type, timezone);
  }
}

/** Numbers and dates need quotes only when the delimiter or the null text is made of their characters. */
function createPlainWriter(
  format: ((cell: string) => string) | null,
  { options, delimiterCode }: Dialect,
): WriteCell {
  const mayClash =
    options.quote === "all" || /[\w+\-.: ]/.test(options.delimiter) || options.nullText !== "";
  if (!mayClash) {
    return format === null ? appendAscii : (target, cell) => appendAscii(target, format(cell));
  }
  return (target, cell) => {
    const text = format === null ? cell : format(cell);
    if (needsQuotes(text, options, delimiterCode)) appendQuoted(target, text);
    else appendAscii(target, text);
  };
}

function createTextWriter(dialect: Dialect, numbersAreSafe: boolean): WriteCell {
  const { options, delimiterCode, tally } = dialect;
  return (target, cell) => {
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

/** Spreadsheets skip spaces of every kind before they look for a formula. */
function looksLikeFormula(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first > 0x40 && first < 0x80) return false;
  return /^(?:[\t\r]|\s*[=+\-@])/.test(text);
}

function isNumber(text: string): boolean {
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

function needsQuotes(text: string, options: CsvOptions, delimiterCode: number): boolean {
  if (options.quote === "all" || text === options.nullText || text === "") return true;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === delimiterCode || code === QUOTE || code === 0x0a || code === 0x0d) return true;
  }
  return false;
}

function appendQuoted(target: ByteBuffer, text: string): void {
  appendByte(target, QUOTE);
  appendUtf8(target, text.includes('"') ? text.replaceAll('"', '""') : text);
  appendByte(target, QUOTE);
}

async function writeLast(buffer: ByteBuffer, target: ByteSink): Promise<void> {
  if (buffer.length > 0) await target.write(takeBytes(buffer));
}

function refuseRow(): never {
  throw new Error("rows before begin");
}
