/** The chart: collected while rows stream by, drawn at the end into the place that the first page kept for it. */
import type { PDFRef } from "pdf-lib";
import { createChartData, drawChartPdf, type ChartData, type ChartText } from "../chart/chart.ts";
import type { Column } from "../../report/table.ts";
import type { RenderContext } from "../renderer.ts";
import type { Face } from "./face.ts";
import type { ObjectWriter } from "./object-writer.ts";
import { toColorOperands } from "./palette.ts";
import { applySize } from "./shape-strings.ts";
import { makePrintable, type TextProblems } from "./text-problems.ts";

export interface ReservedChart {
  readonly ref: PDFRef;
  readonly data: ChartData;
  /** In points, as asked for. */
  readonly height: number;
}

/** Sizes of texts are whole hundredths of a point. */
const DETAIL = 100;
const POINTS_PER_MM = 72 / 25.4;

/** Null when none is asked for, or there is nothing to draw. */
export function reserveChart(
  columns: readonly Column[],
  context: RenderContext,
  writer: ObjectWriter,
): ReservedChart | null {
  const { chart } = context.options;
  if (chart === undefined) return null;
  // Also without rows: the options are to be checked against the columns.
  const data = createChartData(chart, columns, context.timezone, context.options.columns);
  if (context.rowCount === 0) return null;
  return { ref: writer.reserve(), data, height: chart.height * POINTS_PER_MM };
}

/** Writes the drawing as a form (ISO 32000-1 §8.10) to the object that was reserved for it. */
export async function writeChart(
  chart: ReservedChart,
  box: { width: number; height: number },
  parts: {
    context: RenderContext;
    writer: ObjectWriter;
    text: ChartText;
    fonts: PDFRef;
  },
): Promise<void> {
  const { context, writer, text, fonts } = parts;
  const drawing = await drawChartPdf(
    chart.data,
    { widthPt: box.width, heightPt: box.height },
    { accentColor: context.presentation.accentColor, locale: context.options.locale, text },
  );
  writer.writeStream(chart.ref, Buffer.from(drawing, "latin1"), {
    Type: "XObject",
    Subtype: "Form",
    BBox: [0, 0, box.width, box.height],
    Resources: { Font: fonts },
  });
}

/** Texts in the fonts of the document. */
export function createChartText(
  faces: { regular: Face; bold: Face },
  problems: TextProblems,
): ChartText {
  const choose = (isBold: boolean): Face => (isBold ? faces.bold : faces.regular);
  return {
    measure: (text, size, isBold) => (choose(isBold).measure(makePrintable(text)) * size) / 1000,
    show(text, x, y, size, isBold, color, rotationDegrees) {
      const face = choose(isBold);
      const codes = face.encode(makePrintable(text, problems), problems);
      const hex = applySize(codes, size * DETAIL);
      const angle = (rotationDegrees * Math.PI) / 180;
      const cos = Math.cos(angle) / DETAIL;
      const sin = Math.sin(angle) / DETAIL;
      const matrix = [cos, sin, -sin, cos, x, y].map((value) => Number(value.toFixed(6)));
      const font = `/${face.name} ${Math.round(size * DETAIL)} Tf`;
      return `q BT ${font} ${toColorOperands(color)} rg ${matrix.join(" ")} Tm <${hex}> Tj ET Q\n`;
    },
  };
}
