import type { ReportStatus } from "../snowflake/reports.ts";
import { formatBytes, formatCount } from "../report/message.ts";

/** One line on standard output, where scripts read; everything else goes to standard error by the log. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Columns padded to their widest cell; numbers (a cell that ends in a digit or unit) are not special. */
export function formatTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map(
        (cell, column) =>
          cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - Bun.stringWidth(cell))),
      )
      .join("  ")
      .trimEnd();
  return [line(heads), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join(
    "\n",
  );
}

/** UTC to the second. */
export function formatTime(instant: Date | null): string {
  return instant === null ? "" : instant.toISOString().slice(0, 19).replace("T", " ");
}

export function formatOptional<T>(value: T | null, format: (value: T) => string): string {
  return value === null ? "" : format(value);
}

const STATUS_HEADS = [
  "ID",
  "NAME",
  "TYPE",
  "STATUS",
  "LAST RUN",
  "ROWS",
  "SIZE",
  "SECONDS",
  "NEXT RUN (UTC)",
];

/** Reports as people read them in a terminal. */
export function formatStatuses(statuses: readonly ReportStatus[]): string {
  const rows = statuses.map((status) => [
    status.configId.slice(0, 8),
    status.name,
    status.type,
    status.status,
    status.lastOutcome ?? "",
    formatOptional(status.rowCount, formatCount),
    formatOptional(status.sizeBytes, formatBytes),
    formatOptional(status.seconds, (seconds) => seconds.toFixed(1)),
    formatTime(status.nextRunAt),
  ]);
  return formatTable(STATUS_HEADS, rows);
}
