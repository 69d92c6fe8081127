import { z } from "zod";
import { shortenText } from "./short-text.ts";

/** What a mail shows of a result without a file being opened: the first rows, and the chart. */
const previewSchema = z.object({
  columns: z.array(z.object({ label: z.string(), alignment: z.enum(["left", "right", "center"]) })),
  /** Texts as the reader sees them, a row as long as `columns`. */
  rows: z.array(z.array(z.string())),
  /** Columns to the right of those shown. */
  columnsLeftOut: z.number().int(),
  /** PNG in base64; null: the report has none. */
  chart: z.base64().nullable(),
});

export type Preview = z.output<typeof previewSchema>;

export const PREVIEW_ROWS_MAX = 10;
export const PREVIEW_COLUMNS_MAX = 8;

/**
 * Beside the first file that shows the same rows, and under its name, so that no column has to say where it is and
 * nobody is shown the rows of a file that is not his.
 */
export function previewPlace(keyOrUri: string): string {
  return keyOrUri.replace(/[^/]+$/, ".$&.preview.json");
}

/** Null: it is no preview, or one that another version of this program wrote. */
export function parsePreview(json: string): Preview | null {
  try {
    return previewSchema.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null;
  }
}

/** Lines of the table in plain text, columns side by side. */
export function layOutPreviewText(
  { columns, rows, ...preview }: Preview,
  rowCount: number,
): string[] {
  const table = [columns.map(({ label }) => label), ...rows].map((row) =>
    row.map((cell) => shorten(cell, TEXT_LENGTH_MAX)),
  );
  const widths = columns.map((_, at) => Math.max(...table.map((row) => (row[at] ?? "").length)));
  const lines = table.map((row) =>
    row
      .map((cell, at) =>
        columns[at]?.alignment === "right"
          ? cell.padStart(widths[at] ?? 0)
          : cell.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...describeRest(rows.length, rowCount, preview.columnsLeftOut)];
}

/** The chart, which is attached under `chartId`, and the table. */
export function layOutPreviewHtml(preview: Preview, rowCount: number, chartId: string): string {
  const { columns, rows, columnsLeftOut, chart } = preview;
  const cells = (tag: "th" | "td", row: readonly string[]): string =>
    row
      .map((cell, at) => {
        const style = `${CELL_STYLES[tag]};text-align:${columns[at]?.alignment ?? "left"}`;
        return `<${tag} style="${style}">${escapeHtml(shorten(cell, HTML_LENGTH_MAX))}</${tag}>`;
      })
      .join("");
  const head = cells(
    "th",
    columns.map(({ label }) => label),
  );
  const body = rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("");
  const rest = describeRest(rows.length, rowCount, columnsLeftOut).join(" ");
  const image = `<p><img src="cid:${chartId}" alt="Chart" width="${CHART_WIDTH}" style="max-width:100%"></p>`;
  return (
    (chart === null ? "" : image) +
    `<table style="border-collapse:collapse;font-size:13px;margin:12px 0 4px"><thead><tr>${head}</tr></thead>` +
    `<tbody>${body}</tbody></table>` +
    (rest === "" ? "" : `<p style="margin:0;color:#5b6770;font-size:12px">${escapeHtml(rest)}</p>`)
  );
}

const CHART_WIDTH = 640;
/** A cell that wraps makes its whole row tall, and mail programs know no other way to keep a line short. */
const CELL_STYLES = {
  th: "padding:3px 12px 3px 0;white-space:nowrap;border-bottom:2px solid #c9d1d8",
  td: "padding:3px 12px 3px 0;white-space:nowrap;border-bottom:1px solid #e8ecef",
} as const;
const HTML_LENGTH_MAX = 32;
/** Characters of a cell in plain text; the longest column would push the others off the line. */
const TEXT_LENGTH_MAX = 24;

function shorten(text: string, lengthMax: number): string {
  return shortenText(text.replace(/\s+/g, " "), lengthMax);
}

function describeRest(rowsShown: number, rowCount: number, columnsLeftOut: number): string[] {
  const parts: string[] = [];
  if (rowCount > rowsShown) {
    parts.push(`The first ${rowsShown} of ${rowCount.toLocaleString("en-US")} rows.`);
  }
  if (columnsLeftOut > 0) {
    parts.push(
      `${columnsLeftOut} more ${columnsLeftOut === 1 ? "column" : "columns"} in the files.`,
    );
  }
  return parts;
}

function escapeHtml(text: string): string {
  return Bun.escapeHTML(text);
}
