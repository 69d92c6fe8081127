import type { Alignment, Style } from "exceljs";
import { ReportError } from "../../report/errors.ts";
import type { Column } from "../../report/table.ts";
import type { ShownColumn } from "../cell-columns.ts";

/** How the cells of one column look. */
export interface ColumnStyles {
  readonly header: Partial<Style>;
  readonly value: Partial<Style>;
  /** Of a time that has a fraction of a second. */
  readonly fraction: Partial<Style>;
  /** Of a value that had to be written as text. */
  readonly text: Partial<Style>;
}

const TEXT_FORMAT = "@";
/** More decimals than this are not a number format in Excel. */
const DECIMALS_MAX = 30;

/** Number formats by column type, or the one of the options. Throws ReportError `invalid_report` for a bad one. */
export function styleColumn({ column, options }: ShownColumn): ColumnStyles {
  checkFormat(column.name, options.format);
  const isRight = column.type === "fixed" || column.type === "real";
  const side = options.align ?? (isRight ? "right" : undefined);
  const aligned = side === undefined ? {} : { alignment: { horizontal: side } };
  const own = options.format;
  return {
    header: styleHeader(side),
    value: { ...formatted(own ?? selectFormat(column)), ...alignedAs(options.align) },
    fraction: { ...formatted(own ?? `${selectFormat(column)}.000`), ...alignedAs(options.align) },
    text: { ...formatted(TEXT_FORMAT), ...aligned },
  };
}

/** Whether every cell of the column is text, so that digits in it are not a mistake. */
export function isTextColumn({ type }: Column): boolean {
  return selectFormat({ type, scale: 0 }) === TEXT_FORMAT;
}

function alignedAs(side: Alignment["horizontal"] | undefined): Partial<Style> {
  return side === undefined ? {} : { alignment: { horizontal: side } };
}

function formatted(numFmt: string | undefined): Partial<Style> {
  return numFmt === undefined ? {} : { numFmt };
}

function styleHeader(side: Alignment["horizontal"] | undefined): Partial<Style> {
  return {
    font: { name: "Calibri", size: 11, family: 2, bold: true },
    fill: { type: "pattern", pattern: "solid", fgColor: { argb: "FFE7ECF2" } },
    border: { bottom: { style: "thin", color: { argb: "FF8496AA" } } },
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
    case "real":
    case "boolean":
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
