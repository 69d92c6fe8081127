import { finished } from "node:stream/promises";
import type { Duplex } from "node:stream";
import { formatDate, formatTimestamp, isTrue, parseDays } from "../../src/render/cells.ts";
import type { Row } from "../../src/report/table.ts";
import { COLUMNS, createPool, takeBatches } from "./rows.ts";
import type { Side } from "./side.ts";
import { createStreamSink, drained, renderWith } from "./sides-common.ts";

export const renderCsv = renderWith(async () => {
  const { createCsvRenderer } = await import("../../src/render/csv.ts");
  return createCsvRenderer;
});

export const fastCsv: Side = async ({ rowCount }) => {
  const { format } = await import("fast-csv");
  const open = (): Duplex => format({ headers: COLUMNS.map(({ name }) => name) });
  return writeTo(open, rowCount);
};

export const csvStringify: Side = async ({ rowCount }) => {
  const { stringify } = await import("csv-stringify");
  const open = (): Duplex =>
    stringify({ header: true, columns: COLUMNS.map(({ name }) => name), record_delimiter: "\r\n" });
  return writeTo(open, rowCount);
};

/** Rows go in one by one with the stream's own backpressure, as both packages' documentation shows it. */
function writeTo(open: () => Duplex, rowCount: number): ReturnType<Side> {
  const pool = createPool();
  return Promise.resolve(async () => {
    const { stream: target, sizeBytes } = createStreamSink();
    const stream = open();
    stream.pipe(target);
    for (const batch of takeBatches(pool, rowCount)) {
      for (const row of batch) {
        if (!stream.write(toTexts(row))) await drained(stream);
      }
    }
    stream.end();
    await finished(target);
    return { rowCount, sizeBytes: sizeBytes() };
  });
}

/** The cells as our own renderer writes them, by the same functions: the packages are given finished texts. */
export function toTexts(row: Row): (string | null)[] {
  return row.map((cell, index) => {
    if (cell === null) return null;
    const type = COLUMNS[index]?.type;
    if (type === "boolean") return isTrue(cell) ? "true" : "false";
    if (type === "date") return formatDate(parseDays(cell));
    return type === "timestamp_ntz" ? formatTimestamp(cell, type, "UTC") : cell;
  });
}
