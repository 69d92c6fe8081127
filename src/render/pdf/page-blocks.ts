/**
 * The pages that are open, and those that are written. A block is the pages that show the same rows: one page, or one
 * for each band of a wide table.
 */
import type { PDFRef } from "pdf-lib";
import { createCanvas, type Canvas } from "./canvas.ts";
import type { BandRow, GroupHeading } from "./group-heading.ts";
import type { Layout } from "./layout.ts";
import type { ObjectWriter } from "./object-writer.ts";
import { createGroupMarks, type GroupMark, type GroupMarks } from "./outline.ts";
import type { RowCells } from "./row-cells.ts";
import type { TableHead } from "./table-head.ts";
import type { TitleBlock } from "./title-block.ts";

export interface PrintedPages {
  readonly pages: readonly PrintedPage[];
  readonly blocks: readonly PrintedBlock[];
  /** Where groups begin; null when there are too many of them, or none. */
  readonly groups: readonly GroupMark[] | null;
}

interface PrintedPage {
  readonly content: PDFRef;
  /** The band of the table that the page shows; null when it shows none. */
  readonly band: number | null;
}

interface PrintedBlock {
  /** The number (from 1) of the row that it begins with. */
  readonly firstRow: number;
  /** The place of its first page. */
  readonly page: number;
}

/** A title that leaves less room for the table has the first page for itself. */
const FIRST_ROWS_HEIGHT = 70;
export interface PageParts {
  readonly layout: Layout;
  readonly head: TableHead;
  readonly title: TitleBlock;
  readonly cells: RowCells;
  readonly writer: ObjectWriter;
}

export interface PageState extends PageParts {
  readonly pages: PrintedPage[];
  readonly blocks: PrintedBlock[];
  readonly marks: GroupMarks;
  /** The open block, one canvas for each band; none before the first row. */
  canvases: readonly Canvas[];
  /** The headings of the groups that the next row is in. */
  headings: readonly GroupHeading[];
  /** Where the next row goes, from the top of the page. */
  top: number;
  /** Where the first row of the open block goes. */
  bodyTop: number;
  /** What the title takes on the first page; the other bands of the first block begin that much higher. */
  titleHeight: number;
  rowNumber: number;
  /** Whether the open page has nothing of the table. */
  hasTailPage: boolean;
  /** Rows since the stripes began: they begin anew in each group. */
  stripe: number;
}

export function createPageState(parts: PageParts): PageState {
  return {
    ...parts,
    pages: [],
    blocks: [],
    marks: createGroupMarks(),
    canvases: [],
    headings: [],
    top: 0,
    bodyTop: 0,
    titleHeight: 0,
    rowNumber: 0,
    hasTailPage: false,
    stripe: 0,
  };
}

export function drawBandRow(state: PageState, row: BandRow): void {
  state.canvases.forEach((canvas, at) => row.draw(canvas, at, state.top - shiftOf(state, at)));
  state.top += row.height;
}

export function openBlock(state: PageState, firstRow = state.rowNumber): void {
  const { layout, head, title } = state;
  const isFirst = state.pages.length === 0;
  if (isFirst && layout.top + title.height + head.height + FIRST_ROWS_HEIGHT > layout.bottom) {
    const canvas = createCanvas(layout.pageHeight);
    title.draw(canvas);
    state.pages.push({ content: state.writer.addStream(canvas.finish()), band: null });
  }
  state.titleHeight = state.pages.length === 0 ? title.height : 0;
  state.canvases = layout.bands.map(() => createCanvas(layout.pageHeight));
  state.blocks.push({ firstRow, page: state.pages.length });
  state.top = layout.top + state.titleHeight;
  layout.bands.forEach((band, at) => {
    const canvas = canvasOf(state, at);
    if (at === 0 && state.titleHeight > 0) title.draw(canvas);
    head.draw(canvas, band, state.top - shiftOf(state, at));
  });
  state.top += head.height;
  for (const heading of state.headings) drawBandRow(state, heading.continued);
  state.bodyTop = state.top;
}

export function closeBlock(state: PageState): void {
  state.canvases.forEach((canvas, at) => {
    const band = state.hasTailPage ? null : at;
    state.pages.push({ content: state.writer.addStream(canvas.finish()), band });
  });
  state.canvases = [];
}

export function turnPage(state: PageState): void {
  closeBlock(state);
  openBlock(state);
}

export function canvasOf(state: PageState, band: number): Canvas {
  const canvas = state.canvases[band];
  if (canvas === undefined) throw new Error("No page is open");
  return canvas;
}

export function shiftOf(state: PageState, band: number): number {
  return band === 0 ? 0 : state.titleHeight;
}

/** What a page without a title has for rows, below the headings of the groups that go on. */
export function measurePage({ layout, head, headings }: PageState): number {
  return (
    layout.bottom -
    layout.top -
    head.height -
    sumHeights(headings.map((heading) => heading.continued))
  );
}

export function sumHeights(rows: readonly BandRow[]): number {
  return rows.reduce((sum, row) => sum + row.height, 0);
}
