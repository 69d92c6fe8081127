/**
 * The Snowflake column types, in lower case as the wire protocol names them.
 * A type that is not listed here (geography, vector, uuid, decfloat ...) is handled as text.
 * Source: the driver's result columns (snowflake-sdk 3.3.0, connection/result/column.js).
 */
export type ColumnType =
  | "fixed"
  | "real"
  | "text"
  | "boolean"
  | "date"
  | "time"
  | "timestamp_ntz"
  | "timestamp_ltz"
  | "timestamp_tz"
  | "binary"
  | "variant"
  | "object"
  | "array";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Digits in all, of a fixed column; otherwise 0. */
  readonly precision: number;
  /** Digits after the decimal point of a fixed column, or of the seconds of a time; otherwise 0. */
  readonly scale: number;
}

/**
 * One cell as it came over the wire: text, or null. By column type:
 * fixed "-12.50" (exact, up to 38 digits) · real "1.5", "1e+300", "NaN", "inf", "-inf" · text as is ·
 * boolean "1" / "0" or "true" / "false" in any case · date days since 1970-01-01 ·
 * time seconds since midnight "3723.123456789" · timestamp_ntz, timestamp_ltz seconds since the epoch
 * "1700000000.123456789" (ntz: wall time as if in UTC) · timestamp_tz the same, a space, and minutes
 * from UTC plus 1440 · binary hexadecimal · variant, object, array JSON text.
 */
export type Cell = string | null;

/** What a cell of a boolean column says; null is not true. */
export function isTrueCell(cell: Cell): boolean {
  return cell === "1" || cell?.toLowerCase() === "true";
}

/** The cells of one row, in the order of the columns. */
export type Row = readonly Cell[];

/** A result that is being read. */
export interface Table {
  readonly columns: readonly Column[];
  /** How many rows the warehouse says there are; known before the first is read. */
  readonly rowCount: number;
  /**
   * The rows in the query's order, in batches, read once. Nothing is fetched ahead without limit:
   * the next batch is asked for when the last one was taken. Throws ReportError `rows_missing` at the end
   * when fewer or more rows came than `rowCount`.
   */
  readonly batches: AsyncIterable<readonly Row[]>;
}
