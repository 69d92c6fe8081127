/** The row that a group begins with: the column's label and the group's value, across the table. */
import type { Cell } from "../../report/table.ts";
import type { Canvas } from "./canvas.ts";
import type { PrintedColumn } from "./cell-text.ts";
import type { Face } from "./face.ts";
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
  const { layout, palette, problems } = look;
  const parts = layout.bands.map((band) => composeParts(texts, measureSpan(band, layout), look));
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
      const start = left + BODY.padX + texts.level * GROUP.indent;
      const place = { left: start, top: top + GROUP.padY };
      drawBlock(canvas, part.label, place, problems);
      drawBlock(canvas, part.value, { ...place, left: start + part.indent }, problems);
      const end = start + part.indent + part.width;
      drawBlock(canvas, part.tail, { ...place, left: end }, problems);
    },
  };
}

interface HeadingParts {
  readonly span: number;
  readonly label: TextBlock;
  readonly value: TextBlock;
  /** Of the value, from the start of the label. */
  readonly indent: number;
  /** Of the value's first line. */
  readonly width: number;
  readonly tail: TextBlock;
}

function composeParts(texts: HeadingTexts, span: number, look: RowLook): HeadingParts {
  const { faces, palette } = look;
  const { lineHeight } = GROUP;
  const room = span - 2 * BODY.padX - texts.level * GROUP.indent;
  const soft = { face: faces.regular, size: BODY.size, color: COLOR.soft };
  const strong = { face: faces.bold, size: GROUP.size, color: palette.accent };
  const labelBox = { width: room * LABEL_PART_MAX, lineHeight, linesMax: 1 };
  const label = composeBlock(texts.label, soft, labelBox);
  const indent = widthOf(label) + BODY.padX;
  const tail = composeBlock(texts.tail, soft, { width: room, lineHeight });
  const width = Math.max(1, room - indent - widthOf(tail));
  const value = composeBlock(
    texts.title,
    strong,
    { width, lineHeight, linesMax: texts.linesMax },
    look.problems,
  );
  return { span, label, value, indent, width: widthOf(value), tail };
}

/** The width of the first line, in points. */
function widthOf({ lines, style }: TextBlock): number {
  return (style.face.measure(lines[0] ?? "") * style.size) / 1000;
}
