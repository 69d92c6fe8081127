import { ReportError } from "../../report/errors.ts";
import type { Row } from "../../report/table.ts";
import { appendBytes, encodeText, type ByteBuffer } from "../byte-buffer.ts";
import type { WarningTally } from "../cell-warnings.ts";
import { createCellWriter } from "./cells.ts";
import { columnLetters } from "./column-letters.ts";
import type { StyleIndexes } from "./parts.ts";
import type { WorkbookPlan } from "./workbook.ts";

const ROW_OPEN = encodeText('<row r="');
const ROW_CLOSE = encodeText("</row>");

/** The writer of a row's XML; `rowNumber` counts from 1, as in the sheet. A null is a cell that is not there. */
export function createRowWriter(
  plan: WorkbookPlan,
  styles: readonly StyleIndexes[],
  cellCount: number,
  buffer: ByteBuffer,
  tally: WarningTally,
): (row: Row, rowNumber: number) => void {
  const context = { timezone: plan.context.timezone, tally };
  const indexes = plan.columns.map(({ index }) => index);
  const writers = plan.columns.map(({ column }, at) => {
    const indexes = styles[at];
    if (indexes === undefined) throw new Error("A column has no styles");
    return createCellWriter(column.type, columnLetters(at), indexes.data, context);
  });
  const depth = plan.summaries.levels.length;
  const rowOpened = encodeText(depth === 0 ? '">' : `" outlineLevel="${depth}">`);
  return (row, rowNumber) => {
    if (row.length !== cellCount) {
      throw new ReportError("render_failed", "A row has another number of cells than columns");
    }
    const digits = encodeDigits(rowNumber);
    appendBytes(buffer, ROW_OPEN);
    appendBytes(buffer, digits);
    appendBytes(buffer, rowOpened);
    for (let at = 0; at < indexes.length; at++) {
      const cell = row[indexes[at]!] ?? null;
      if (cell !== null) writers[at]!(buffer, digits, cell);
    }
    appendBytes(buffer, ROW_CLOSE);
  };
}

const digitBuffers: readonly Uint8Array[] = Array.from(
  { length: 8 },
  (_, size) => new Uint8Array(size),
);

/** The same array is used again for the next row. */
function encodeDigits(rowNumber: number): Uint8Array {
  const text = String(rowNumber);
  const digits = digitBuffers[text.length] ?? new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) digits[index] = text.charCodeAt(index);
  return digits;
}
