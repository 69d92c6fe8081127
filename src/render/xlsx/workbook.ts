import type { Cell, Row, Style, Workbook, Worksheet } from "exceljs";
import type { ShownColumn } from "../cell-columns.ts";
import { createTally, type WarningTally } from "../cell-warnings.ts";
import type { RenderContext } from "../renderer.ts";
import { addAboutSheet } from "./about.ts";
import { isTextColumn, type ColumnStyles } from "./styles.ts";
import { escapeXml, fitText } from "./text.ts";
import { readZip } from "./zip.ts";

/** Excel's rows of a sheet, less the header. Source: "Excel specifications and limits". */
export const SHEET_ROWS_MAX = 1_048_575;
export const SHEET_COLUMNS_MAX = 16_384;
/** Source: ECMA-376 part 1, 18.3.1.63 pageSetup. */
const PAPER_SIZES = { A4: 9, Letter: 1 } as const;
/** Characters of a portrait page at the usual size; wider tables are printed on landscape paper. */
const PORTRAIT_CHARACTERS_MAX = 90;
const SHARED_STRINGS = "xl/sharedStrings.xml";

export interface SheetColumn extends ShownColumn {
  readonly width: number;
  readonly styles: ColumnStyles;
}

/** All that is known of the file before its rows. */
export interface WorkbookPlan {
  readonly context: RenderContext;
  readonly columns: readonly SheetColumn[];
  readonly sheets: readonly { readonly name: string; readonly rowCount: number }[];
}

/** Indexes into the workbook's styles, as a cell's s attribute names them. */
export interface StyleIndexes {
  readonly value: string;
  readonly fraction: string;
  readonly text: string;
}

/** A data sheet's part, cut where its rows belong. */
export interface SheetFrame {
  readonly partName: string;
  readonly head: string;
  readonly tail: string;
}

export interface WorkbookParts {
  /** Parts that do not depend on the rows, in the order of the package. */
  readonly early: ReadonlyMap<string, Uint8Array>;
  readonly frames: readonly SheetFrame[];
  readonly styles: readonly StyleIndexes[];
  /** Parts that tell what happened to the rows: the "About" sheet and the strings it uses. */
  readonly late: ReadonlyMap<string, Uint8Array>;
}

/**
 * Lets exceljs make the workbook without its data rows: sheets, styles, widths, frozen header, filter, properties.
 * Rows 2 to 4 of the first sheet carry one cell of each style, and are taken out again once their indexes are read.
 * Equal plans give equal early parts and frames whatever the tally says.
 */
export async function buildWorkbook(
  plan: WorkbookPlan,
  tally: WarningTally,
): Promise<WorkbookParts> {
  // Loading exceljs takes 0.2-0.3 s, which a run without EXCEL should not pay.
  const { default: exceljs } = await import("exceljs");
  const workbook = new exceljs.Workbook();
  describeWorkbook(workbook, plan.context);
  for (const [index, sheet] of plan.sheets.entries()) {
    addDataSheet(workbook, plan, sheet.name, sheet.rowCount, index === 0);
  }
  addAboutSheet(workbook, plan.context, plan.columns, tally);
  return splitParts(readZip(new Uint8Array(await workbook.xlsx.writeBuffer())), plan);
}

