/** Cells as a reader sees them, one function for each column, chosen once. */
import type { ShownColumn } from "../cell-columns.ts";
import { formatDate, formatTime, formatTimestamp, isTrue, parseDays } from "../cells.ts";
import type { AggregatePlan } from "../aggregates.ts";
import { shortenText } from "../../report/short-text.ts";
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
  /** Whether texts that are read from right to left stand at the right: the report does not say otherwise. */
  readonly followsDirection: boolean;
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
      followsDirection: column.options.align === undefined && text.alignment === "left",
      widthDigits: column.options.width ?? null,
    };
  });
}

const AGGREGATE_WORDS = {
  sum: "",
  average: "avg ",
  min: "min ",
  max: "max ",
  count: "count ",
} as const;
/** A longer text under a group is cut, and ends with "…". */
const AGGREGATE_LENGTH_MAX = 120;
/** Of an average whose column shows whole numbers, or no certain number of decimals. */
const AVERAGE_DECIMALS = 2;

/**
 * An aggregate as its column shows its cells; `place.isNamed` puts "avg" and the like before it. An empty cell
 * stands for no result at all, and is shown as nothing.
 */
export function createAggregateColumn(
  shown: ShownColumn,
  plan: AggregatePlan,
  place: { index: number; isNamed: boolean },
  context: RenderContext,
): PrintedColumn {
  const [own] = createPrintedColumns([shown], context);
  const [result] = createPrintedColumns([{ ...shown, ...describeResult(shown, plan) }], context);
  if (own === undefined || result === undefined) throw new Error("A column was lost");
  const word = place.isNamed ? AGGREGATE_WORDS[plan.aggregate] : "";
  return {
    ...own,
    index: place.index,
    findPoint: result.findPoint,
    format: (cell) =>
      cell === "" ? "" : word + shortenText(result.format(cell), AGGREGATE_LENGTH_MAX),
  };
}

/** The column and the options that a result is formatted with. */
function describeResult(
  { column, options }: ShownColumn,
  { aggregate, column: type }: AggregatePlan,
): Pick<ShownColumn, "column" | "options"> {
  const { format, ...others } = options;
  if (aggregate === "count") return { column: { ...type, name: "count" }, options: others };
  const isPlain = format === undefined || parseNumberPattern(format) === null;
  if (aggregate !== "average" || !isPlain) return { column: type, options };
  const decimals = column.scale > 0 ? column.scale : AVERAGE_DECIMALS;
  return { column: type, options: { ...others, format: `#,##0.${"0".repeat(decimals)}` } };
}

/** Stands for a column of which nothing is shown. */
export function emptyColumn(index: number): PrintedColumn {
  return {
    index,
    label: "",
    alignment: "left",
    followsDirection: false,
    widthDigits: null,
    isProse: true,
    format: () => "",
    findPoint: (text) => text.length,
  };
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
