/** One PDF document from its first object to its last. */
import type { PDFRef } from "pdf-lib";
import type { Column, Row } from "../../report/table.ts";
import { unknownColumns } from "../cell-columns.ts";
import type { ByteSink, RenderContext, RenderWarning } from "../renderer.ts";
import { planBody, type BodyPlan } from "./body-columns.ts";
import { createChartText, reserveChart, writeChart, type ReservedChart } from "./chart-object.ts";
import { measureColumns } from "./column-measures.ts";
import { writePages, writeTrailer } from "./document-tail.ts";
import { createFaces, type DocumentFaces } from "./face.ts";
import { loadFontFamily } from "./font-files.ts";
import { createFontObjects } from "./font-objects.ts";
import { aggregateRows, createGroupFlow, type GroupFlow } from "./group-flow.ts";
import type { RowLook } from "./group-heading.ts";
import { planLayout } from "./layout.ts";
import { embedLogo, type EmbeddedLogo } from "./logo.ts";
import { createObjectWriter, type ObjectWriter } from "./object-writer.ts";
import { writeOutline } from "./outline.ts";
import { printNoRows, printNotes } from "./page-notes.ts";
import { createPalette, type Palette } from "./palette.ts";
import { createRowCells } from "./row-cells.ts";
import { composeTableHead } from "./table-head.ts";
import { createTablePages, type TablePages } from "./table-pages.ts";
import { createTextProblems, type TextProblems } from "./text-problems.ts";
import { CHART_NAME, composeTitleBlock, LOGO_NAME, type TitleBlock } from "./title-block.ts";
import { createTotalsRows } from "./totals-row.ts";

export interface Document {
  readonly context: RenderContext;
  readonly writer: ObjectWriter;
  readonly faces: DocumentFaces;
  readonly palette: Palette;
  readonly problems: TextProblems;
  readonly body: BodyPlan;
  readonly chart: ReservedChart | null;
  readonly logo: EmbeddedLogo | null;
  /** What was wrong before the first row. */
  readonly warnings: readonly RenderWarning[];
}

export interface Table {
  readonly look: RowLook;
  readonly title: TitleBlock;
  readonly pages: TablePages;
  readonly flow: GroupFlow;
}

/** Throws ReportError `invalid_report` for options that do not fit the columns. */
export async function openDocument(
  columns: readonly Column[],
  context: RenderContext,
  sink: ByteSink,
): Promise<Document> {
  const { accentColor, fontsFolder } = context.presentation;
  const writer = createObjectWriter(sink);
  const body = planBody(columns, context);
  const chart = reserveChart(columns, context, writer);
  const { logo, warnings } = await embedLogo(context.presentation.logo, writer);
  return {
    context,
    writer,
    body,
    chart,
    logo,
    faces: createFaces(await loadFontFamily(), fontsFolder),
    palette: createPalette(accentColor),
    problems: createTextProblems(),
    warnings: [...describeUnknown(unknownColumns(columns, context.options)), ...warnings],
  };
}

/** Decides the layout from the first rows. */
export function layOutTable(document: Document, sample: readonly Row[], isWhole: boolean): Table {
  const { context, writer, faces, palette, problems, body } = document;
  const sums = [body.subtotals, body.totals].map((set) => {
    const row = aggregateRows(set, sample);
    return set.columns.map((column, slot) => {
      const at = set.slots.indexOf(slot);
      return at === -1 ? "" : column.format(row[at] ?? "");
    });
  });
  const measures = measureColumns(body.columns, sample, faces, isWhole, sums);
  const layout = planLayout(measures, context.options.page);
  const fractions = measures.map((measure) => measure.fraction);
  const look = { layout, faces, palette, problems };
  const title = composeTitleBlock(context, look, {
    logo: document.logo,
    chartHeight: document.chart?.height ?? null,
  });
  const pages = createTablePages({
    layout,
    writer,
    title,
    head: composeTableHead(body.columns, look, faces.bold, problems),
    cells: createRowCells(
      body.columns,
      { widths: layout.widths, fractions },
      faces.regular,
      problems,
    ),
  });
  const flow = createGroupFlow({
    body,
    pages,
    look,
    subtotals: createTotalsRows(body.subtotals, fractions, look),
    totals: createTotalsRows(body.totals, fractions, look),
  });
  return { look, title, pages, flow };
}

/** Writes what comes after the last row; returns what the reader must know. */
export async function closeDocument(
  document: Document,
  table: Table,
  counts: { rowCount: number; rowsPrinted: number },
): Promise<RenderWarning[]> {
  const { context, writer, faces, problems, chart } = document;
  const { look, pages, title } = table;
  const fonts = writer.reserve();
  if (chart !== null && title.chart !== null) {
    const text = createChartText(faces, problems);
    await writeChart(chart, title.chart, { context, writer, text, fonts });
  }
  if (counts.rowCount === 0) printNoRows(pages, look);
  const warnings = [
    ...describeUnprinted(document, counts),
    ...problems.toWarnings(),
    ...document.warnings,
    ...(chart?.data.warnings ?? []),
  ];
  printNotes(pages, warnings, look);
  const parts = {
    context,
    writer,
    layout: look.layout,
    problems,
    rowsPrinted: counts.rowsPrinted,
    face: faces.regular,
    printed: pages.close(),
    columnCount: document.body.columns.length,
  };
  const written = await writePages(parts, { fonts, objects: listObjects(document) });
  const fontObjects = createFontObjects(writer, faces.uses);
  writer.write(fonts, fontObjects.reserve());
  fontObjects.write();
  const outline = writeOutline(parts, written.pages);
  await writeTrailer(parts, { tree: written.tree, outline });
  return warnings;
}

function listObjects({ logo, chart }: Document): Record<string, PDFRef> {
  return {
    ...(logo === null ? {} : { [LOGO_NAME]: logo.ref }),
    ...(chart === null ? {} : { [CHART_NAME]: chart.ref }),
  };
}

function describeUnprinted(
  { context, body, chart }: Document,
  counts: { rowCount: number; rowsPrinted: number },
): RenderWarning[] {
  const count = counts.rowCount - counts.rowsPrinted;
  if (count === 0) return [];
  const format = new Intl.NumberFormat(context.options.locale, { numberingSystem: "latn" });
  const printed = format.format(counts.rowsPrinted);
  const all = format.format(counts.rowCount);
  const unprinted = `${format.format(count)} rows are not printed`;
  const counted = [
    ...(body.totals.plans.length === 0 ? [] : ["totals"]),
    ...(chart === null ? [] : ["chart"]),
  ].join(" and ");
  const but = counted === "" ? "" : `, but counted in the ${counted}`;
  const message = `This document shows the first ${printed} of ${all} rows. ${unprinted}${but}.`;
  return [{ code: "rows_not_printed", count, message }];
}

function describeUnknown(names: readonly string[]): RenderWarning[] {
  if (names.length === 0) return [];
  const list = names.map((name) => `"${name}"`).join(", ");
  const message = `The options name columns that the result does not have: ${list}.`;
  return [{ code: "unknown_column", count: names.length, message }];
}
