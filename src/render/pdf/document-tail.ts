/**
 * What can be written only when all rows are printed: the pages, whose footers say how many there are, the page
 * tree, the outline, the properties.
 */
import type { RenderContext } from "../renderer.ts";
import { formatInstant } from "../cells.ts";
import { createCanvas } from "./canvas.ts";
import type { Face } from "./face.ts";
import type { Layout } from "./layout.ts";
import { dateString, textString, type ObjectWriter } from "./object-writer.ts";
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

/** Writes the page objects; returns the number of the root of their tree, and of each page. */
export function writePages(
  parts: DocumentParts,
  fonts: { regular: number; bold: number },
): { tree: number; pages: number[] } {
  const { writer, layout, printed } = parts;
  const tree = writer.reserve();
  const drawFooter = prepareFooter(parts);
  const pages = printed.contents.map((content, at) => {
    const footer = writer.reserve();
    writer.writeStream(footer, drawFooter(at));
    const page = writer.reserve();
    writer.write(page, `<</Type/Page/Parent ${tree} 0 R/Contents[${content} 0 R ${footer} 0 R]>>`);
    return page;
  });
  // Page attributes that all pages share are inherited from the tree (ISO 32000-1 §7.7.3.4).
  writer.write(
    tree,
    `<</Type/Pages/Count ${pages.length}/Kids[${pages.map((page) => `${page} 0 R`).join(" ")}]` +
      `/MediaBox[0 0 ${layout.pageWidth} ${layout.pageHeight}]` +
      `/Resources<</Font<</F1 ${fonts.regular} 0 R/F2 ${fonts.bold} 0 R>>>>>>`,
  );
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

/** Writes one bookmark for the report and below it one for each range of rows; returns the outline's number. */
export function writeOutline(parts: DocumentParts, pages: readonly number[]): number {
  const { writer, context } = parts;
  const root = writer.reserve();
  const report = writer.reserve();
  const ranges = listRanges(parts);
  const ids = ranges.map(() => writer.reserve());
  const { title = context.reportName } = context.options;
  writer.write(root, `<</Type/Outlines/First ${report} 0 R/Last ${report} 0 R/Count 1>>`);
  const children =
    ids.length === 0 ? "" : `/First ${ids[0]} 0 R/Last ${ids.at(-1)} 0 R/Count -${ids.length}`;
  writer.write(
    report,
    `<</Title${textString(title.toWellFormed())}/Parent ${root} 0 R/Dest[${pages[0]} 0 R/Fit]${children}>>`,
  );
  ranges.forEach(({ label, page }, at) => {
    const previous = at === 0 ? "" : `/Prev ${ids[at - 1]} 0 R`;
    const next = at === ids.length - 1 ? "" : `/Next ${ids[at + 1]} 0 R`;
    writer.write(
      ids[at] ?? 0,
      `<</Title${textString(label)}/Parent ${report} 0 R/Dest[${pages[page]} 0 R/Fit]${previous}${next}>>`,
    );
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
  refs: { tree: number; outline: number },
): Promise<void> {
  const { writer, context } = parts;
  const { title = context.reportName, subtitle, locale } = context.options;
  const root = writer.reserve();
  writer.write(
    root,
    `<</Type/Catalog/Pages ${refs.tree} 0 R/Outlines ${refs.outline} 0 R/Lang${textString(locale)}` +
      "/ViewerPreferences<</DisplayDocTitle true>>>>",
  );
  const info = writer.reserve();
  const made = dateString(context.generatedAt);
  const subject = subtitle === undefined ? "" : `/Subject${textString(subtitle.toWellFormed())}`;
  const keywords = `report ${context.reportName}, run ${context.runId}, query ${context.queryId}`;
  writer.write(
    info,
    `<</Title${textString(title.toWellFormed())}${subject}/Creator(report-service)/Producer(report-service)` +
      `/Keywords${textString(keywords.toWellFormed())}/CreationDate${made}/ModDate${made}>>`,
  );
  const fileId = new Bun.CryptoHasher("md5").update(keywords + made).digest("hex");
  await writer.close({ root, info, fileId });
}
