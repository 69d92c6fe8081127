/**
 * Charts: the rows are collected while they go by, then vega lays the chart out and it is drawn as operators of a PDF
 * or as a PNG. Vega and resvg are loaded when the first chart is drawn, not before.
 * Measured, 12 bars: the first PDF chart 40 ms in the executable (110 ms from source) and 30 MB, which is mostly vega;
 * the next 10 ms. The first PNG of 1280 x 640 pixels another 190 ms and 60 MB for resvg and the fonts, the next 30 ms.
 * 5,000 bars: 0.8 s, 400 kB of operators before deflation.
 */
import type { ChartOptions, ColumnOptions } from "../../report/options.ts";
import type { Column, Row } from "../../report/table.ts";
import type { RenderWarning } from "../renderer.ts";
import { type ChartContent, createChartPoints } from "./chart-points.ts";

/** Collects what a chart needs while the rows stream by; bounded (at most 5,000 points). */
export interface ChartData {
  add(row: Row): void;
  /**
   * Final after the last row. "chart_points_cut": points beyond the limit; "chart_series_cut": points of series beyond
   * the twelfth; "chart_values_left_out": points that have no place. Values that are null are left out without a word.
   */
  readonly warnings: readonly RenderWarning[];
  readonly content: ChartContent;
}

/** How texts get into the content stream, in the fonts of the document. */
export interface ChartText {
  /** Width in points. */
  measure(text: string, sizePt: number, bold: boolean): number;
  /** Operators that show text at x,y (baseline) in `color` ("#rrggbb"), turned counterclockwise about that point. */
  show(
    text: string,
    x: number,
    y: number,
    sizePt: number,
    bold: boolean,
    color: string,
    rotationDegrees: number,
  ): string;
}

/** A CSS pixel is 0.75 points. */
const POINTS_PER_PIXEL = 0.75;
const DENSITY = 2;

/**
 * `named` are the report's labels and number formats of columns (`options.columns`).
 * Throws ReportError `invalid_report` "OPTIONS: chart.x: ..." for a column that does not exist or is not numeric where
 * it must be.
 */
export function createChartData(
  options: ChartOptions,
  columns: readonly Column[],
  timezone: string,
  named: Readonly<Record<string, ColumnOptions>> = {},
): ChartData {
  return createChartPoints(options, columns, timezone, named);
}

/**
 * The chart as operators of a content stream, inside a box whose origin is at the lower left. Texts go through `text`,
 * so that they are set in the document's own fonts. `accentColor` is "#rrggbb".
 */
export async function drawChartPdf(
  data: ChartData,
  box: { widthPt: number; heightPt: number },
  look: { accentColor: string; locale: string; text: ChartText },
): Promise<string> {
  const { drawPdf } = await import("./drawing.ts");
  return drawPdf(data.content, { width: box.widthPt, height: box.heightPt }, look);
}

/** What was drawn, and what the fonts lack: "missing_glyph" counts characters, "font_unreadable" files. */
export interface ChartPicture {
  readonly png: Uint8Array;
  readonly warnings: readonly RenderWarning[];
}

/**
 * PNG for a spreadsheet, at 2x density: twice as many pixels each way as `size` says. A character that the fonts of the
 * program lack is taken from those of `fontsFolder`.
 */
export async function drawChartPng(
  data: ChartData,
  size: { widthPx: number; heightPx: number },
  look: { accentColor: string; locale: string; fontsFolder: string | null },
): Promise<ChartPicture> {
  const { drawPicture } = await import("./drawing.ts");
  const box = {
    width: size.widthPx * POINTS_PER_PIXEL,
    height: size.heightPx * POINTS_PER_PIXEL,
  };
  return drawPicture(data.content, box, { ...look, widthPx: size.widthPx * DENSITY });
}
