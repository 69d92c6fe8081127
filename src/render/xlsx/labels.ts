import type { Cell, ColumnType } from "../../report/table.ts";
import { selectFormat } from "../cell-format.ts";

export const TOTAL_LABEL = "Total";

/** "Total ASIA"; where no subtotals stand beside it, "ASIA (25 rows)". */
export function labelGroup(
  value: Cell,
  type: ColumnType,
  timezone: string,
  group: { readonly rowCount: number; readonly hasSubtotals: boolean },
): string {
  const format = selectFormat(type, timezone, ["TRUE", "FALSE"]);
  const name = value === null || value === "" ? "(empty)" : (format?.(value) ?? value);
  if (group.hasSubtotals) return `Total ${name}`;
  return `${name} (${group.rowCount} ${group.rowCount === 1 ? "row" : "rows"})`;
}
