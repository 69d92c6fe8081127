import type { Workbook, Worksheet } from "exceljs";
import type { ShownColumn } from "../cell-columns.ts";
import { formatInstant } from "../cells.ts";
import type { RenderContext, RenderWarning } from "../renderer.ts";
import { fitImage, measureImage } from "./image-size.ts";
import { placePicture } from "./pictures.ts";
import { ABOUT_SHEET } from "./sheet-name.ts";
import { fitLabel } from "./text.ts";

/** Pixels, 96 to the inch. */
const LOGO_MAX = { width: 320, height: 64 };
const LOGO_MARGIN_POINTS = 6;
const POINTS_PER_PIXEL = 0.75;

type Line = readonly [label: string, value: string | number | boolean];

/** Adds the sheet that says what the file is: the report, its parameters, and what was changed in the data. */
export function addAboutSheet(
  workbook: Workbook,
  context: RenderContext,
  columns: readonly ShownColumn[],
  warnings: readonly RenderWarning[],
): void {
  const sheet = workbook.addWorksheet(ABOUT_SHEET, {
    pageSetup: { fitToPage: true, fitToWidth: 1, fitToHeight: 0 },
  });
  sheet.columns = [{ width: 24 }, { width: 90 }];
  addLogo(workbook, sheet, context);
  addHeading(sheet, context.options.title ?? context.reportName, 14);
  if (context.options.subtitle !== undefined) sheet.addRow([fitLabel(context.options.subtitle)]);
  sheet.addRow([]);
  for (const line of describeRun(context)) addLine(sheet, line);
  addSection(sheet, "Parameters", Object.entries(context.parameters).map(describeParameter));
  addSection(sheet, "Changes to the data", describeWarnings(warnings));
  addSection(sheet, "Notes", describeColumns(columns, context.timezone));
}

/** In a row of its own above the heading. */
function addLogo(workbook: Workbook, sheet: Worksheet, { presentation }: RenderContext): void {
  const { logo } = presentation;
  if (logo === null) return;
  const size = fitImage(measureImage(logo), LOGO_MAX);
  sheet.addRow([]).height = size.height * POINTS_PER_PIXEL + LOGO_MARGIN_POINTS;
  const extension = logo.mediaType === "image/png" ? "png" : "jpeg";
  placePicture(workbook, sheet, { bytes: logo.bytes, extension, size });
}

function describeRun(context: RenderContext): Line[] {
  return [
    ["Report", context.reportName],
    ["Run", context.runId],
    ["Query id", context.queryId],
    ["Rows", context.rowCount],
    ["Generated at", formatInstant(context.generatedAt, context.timezone)],
    ["Data as of", formatInstant(context.dataAsOf, context.timezone)],
    ["Time zone", context.timezone],
  ];
}

function describeParameter([name, value]: readonly [string, Line[1] | null]): Line {
  const isWritable = value !== null && (typeof value !== "number" || Number.isFinite(value));
  return [name, isWritable ? value : value === null ? "NULL" : String(value)];
}

function describeWarnings(warnings: readonly RenderWarning[]): Line[] {
  if (warnings.length === 0) return [["None", ""]];
  return warnings.map(({ code, message }) => [code, message]);
}

function describeColumns(columns: readonly ShownColumn[], timezone: string): Line[] {
  const labelsOf = (type: string) =>
    columns.filter(({ column }) => column.type === type).map(({ label }) => label);
  const local = labelsOf("timestamp_ltz");
  const zoned = labelsOf("timestamp_tz");
  const lines: Line[] = [];
  if (local.length > 0) lines.push([`Times in ${timezone}`, local.join(", ")]);
  if (zoned.length > 0) lines.push(["Text, with their offset", zoned.join(", ")]);
  return lines;
}

function addSection(sheet: Worksheet, title: string, lines: readonly Line[]): void {
  if (lines.length === 0) return;
  sheet.addRow([]);
  addHeading(sheet, title, 11);
  for (const line of lines) addLine(sheet, line);
}

function addHeading(sheet: Worksheet, text: string, size: number): void {
  sheet.addRow([fitLabel(text)]).font = { name: "Calibri", size, family: 2, bold: true };
}

function addLine(sheet: Worksheet, [label, value]: Line): void {
  const row = sheet.addRow([fitLabel(label), typeof value === "string" ? fitLabel(value) : value]);
  row.alignment = { vertical: "top" };
  row.getCell(2).alignment = { vertical: "top", horizontal: "left", wrapText: true };
}
