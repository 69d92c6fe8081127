import type { Cell, Row, Style, Workbook, Worksheet } from "exceljs";
import type { ShownColumn } from "../cell-columns.ts";
import type { RenderContext, RenderWarning } from "../renderer.ts";
import { addAboutSheet } from "./about.ts";
import { setUpPages } from "./page-setup.ts";
import {
  frameSheet,
  readStrings,
  readStyles,
  readText,
  selectEarlyParts,
  selectLateParts,
  sheetPartName,
  STYLE_ROWS,
  type Parts,
  type SheetFrame,
  type StyleIndexes,
} from "./parts.ts";
import { addChartSheet } from "./pictures.ts";
import { repairParts } from "./repairs.ts";
import type { ColumnStyles } from "./styles.ts";
import { hasSummaries, type SummaryPlan } from "./summary-plan.ts";
import { fitLabel } from "./text.ts";
import { readZip } from "./zip.ts";

export interface SheetColumn extends ShownColumn {
  readonly width: number;
  readonly styles: ColumnStyles;
}

/** All that is known of the file before its rows. */
export interface WorkbookPlan {
  readonly context: RenderContext;
  readonly columns: readonly SheetColumn[];
  readonly summaries: SummaryPlan;
  readonly sheetName: (index: number) => string;
}

/** A data sheet once it is written: its last row, and the last that the filter moves. */
export interface SheetFacts {
  readonly lastRow: number;
  readonly lastFilteredRow: number;
}

/** What is known of the file after its rows. */
export interface WorkbookOutcome {
  readonly sheets: readonly SheetFacts[];
  readonly warnings: readonly RenderWarning[];
  readonly chart: Uint8Array | null;
}

export interface WorkbookTemplate {
  readonly early: Parts;
  readonly first: SheetFrame;
  /** Of each sheet that the first is continued on. */
  readonly next: SheetFrame;
  readonly styles: readonly StyleIndexes[];
  /** The header's strings, as the frames number them. */
  readonly strings: readonly string[];
}

const NOTHING_YET: WorkbookOutcome = {
  sheets: [
    { lastRow: 1, lastFilteredRow: 1 },
    { lastRow: 1, lastFilteredRow: 1 },
  ],
  warnings: [],
  chart: null,
};

/**
 * Lets exceljs make the workbook without its data rows: sheets, styles, widths, frozen header, filter, properties.
 * The rows below the header of the first sheet carry one cell of each style, and are taken out again once their
 * indexes are read.
 */
export async function buildTemplate(plan: WorkbookPlan): Promise<WorkbookTemplate> {
  const parts = await composeParts(plan, NOTHING_YET);
  const first = readText(parts, sheetPartName(0));
  return {
    early: selectEarlyParts(parts),
    first: frameSheet(first, plan),
    next: frameSheet(readText(parts, sheetPartName(1)), plan),
    styles: readStyles(first, plan.columns.length),
    strings: readStrings(parts, new Set(plan.columns.map(({ label }) => fitLabel(label))).size),
  };
}

/**
 * The parts that tell what the sheets are and what happened to the rows: the workbook is made anew, and what is in the
 * file already must not differ.
 */
export async function buildLateParts(
  plan: WorkbookPlan,
  outcome: WorkbookOutcome,
  { early, strings }: WorkbookTemplate,
): Promise<Parts> {
  const parts = await composeParts(plan, outcome);
  const made = [selectEarlyParts(parts), readStrings(parts, strings.length)];
  if (!Bun.deepEquals(made, [early, strings])) {
    throw new Error("The workbook changed while rows were written");
  }
  return selectLateParts(parts, outcome.sheets.length);
}

async function composeParts(plan: WorkbookPlan, outcome: WorkbookOutcome): Promise<Parts> {
  // Loading exceljs takes 0.2-0.3 s, which a run without EXCEL should not pay.
  const { default: exceljs } = await import("exceljs");
  const workbook = new exceljs.Workbook();
  describeWorkbook(workbook, plan.context);
  for (const index of outcome.sheets.keys()) addDataSheet(workbook, plan, index);
  if (outcome.chart !== null) addChartSheet(workbook, outcome.chart);
  if (plan.context.options.excel.about) {
    addAboutSheet(workbook, plan.context, plan.columns, outcome.warnings);
  }
  const names = [...outcome.sheets.keys()].map(plan.sheetName);
  const parts = readZip(new Uint8Array(await workbook.xlsx.writeBuffer()));
  return repairParts(parts, names, describePictures(plan.context, outcome));
}

function describePictures(
  { options, presentation }: RenderContext,
  { chart }: WorkbookOutcome,
): string[] {
  const title = options.chart?.title ?? options.title;
  return [
    ...(chart === null ? [] : [fitLabel(title === undefined ? "Chart" : `Chart: ${title}`)]),
    ...(options.excel.about && presentation.logo !== null ? ["Logo"] : []),
  ];
}

function describeWorkbook(workbook: Workbook, context: RenderContext): void {
  workbook.title = fitLabel(context.options.title ?? context.reportName);
  workbook.subject = fitLabel(context.options.subtitle ?? "");
  workbook.creator = "report-service";
  workbook.lastModifiedBy = "report-service";
  workbook.description = fitLabel(`Run ${context.runId}, query ${context.queryId}`);
  workbook.created = context.generatedAt;
  workbook.modified = context.generatedAt;
  workbook.views = [
    {
      x: 0,
      y: 0,
      width: 24_000,
      height: 14_000,
      firstSheet: 0,
      activeTab: 0,
      visibility: "visible",
    },
  ];
}

function addDataSheet(workbook: Workbook, plan: WorkbookPlan, index: number): void {
  const { context, columns, summaries } = plan;
  const { freezeHeader, autofilter } = context.options.excel;
  const sheet = workbook.addWorksheet(plan.sheetName(index), {
    views: freezeHeader
      ? [{ state: "frozen", ySplit: 1, topLeftCell: "A2", activeCell: "A2" }]
      : [{ state: "normal", activeCell: "A2" }],
    headerFooter: { oddFooter: "&L&A&R&P / &N" },
    properties: { outlineLevelRow: summaries.levels.length },
  });
  const characters = columns.reduce((sum, { width }) => sum + width, 0);
  Object.assign(sheet.pageSetup, setUpPages(context.options.page, characters));
  sheet.columns = columns.map(({ width }) => ({ width }));
  addHeader(sheet, columns);
  if (index === 0) addStyleRows(sheet, plan);
  if (autofilter) sheet.autoFilter = { from: "A1", to: { row: 1, column: columns.length } };
}

function addHeader(sheet: Worksheet, columns: readonly SheetColumn[]): void {
  const row = sheet.addRow(columns.map(({ label }) => fitLabel(label)));
  styleCells(row, columns, (styles) => styles.header);
}

function addStyleRows(sheet: Worksheet, { columns, summaries }: WorkbookPlan): void {
  for (const { place, kind } of STYLE_ROWS) {
    if (place !== "data" && !hasSummaries(summaries)) continue;
    const row = sheet.addRow(columns.map(() => 0));
    styleCells(row, columns, (styles) => styles[place][kind]);
  }
}

function styleCells(
  row: Row,
  columns: readonly SheetColumn[],
  select: (styles: ColumnStyles) => Partial<Style>,
): void {
  for (const [index, { styles }] of columns.entries()) {
    const cell: Cell = row.getCell(index + 1);
    cell.style = select(styles);
  }
}
