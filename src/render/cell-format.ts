import type { ColumnType } from "../report/table.ts";
import { formatDate, formatTime, formatTimestamp, isTrue, parseDays } from "./cells.ts";

/**
 * How the cells of a type are written as text: a boolean in one of two words, dates and times as in ISO 8601 with a space
 * for the T, `timestamp_ltz` in `timezone` (IANA). Null: as they came. Throws as the functions of cells.ts do.
 */
export function selectFormat(
  type: ColumnType,
  timezone: string,
  [yes, no]: readonly [string, string],
): ((cell: string) => string) | null {
  switch (type) {
    case "boolean":
      return (cell) => (isTrue(cell) ? yes : no);
    case "date":
      return (cell) => formatDate(parseDays(cell));
    case "time":
      return formatTime;
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return (cell) => formatTimestamp(cell, type, timezone);
    case "fixed":
    case "real":
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
      return null;
  }
}
