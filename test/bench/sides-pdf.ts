import fontPath from "@expo-google-fonts/source-sans-3/400Regular/SourceSans3_400Regular.ttf" with { type: "file" };
import type { PDFDocument, PDFFont, PDFPage } from "pdf-lib";
import type { Row } from "../../src/report/table.ts";
import { COLUMNS, createPool, takeBatches } from "./rows.ts";
import type { Job, Side } from "./side.ts";
import { createSink, renderWith } from "./sides-common.ts";
import { toTexts } from "./sides-csv.ts";

export const renderPdf = renderWith(async () => {
  const { createPdfRenderer } = await import("../../src/render/pdf/renderer.ts");
  return createPdfRenderer;
});

/** A4, landscape, in points. */
const PAGE = { width: 841.89, height: 595.28 };
const MARGIN = 36;
const ROW_HEIGHT = 12;
const FONT_SIZE = 8;
const COLUMN_WIDTH = (PAGE.width - 2 * MARGIN) / COLUMNS.length;

/** With our own font, embedded whole, which costs pdf-lib less than a subset. */
export const pdfLib: Side = async (job) => {
  const { default: fontkit } = await import("@pdf-lib/fontkit");
  const fontBytes = await Bun.file(fontPath).bytes();
  return drawTable(job, toTexts, async (document) => {
    document.registerFontkit(fontkit);
    return await document.embedFont(fontBytes);
  });
};

/** With a font that needs no embedding, pdf-lib's fastest; what it cannot write becomes "?". */
export const pdfLibStandard: Side = async (job) => {
  const { StandardFonts } = await import("pdf-lib");
  const toWritable = (row: Row): (string | null)[] =>
    toTexts(row).map((text) => text?.replaceAll(/[^ -~]/g, "?") ?? null);
  return drawTable(job, toWritable, (document) => document.embedFont(StandardFonts.Helvetica));
};

/**
 * `drawText` for each cell at its column's place, a page after another with the header on top. Nothing is measured,
 * aligned or wrapped, which would cost it more.
 */
async function drawTable(
  { rowCount }: Job,
  toTexts: (row: Row) => (string | null)[],
  embedFont: (document: PDFDocument) => Promise<PDFFont>,
): ReturnType<Side> {
  const library = await import("pdf-lib");
  const pool = createPool();
  return async () => {
    const document = await library.PDFDocument.create();
    const font = await embedFont(document);
    let page = openPage(document.addPage([PAGE.width, PAGE.height]), font);
    let y = PAGE.height - MARGIN - ROW_HEIGHT;
    for (const batch of takeBatches(pool, rowCount)) {
      for (const row of batch) {
        if (y < MARGIN) {
          page = openPage(document.addPage([PAGE.width, PAGE.height]), font);
          y = PAGE.height - MARGIN - ROW_HEIGHT;
        }
        drawRow(page, toTexts(row), y);
        y -= ROW_HEIGHT;
      }
    }
    const sink = createSink();
    await sink.write(await document.save());
    return { rowCount, sizeBytes: sink.sizeBytes };
  };
}

function openPage(page: PDFPage, font: PDFFont): PDFPage {
  page.setFont(font);
  page.setFontSize(FONT_SIZE);
  drawRow(
    page,
    COLUMNS.map(({ name }) => name),
    PAGE.height - MARGIN,
  );
  return page;
}

function drawRow(page: PDFPage, texts: readonly (string | null)[], y: number): void {
  for (const [index, text] of texts.entries()) {
    if (text !== null) page.drawText(text, { x: MARGIN + index * COLUMN_WIDTH, y });
  }
}
