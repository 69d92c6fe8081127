/**
 * The content stream of one page (ISO 32000-1 §8, §9.4). Lengths are points from the page's upper left corner;
 * in the stream they are whole hundredths of a point, which are shorter to write and to compress.
 */
import type { Face } from "./face.ts";
import { applySize } from "./shape-strings.ts";

export interface Canvas {
  /** Rectangles of different colours must not overlap: their order is not kept. */
  fillRect(left: number, top: number, width: number, height: number, color: string): void;
  /**
   * `baseline` is the distance from the top of the page to the line that letters stand on; `codes` are of
   * Face.encode; `stretch` is the width of the letters in percent.
   */
  showText(style: TextStyle, left: number, baseline: number, codes: string, stretch?: number): void;
  /**
   * A drawing or picture, by its name in the page's resources: its origin is at `left`, `bottom` (both from the
   * page's upper left corner), and one unit of it measures `unit`.
   */
  drawObject(
    name: string,
    left: number,
    bottom: number,
    unit: { width: number; height: number },
  ): void;
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
  // Shapes of one colour are one path, which makes the stream shorter.
  const shapes = new Map<string, string>();
  let texts = "";
  let objects = "";
  let style: TextStyle | null = null;
  let lastX = 0;
  let lastY = 0;
  let lastStretch = 100;

  function setStyle(next: TextStyle): void {
    if (style?.face !== next.face || style.size !== next.size) {
      texts += `/${next.face.name} ${Math.round(next.size * 100)} Tf\n`;
    }
    if (style?.color !== next.color) texts += `${next.color} rg\n`;
    style = next;
  }

  return {
    fillRect(left, top, width, height, color) {
      const x = Math.round(left * 100);
      const y = Math.round((pageHeight - top - height) * 100);
      const box = `${x} ${y} ${Math.round(width * 100)} ${Math.round(height * 100)} re\n`;
      shapes.set(color, (shapes.get(color) ?? "") + box);
    },
    showText(next, left, baseline, codes, stretch = 100) {
      if (next !== style) setStyle(next);
      if (stretch !== lastStretch) texts += `${stretch} Tz\n`;
      lastStretch = stretch;
      const x = Math.round(left * 100);
      const y = Math.round((pageHeight - baseline) * 100);
      texts += `${x - lastX} ${y - lastY} Td<${applySize(codes, next.size * 100)}>Tj\n`;
      lastX = x;
      lastY = y;
    },
    drawObject(name, left, bottom, unit) {
      const matrix = [unit.width, 0, 0, unit.height, left, pageHeight - bottom].map((value) =>
        Number((value * 100).toFixed(3)),
      );
      objects += `q ${matrix.join(" ")} cm /${name} Do Q\n`;
    },
    finish() {
      let filled = "";
      for (const [color, boxes] of shapes) filled += `${color} rg\n${boxes}f\n`;
      return Buffer.from(`q .01 0 0 .01 0 0 cm\n${filled}${objects}BT\n${texts}ET Q\n`, "latin1");
    },
  };
}
