import type { Cell, ColumnType } from "../../report/table.ts";
import { formatDate, formatTime, formatTimestamp, isTrue, parseDays } from "../cells.ts";

export const TOTAL_LABEL = "Total";

/** "Total ASIA"; where no subtotals stand beside it, "ASIA (25 rows)". */
export function labelGroup(
  value: Cell,
  type: ColumnType,
  timezone: string,
  group: { readonly rowCount: number; readonly hasSubtotals: boolean },
): string {
  const name = value === null || value === "" ? "(empty)" : formatValue(value, type, timezone);
  if (group.hasSubtotals) return `Total ${name}`;
  return `${name} (${group.rowCount} ${group.rowCount === 1 ? "row" : "rows"})`;
}

function formatValue(cell: string, type: ColumnType, timezone: string): string {
  switch (type) {
    case "date":
      return formatDate(parseDays(cell));
    case "time":
      return formatTime(cell);
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return formatTimestamp(cell, type, timezone);
    case "boolean":
      return isTrue(cell) ? "TRUE" : "FALSE";
    case "fixed":
    case "real":
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
      return cell;
  }
}
