/** The header row, composed once and drawn on every page. */
import { cutText } from "../../report/short-text.ts";
import type { Canvas } from "./canvas.ts";
import type { PrintedColumn } from "./cell-text.ts";
import type { Face } from "./face.ts";
import type { Band, Layout } from "./layout.ts";
import type { Palette } from "./palette.ts";
import { LABEL_LINES_MAX, makePrintable, type TextProblems } from "./text-problems.ts";
import { composeBlock, drawLine } from "./text-block.ts";
import { BASELINE, BODY, COLOR, HEADER } from "./theme.ts";

export interface TableHead {
  readonly height: number;
  draw(canvas: Canvas, band: Band, top: number): void;
}

/** No more of a label that is cut is said in the warning. */
const NAMED_LENGTH_MAX = 40;
const RULE_HEIGHT = 0.9;

interface LabelLine {
  readonly text: string;
  /** Points from the column's left edge. */
  readonly indent: number;
}

export function composeTableHead(
  columns: readonly PrintedColumn[],
  look: { layout: Layout; palette: Palette },
  face: Face,
  problems: TextProblems,
): TableHead {
  const { layout, palette } = look;
  const style = { face, size: HEADER.size, color: COLOR.ink };
  const labels = columns.map((column, slot): LabelLine[] => {
    const width = (layout.widths[slot] ?? 0) - 2 * BODY.padX;
    const box = { width, lineHeight: HEADER.lineHeight, linesMax: LABEL_LINES_MAX };
    const label = makePrintable(column.label, problems);
    const { lines, isCut } = composeBlock(label, style, box);
    if (isCut) problems.name("label_cut", describeLabel(label, slot));
    return lines.map((text) => {
      face.countProblems(text, problems);
      const spare = width - (face.measure(text) * HEADER.size) / 1000;
      return { text, indent: BODY.padX + indentLabel(column, spare, face.isRightToLeft(text)) };
    });
  });
  const lineCount = labels.reduce((most, lines) => Math.max(most, lines.length), 1);
  const height = lineCount * HEADER.lineHeight + 2 * HEADER.padY;
  return {
    height,
    draw(canvas, band, top) {
      const left = band.columns[0]?.left ?? 0;
      canvas.fillRect(left, top, band.width, height - RULE_HEIGHT, palette.header);
      canvas.fillRect(left, top + height - RULE_HEIGHT, band.width, RULE_HEIGHT, palette.accent);
      for (const { slot, left } of band.columns) {
        const lines = labels[slot] ?? [];
        // Short labels stand on the rule, beside the last line of the tall ones.
        const first = top + HEADER.padY + (lineCount - lines.length) * HEADER.lineHeight;
        lines.forEach(({ text, indent }, line) => {
          const baseline = first + (line + BASELINE) * HEADER.lineHeight;
          drawLine(canvas, style, text, left + indent, baseline);
        });
      }
    },
  };
}

function describeLabel(label: string, slot: number): string {
  const start = cutText(label.replaceAll("\n", " "), NAMED_LENGTH_MAX);
  return `column ${slot + 1} "${start}…"`;
}

function indentLabel(column: PrintedColumn, spare: number, isRightToLeft: boolean): number {
  if (column.followsDirection && isRightToLeft) return Math.max(0, spare);
  if (column.alignment === "left") return 0;
  return Math.max(0, column.alignment === "center" ? spare / 2 : spare);
}
