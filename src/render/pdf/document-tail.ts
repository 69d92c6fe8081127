/**
 * What can be written only when all rows are printed: the pages, whose footers say how many there are, the page
 * tree, the properties.
 */
import { PDFHexString, PDFString, type PDFRef } from "pdf-lib";
import type { RenderContext } from "../renderer.ts";
import { formatInstant } from "../cells.ts";
import { cutText } from "../../report/short-text.ts";
import { createCanvas } from "./canvas.ts";
import type { Face } from "./face.ts";
import type { Layout } from "./layout.ts";
import type { Entries, ObjectWriter } from "./object-writer.ts";
import type { PrintedPages } from "./page-blocks.ts";
import { composeBlock, drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { BASELINE, COLOR, FOOTER } from "./theme.ts";

/** The title and the time have this part of the width, the number of the page has the rest. */
const LEFT_PART = 0.6;
/** No more of a title has room, and to measure it takes time. */
const TITLE_LENGTH_MAX = 500;
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
  const measure = (text: string): number => (face.measure(text) * FOOTER.size) / 1000;
  const compose = (text: string, width = measure(text) + 1): TextBlock =>
    composeBlock(text, style, { width, lineHeight: FOOTER.size, linesMax: 1 });
  const draw = (placed: readonly (readonly [block: TextBlock, left: number])[]): Uint8Array => {
    const canvas = createCanvas(layout.pageHeight, FOOTER_BYTES);
    for (const [block, left] of placed) drawBlock(canvas, block, { left, top }, problems);
    return canvas.finish();
  };
  return {
    drawLeft() {
      const { title = context.reportName } = context.options;
      const gap = measure("  ");
      const made = `·  ${formatInstant(context.generatedAt, context.timezone)}`;
      // Two texts: a long title leaves room for the time, and one from right to left does not turn time and date round.
      const room = layout.contentWidth * LEFT_PART - measure(made) - gap;
      const name = compose(cutText(title, TITLE_LENGTH_MAX), room);
      const [line = ""] = name.lines;
      return draw([
        [name, layout.left],
        [compose(made), layout.left + measure(line) + gap],
      ]);
    },
    drawRight(at) {
      const text = `${describeBand(parts, at)}Page ${at + 1} of ${pageCount}`;
      return draw([[compose(text), layout.left + layout.contentWidth - measure(text)]]);
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
