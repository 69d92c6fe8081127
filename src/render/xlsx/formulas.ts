import type { Aggregate } from "../../report/options.ts";
import { quoteSheetName } from "./sheet-name.ts";

/** A row of a data sheet: sheets counted from 0, rows from 1, as in the sheet. */
export interface Position {
  readonly sheet: number;
  readonly row: number;
}

/** Rows from one to another, both included, over as many sheets as lie between. */
export interface RowRange {
  readonly from: Position;
  readonly to: Position;
}

export interface FormulaContext {
  readonly sheetName: (index: number) => string;
  /** The last row of a sheet that is full. */
  readonly lastRowMax: number;
  readonly isGrouped: boolean;
}

export const FIRST_DATA_ROW = 2;

/** SUBTOTAL's numbers. Source: ECMA-376 part 1, 18.17.7.305. */
const FUNCTIONS = {
  average: 1,
  count: 3,
  max: 4,
  min: 5,
  sum: 9,
} as const satisfies Record<Aggregate, number>;
/** Added to the number, it leaves out rows that a person hid as well as those that a filter did. */
const WITHOUT_HIDDEN = 100;

/**
 * A SUBTOTAL over a column's cells: it follows the filter and skips other SUBTOTALs. Rows hidden by hand are left out,
 * as in the totals row of Excel's tables; but folding a group hides its rows, so under groups they count, as in
 * Excel's own Data > Subtotal.
 */
export function composeFormula(
  aggregate: Aggregate,
  letters: string,
  range: RowRange,
  sheet: number,
  context: FormulaContext,
): string {
  const number = FUNCTIONS[aggregate] + (context.isGrouped ? 0 : WITHOUT_HIDDEN);
  const references = listReferences(letters, range, sheet, context);
  return `SUBTOTAL(${number},${references.join(",")})`;
}

/** One per sheet: SUBTOTAL takes no reference through several sheets. */
function listReferences(
  letters: string,
  { from, to }: RowRange,
  sheet: number,
  { sheetName, lastRowMax }: FormulaContext,
): string[] {
  return Array.from({ length: to.sheet - from.sheet + 1 }, (_, offset) => {
    const at = from.sheet + offset;
    const first = offset === 0 ? from.row : FIRST_DATA_ROW;
    const last = at === to.sheet ? to.row : lastRowMax;
    const prefix = at === sheet ? "" : `${quoteSheetName(sheetName(at))}!`;
    return `${prefix}${letters}${first}:${letters}${last}`;
  });
}
