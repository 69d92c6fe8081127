/** The bookmarks: one for the report, and below it one for each group, or for each range of rows. */
import { PDFHexString, PDFNull, type PDFRef } from "pdf-lib";
import { shortenText } from "../../report/short-text.ts";
import type { DocumentParts } from "./document-tail.ts";

export interface GroupMark {
  /** 0 is the outermost. */
  readonly level: number;
  readonly title: string;
  /** The place of the page that it begins on. */
  readonly page: number;
  /** From the top of the page, in points. */
  readonly top: number;
}

export interface GroupMarks {
  add(mark: GroupMark): void;
  /** Null when there are none, or too many groups even of the outermost level. */
  list(): readonly GroupMark[] | null;
}

/** Ranges of rows beyond this are of no help; each then stands for several pages. */
const RANGES_MAX = 200;
/** More groups than this, and those within others have no bookmark. */
const GROUPS_MAX = 1000;
const TITLE_LENGTH_MAX = 120;

/** Keeps at most GROUPS_MAX marks: the innermost level is given up first. */
export function createGroupMarks(): GroupMarks {
  let marks: GroupMark[] = [];
  let levels = Number.POSITIVE_INFINITY;
  return {
    add(mark) {
      if (mark.level >= levels) return;
      marks.push({ ...mark, title: shorten(mark.title) });
      while (marks.length > GROUPS_MAX) {
        levels = marks.reduce((deepest, { level }) => Math.max(deepest, level), 0);
        marks = marks.filter(({ level }) => level < levels);
      }
    },
    list: () => (marks.length === 0 ? null : marks),
  };
}

function shorten(title: string): string {
  return shortenText(title, TITLE_LENGTH_MAX).toWellFormed().replaceAll(/\s+/g, " ");
}

interface Bookmark {
  readonly title: string;
  readonly page: number;
  readonly top: number | null;
  readonly children: Bookmark[];
}

/** Writes the outline; returns its root. */
export function writeOutline(parts: DocumentParts, pages: readonly PDFRef[]): PDFRef {
  const { title = parts.context.reportName } = parts.context.options;
  const { groups } = parts.printed;
  const children = groups === null ? listRanges(parts) : nestMarks(groups);
  const report = { title: title.toWellFormed(), page: 0, top: null, children };
  const root = parts.writer.reserve();
  const [only] = writeBookmarks(parts, pages, [report], root);
  parts.writer.write(root, { Type: "Outlines", First: only, Last: only, Count: 1 });
  return root;
}

function nestMarks(marks: readonly GroupMark[]): Bookmark[] {
  const top: Bookmark[] = [];
  const path: Bookmark[] = [];
  for (const { level, title, page, top: y } of marks) {
    const bookmark = { title, page, top: y, children: [] };
    (level === 0 ? top : path[level - 1]?.children)?.push(bookmark);
    path[level] = bookmark;
  }
  return top;
}

function listRanges({ printed, context, rowsPrinted }: DocumentParts): Bookmark[] {
  // A page with totals alone begins with no row.
  const blocks = printed.blocks.filter(({ firstRow }) => firstRow <= rowsPrinted);
  const format = new Intl.NumberFormat(context.options.locale, { numberingSystem: "latn" });
  if (blocks.length < 2) return [];
  const step = Math.ceil(blocks.length / RANGES_MAX);
  const ranges: Bookmark[] = [];
  for (let at = 0; at < blocks.length; at += step) {
    const block = blocks[at];
    if (block === undefined) break;
    const first = Math.max(1, block.firstRow);
    const last = Math.max(first, (blocks[at + step]?.firstRow ?? rowsPrinted + 1) - 1);
    const title = `Rows ${format.format(first)}–${format.format(last)}`;
    ranges.push({ title, page: block.page, top: null, children: [] });
  }
  return ranges;
}

/** Writes siblings and what is below them (ISO 32000-1 §12.3.3); the levels are few, so it may call itself. */
function writeBookmarks(
  parts: DocumentParts,
  pages: readonly PDFRef[],
  bookmarks: readonly Bookmark[],
  parent: PDFRef,
): PDFRef[] {
  const { writer, layout } = parts;
  const refs = bookmarks.map(() => writer.reserve());
  bookmarks.forEach(({ title, page, top, children }, at) => {
    const ref = refs[at];
    if (ref === undefined) return;
    const below = writeBookmarks(parts, pages, children, ref);
    const target = pages[page];
    writer.write(ref, {
      Title: PDFHexString.fromText(title),
      Parent: parent,
      Dest:
        top === null
          ? [target, "Fit"]
          : [target, "XYZ", PDFNull, Math.round(layout.pageHeight - top), PDFNull],
      Prev: refs[at - 1],
      Next: refs[at + 1],
      First: below[0],
      Last: below.at(-1),
      // Below zero: its bookmarks are folded.
      Count: below.length === 0 ? undefined : -below.length,
    });
  });
  return refs;
}
