/** Cells as a reader sees them, one function for each column, chosen once. */
import type { ShownColumn } from "../cell-columns.ts";
import { formatDate, formatTime, formatTimestamp, isTrue, parseDays } from "../cells.ts";
import type { RenderContext } from "../renderer.ts";
import { readNumberLocale, type NumberLocale } from "./number-locale.ts";
import { parseNumberPattern } from "./number-pattern.ts";
import { createNumberText } from "./number-text.ts";

/** "decimal": on the decimal separator, for numbers with different numbers of decimals. */
type Alignment = "left" | "right" | "center" | "decimal";

export interface PrintedColumn {
  /** Where the cell is in a row. */
  readonly index: number;
  readonly label: string;
  readonly alignment: Alignment;
  /** The width asked for, in digits; null when the data decides. */
  readonly widthDigits: number | null;
  /** False for numbers, dates and booleans, whose column is as wide as they are when the page allows. */
  readonly isProse: boolean;
  /** A cell that is not null, as text for the page; not yet cleaned of what cannot be printed. */
  readonly format: (cell: string) => string;
  /** Where the decimal separator is, or would be, in a text of `format`. */
  readonly findPoint: (text: string) => number;
}

type CellText = Pick<PrintedColumn, "alignment" | "isProse" | "format"> &
  Partial<Pick<PrintedColumn, "findPoint">>;

export function createPrintedColumns(
  shown: readonly ShownColumn[],
  context: RenderContext,
): PrintedColumn[] {
  const locale = readNumberLocale(context.options.locale);
  return shown.map((column) => {
    const text = createCellText(column, locale, context.timezone);
    return {
      findPoint: (value: string) => value.length,
      ...text,
      index: column.index,
      label: column.label,
      alignment: column.options.align ?? text.alignment,
      widthDigits: column.options.width ?? null,
    };
  });
}

function createCellText(shown: ShownColumn, locale: NumberLocale, timezone: string): CellText {
  const { column } = shown;
  const { type } = column;
  switch (type) {
    case "fixed":
    case "real":
      return createNumbers(shown, locale);
    case "boolean":
      return atomic((cell) => (isTrue(cell) ? "Yes" : "No"));
    case "date":
      return atomic((cell) => formatDate(parseDays(cell)));
    case "time":
      return atomic(formatTime);
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return atomic((cell) => formatTimestamp(cell, type, timezone));
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
      return { alignment: "left", isProse: true, format: (cell) => cell };
  }
}

function atomic(format: (cell: string) => string): CellText {
  return { alignment: "left", isProse: false, format };
}

/** Whole numbers that name something are not grouped: "4711", a year, a postal code. */
const NAMES_A_THING = /(?:^|[_ ])(?:id|no|nr|num|year|yr|zip|code|sk|pk|fk)$|(?:key|number)$/i;

function createNumbers(shown: ShownColumn, locale: NumberLocale): CellText {
  const { column, options } = shown;
  const pattern = options.format === undefined ? null : parseNumberPattern(options.format);
  const isName = column.scale === 0 && NAMES_A_THING.test(column.name);
  const numbers = createNumberText(locale, pattern, { scale: column.scale, isGrouped: !isName });
  const isRagged =
    pattern === null ? column.type === "real" : pattern.decimalsMin < pattern.decimalsMax;
  return { alignment: isRagged ? "decimal" : "right", isProse: false, ...numbers };
}
