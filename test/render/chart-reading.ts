/** A chart on a page of its own, made with pdf-lib, so that other programs can read it back. */
import fontkit from "@pdf-lib/fontkit";
import { PDFDocument, PDFName, type PDFFont } from "pdf-lib";
import type { ChartOptions } from "../../src/report/options.ts";
import type { Column, Row } from "../../src/report/table.ts";
import { loadFontFamily } from "../../src/render/pdf/font-files.ts";
import {
  type ChartData,
  type ChartText,
  createChartData,
  drawChartPdf,
} from "../../src/render/chart/chart.ts";
import { options } from "./rendering.ts";

export const LOOK = { accentColor: "#1f4e79", locale: "en-US", fontsFolder: null };
export const BOX = { widthPt: 500, heightPt: 220 };

export function chartOptions(json: object): ChartOptions {
  const { chart } = options({ chart: json });
  if (chart === undefined) throw new Error("no chart");
  return chart;
}

export function collect(json: object, columns: readonly Column[], rows: readonly Row[]): ChartData {
  const data = createChartData(chartOptions(json), columns, "UTC");
  for (const row of rows) data.add(row);
  return data;
}

/** Texts set in the fonts, and every call of `show`. */
export function createChartText(fonts: { regular: PDFFont; bold: PDFFont }): ChartText & {
  readonly shown: { text: string; x: number; y: number; size: number; rotation: number }[];
} {
  const shown: { text: string; x: number; y: number; size: number; rotation: number }[] = [];
  return {
    shown,
    measure: (text, size, bold) =>
      (bold ? fonts.bold : fonts.regular).widthOfTextAtSize(text, size),
    show(text, x, y, size, bold, color, rotation) {
      shown.push({ text, x, y, size, rotation });
      const angle = (rotation * Math.PI) / 180;
      // A number in a PDF has no exponent: 6e-17 is none.
      const [cos, sin] = [Number(Math.cos(angle).toFixed(4)), Number(Math.sin(angle).toFixed(4))];
      const fill = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
      const code = (bold ? fonts.bold : fonts.regular).encodeText(text);
      return `BT /${bold ? "B" : "R"} ${size} Tf ${fill.join(" ")} rg ${cos} ${sin} ${-sin} ${cos} ${x} ${y} Tm ${code.toString()} Tj ET`;
    },
  };
}

export async function drawPage(
  data: ChartData,
  look: { accentColor: string; locale: string } = LOOK,
  box = BOX,
): Promise<{ bytes: Uint8Array; operators: string; text: ReturnType<typeof createChartText> }> {
  const family = await loadFontFamily();
  const document = await PDFDocument.create();
  document.registerFontkit(fontkit);
  const regular = await document.embedFont(family.regular.bytes);
  const bold = await document.embedFont(family.bold.bytes);
  const text = createChartText({ regular, bold });
  const operators = await drawChartPdf(data, box, { ...look, text });
  const page = document.addPage([box.widthPt, box.heightPt]);
  page.node.setFontDictionary(PDFName.of("R"), regular.ref);
  page.node.setFontDictionary(PDFName.of("B"), bold.ref);
  page.node.addContentStream(document.context.register(document.context.stream(operators)));
  return { bytes: await document.save(), operators, text };
}
