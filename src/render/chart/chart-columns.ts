import { ReportError } from "../../report/errors.ts";
import type { ChartOptions, ColumnOptions } from "../../report/options.ts";
import type { Column, ColumnType } from "../../report/table.ts";
import { findColumn } from "../aggregates.ts";
import { describeColumn } from "../cell-columns.ts";

/** A column of the result that the chart reads. */
export interface ChartColumn {
  /** Where its cells are in a row. */
  readonly index: number;
  readonly column: Column;
  readonly label: string;
  /** A spreadsheet number format, when the report has one for the column. */
  readonly format: string | null;
}

export interface ChartColumns {
  readonly x: ChartColumn;
  readonly y: readonly ChartColumn[];
  readonly series: ChartColumn | null;
}

/** How many columns an error names before it says how many there are more. */
const NAMES_MAX = 12;
const NUMERIC: ReadonlySet<ColumnType> = new Set<ColumnType>(["fixed", "real"]);

/**
 * The columns that the options name, exactly or else in another case. `named` are the report's own labels and formats.
 * Throws ReportError `invalid_report` "OPTIONS: chart.x: ..." for what the result has not, or has in the wrong type.
 */
export function findChartColumns(
  options: ChartOptions,
  columns: readonly Column[],
  named: Readonly<Record<string, ColumnOptions>>,
): ChartColumns {
  checkSeries(options);
  const find = (option: string, name: string): ChartColumn => {
    const index = findColumn(columns, name);
    const column = columns[index];
    if (column === undefined) throw refuse(option, describeMissing(name, columns));
    const { label, options: own } = describeColumn(column, index, named);
    return { index, column, label, format: own.format ?? null };
  };
  const y = options.y.map((name) => find("y", name));
  const wrong = y.find(({ column }) => !NUMERIC.has(column.type));
  if (wrong !== undefined) {
    throw refuse("y", `column ${wrong.column.name} is of type ${wrong.column.type}, not a number`);
  }
  const series = options.series === undefined ? null : find("series", options.series);
  return { x: find("x", options.x), y, series };
}

function checkSeries(options: ChartOptions): void {
  const hasSeries = options.series !== undefined;
  if (options.type === "pie" && hasSeries) throw refuse("series", "a pie has no series");
  if (options.y.length === 1) return;
  if (options.type === "pie") throw refuse("y", "a pie shows one column");
  if (hasSeries) throw refuse("series", "goes with one column in y only");
}

function refuse(option: string, problem: string): ReportError {
  return new ReportError("invalid_report", `OPTIONS: chart.${option}: ${problem}`);
}

function describeMissing(name: string, columns: readonly Column[]): string {
  const names = columns.slice(0, NAMES_MAX).map((column) => column.name);
  const more = columns.length - names.length;
  const rest = more > 0 ? ` and ${more} more` : "";
  return `there is no column ${name}; the result has ${names.join(", ")}${rest}`;
}
