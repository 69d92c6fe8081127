/** From what a chart shows to what is drawn of it. Loads vega; pictures load resvg too. */
import { createPositionText, createTickText } from "./axis-labels.ts";
import { startsAtZero } from "./axes-spec.ts";
import type { ChartPicture, ChartText } from "./chart.ts";
import type { ChartContent } from "./chart-points.ts";
import { type Drawing, type Measure, withDrawing } from "./drawings.ts";
import { createPdfContext } from "./pdf-context.ts";
import { openPictureFonts, PICTURE_FONT } from "./picture-fonts.ts";
import { createSpec } from "./spec.ts";
import { drawOnContext, drawSvg } from "./view.ts";

/** Points. */
interface Box {
  readonly width: number;
  readonly height: number;
}

export async function drawPdf(
  content: ChartContent,
  box: Box,
  look: { accentColor: string; locale: string; text: ChartText },
): Promise<string> {
  const measure: Measure = (text, size, bold) => look.text.measure(text, size, bold);
  const drawing = createDrawing(content, look.locale, measure);
  return withDrawing(drawing, "document", async (font) => {
    const context = createPdfContext(box, look.text);
    await drawOnContext(createSpec(content, { ...look, ...box, font, measure }), box, context);
    return context.finish();
  });
}

export async function drawPicture(
  content: ChartContent,
  box: Box,
  look: { accentColor: string; locale: string; widthPx: number; fontsFolder: string | null },
): Promise<ChartPicture> {
  const { drawPng } = await import("./png.ts");
  const fonts = await openPictureFonts(look.fontsFolder);
  const { measure } = fonts;
  const drawing = createDrawing(content, look.locale, measure);
  const svg = await withDrawing(drawing, PICTURE_FONT, (font) =>
    drawSvg(createSpec(content, { ...look, ...box, font, measure }), box),
  );
  const files = { files: fonts.listFiles(), family: PICTURE_FONT };
  const png = await drawPng(svg, look.widthPx, files);
  return { png, warnings: fonts.findProblems(listTexts(svg)) };
}

/** The texts of a drawing, as vega writes them. Entities have letters that every font has. */
function listTexts(svg: string): string[] {
  return [...svg.matchAll(/<(?:text|tspan)\b[^>]*>([^<]*)/g)].map(([, text = ""]) => text);
}

function createDrawing(content: ChartContent, locale: string, measure: Measure): Drawing {
  const [first] = content.y;
  const sizeMax = sizeOf(content.points.map((point) => point.y));
  const axis = { sizeMax, isFromZero: startsAtZero(content) };
  return {
    measure,
    writeTick: first === undefined ? String : createTickText(first, locale, axis),
    writePosition: createPositionText(locale, sizeOf(content.points.map((point) => point.x))),
  };
}

function sizeOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
