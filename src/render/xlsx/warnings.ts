import { listWarnings, type WarningTally } from "../cell-warnings.ts";
import type { RenderWarning } from "../renderer.ts";

/** What was changed so that the table fits a workbook. */
export interface FileTally {
  readonly cells: WarningTally;
  totalsAsText: number;
}

/** The warnings that happened. */
export function listFileWarnings({ cells, totalsAsText }: FileTally): RenderWarning[] {
  const warnings = listWarnings(cells);
  if (totalsAsText > 0) {
    warnings.push({
      code: "total_as_text",
      count: totalsAsText,
      message: `Totals that a spreadsheet cannot compute exactly, written as text: ${totalsAsText}.`,
    });
  }
  return warnings;
}
