/**
 * What can be written only when all rows are printed: the pages, whose footers say how many there are, the page
 * tree, the properties.
 */
import { PDFHexString, PDFString, type PDFRef } from "pdf-lib";
import type { RenderContext } from "../renderer.ts";
import { formatInstant } from "../cells.ts";
import { createCanvas } from "./canvas.ts";
import type { Face } from "./face.ts";
import type { Layout } from "./layout.ts";
import type { Entries, ObjectWriter } from "./object-writer.ts";
import type { PrintedPages } from "./page-blocks.ts";
import { composeBlock, drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { BASELINE, COLOR, FOOTER } from "./theme.ts";

/** Room for what a footer has. */
const FOOTER_BYTES = 1024;

export interface DocumentParts {
  readonly context: RenderContext;
  readonly writer: ObjectWriter;
  readonly layout: Layout;
  readonly face: Face;
  readonly printed: PrintedPages;
  readonly columnCount: number;
  /** Rows that are on the pages. */
  readonly rowsPrinted: number;
  readonly problems: TextProblems;
}

export interface PageResources {
  /** The dictionary of all fonts. */
  readonly fonts: PDFRef;
  /** Pictures and drawings, by the names that pages know them by. */
  readonly objects: Readonly<Record<string, PDFRef>>;
}

/** Writes the page objects; returns the root of their tree, and each page. */
export async function writePages(
  parts: DocumentParts,
  resources: PageResources,
): Promise<{ tree: PDFRef; pages: PDFRef[] }> {
  const { writer, layout, printed } = parts;
  const tree = writer.reserve();
  const footer = prepareFooter(parts);
  const sameOnAll = writer.addStream(footer.drawLeft());
  const pages: PDFRef[] = [];
  for (const [at, { content }] of printed.pages.entries()) {
    const own = writer.addStream(footer.drawRight(at));
    pages.push(writer.add({ Type: "Page", Parent: tree, Contents: [content, sameOnAll, own] }));
    if (writer.isFull()) await writer.flush();
  }
  // Page attributes that all pages share are inherited from the tree (ISO 32000-1 §7.7.3.4).
  writer.write(tree, {
    Type: "Pages",
    Count: pages.length,
    Kids: pages,
    MediaBox: [0, 0, layout.pageWidth, layout.pageHeight],
    Resources: { Font: resources.fonts, XObject: { ...resources.objects } },
  });
  return { tree, pages };
}

interface Footer {
  /** What all pages share. */
  drawLeft(): Uint8Array;
  /** The number of a page, by its place. */
  drawRight(at: number): Uint8Array;
}

function prepareFooter(parts: DocumentParts): Footer {
  const { context, layout, face, problems, printed } = parts;
  const style = { face, size: FOOTER.size, color: COLOR.soft };
  const pageCount = printed.pages.length;
  const top = layout.footerBaseline - FOOTER.size * BASELINE;
  const draw = (block: TextBlock, left: number): Uint8Array => {
    const canvas = createCanvas(layout.pageHeight, FOOTER_BYTES);
    drawBlock(canvas, block, { left, top }, problems);
    return canvas.finish();
  };
  return {
    drawLeft() {
      const { title = context.reportName } = context.options;
      const box = { width: layout.contentWidth * 0.6, lineHeight: FOOTER.size, linesMax: 1 };
      const made = `  ·  ${formatInstant(context.generatedAt, context.timezone)}`;
      return draw(composeBlock(title.slice(0, 120) + made, style, box), layout.left);
    },
    drawRight(at) {
      const text = `${describeBand(parts, at)}Page ${at + 1} of ${pageCount}`;
      const width = (face.measure(text) * FOOTER.size) / 1000;
      const block = composeBlock(text, style, { width: width + 1, lineHeight: FOOTER.size });
      return draw(block, layout.left + layout.contentWidth - width);
    },
  };
}

function describeBand({ layout, printed, columnCount }: DocumentParts, at: number): string {
  const place = printed.pages[at]?.band ?? null;
  if (layout.bands.length === 1 || place === null) return "";
  const columns = layout.bands[place]?.columns ?? [];
  const last = columns.at(-1)?.slot ?? 0;
  // The first column is repeated in the other bands.
  const from = columns[place === 0 ? 0 : 1];
  return `Columns ${(from?.slot ?? 0) + 1}–${last + 1} of ${columnCount}  ·  `;
}

/** Writes catalog and properties and closes the file. */
export async function writeTrailer(
  parts: DocumentParts,
  refs: { tree: PDFRef; outline: PDFRef },
): Promise<void> {
  const { writer, context } = parts;
  const root = writer.add({
    Type: "Catalog",
    Pages: refs.tree,
    Outlines: refs.outline,
    Lang: PDFHexString.fromText(context.options.locale),
    ViewerPreferences: { DisplayDocTitle: true },
  });
  const keywords = `report ${context.reportName}, run ${context.runId}, query ${context.queryId}`;
  const info = writer.add(composeProperties(context, keywords));
  const facts = keywords + context.generatedAt.toISOString();
  const fileId = new Bun.CryptoHasher("md5").update(facts).digest("hex");
  await writer.close({ root, info, fileId });
}

function composeProperties(context: RenderContext, keywords: string): Entries {
  const { title = context.reportName, subtitle } = context.options;
  const program = PDFString.of("report-service");
  const made = PDFString.fromDate(context.generatedAt);
  return {
    Title: PDFHexString.fromText(title.toWellFormed()),
    Subject: subtitle === undefined ? undefined : PDFHexString.fromText(subtitle.toWellFormed()),
    Creator: program,
    Producer: program,
    Keywords: PDFHexString.fromText(keywords.toWellFormed()),
    CreationDate: made,
    ModDate: made,
  };
}
