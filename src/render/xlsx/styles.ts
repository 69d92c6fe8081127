import type { Alignment, Style } from "exceljs";
import { ReportError } from "../../report/errors.ts";
import type { ColumnOptions } from "../../report/options.ts";
import type { Column } from "../../report/table.ts";
import type { AggregatePlan } from "../aggregates.ts";
import type { ShownColumn } from "../cell-columns.ts";
import { selectTextColor, toArgb } from "./colors.ts";

/** How cells look, by what they hold. */
export interface CellStyles {
  readonly value: Partial<Style>;
  /** Of a time that has a fraction of a second. */
  readonly fraction: Partial<Style>;
  /** Of a value that had to be written as text. */
  readonly text: Partial<Style>;
  /** Of a label, and of a cell that holds nothing. */
  readonly blank: Partial<Style>;
}

/** How the cells of one column look, by the row in which they stand. */
export interface ColumnStyles {
  readonly header: Partial<Style>;
  readonly data: CellStyles;
  readonly subtotal: CellStyles;
  readonly total: CellStyles;
}

/** What of the column is aggregated; an average has other decimals, a count none. */
export type ColumnAggregates = Partial<Record<"subtotal" | "total", AggregatePlan>>;

const TEXT_FORMAT = "@";
/** Excel heeds no format of a boolean; LibreOffice shows 1 and 0 without this one, which it writes itself. */
const BOOLEAN_FORMAT = '"TRUE";"TRUE";"FALSE"';
/** More decimals than this are not a number format in Excel. */
const DECIMALS_MAX = 30;
const AVERAGE_DECIMALS_MIN = 2;
const FONT = { name: "Calibri", size: 11, family: 2 } as const;

/**
 * Number formats by column type, or the one of the options; `accentColor` is "#rrggbb".
 * Throws ReportError `invalid_report` for a bad format.
 */
export function styleColumn(
  { column, options }: ShownColumn,
  accentColor: string,
  aggregates: ColumnAggregates = {},
): ColumnStyles {
  checkFormat(column.name, options.format);
  const side = options.align ?? (isNumberColumn(column) ? "right" : undefined);
  const own = options.format;
  const data = {
    value: { ...formatted(own ?? selectFormat(column)), ...alignedAs(options.align) },
    fraction: { ...formatted(own ?? selectFractionFormat(column)), ...alignedAs(options.align) },
    text: { ...formatted(TEXT_FORMAT), ...alignedAs(side) },
    blank: {},
  };
  return {
    header: styleHeader(side, accentColor),
    data,
    subtotal: styleSummary(data, LOOKS.subtotal, aggregates.subtotal, { column, options }),
    total: styleSummary(data, LOOKS.total(accentColor), aggregates.total, { column, options }),
  };
}

const LOOKS = {
  subtotal: {
    font: { ...FONT, bold: true },
    fill: { type: "pattern", pattern: "solid", fgColor: { argb: "FFF2F2F2" } },
    border: { top: { style: "thin", color: { argb: "FFBFBFBF" } } },
  },
  total: (accentColor: string): Partial<Style> => {
    const color = { argb: toArgb(accentColor) };
    return {
      font: { ...FONT, bold: true },
      border: { top: { style: "thin", color }, bottom: { style: "double", color } },
    };
  },
} as const;

function styleSummary(
  data: CellStyles,
  look: Partial<Style>,
  plan: AggregatePlan | undefined,
  { column, options }: Pick<ShownColumn, "column" | "options">,
): CellStyles {
  const value = {
    ...data.value,
    ...(plan === undefined ? {} : selectAggregateStyle(plan, column, options)),
  };
  return {
    value: { ...value, ...look },
    fraction: { ...data.fraction, ...look },
    text: { ...data.text, ...look },
    blank: look,
  };
}

/** What differs from the column's own style. */
function selectAggregateStyle(
  { aggregate }: AggregatePlan,
  { type, scale }: Column,
  { format, align }: ColumnOptions,
): Partial<Style> {
  if (aggregate === "count") return { numFmt: "0", ...alignedAs(align ?? "right") };
  if (aggregate !== "average" || type !== "fixed" || format !== undefined) return {};
  return formatted(selectFormat({ type, scale: Math.max(scale, AVERAGE_DECIMALS_MIN) }));
}

/** Whether the cells are numbers, dates or times in the sheet, which stand at the right. */
export function isNumberColumn({ type }: Pick<Column, "type">): boolean {
  return type !== "boolean" && !isTextColumn({ type });
}

/** Whether every cell of the column is text, so that digits in it are not a mistake. */
export function isTextColumn({ type }: Pick<Column, "type">): boolean {
  return selectFormat({ type, scale: 0 }) === TEXT_FORMAT;
}

function alignedAs(side: Alignment["horizontal"] | undefined): Partial<Style> {
  return side === undefined ? {} : { alignment: { horizontal: side } };
}

function formatted(numFmt: string | undefined): Partial<Style> {
  return numFmt === undefined ? {} : { numFmt };
}

function styleHeader(
  side: Alignment["horizontal"] | undefined,
  accentColor: string,
): Partial<Style> {
  const letters = toArgb(selectTextColor(accentColor));
  return {
    font: { ...FONT, bold: true, color: { argb: letters } },
    fill: { type: "pattern", pattern: "solid", fgColor: { argb: toArgb(accentColor) } },
    ...alignedAs(side),
  };
}

/** Undefined is the General format. */
function selectFormat({ type, scale }: Pick<Column, "type" | "scale">): string | undefined {
  switch (type) {
    case "fixed":
      return scale > 0 ? `0.${"0".repeat(Math.min(scale, DECIMALS_MAX))}` : "0";
    case "date":
      return "yyyy-mm-dd";
    case "time":
      return "hh:mm:ss";
    case "timestamp_ntz":
    case "timestamp_ltz":
      return "yyyy-mm-dd hh:mm:ss";
    case "boolean":
      return BOOLEAN_FORMAT;
    case "real":
      return undefined;
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
    case "timestamp_tz":
      return TEXT_FORMAT;
  }
}

/** With milliseconds, for the types that are a number of days in the sheet and have a time in it. */
function selectFractionFormat(column: Pick<Column, "type" | "scale">): string | undefined {
  const { type } = column;
  const hasTime = type === "time" || type === "timestamp_ntz" || type === "timestamp_ltz";
  return hasTime ? `${selectFormat(column)}.000` : selectFormat(column);
}

/**
 * Excel calls a whole file damaged over one bad number format, such as one with a letter that is not quoted.
 * Source of the letters and signs: ECMA-376 part 1, 18.8.31 numFmts.
 */
function checkFormat(name: string, format: string | undefined): void {
  if (format === undefined) return;
  const bare = format
    .replace(/\\.|_.|\*.|"[^"]*"|\[[^[\]]*\]/g, "")
    .replace(/General|AM\/PM|A\/P|E[+-]/gi, "");
  const sections = bare.split(";").length;
  if (sections > 4 || !/^[0#?.,%/ +\-():;$€£¥@!^&'~{}<>=ymdhs]*$/i.test(bare)) {
    throw new ReportError(
      "invalid_report",
      `OPTIONS: columns.${name}.format is not a number format of spreadsheets`,
    );
  }
}
