import type ExcelJS from "exceljs";
import { setImmediate as turn } from "node:timers/promises";
import type { Writable } from "node:stream";
import { isTrue, parseDays, parseEpoch } from "../../src/render/cells.ts";
import type { Row } from "../../src/report/table.ts";
import { COLUMNS, createPool, takeBatches } from "./rows.ts";
import type { Side } from "./side.ts";
import { createStreamSink, renderWith } from "./sides-common.ts";

export const renderExcel = renderWith(async () => {
  const { createXlsxRenderer } = await import("../../src/render/xlsx/renderer.ts");
  return createXlsxRenderer;
});

export const exceljs: Side = async ({ rowCount }) => {
  const { default: library } = await import("exceljs");
  const pool = createPool();
  return async () => {
    const { stream, sizeBytes } = createStreamSink();
    const { workbook, sheet } = openWorkbook(library, { stream });
    for (const batch of takeBatches(pool, rowCount)) {
      for (const row of batch) sheet.addRow(toValues(row)).commit();
      // Its writer has no backpressure: without a turn for the zip the whole sheet would wait in memory.
      await turn();
    }
    await workbook.commit();
    return { rowCount, sizeBytes: sizeBytes() };
  };
};

const NUMBER_FORMATS: Readonly<Record<string, string>> = {
  AMOUNT: "#,##0.00",
  ORDERED_ON: "yyyy-mm-dd",
  CHANGED_AT: "yyyy-mm-dd hh:mm:ss.000",
};

/**
 * The streaming writer with what a report needs: number formats (styles) and nothing that keeps rows in memory (no
 * shared strings). It deflates at level 1 by default, as we do.
 */
export function openWorkbook(
  library: typeof ExcelJS,
  target: { stream: Writable } | { filename: string },
): { workbook: ExcelJS.stream.xlsx.WorkbookWriter; sheet: ExcelJS.Worksheet } {
  const workbook = new library.stream.xlsx.WorkbookWriter({
    ...target,
    useStyles: true,
    useSharedStrings: false,
  });
  const sheet = workbook.addWorksheet("Bench", { views: [{ state: "frozen", ySplit: 1 }] });
  sheet.columns = COLUMNS.map(({ name }) => ({
    header: name,
    key: name,
    width: 16,
    style: { numFmt: NUMBER_FORMATS[name] ?? "General" },
  }));
  return { workbook, sheet };
}

type Value = string | number | boolean | Date | null;

/** The types that a reader of the sheet expects. */
function toValues(row: Row): Value[] {
  return row.map((cell, index) => {
    if (cell === null) return null;
    const type = COLUMNS[index]?.type;
    if (type === "fixed" || type === "real") return Number(cell);
    if (type === "boolean") return isTrue(cell);
    if (type === "date") return new Date(parseDays(cell) * 86_400_000);
    if (type !== "timestamp_ntz") return cell;
    const { seconds, nanos } = parseEpoch(cell);
    return new Date(seconds * 1000 + nanos / 1e6);
  });
}
