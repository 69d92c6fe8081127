import { ReportError } from "../../report/errors.ts";
import type { Column, Row } from "../../report/table.ts";
import { createByteBuffer, encodeText, takeBytes } from "../byte-buffer.ts";
import { selectColumns, unknownColumns, type ShownColumn } from "../cell-columns.ts";
import { createTally, listWarnings, type WarningTally } from "../cell-warnings.ts";
import type { ByteSink, CreateRenderer, RenderContext } from "../renderer.ts";
import { createRowWriter } from "./rows.ts";
import { nameSheets } from "./sheet-name.ts";
import { styleColumn } from "./styles.ts";
import { measureWidth } from "./widths.ts";
import {
  buildWorkbook,
  SHEET_COLUMNS_MAX,
  SHEET_ROWS_MAX,
  type WorkbookParts,
  type WorkbookPlan,
} from "./workbook.ts";
import { createZipWriter, type ZipEntryWriter, type ZipWriter } from "./zip.ts";

const FLUSH_BYTES = 256 * 1024;

/** A file of which the package, the styles and the first sheet's head are written. */
interface OpenFile {
  writeRows(batch: readonly Row[]): Promise<void>;
  finish(): Promise<void>;
}

/**
 * An .xlsx workbook (ECMA-376, transitional): data sheets of at most 1,048,575 rows, and "About". exceljs makes the
 * workbook, the rows are streamed into it as XML, deflated at level 1: 500,000 rows/s of 10 columns.
 * Throws ReportError `rows_missing` when not exactly context.rowCount rows came, `too_many_rows` when a part would
 * pass 4 GB or there are more than 16,384 columns, `invalid_report` for options that Excel could not open.
 */
export const createXlsxRenderer: CreateRenderer = (context, sink) => {
  const tally = createTally();
  let columns: readonly Column[] = [];
  let shown: readonly ShownColumn[] = [];
  let file: OpenFile | null = null;
  let rowCount = 0;

  async function open(sample: readonly Row[]): Promise<OpenFile> {
    const plan = planWorkbook(context, shown, sample);
    return openFile(plan, columns.length, sink, tally);
  }
  return {
    begin(tableColumns) {
      columns = tableColumns;
      shown = selectColumns(columns, context.options);
      if (shown.length > SHEET_COLUMNS_MAX) {
        throw new ReportError("too_many_rows", "A sheet has at most 16,384 columns; hide some");
      }
      for (const column of shown) styleColumn(column);
      tally.unknown_column = unknownColumns(columns, context.options).length;
    },
    async rows(batch) {
      rowCount += batch.length;
      if (rowCount > context.rowCount) throw miscounted(context, rowCount);
      if (batch.length === 0) return;
      file ??= await open(batch);
      await file.writeRows(batch);
    },
    async finish() {
      if (rowCount !== context.rowCount) throw miscounted(context, rowCount);
      file ??= await open([]);
      await file.finish();
      return { rowCount, warnings: listWarnings(tally) };
    },
  };
};

function miscounted(context: RenderContext, rowCount: number): ReportError {
  return new ReportError(
    "rows_missing",
    `The warehouse reported ${context.rowCount} rows; ${rowCount} came`,
  );
}

function planWorkbook(
  context: RenderContext,
  shown: readonly ShownColumn[],
  sample: readonly Row[],
): WorkbookPlan {
  const count = Math.max(1, Math.ceil(context.rowCount / SHEET_ROWS_MAX));
  const names = nameSheets(context.options.title ?? context.reportName, count);
  return {
    context,
    columns: shown.map((column) => ({
      ...column,
      width: measureWidth(column, sample),
      styles: styleColumn(column),
    })),
    sheets: names.map((name, index) => ({
      name,
      rowCount: Math.min(context.rowCount - index * SHEET_ROWS_MAX, SHEET_ROWS_MAX),
    })),
  };
}

async function openFile(
  plan: WorkbookPlan,
  cellCount: number,
  sink: ByteSink,
  tally: WarningTally,
): Promise<OpenFile> {
  const zip = createZipWriter(sink);
  const parts = await buildWorkbook(plan, tally);
  for (const [name, bytes] of parts.early) await addPart(zip, name, bytes);
  const sheets = await openSheets(zip, parts);
  const buffer = createByteBuffer(2 * FLUSH_BYTES);
  const writeRow = createRowWriter(plan, parts.styles, cellCount, buffer, tally);
  let rowsInSheet = 0;

  async function flush(): Promise<void> {
    if (buffer.length > 0) await sheets.write(takeBytes(buffer));
  }
  return {
    async writeRows(batch) {
      for (const row of batch) {
        if (rowsInSheet === SHEET_ROWS_MAX) {
          await flush();
          await sheets.next();
          rowsInSheet = 0;
        }
        rowsInSheet++;
        writeRow(row, rowsInSheet + 1);
        if (buffer.length >= FLUSH_BYTES) await flush();
      }
    },
    async finish() {
      await flush();
      await sheets.close();
      await addLateParts(zip, parts, await buildWorkbook(plan, tally));
      await zip.finish();
    },
  };
}

interface Sheets {
  write(bytes: Uint8Array): Promise<void>;
  next(): Promise<void>;
  close(): Promise<void>;
}

/** The data sheets one after another, with the first open. */
async function openSheets(zip: ZipWriter, { frames }: WorkbookParts): Promise<Sheets> {
  let index = 0;
  let entry = await openFrame();

  async function openFrame(): Promise<ZipEntryWriter> {
    const opened = await zip.open(frames[index]?.partName ?? "");
    await opened.write(encodeText(frames[index]?.head ?? ""));
    return opened;
  }
  async function close(): Promise<void> {
    await entry.write(encodeText(frames[index]?.tail ?? ""));
    await entry.close();
  }
  return {
    write: (bytes) => entry.write(bytes),
    async next() {
      await close();
      index++;
      entry = await openFrame();
    },
    close,
  };
}

/** The workbook is made anew, with the warnings known by now; what is in the file already must not differ. */
async function addLateParts(
  zip: ZipWriter,
  before: WorkbookParts,
  after: WorkbookParts,
): Promise<void> {
  if (!Bun.deepEquals([before.early, before.frames], [after.early, after.frames])) {
    throw new Error("The workbook changed while rows were written");
  }
  for (const [name, bytes] of after.late) await addPart(zip, name, bytes);
}

async function addPart(zip: ZipWriter, name: string, bytes: Uint8Array): Promise<void> {
  const entry = await zip.open(name);
  await entry.write(bytes);
  await entry.close();
}
