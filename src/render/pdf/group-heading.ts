/** The row that a group begins with: the column's label and the group's value, across the table. */
import type { Cell } from "../../report/table.ts";
import type { Canvas } from "./canvas.ts";
import type { PrintedColumn } from "./cell-text.ts";
import type { Face } from "./face.ts";
import { beginsAtRight, drawToRight, widthOf } from "./heading-side.ts";
import type { Band, Layout } from "./layout.ts";
import type { Palette } from "./palette.ts";
import { composeBlock, drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { BODY, COLOR, GROUP, NULL_TEXT } from "./theme.ts";

/** A row across the table that is drawn in every band. */
export interface BandRow {
  readonly height: number;
  draw(canvas: Canvas, band: number, top: number): void;
}

export interface GroupHeading extends BandRow {
  /** 0 is the outermost. */
  readonly level: number;
  /** What the group is called, for bookmarks and totals. */
  readonly title: string;
  /** The heading where the group goes on, on another page. */
  readonly continued: BandRow;
}

export interface RowLook {
  readonly layout: Layout;
  readonly faces: { regular: Face; bold: Face };
  readonly palette: Palette;
  readonly problems: TextProblems;
}

/** A table may be narrower than what is said of its groups. */
const SPAN_MIN = 200;
const LABEL_PART_MAX = 0.4;
const CONTINUED = " (continued)";
const HAIRLINE = 0.5;

/** The width that rows across the table have in a band. */
export function measureSpan(band: Band | undefined, layout: Layout): number {
  return Math.max(band?.width ?? 0, Math.min(layout.contentWidth, SPAN_MIN));
}

export function nameGroup(column: PrintedColumn, cell: Cell): string {
  if (cell === null) return NULL_TEXT;
  const text = column.format(cell);
  return text.trim() === "" ? "(empty)" : text;
}

export function composeHeading(
  column: PrintedColumn,
  group: { level: number; cell: Cell },
  look: RowLook,
): GroupHeading {
  const title = nameGroup(column, group.cell);
  const texts = { label: column.label, title, level: group.level };
  const draft = composeRow({ ...texts, tail: "", linesMax: GROUP.linesMax }, look);
  const again = (): BandRow => composeRow({ ...texts, tail: CONTINUED, linesMax: 1 }, look);
  let continued: BandRow | undefined;
  return {
    ...draft,
    level: group.level,
    title,
    // Most groups end on the page that they begin on.
    get continued() {
      return (continued ??= again());
    },
  };
}

interface HeadingTexts {
  readonly label: string;
  readonly title: string;
  readonly level: number;
  readonly tail: string;
  readonly linesMax: number;
}

function composeRow(texts: HeadingTexts, look: RowLook): BandRow {
  const { layout, palette } = look;
  // The text is repeated on the pages of a wide table, and where the group goes on: what is wrong with it counts once.
  const isFirst = texts.tail === "";
  const problemsAt = (band: number) => (isFirst && band === 0 ? look.problems : undefined);
  const parts = layout.bands.map((band, at) =>
    composeParts(texts, measureSpan(band, layout), look, problemsAt(at)),
  );
  const lines = parts.reduce((most, { value }) => Math.max(most, value.lines.length), 1);
  const height = lines * GROUP.lineHeight + 2 * GROUP.padY;
  return {
    height,
    draw(canvas, at, top) {
      const part = parts[at];
      if (part === undefined) return;
      const { left } = layout;
      const tint = palette.tints[Math.min(texts.level, 2)] ?? palette.header;
      canvas.fillRect(left, top, part.span, height - HAIRLINE, tint);
      canvas.fillRect(left, top + height - HAIRLINE, part.span, HAIRLINE, COLOR.rule);
      drawParts(canvas, part, { left, top: top + GROUP.padY }, problemsAt(at));
    },
  };
}

/** Label, value and tail from the left; or from the right, when the value is read so. */
function drawParts(
  canvas: Canvas,
  part: HeadingParts,
  { left, top }: { left: number; top: number },
  problems?: TextProblems,
): void {
  const { label, value, tail, indent, width } = part;
  if (part.isReversed) {
    const right = left + part.span - part.margin;
    drawToRight(canvas, label, { right, top }, problems);
    drawToRight(canvas, value, { right: right - indent, top }, problems);
    drawToRight(canvas, tail, { right: right - indent - width, top }, problems);
    return;
  }
  const start = left + part.margin;
  drawBlock(canvas, label, { left: start, top }, problems);
  drawBlock(canvas, value, { left: start + indent, top }, problems);
  drawBlock(canvas, tail, { left: start + indent + width, top }, problems);
}

interface HeadingParts {
  readonly span: number;
  /** Whether the heading begins at the right. */
  readonly isReversed: boolean;
  /** From the edge that it begins at, in points. */
  readonly margin: number;
  readonly label: TextBlock;
  readonly value: TextBlock;
  /** Of the value, from the start of the label. */
  readonly indent: number;
  /** Of the value's first line. */
  readonly width: number;
  readonly tail: TextBlock;
}

function composeParts(
  texts: HeadingTexts,
  span: number,
  { faces, palette }: RowLook,
  problems?: TextProblems,
): HeadingParts {
  const { lineHeight } = GROUP;
  const margin = BODY.padX + texts.level * GROUP.indent;
  const room = span - BODY.padX - margin;
  const isReversed = beginsAtRight(texts.title, texts.label);
  const soft = { face: faces.regular, size: BODY.size, color: COLOR.soft };
  const strong = { face: faces.bold, size: GROUP.size, color: palette.accent };
  const labelBox = { width: room * LABEL_PART_MAX, lineHeight, linesMax: 1 };
  const label = composeBlock(texts.label, soft, labelBox);
  const indent = widthOf(label) + BODY.padX;
  const tailText = isReversed ? texts.tail.trimStart() : texts.tail;
  const tail = composeBlock(tailText, soft, { width: room, lineHeight });
  const gap = isReversed ? BODY.padX : 0;
  const width = Math.max(1, room - indent - gap - widthOf(tail));
  const box = { width, lineHeight, linesMax: texts.linesMax };
  const value = composeBlock(texts.title, strong, box, problems);
  return {
    span,
    isReversed,
    margin,
    label,
    value,
    indent,
    width: widthOf(value) + gap,
    tail,
  };
}
