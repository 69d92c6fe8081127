/**
 * The cells of the row that is being printed, one slot for each printed column. Arrays are used again for every
 * row; a cell that fits its column on one line, the common case, costs its text and nothing else.
 */
import type { Row } from "../../report/table.ts";
import type { Canvas, TextStyle } from "./canvas.ts";
import type { PrintedColumn } from "./cell-text.ts";
import type { Face } from "./face.ts";
import { wrapText } from "./line-wrap.ts";
import { drawLine, toUnits } from "./text-block.ts";
import { makePrintable, type TextProblems } from "./text-problems.ts";
import { BODY, COLOR, NULL_TEXT } from "./theme.ts";

export interface RowCells {
  /** Takes a row, and counts what is wrong with it; returns how many lines its tallest cell has. */
  prepare(row: Row): number;
  /** How many lines the prepared cell in a slot has. */
  countLines(slot: number): number;
  /** Draws one line of the cell in a slot, if the cell has that line, into the column that begins at `left`. */
  drawLine(canvas: Canvas, slot: number, line: number, left: number, baseline: number): void;
}

/** A longer text is wrapped without asking first whether it fits one line. */
const ONE_LINE_MAX = 2000;
/** Numbers and dates that are wider than their column are condensed so far before they are broken into lines. */
const STRETCH_MIN = 0.6;

interface Slot {
  readonly column: PrintedColumn;
  /** Room for text, in thousandths of the font size. */
  readonly limit: number;
  /** Of a column aligned on the decimal separator: the widest part from there on, in the same unit. */
  readonly fraction: number;
  /** The cell: null for NULL, lines when it needs more than one or has unusual characters. */
  content: string | readonly string[] | null;
  /** The width of a content on one line. */
  length: number;
  /** Whether all of it is made of characters that need no shaping, which is measured and encoded much faster. */
  isSimple: boolean;
  /** The width of its letters in percent. */
  stretch: number;
}

interface Inks {
  readonly face: Face;
  readonly problems: TextProblems;
  readonly data: TextStyle;
  readonly absent: TextStyle;
  readonly nullLength: number;
}

export function createRowCells(
  columns: readonly PrintedColumn[],
  sizes: { widths: readonly number[]; fractions: readonly number[] },
  face: Face,
  problems: TextProblems,
): RowCells {
  const slots = columns.map((column, at): Slot => {
    const limit = toUnits((sizes.widths[at] ?? 0) - 2 * BODY.padX, BODY.size);
    return {
      column,
      limit,
      fraction: sizes.fractions[at] ?? 0,
      content: null,
      length: 0,
      isSimple: true,
      stretch: 100,
    };
  });
  const data = { face, size: BODY.size, color: COLOR.ink };
  const nullLength = face.measureSimple(NULL_TEXT);
  const inks: Inks = {
    face,
    problems,
    data,
    absent: { ...data, color: COLOR.faint },
    nullLength,
  };
  return {
    prepare(row) {
      let lineCount = 1;
      for (let at = 0; at < slots.length; at++) {
        const slot = slots[at]!;
        const count = fillSlot(slot, row[slot.column.index] ?? null, inks);
        if (count > lineCount) lineCount = count;
      }
      return lineCount;
    },
    countLines(slot) {
      const content = slots[slot]?.content ?? null;
      return content === null || typeof content === "string" ? 1 : content.length;
    },
    drawLine(canvas, at, line, left, baseline) {
      const slot = slots[at];
      if (slot === undefined) return;
      const { content } = slot;
      if (content !== null && typeof content !== "string") {
        drawWrapped(canvas, slot, inks, { text: content[line] ?? "", left, baseline });
      } else if (line === 0) {
        drawOneLine(canvas, slot, inks, left, baseline);
      }
    },
  };
}

/** Returns how many lines the cell has. */
function fillSlot(slot: Slot, cell: string | null, { face, problems }: Inks): number {
  slot.content = null;
  if (cell === null) return 1;
  const text = slot.column.format(cell);
  const length = face.measureSimple(text);
  const isCondensed = length > slot.limit && !slot.column.isProse;
  if (length >= 0 && length * (isCondensed ? STRETCH_MIN : 1) <= slot.limit) {
    slot.content = text;
    slot.length = isCondensed ? slot.limit : length;
    slot.stretch = isCondensed ? Math.floor((100 * slot.limit) / length) : 100;
    return 1;
  }
  slot.isSimple = length >= 0;
  const lines = slot.isSimple
    ? wrapText(face, text, slot.limit)
    : breakLines(face, makePrintable(text, problems), slot.limit);
  // Not when it is drawn: each page of a wide table repeats the first column.
  if (!slot.isSimple) for (const line of lines) face.countProblems(line, problems);
  slot.content = lines;
  return lines.length;
}

function breakLines(face: Face, text: string, limit: number): readonly string[] {
  const isOneLine =
    text.length <= ONE_LINE_MAX && !text.includes("\n") && face.measure(text) <= limit;
  return isOneLine ? [text] : wrapText(face, text, limit);
}

function drawOneLine(
  canvas: Canvas,
  slot: Slot,
  { data, absent, nullLength, face }: Inks,
  left: number,
  baseline: number,
): void {
  const { content } = slot;
  if (typeof content === "string") {
    if (content === "") return;
    const start = left + indent(slot, content, slot.length, face);
    canvas.showSimple(data, start, baseline, content, slot.stretch);
  } else {
    const start = left + indent(slot, NULL_TEXT, nullLength, face);
    canvas.showSimple(absent, start, baseline, NULL_TEXT);
  }
}

function drawWrapped(
  canvas: Canvas,
  slot: Slot,
  { data, face }: Inks,
  { text, left, baseline }: { text: string; left: number; baseline: number },
): void {
  if (text === "") return;
  const length = face.measure(text);
  const spare = isMirrored(slot, text, face)
    ? toRight(slot, length)
    : indent(slot, text, length, face);
  drawLine(canvas, data, text, left + spare, baseline);
}

/** A text that is read from right to left begins at the right where others begin at the left. */
function isMirrored(slot: Slot, text: string, face: Face): boolean {
  return !slot.isSimple && slot.column.followsDirection && face.isRightToLeft(text);
}

function toRight(slot: Slot, length: number): number {
  return BODY.padX + (Math.max(0, slot.limit - length) * BODY.size) / 1000;
}

/** Where a text begins, in points from the left edge of its column. */
function indent(slot: Slot, text: string, length: number, face: Face): number {
  const spare = Math.max(0, slot.limit - length);
  switch (slot.column.alignment) {
    case "left":
      return BODY.padX;
    case "right":
      return toRight(slot, length);
    case "center":
      return BODY.padX + (spare * BODY.size) / 2000;
    case "decimal":
      return BODY.padX + (indentToPoint(slot, text, spare, face) * BODY.size) / 1000;
  }
}

function indentToPoint(slot: Slot, text: string, spare: number, face: Face): number {
  const tail = face.measure(text.slice(slot.column.findPoint(text)));
  return tail < slot.fraction ? Math.max(0, spare - (slot.fraction - tail)) : spare;
}
