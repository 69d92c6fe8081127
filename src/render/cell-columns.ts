import { ReportError } from "../report/errors.ts";
import type { ColumnOptions, ReportOptions } from "../report/options.ts";
import type { Column } from "../report/table.ts";

/** A column that is shown, with where its cells are in a row. */
export interface ShownColumn {
  readonly index: number;
  readonly column: Column;
  /** What the reader sees above the column. */
  readonly label: string;
  readonly options: ColumnOptions;
}

/**
 * The columns that are not hidden, in order. Options are found by the column's name, exactly or else in another
 * case: the warehouse folds names to upper case. Throws ReportError `invalid_report` when none is left.
 */
export function selectColumns(columns: readonly Column[], options: ReportOptions): ShownColumn[] {
  const shown = columns
    .map((column, index) => describeColumn(column, index, options.columns))
    .filter((column) => column.options.hidden !== true);
  if (shown.length === 0) {
    throw new ReportError("invalid_report", "OPTIONS: columns hides every column of the result");
  }
  return shown;
}

/** Names in OPTIONS that no column of the result has. */
export function unknownColumns(columns: readonly Column[], options: ReportOptions): string[] {
  const names = new Set(columns.map((column) => column.name.toLowerCase()));
  return Object.keys(options.columns).filter((name) => !names.has(name.toLowerCase()));
}

/** A column with its label and options, `hidden` or not. */
export function describeColumn(column: Column, index: number, named: NamedOptions): ShownColumn {
  const own = findOptions(column.name, named);
  return { index, column, label: own.label ?? column.name, options: own };
}

type NamedOptions = ReportOptions["columns"];

function findOptions(name: string, named: NamedOptions): ColumnOptions {
  if (Object.hasOwn(named, name)) return named[name] ?? {};
  const folded = name.toLowerCase();
  const entry = Object.entries(named).find(([key]) => key.toLowerCase() === folded);
  return entry?.[1] ?? {};
}
