/**
 * What can be written only when all rows are printed: the pages, whose footers say how many there are, the page
 * tree, the outline, the properties.
 */
import { PDFHexString, PDFString, type PDFRef } from "pdf-lib";
import type { RenderContext } from "../renderer.ts";
import { formatInstant } from "../cells.ts";
import { createCanvas } from "./canvas.ts";
import type { Face } from "./face.ts";
import type { Layout } from "./layout.ts";
import type { Entries, ObjectWriter } from "./object-writer.ts";
import type { PrintedPages } from "./table-pages.ts";
import { composeBlock, drawBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { COLOR, FOOTER, MARGIN } from "./theme.ts";

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

/** Bookmarks beyond this are of no help; each then stands for several pages. */
const BOOKMARKS_MAX = 200;

/** Writes the page objects; returns the root of their tree, and each page. */
export async function writePages(
  parts: DocumentParts,
  fonts: { regular: PDFRef; bold: PDFRef },
): Promise<{ tree: PDFRef; pages: PDFRef[] }> {
  const { writer, layout, printed } = parts;
  const tree = writer.reserve();
  const drawFooter = prepareFooter(parts);
  const pages: PDFRef[] = [];
  for (const [at, content] of printed.contents.entries()) {
    const footer = writer.addStream(drawFooter(at));
    pages.push(writer.add({ Type: "Page", Parent: tree, Contents: [content, footer] }));
    if (writer.isFull()) await writer.flush();
  }
  // Page attributes that all pages share are inherited from the tree (ISO 32000-1 §7.7.3.4).
  writer.write(tree, {
    Type: "Pages",
    Count: pages.length,
    Kids: pages,
    MediaBox: [0, 0, layout.pageWidth, layout.pageHeight],
    Resources: { Font: { F1: fonts.regular, F2: fonts.bold } },
  });
  return { tree, pages };
}

/** The content of the footer of a page, by its place. */
function prepareFooter(parts: DocumentParts): (at: number) => Buffer {
  const { context, layout, face, problems, printed } = parts;
  const style = { face, size: FOOTER.size, color: COLOR.soft };
  const pageCount = printed.contents.length;
  const { title = context.reportName } = context.options;
  const box = { width: layout.contentWidth * 0.6, lineHeight: FOOTER.size, linesMax: 1 };
  const made = `  ·  ${formatInstant(context.generatedAt, context.timezone)}`;
  const left = composeBlock(title.slice(0, 120) + made, style, box);
  return (at) => {
    const canvas = createCanvas(layout.pageHeight);
    const top = layout.pageHeight - FOOTER.baseline - FOOTER.size;
    drawBlock(canvas, left, { left: MARGIN.left, top }, problems);
    const text = `${describeBand(parts, at)}Page ${at + 1} of ${pageCount}`;
    const width = (face.measure(text) * FOOTER.size) / 1000;
    const right = composeBlock(text, style, { width: width + 1, lineHeight: FOOTER.size });
    const start = MARGIN.left + layout.contentWidth - width;
    drawBlock(canvas, right, { left: start, top }, problems);
    return canvas.finish();
  };
}

function describeBand({ layout, printed, columnCount }: DocumentParts, at: number): string {
  const { bands } = layout;
  if (bands.length === 1 || at >= printed.firstRows.length * bands.length) return "";
  const [first, second] = bands[at % bands.length]?.columns ?? [];
  const last = bands[at % bands.length]?.columns.at(-1)?.slot ?? 0;
  const from = at % bands.length === 0 ? first : second;
  return `Columns ${(from?.slot ?? 0) + 1}–${last + 1} of ${columnCount}  ·  `;
}

/** Writes one bookmark for the report and below it one for each range of rows; returns the outline. */
export function writeOutline(parts: DocumentParts, pages: readonly PDFRef[]): PDFRef {
  const { writer, context } = parts;
  const root = writer.reserve();
  const report = writer.reserve();
  const ranges = listRanges(parts);
  const refs = ranges.map(() => writer.reserve());
  const { title = context.reportName } = context.options;
  writer.write(root, { Type: "Outlines", First: report, Last: report, Count: 1 });
  writer.write(report, {
    Title: PDFHexString.fromText(title.toWellFormed()),
    Parent: root,
    Dest: [pages[0], "Fit"],
    First: refs[0],
    Last: refs.at(-1),
    // Below zero: its bookmarks are folded (§12.3.3).
    Count: refs.length === 0 ? undefined : -refs.length,
  });
  refs.forEach((ref, at) => {
    const { label = "", page = 0 } = ranges[at] ?? {};
    writer.write(ref, {
      Title: PDFHexString.fromText(label),
      Parent: report,
      Dest: [pages[page], "Fit"],
      Prev: refs[at - 1],
      Next: refs[at + 1],
    });
  });
  return root;
}

function listRanges(parts: DocumentParts): { label: string; page: number }[] {
  const { firstRows } = parts.printed;
  const format = new Intl.NumberFormat(parts.context.options.locale, { numberingSystem: "latn" });
  if (firstRows.length < 2) return [];
  const step = Math.ceil(firstRows.length / BOOKMARKS_MAX);
  const ranges: { label: string; page: number }[] = [];
  for (let block = 0; block < firstRows.length; block += step) {
    const first = Math.max(1, firstRows[block] ?? 1);
    const last = Math.max(first, (firstRows[block + step] ?? parts.rowsPrinted + 1) - 1);
    const label = `Rows ${format.format(first)}–${format.format(last)}`;
    ranges.push({ label, page: block * parts.layout.bands.length });
  }
  return ranges;
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
