import { ReportError } from "../report/errors.ts";
import type { CsvOptions } from "../report/options.ts";
import type { Column, Row } from "../report/table.ts";
import {
  appendByte,
  appendBytes,
  createByteBuffer,
  encodeText,
  takeBytes,
  type ByteBuffer,
} from "./byte-buffer.ts";
import { selectColumns, unknownColumns } from "./cell-columns.ts";
import { createTally, listWarnings } from "./cell-warnings.ts";
import {
  createCellWriter,
  createTextWriter,
  type CsvDialect,
  type WriteCell,
} from "./csv-cells.ts";
import { createGzip } from "./deflate.ts";
import type { CreateRenderer, RenderContext, Renderer } from "./renderer.ts";

const FLUSH_BYTES = 256 * 1024;
/** The usual level: a gzip was asked for because size matters. */
const GZIP_LEVEL = 6;

/**
 * CSV as in RFC 4180, in UTF-8. A null is `nullText` and never quoted; an empty text, or a text that reads like
 * `nullText`, is quoted, so the two stay apart. Dates and times are ISO 8601 with a space, timestamps with a
 * zone carry their offset, decimals are as they came, binary is hexadecimal.
 * Throws ReportError `invalid_report` for a delimiter or a null text that would make the file ambiguous.
 */
export const createCsvRenderer: CreateRenderer = (context, sink) => {
  const dialect = createDialect(context);
  const gzip = dialect.options.gzip ? createGzip(sink, GZIP_LEVEL) : null;
  const buffer = createByteBuffer(2 * FLUSH_BYTES);
  let writeRow: (row: Row) => void = refuseRow;
  let rowCount = 0;

  /** A sink is done with the bytes when it resolves; what is deflated meanwhile needs its own. */
  async function flush(): Promise<void> {
    if (gzip !== null) return await gzip.write(takeBytes(buffer));
    await sink.write(buffer.bytes.subarray(0, buffer.length));
    buffer.length = 0;
  }
  return {
    begin(columns) {
      writeRow = openTable(columns, context, dialect, buffer);
    },
    async rows(batch) {
      for (const row of batch) {
        writeRow(row);
        if (buffer.length >= FLUSH_BYTES) await flush();
      }
      rowCount += batch.length;
    },
    async finish() {
      if (buffer.length > 0) await flush();
      await gzip?.finish();
      return { rowCount, warnings: listWarnings(dialect.tally) };
    },
  } satisfies Renderer;
};

/** Throws as createCsvRenderer does. */
export function createDialect(context: Pick<RenderContext, "options" | "timezone">): CsvDialect {
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
  dialect: CsvDialect,
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
  const delimiterCode = options.delimiter.charCodeAt(0);
  const lineEnd = encodeText(options.lineEnd === "crlf" ? "\r\n" : "\n");
  const nullText = encodeText(options.nullText);
  return (row) => {
    if (row.length !== cellCount) {
      throw new ReportError("render_failed", "A row has another number of cells than columns");
    }
    for (let at = 0; at < indexes.length; at++) {
      if (at > 0) {
        if (delimiter.length === 1) appendByte(buffer, delimiterCode);
        else appendBytes(buffer, delimiter);
      }
      const cell = row[indexes[at]!] ?? null;
      if (cell === null) appendBytes(buffer, nullText);
      else writers[at]!(buffer, cell);
    }
    appendBytes(buffer, lineEnd);
  };
}

function refuseRow(): never {
  throw new Error("rows before begin");
}
