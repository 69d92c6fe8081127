/** Short texts outside the table: cleaned, wrapped, drawn line by line. */
import type { Canvas, TextStyle } from "./canvas.ts";
import { wrapText } from "./line-wrap.ts";
import { BASELINE } from "./theme.ts";
import { makePrintable, type TextProblems } from "./text-problems.ts";

export interface TextBlock {
  readonly style: TextStyle;
  readonly lineHeight: number;
  readonly lines: readonly string[];
  readonly height: number;
  /** Whether its last line ends with "…" for those that are left out. */
  readonly isCut: boolean;
}

/** A block of at most `linesMax` lines; the last one ends with "…" when there were more. */
export function composeBlock(
  text: string,
  style: TextStyle,
  box: { width: number; lineHeight: number; linesMax?: number },
  problems?: TextProblems,
): TextBlock {
  const limit = toUnits(box.width, style.size);
  const { linesMax = Number.POSITIVE_INFINITY } = box;
  const all = wrapText(style.face, makePrintable(text, problems), limit);
  const lines = all.slice(0, linesMax);
  const isCut = all.length > lines.length;
  if (isCut) lines.push(addEllipsis(lines.pop() ?? "", style, limit));
  const height = lines.length * box.lineHeight;
  return { style, lineHeight: box.lineHeight, lines, height, isCut };
}

/** Counts what no font has when `problems` is given: with the first of several drawings of a text. */
export function drawBlock(
  canvas: Canvas,
  block: TextBlock,
  at: { left: number; top: number },
  problems?: TextProblems,
): void {
  const { style, lineHeight } = block;
  let baseline = at.top + lineHeight * BASELINE;
  for (const line of block.lines) {
    if (problems !== undefined) style.face.countProblems(line, problems);
    drawLine(canvas, style, line, at.left, baseline);
    baseline += lineHeight;
  }
}

/** A line of printable text, of which nothing is counted. */
export function drawLine(
  canvas: Canvas,
  style: TextStyle,
  line: string,
  left: number,
  baseline: number,
): void {
  if (line === "") return;
  const { face } = style;
  if (face.measureSimple(line) >= 0) canvas.showSimple(style, left, baseline, line);
  else canvas.showText(style, left, baseline, face.encode(line));
}

/** Points as thousandths of a font size. */
export function toUnits(points: number, size: number): number {
  return (points * 1000) / size;
}

function addEllipsis(line: string, style: TextStyle, limit: number): string {
  let kept = Array.from(line);
  while (kept.length > 0 && style.face.measure(`${kept.join("")}…`) > limit) {
    kept = kept.slice(0, -1);
  }
  return `${kept.join("").trimEnd()}…`;
}
