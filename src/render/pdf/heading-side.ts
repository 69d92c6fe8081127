/** Headings that are read from right to left, and so stand at the right. */
import { isRightToLeft } from "./bidi-order.ts";
import type { Canvas } from "./canvas.ts";
import { drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";

/** By the first text with a letter: a year or a number alone goes where its neighbour does. */
export function beginsAtRight(...texts: readonly string[]): boolean {
  return isRightToLeft(texts.find((text) => /\p{L}/u.test(text)) ?? "");
}

/** Draws each line so that it ends at `right`. */
export function drawToRight(
  canvas: Canvas,
  block: TextBlock,
  { right, top }: { right: number; top: number },
  problems?: TextProblems,
): void {
  for (const [at, line] of block.lines.entries()) {
    const place = { left: right - widthOf(block, at), top: top + at * block.lineHeight };
    drawBlock(canvas, { ...block, lines: [line] }, place, problems);
  }
}

/** The width of a line, in points. */
export function widthOf({ lines, style }: TextBlock, at = 0): number {
  return (style.face.measure(lines[at] ?? "") * style.size) / 1000;
}
