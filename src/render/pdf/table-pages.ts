/**
 * Rows onto pages. A block is the pages that show the same rows: one page, or one for each band of a wide table.
 * A row moves to the next block when it does not fit; one that is taller than a page goes on over several.
 */
import type { PDFRef } from "pdf-lib";
import type { Row } from "../../report/table.ts";
import { createCanvas, type Canvas } from "./canvas.ts";
import type { Layout } from "./layout.ts";
import type { ObjectWriter } from "./object-writer.ts";
import type { RowCells } from "./row-cells.ts";
import type { TableHead } from "./table-head.ts";
import { BASELINE, BODY, COLOR, MARGIN } from "./theme.ts";
import type { TitleBlock } from "./title-block.ts";

export interface TablePages {
  printRow(row: Row): void;
  /**
   * Space for `height` points below the last row, across the page: on the last page, else on a new one.
   * Nothing is printed into the table afterwards.
   */
  openTail(height: number): { canvas: Canvas; top: number };
  close(): PrintedPages;
}

export interface PrintedPages {
  /** The content streams, in the order of the pages. */
  readonly contents: readonly PDFRef[];
  /** For each block, the number (from 1) of the row that it begins with. */
  readonly firstRows: readonly number[];
}

/** At least so many lines of a row that goes on over pages are printed before the page ends. */
const LINES_TOGETHER = 3;
const HAIRLINE = 0.4;

interface PageParts {
  readonly layout: Layout;
  readonly head: TableHead;
  readonly title: TitleBlock;
  readonly cells: RowCells;
  readonly writer: ObjectWriter;
}

interface PageState extends PageParts {
  readonly contents: PDFRef[];
  readonly firstRows: number[];
  /** Where rows end, from the top of the page. */
  readonly bottom: number;
  /** The open block, one canvas for each band; none before the first row. */
  canvases: readonly Canvas[];
  /** Where the next row goes, from the top of the page. */
  top: number;
  /** What the title takes on the first page; the other bands of the first block begin that much higher. */
  titleHeight: number;
  rowNumber: number;
}

export function createTablePages(parts: PageParts): TablePages {
  const state: PageState = {
    ...parts,
    contents: [],
    firstRows: [],
    bottom: parts.layout.pageHeight - MARGIN.bottom,
    canvases: [],
    top: 0,
    titleHeight: 0,
    rowNumber: 0,
  };
  return {
    printRow: (row) => printRow(state, row),
    openTail: (height) => openTail(state, height),
    close() {
      closeBlock(state);
      return { contents: state.contents, firstRows: state.firstRows };
    },
  };
}

function printRow(state: PageState, row: Row): void {
  const lineCount = state.cells.prepare(row);
  state.rowNumber++;
  if (state.canvases.length === 0) openBlock(state);
  const emptyPage = state.bottom - MARGIN.top - state.head.height;
  const fits = lineCount <= countLines(state.bottom - state.top);
  if (!fits && lineCount <= countLines(emptyPage)) turnPage(state);
  let from = 0;
  while (from < lineCount) {
    const room = countLines(state.bottom - state.top);
    const rest = lineCount - from;
    if (room < Math.min(LINES_TOGETHER, rest)) {
      turnPage(state);
      continue;
    }
    drawLines(state, from, Math.min(room, rest));
    from += room;
  }
}

/** Draws `count` lines of the prepared row in every band. */
function drawLines(state: PageState, from: number, count: number): void {
  const { layout, cells, rowNumber } = state;
  const height = count * BODY.lineHeight + 2 * BODY.padY;
  layout.bands.forEach((band, at) => {
    const canvas = canvasOf(state, at);
    const y = state.top - shiftOf(state, at);
    const filled = height - HAIRLINE;
    if (rowNumber % 2 === 0) canvas.fillRect(MARGIN.left, y, band.width, filled, COLOR.zebra);
    canvas.fillRect(MARGIN.left, y + filled, band.width, HAIRLINE, COLOR.rule);
    for (const { slot, left } of band.columns) {
      for (let line = 0; line < count; line++) {
        const baseline = y + BODY.padY + (line + BASELINE) * BODY.lineHeight;
        cells.drawLine(canvas, { slot, line: from + line }, left, baseline);
      }
    }
  });
  state.top += height;
}

function openBlock(state: PageState): void {
  const { layout, head, title } = state;
  state.titleHeight = state.firstRows.length === 0 ? title.height : 0;
  state.canvases = layout.bands.map(() => createCanvas(layout.pageHeight));
  state.firstRows.push(state.rowNumber);
  state.top = MARGIN.top + state.titleHeight;
  layout.bands.forEach((band, at) => {
    const canvas = canvasOf(state, at);
    if (at === 0 && state.titleHeight > 0) title.draw(canvas);
    head.draw(canvas, band, state.top - shiftOf(state, at));
  });
  state.top += head.height;
}

function closeBlock(state: PageState): void {
  for (const canvas of state.canvases) {
    state.contents.push(state.writer.addStream(canvas.finish()));
  }
  state.canvases = [];
}

function turnPage(state: PageState): void {
  closeBlock(state);
  openBlock(state);
}

function openTail(state: PageState, height: number): { canvas: Canvas; top: number } {
  if (state.canvases.length === 0) openBlock(state);
  const last = state.canvases.length - 1;
  const top = state.top - shiftOf(state, last);
  if (top + height <= state.bottom) {
    state.top += height;
    return { canvas: canvasOf(state, last), top };
  }
  closeBlock(state);
  state.canvases = [createCanvas(state.layout.pageHeight)];
  return { canvas: canvasOf(state, 0), top: MARGIN.top };
}

function canvasOf(state: PageState, band: number): Canvas {
  const canvas = state.canvases[band];
  if (canvas === undefined) throw new Error("No page is open");
  return canvas;
}

function shiftOf(state: PageState, band: number): number {
  return band === 0 ? 0 : state.titleHeight;
}

function countLines(height: number): number {
  // A thousandth of a point of tolerance: a page that fits exactly must not lose a line to rounding.
  return Math.floor((height - 2 * BODY.padY + 0.001) / BODY.lineHeight);
}
