import { ReportError } from "../../report/errors.ts";
import type { Column, Row } from "../../report/table.ts";
import { selectColumns, unknownColumns, type ShownColumn } from "../cell-columns.ts";
import { createTally, listWarnings } from "../cell-warnings.ts";
import {
  createChartData,
  drawChartPng,
  type ChartData,
  type ChartPicture,
} from "../chart/chart.ts";
import type { ByteSink, RenderContext, Renderer } from "../renderer.ts";
import { findChangedLabels } from "./changed-labels.ts";
import { openFile, type OpenFile } from "./file.ts";
import { CHART_SIZE } from "./pictures.ts";
import { createSheetNames } from "./sheet-name.ts";
import { styleColumn, type ColumnAggregates } from "./styles.ts";
import { planSummaries, type SummaryPlan } from "./summary-plan.ts";
import { measureWidth } from "./widths.ts";
import type { WorkbookPlan } from "./workbook.ts";

/** Source: "Excel specifications and limits", the header with them. */
const SHEET_ROWS_MAX = 1_048_576;
const SHEET_COLUMNS_MAX = 16_384;

/** What the columns and the options ask for, before the first row. */
interface Layout {
  readonly columns: readonly Column[];
  readonly shown: readonly ShownColumn[];
  readonly summaries: SummaryPlan;
  readonly sheetName: (index: number) => string;
  readonly chart: ChartData | null;
}

/**
 * An .xlsx workbook (ECMA-376, transitional): data sheets of at most `sheetRowsMax` rows with the header, "Chart" and
 * "About". exceljs makes the workbook, the rows are streamed into it as XML, deflated at level 1: 500,000 rows/s of
 * 10 columns.
 * Throws ReportError `rows_missing` when not exactly context.rowCount rows came, `too_many_rows` when a part would
 * pass 4 GB or there are more than 16,384 columns, `invalid_report` for options that Excel could not open or that do
 * not fit the columns.
 */
export function createXlsxRenderer(
  context: RenderContext,
  sink: ByteSink,
  sheetRowsMax = SHEET_ROWS_MAX,
): Renderer {
  const tally = createTally();
  let changedLabels: readonly string[] = [];
  let layout: Layout | null = null;
  let file: OpenFile | null = null;
  let rowCount = 0;

  function open(sample: readonly Row[]): Promise<OpenFile> {
    if (layout === null) throw new Error("The renderer was not begun");
    const cellCount = layout.columns.length;
    const settings = { cellCount, lastRowMax: sheetRowsMax, tally };
    return openFile(planWorkbook(context, layout, sample), sink, settings);
  }
  return {
    begin(columns) {
      layout = planLayout(context, columns);
      tally.unknown_column = unknownColumns(columns, context.options).length;
      changedLabels = findChangedLabels(context, layout.shown);
      tally.label_changed = changedLabels.length;
    },
    async rows(batch) {
      rowCount += batch.length;
      if (rowCount > context.rowCount) throw miscounted(context, rowCount);
      if (batch.length === 0) return;
      file ??= await open(batch);
      await file.writeRows(batch);
      const chart = layout?.chart ?? null;
      if (chart !== null) for (const row of batch) chart.add(row);
    },
    async finish() {
      if (rowCount !== context.rowCount) throw miscounted(context, rowCount);
      file ??= await open([]);
      await file.endRows();
      const chart = layout?.chart ?? null;
      const picture = chart === null ? null : await drawChart(chart, context);
      const warnings = [
        ...listWarnings(tally, { label_changed: changedLabels }),
        ...(chart?.warnings ?? []),
        ...(picture?.warnings ?? []),
      ];
      await file.finish(warnings, picture?.png ?? null);
      return { rowCount, warnings };
    },
  };
}

function miscounted(context: RenderContext, rowCount: number): ReportError {
  return new ReportError(
    "rows_missing",
    `The warehouse reported ${context.rowCount} rows; ${rowCount} came`,
  );
}

function planLayout(context: RenderContext, columns: readonly Column[]): Layout {
  const { options, reportName, timezone } = context;
  const shown = selectColumns(columns, options);
  if (shown.length > SHEET_COLUMNS_MAX) {
    throw new ReportError("too_many_rows", "A sheet has at most 16,384 columns; hide some");
  }
  for (const column of shown) styleColumn(column, context.presentation.accentColor);
  return {
    columns,
    shown,
    summaries: planSummaries(columns, shown, options),
    sheetName: createSheetNames(options, reportName),
    chart:
      options.chart === undefined
        ? null
        : createChartData(options.chart, columns, timezone, options.columns),
  };
}

function drawChart(
  chart: ChartData,
  { options, presentation }: RenderContext,
): Promise<ChartPicture> {
  const size = { widthPx: CHART_SIZE.width, heightPx: CHART_SIZE.height };
  const { accentColor, fontsFolder } = presentation;
  return drawChartPng(chart, size, { accentColor, fontsFolder, locale: options.locale });
}

function planWorkbook(
  context: RenderContext,
  { shown, summaries, sheetName }: Layout,
  sample: readonly Row[],
): WorkbookPlan {
  const labels = new Set([
    summaries.totalLabelAt,
    ...summaries.levels.map((level) => level.labelAt),
  ]);
  return {
    context,
    summaries,
    sheetName,
    columns: shown.map((column, at) => {
      const aggregates = aggregatesAt(summaries, at);
      const isSummed = Object.values(aggregates).some(({ aggregate }) => aggregate === "sum");
      const room = { rowCount: isSummed ? context.rowCount : 1, isLabel: labels.has(at) };
      return {
        ...column,
        width: measureWidth(column, sample, room),
        styles: styleColumn(column, context.presentation.accentColor, aggregates),
      };
    }),
  };
}

function aggregatesAt({ subtotals, totals }: SummaryPlan, at: number): ColumnAggregates {
  const subtotal = subtotals.find((plan) => plan.at === at);
  const total = totals.find((plan) => plan.at === at);
  return {
    ...(subtotal === undefined ? {} : { subtotal }),
    ...(total === undefined ? {} : { total }),
  };
}