function describeWorkbook(workbook: Workbook, context: RenderContext): void {
  workbook.title = clean(context.options.title ?? context.reportName);
  workbook.subject = clean(context.options.subtitle ?? "");
  workbook.creator = "report-service";
  workbook.lastModifiedBy = "report-service";
  workbook.description = clean(`Run ${context.runId}, query ${context.queryId}`);
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

function addDataSheet(
  workbook: Workbook,
  { context, columns }: WorkbookPlan,
  name: string,
  rowCount: number,
  isFirst: boolean,
): void {
  const sheet = workbook.addWorksheet(name, {
    views: [{ state: "frozen", ySplit: 1, topLeftCell: "A2", activeCell: "A2" }],
    headerFooter: { oddFooter: "&L&A&R&P / &N" },
  });
  Object.assign(sheet.pageSetup, setUpPages(context, columns));
  sheet.columns = columns.map(({ width }) => ({ width }));
  addHeader(sheet, columns);
  if (isFirst) addStyleRows(sheet, columns);
  sheet.autoFilter = {
    from: { row: 1, column: 1 },
    to: { row: rowCount + 1, column: columns.length },
  };
}

function setUpPages({ options }: RenderContext, columns: readonly SheetColumn[]) {
  const { size, orientation } = options.page;
  const characters = columns.reduce((sum, { width }) => sum + width, 0);
  const fitting = characters > PORTRAIT_CHARACTERS_MAX ? "landscape" : "portrait";
  return {
    paperSize: PAPER_SIZES[size],
    orientation: orientation === "auto" ? fitting : orientation,
    fitToPage: true,
    fitToWidth: 1,
    fitToHeight: 0,
    printTitlesRow: "1:1",
  };
}

function addHeader(sheet: Worksheet, columns: readonly SheetColumn[]): void {
  const row = sheet.addRow(columns.map(({ label }) => clean(label)));
  styleCells(row, columns, (styles) => styles.header);
}

function addStyleRows(sheet: Worksheet, columns: readonly SheetColumn[]): void {
  for (const kind of ["value", "fraction", "text"] as const) {
    const row = sheet.addRow(columns.map(() => 0));
    styleCells(row, columns, (styles) => styles[kind]);
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

function splitParts(parts: ReadonlyMap<string, Uint8Array>, plan: WorkbookPlan): WorkbookParts {
  const aboutName = sheetPartName(plan.sheets.length);
  const isLate = (name: string) => name === aboutName || name === SHARED_STRINGS;
  const isData = (name: string) => name.startsWith("xl/worksheets/sheet") && name !== aboutName;
  const entries = [...parts];
  const sheets = plan.sheets.map((_, index) => readPart(parts, sheetPartName(index)));
  return {
    early: new Map(entries.filter(([name]) => !isLate(name) && !isData(name))),
    late: new Map(entries.filter(([name]) => isLate(name))),
    frames: sheets.map((xml, index) => frameSheet(xml, index, plan)),
    styles: readStyles(sheets[0] ?? "", plan.columns.length),
  };
}

function sheetPartName(index: number): string {
  return `xl/worksheets/sheet${index + 1}.xml`;
}

function readPart(parts: ReadonlyMap<string, Uint8Array>, name: string): string {
  const bytes = parts.get(name);
  if (bytes === undefined) throw new Error(`The workbook has no part ${name}`);
  return new TextDecoder().decode(bytes);
}

/** Keeps the header row; the dimension and the columns of text are those of the rows to come. */
function frameSheet(xml: string, index: number, { columns, sheets }: WorkbookPlan): SheetFrame {
  const headerEnd = xml.indexOf("</row>") + "</row>".length;
  const dataEnd = xml.indexOf("</sheetData>");
  const lastRow = (sheets[index]?.rowCount ?? 0) + 1;
  const dimension = `<dimension ref="A1:${columnLetters(columns.length - 1)}${lastRow}"/>`;
  return {
    partName: sheetPartName(index),
    head: xml.slice(0, headerEnd).replace(/<dimension ref="[^"]*"\/>/, dimension),
    tail: xml
      .slice(dataEnd)
      .replace("</worksheet>", `${allowDigits(columns, lastRow)}</worksheet>`),
  };
}

/** Keeps Excel from marking each id in a text column as "number stored as text". */
function allowDigits(columns: readonly SheetColumn[], lastRow: number): string {
  const ranges = columns.flatMap(({ column }, index) => {
    const letters = columnLetters(index);
    return isTextColumn(column) ? [`${letters}1:${letters}${lastRow}`] : [];
  });
  if (ranges.length === 0) return "";
  const range = escapeXml(ranges.join(" "));
  return `<ignoredErrors><ignoredError sqref="${range}" numberStoredAsText="1"/></ignoredErrors>`;
}

function readStyles(sheet: string, columnCount: number): StyleIndexes[] {
  const found = new Map<string, string>();
  for (const [, reference = "", style = "0"] of sheet.matchAll(
    /<c r="([A-Z]+[2-4])"(?: s="(\d+)")?/g,
  )) {
    found.set(reference, style);
  }
  return Array.from({ length: columnCount }, (_, index) => {
    const letters = columnLetters(index);
    const [value, fraction, text] = ["2", "3", "4"].map((row) => found.get(letters + row) ?? "0");
    return { value: value ?? "0", fraction: fraction ?? "0", text: text ?? "0" };
  });
}

/** A, B ... Z, AA ...: the name of a column counted from 0. */
export function columnLetters(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : columnLetters(Math.floor(index / 26) - 1) + letter;
}

function clean(text: string): string {
  return fitText(text, createTally());
}
