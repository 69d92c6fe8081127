/** What stands below the last row: "No rows", and the notes that the reader must see. */
import type { RenderWarning } from "../renderer.ts";
import type { Face } from "./face.ts";
import type { Layout } from "./layout.ts";
import type { TablePages } from "./table-pages.ts";
import { composeBlock, drawBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { BODY, COLOR, NOTES } from "./theme.ts";

export interface TailParts {
  readonly layout: Layout;
  readonly faces: { regular: Face; bold: Face };
  readonly problems: TextProblems;
}

const GAP_ABOVE = 14;
const EDGE_WIDTH = 2.5;

export function printNoRows(pages: TablePages, { layout, faces, problems }: TailParts): void {
  const style = { face: faces.regular, size: 10, color: COLOR.soft };
  const block = composeBlock("No rows", style, { width: 200, lineHeight: 14 });
  const { canvas, top } = pages.openTail(block.height + GAP_ABOVE);
  const left = layout.left + BODY.padX;
  drawBlock(canvas, block, { left, top: top + GAP_ABOVE / 2 }, problems);
}

export function printNotes(
  pages: TablePages,
  warnings: readonly RenderWarning[],
  { layout, faces, problems }: TailParts,
): void {
  if (warnings.length === 0) return;
  const style = { face: faces.regular, size: NOTES.size, color: COLOR.ink };
  const box = { width: layout.contentWidth - 2 * NOTES.padX, lineHeight: NOTES.lineHeight };
  const blocks = [
    composeBlock("Notes", { ...style, face: faces.bold }, box),
    ...warnings.map((warning) => composeBlock(warning.message, style, box)),
  ];
  const height = blocks.reduce((sum, block) => sum + block.height, 2 * NOTES.padY);
  const { canvas, top } = pages.openTail(height + GAP_ABOVE);
  let y = top + GAP_ABOVE;
  const boxLeft = layout.left + EDGE_WIDTH;
  canvas.fillRect(boxLeft, y, layout.contentWidth - EDGE_WIDTH, height, COLOR.notes);
  canvas.fillRect(layout.left, y, EDGE_WIDTH, height, COLOR.notesEdge);
  y += NOTES.padY;
  for (const block of blocks) {
    drawBlock(canvas, block, { left: layout.left + NOTES.padX, top: y }, problems);
    y += block.height;
  }
}
