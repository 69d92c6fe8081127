/**
 * A table as a PDF document. Each page leaves as soon as it is full; what stays in memory is the number of each
 * page and the characters that were used.
 */
import type { Row } from "../../report/table.ts";
import { selectColumns, unknownColumns } from "../cell-columns.ts";
import type { CreateRenderer, RenderContext, RenderWarning } from "../renderer.ts";
import { createPrintedColumns, type PrintedColumn } from "./cell-text.ts";
import { measureColumns } from "./column-measures.ts";
import { writeOutline, writePages, writeTrailer } from "./document-tail.ts";
import { createFace, type Face } from "./face.ts";
import { loadFontFamily } from "./font-files.ts";
import { writeFont } from "./font-objects.ts";
import { planLayout, type Layout } from "./layout.ts";
import { createObjectWriter, type ObjectWriter } from "./object-writer.ts";
import { printNoRows, printNotes } from "./page-notes.ts";
import { createRowCells } from "./row-cells.ts";
import { composeTableHead } from "./table-head.ts";
import { createTablePages, type TablePages } from "./table-pages.ts";
import { createTextProblems, type TextProblems } from "./text-problems.ts";
import { composeTitleBlock } from "./title-block.ts";

/** Rows that decide the widths of the columns. */
const SAMPLE_ROWS = 1000;

interface Document {
  readonly context: RenderContext;
  readonly writer: ObjectWriter;
  readonly faces: { regular: Face; bold: Face };
  readonly columns: readonly PrintedColumn[];
  readonly problems: TextProblems;
  readonly unknown: readonly string[];
}

export const createPdfRenderer: CreateRenderer = (context, sink) => {
  const { rowsMax } = context.options.pdf;
  let document: Document | undefined;
  let sample: Row[] = [];
  let table: { pages: TablePages; layout: Layout } | undefined;
  let rowCount = 0;
  let rowsPrinted = 0;

  function opened(): Document {
    if (document === undefined) throw new Error("begin was not called");
    return document;
  }

  async function startTable(isWhole: boolean): Promise<{ pages: TablePages; layout: Layout }> {
    table = layOutTable(opened(), sample, isWhole);
    await printRows(table.pages, sample);
    sample = [];
    return table;
  }

  async function printRows(pages: TablePages, rows: readonly Row[]): Promise<void> {
    const { writer } = opened();
    for (const row of rows) {
      if (rowsPrinted >= rowsMax) return;
      rowsPrinted++;
      pages.printRow(row);
      if (writer.isFull()) await writer.flush();
    }
  }

  return {
    async begin(columns) {
      const { regular, bold } = await loadFontFamily();
      document = {
        context,
        writer: createObjectWriter(sink),
        faces: { regular: createFace("F1", regular), bold: createFace("F2", bold) },
        columns: createPrintedColumns(selectColumns(columns, context.options), context),
        problems: createTextProblems(),
        unknown: unknownColumns(columns, context.options),
      };
    },
    async rows(batch) {
      rowCount += batch.length;
      const wanted = table === undefined ? SAMPLE_ROWS - sample.length : 0;
      // Copies: the caller may use its rows again when this call is over.
      for (const row of batch.slice(0, wanted)) sample.push([...row]);
      if (table === undefined && sample.length >= SAMPLE_ROWS) await startTable(false);
      if (table !== undefined) await printRows(table.pages, batch.slice(wanted));
    },
    async finish() {
      const { pages, layout } = table ?? (await startTable(true));
      const warnings = await closeDocument(opened(), { pages, layout, rowCount, rowsPrinted });
      return { rowCount, warnings };
    },
  };
};

function layOutTable(
  document: Document,
  sample: readonly Row[],
  isWhole: boolean,
): { pages: TablePages; layout: Layout } {
  const { context, writer, faces, columns, problems } = document;
  const measures = measureColumns(columns, sample, faces, isWhole);
  const layout = planLayout(measures, context.options.page);
  const sizes = { widths: layout.widths, fractions: measures.map((measure) => measure.fraction) };
  const pages = createTablePages({
    layout,
    writer,
    head: composeTableHead(columns, layout, faces.bold, problems),
    title: composeTitleBlock(context, faces, layout.contentWidth, problems),
    cells: createRowCells(columns, sizes, faces.regular, problems),
  });
  return { pages, layout };
}

async function closeDocument(
  document: Document,
  table: { pages: TablePages; layout: Layout; rowCount: number; rowsPrinted: number },
): Promise<RenderWarning[]> {
  const { context, writer, faces, columns, problems } = document;
  const { pages, layout, rowsPrinted } = table;
  const tail = { layout, faces, problems };
  if (table.rowCount === 0) printNoRows(pages, tail);
  const warnings = [
    ...describeUnprinted(context, table),
    ...problems.toWarnings(),
    ...describeUnknown(document.unknown),
  ];
  printNotes(pages, warnings, tail);
  const parts = {
    context,
    writer,
    layout,
    problems,
    rowsPrinted,
    face: faces.regular,
    printed: pages.close(),
    columnCount: columns.length,
  };
  const fonts = { regular: writer.reserve(), bold: writer.reserve() };
  const written = await writePages(parts, fonts);
  writeFont(writer, fonts.regular, faces.regular, "regular");
  writeFont(writer, fonts.bold, faces.bold, "bold");
  const outline = writeOutline(parts, written.pages);
  await writeTrailer(parts, { tree: written.tree, outline });
  return warnings;
}

function describeUnprinted(
  context: RenderContext,
  table: { rowCount: number; rowsPrinted: number },
): RenderWarning[] {
  const count = table.rowCount - table.rowsPrinted;
  if (count === 0) return [];
  const format = new Intl.NumberFormat(context.options.locale, { numberingSystem: "latn" });
  const printed = format.format(table.rowsPrinted);
  const all = format.format(table.rowCount);
  const message = `This document shows the first ${printed} of ${all} rows. ${format.format(count)} rows are not printed.`;
  return [{ code: "rows_not_printed", count, message }];
}

function describeUnknown(names: readonly string[]): RenderWarning[] {
  if (names.length === 0) return [];
  const list = names.map((name) => `"${name}"`).join(", ");
  const message = `The options name columns that the result does not have: ${list}.`;
  return [{ code: "unknown_column", count: names.length, message }];
}
