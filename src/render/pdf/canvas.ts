/**
 * The content stream of one page (ISO 32000-1 §8, §9.4). Lengths are points from the page's upper left corner;
 * in the stream they are whole hundredths of a point, which are shorter to write and to compress.
 */
import type { Face } from "./face.ts";

export interface Canvas {
  fillRect(left: number, top: number, width: number, height: number, color: string): void;
  /** `baseline` is the distance from the top of the page to the line that letters stand on. */
  showText(style: TextStyle, left: number, baseline: number, hex: string): void;
  /** The operators; the canvas is of no use afterwards. */
  finish(): Buffer;
}

export interface TextStyle {
  readonly face: Face;
  readonly size: number;
  readonly color: string;
}

export function createCanvas(pageHeight: number): Canvas {
  // Texts come after all shapes: zebra stripes never cover them, and one BT/ET pair serves the page.
  let shapes = "";
  let texts = "";
  let style: TextStyle | null = null;
  let shapeColor = "";
  let lastX = 0;
  let lastY = 0;

  function setStyle(next: TextStyle): void {
    if (style?.face !== next.face || style.size !== next.size) {
      texts += `/${next.face.name} ${Math.round(next.size * 100)} Tf\n`;
    }
    if (style?.color !== next.color) texts += `${next.color} rg\n`;
    style = next;
  }

  return {
    fillRect(left, top, width, height, color) {
      if (color !== shapeColor) shapes += `${color} rg\n`;
      shapeColor = color;
      const x = Math.round(left * 100);
      const y = Math.round((pageHeight - top - height) * 100);
      shapes += `${x} ${y} ${Math.round(width * 100)} ${Math.round(height * 100)} re f\n`;
    },
    showText(next, left, baseline, hex) {
      if (next !== style) setStyle(next);
      const x = Math.round(left * 100);
      const y = Math.round((pageHeight - baseline) * 100);
      texts += `${x - lastX} ${y - lastY} Td<${hex}>Tj\n`;
      lastX = x;
      lastY = y;
    },
    finish: () => Buffer.from(`q .01 0 0 .01 0 0 cm\n${shapes}BT\n${texts}ET Q\n`, "latin1"),
  };
}
