import type { ReportOptions } from "../report/options.ts";
import { createByteBuffer, takeBytes } from "./byte-buffer.ts";
import { createDialect } from "./csv.ts";
import { createTextWriter } from "./csv-cells.ts";

/**
 * Labels as they stand in the first line of a CSV file, and how many of them the guard against formulas changed.
 * Throws as createCsvRenderer does.
 */
export function writeCsvLabels(
  labels: readonly string[],
  options: ReportOptions,
): { labels: string[]; guarded: number } {
  const dialect = createDialect({ options, timezone: "UTC" });
  const write = createTextWriter(dialect, false);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const written = labels.map((label) => {
    const buffer = createByteBuffer(1024);
    write(buffer, label);
    return decoder.decode(takeBytes(buffer));
  });
  return { labels: written, guarded: options.csv.header ? dialect.tally.formula_guarded : 0 };
}
