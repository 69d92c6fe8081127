/**
 * Rows onto pages. A block is the pages that show the same rows: one page, or one for each band of a wide table.
 * A row moves to the next block when it does not fit; one that is taller than a page goes on over several. The
 * headings of the groups that go on are repeated at the top of each block.
 */
import type { Row } from "../../report/table.ts";
import { createCanvas, type Canvas } from "./canvas.ts";
import type { BandRow, GroupHeading } from "./group-heading.ts";
import {
  canvasOf,
  closeBlock,
  createPageState,
  drawBandRow,
  measurePage,
  openBlock,
  shiftOf,
  sumHeights,
  turnPage,
  type PageParts,
  type PageState,
  type PrintedPages,
} from "./page-blocks.ts";
import type { RowCells } from "./row-cells.ts";
import { BASELINE, BODY, COLOR } from "./theme.ts";

export interface TablePages {
  /** `headings` are those of the groups that begin with this row, the outermost first; they stay with it. */
  printRow(row: Row, headings?: readonly GroupHeading[]): void;
  /** A row across the table, such as the totals of a group. */
  printBandRow(row: BandRow): void;
  /** The groups of this level and within it have ended: a new page does not repeat their headings. */
  closeGroups(level: number): void;
  /**
   * Space for `height` points below the last row, across the page: on the last page, else on a new one.
   * Nothing is printed into the table afterwards.
   */
  openTail(height: number): { canvas: Canvas; top: number };
  close(): PrintedPages;
}

/** At least so many lines of a row that goes on over pages are printed before the page ends. */
const LINES_TOGETHER = 3;
/** The key of a row that goes on is repeated, but no more lines of it. */
const KEY_LINES_MAX = 3;
const HAIRLINE = 0.4;

export function createTablePages(parts: PageParts): TablePages {
  const state = createPageState(parts);
  return {
    printRow: (row, headings = []) => printRow(state, row, headings),
    printBandRow: (row) => printBandRow(state, row),
    closeGroups(level) {
      if (state.headings.length > level) state.headings = state.headings.slice(0, level);
    },
    openTail: (height) => openTail(state, height),
    close() {
      closeBlock(state);
      return { pages: state.pages, blocks: state.blocks, groups: state.marks.list() };
    },
  };
}

function printRow(state: PageState, row: Row, headings: readonly GroupHeading[]): void {
  const lineCount = state.cells.prepare(row);
  state.rowNumber++;
  if (state.canvases.length === 0) openBlock(state);
  const above = sumHeights(headings);
  const room = countLines(state.layout.bottom - state.top - above);
  if (
    lineCount > room &&
    (lineCount <= countLines(measurePage(state) - above) || room < LINES_TOGETHER)
  ) {
    turnPage(state);
  }
  if (headings.length > 0) printHeadings(state, headings);
  state.stripe++;
  printLines(state, lineCount);
}

function printLines(state: PageState, lineCount: number): void {
  let from = 0;
  while (from < lineCount) {
    const room = countLines(state.layout.bottom - state.top);
    const rest = lineCount - from;
    // A page that has nothing yet takes a line in any case: the next one would have no more room.
    if (room < Math.min(LINES_TOGETHER, rest) && state.top > state.bodyTop) {
      turnPage(state);
      continue;
    }
    const count = Math.max(1, Math.min(room, rest));
    drawLines(state, from, count);
    from += count;
  }
}

function printHeadings(state: PageState, headings: readonly GroupHeading[]): void {
  for (const heading of headings) {
    const { level, title } = heading;
    state.marks.add({ level, title, page: state.pages.length, top: state.top });
    drawBandRow(state, heading);
  }
  state.headings = [...state.headings, ...headings];
  state.stripe = 0;
}

function printBandRow(state: PageState, row: BandRow): void {
  if (state.top + row.height > state.layout.bottom) closeBlock(state);
  if (state.canvases.length === 0) openBlock(state, state.rowNumber + 1);
  drawBandRow(state, row);
}

/** Draws `count` lines of the prepared row in every band. */
function drawLines(state: PageState, from: number, count: number): void {
  const { layout, cells, stripe } = state;
  const height = count * BODY.lineHeight + 2 * BODY.padY;
  const keyFrom = findKeyLine(cells, from);
  const filled = height - HAIRLINE;
  for (let at = 0; at < layout.bands.length; at++) {
    const { columns, width } = layout.bands[at]!;
    const canvas = canvasOf(state, at);
    const y = state.top - shiftOf(state, at);
    if (stripe % 2 === 0) canvas.fillRect(layout.left, y, width, filled, COLOR.zebra);
    canvas.fillRect(layout.left, y + filled, width, HAIRLINE, COLOR.rule);
    for (let place = 0; place < columns.length; place++) {
      const { slot, left } = columns[place]!;
      const first = slot === 0 ? keyFrom : from;
      for (let line = 0; line < count; line++) {
        const baseline = y + BODY.padY + (line + BASELINE) * BODY.lineHeight;
        cells.drawLine(canvas, slot, first + line, left, baseline);
      }
    }
  }
  state.top += height;
}

/** The line that the first column goes on with: from its start when it ended on an earlier page, if it is short. */
function findKeyLine(cells: RowCells, from: number): number {
  const count = cells.countLines(0);
  return from >= count && count <= KEY_LINES_MAX ? 0 : from;
}

function openTail(state: PageState, height: number): { canvas: Canvas; top: number } {
  if (state.canvases.length === 0) openBlock(state);
  const last = state.canvases.length - 1;
  const top = state.top - shiftOf(state, last);
  if (top + height <= state.layout.bottom) {
    state.top += height;
    return { canvas: canvasOf(state, last), top };
  }
  closeBlock(state);
  state.hasTailPage = true;
  state.canvases = [createCanvas(state.layout.pageHeight)];
  return { canvas: canvasOf(state, 0), top: state.layout.top };
}

function countLines(height: number): number {
  // A thousandth of a point of tolerance: a page that fits exactly must not lose a line to rounding.
  return Math.floor((height - 2 * BODY.padY + 0.001) / BODY.lineHeight);
}
