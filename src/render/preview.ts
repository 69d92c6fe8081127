import { PREVIEW_COLUMNS_MAX, PREVIEW_ROWS_MAX, type Preview } from "../report/preview.ts";
import type { Column, Row, Table } from "../report/table.ts";
import { selectColumns } from "./cell-columns.ts";
import { type ChartData, createChartData, drawChartPng } from "./chart/chart.ts";
import { shortenText } from "../report/short-text.ts";
import { createPrintedColumns, type PrintedColumn } from "./pdf/cell-text.ts";
import type { RenderContext } from "./renderer.ts";

/** A table that gives what the original gives, and what it showed of itself on the way. */
export interface PreviewedTable {
  readonly table: Table;
  /** Once, after the last row was taken. */
  readonly finish: () => Promise<Preview>;
}

/** Of the chart in the mail; twice as many pixels are drawn. */
const CHART_SIZE = { widthPx: 640, heightPx: 360 };
/** Characters of a cell. */
const TEXT_LENGTH_MAX = 80;

/**
 * Looks at the rows while the renderers take them: the first few as the reader of a PDF sees them, and all of them for
 * the chart, when `withChart`. Throws ReportError `invalid_report` for options that the result does not fit.
 */
export function previewTable(
  table: Table,
  context: RenderContext,
  withChart: boolean,
): PreviewedTable {
  const shown = createPrintedColumns(selectColumns(table.columns, context.options), context);
  const columns = shown.slice(0, PREVIEW_COLUMNS_MAX);
  const chart = withChart ? openChart(table.columns, context) : null;
  const rows: string[][] = [];
  const look = (row: Row): void => {
    if (rows.length < PREVIEW_ROWS_MAX) rows.push(columns.map((column) => show(column, row)));
    chart?.add(row);
  };
  return {
    table: {
      ...table,
      batches: { [Symbol.asyncIterator]: () => passOn(table, look, chart !== null) },
    },
    finish: async () => ({
      columns: columns.map(({ label, alignment }) => ({ label, alignment: alignCell(alignment) })),
      rows,
      columnsLeftOut: shown.length - columns.length,
      chart: chart === null ? null : await drawChart(chart, context),
    }),
  };
}

/** Without a chart nobody needs more than the first rows. */
async function* passOn(
  table: Table,
  look: (row: Row) => void,
  allRows: boolean,
): AsyncGenerator<readonly Row[]> {
  let seen = 0;
  for await (const batch of table.batches) {
    for (const row of allRows ? batch : batch.slice(0, Math.max(0, PREVIEW_ROWS_MAX - seen))) {
      look(row);
    }
    seen += batch.length;
    yield batch;
  }
}

function openChart(
  columns: readonly Column[],
  { options, timezone }: RenderContext,
): ChartData | null {
  if (options.chart === undefined) return null;
  return createChartData(options.chart, columns, timezone, options.columns);
}

function show({ index, format }: PrintedColumn, row: Row): string {
  const cell = row[index] ?? null;
  return cell === null ? "" : shortenText(format(cell), TEXT_LENGTH_MAX).toWellFormed();
}

function alignCell(alignment: PrintedColumn["alignment"]): Preview["columns"][number]["alignment"] {
  return alignment === "decimal" ? "right" : alignment;
}

/** What its fonts lack is told by the file that shows the same chart. */
async function drawChart(chart: ChartData, context: RenderContext): Promise<string> {
  const { accentColor, fontsFolder } = context.presentation;
  const look = { accentColor, fontsFolder, locale: context.options.locale };
  const { png } = await drawChartPng(chart, CHART_SIZE, look);
  return Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString("base64");
}
