/**
 * The content stream of one page (ISO 32000-1 §8, §9.4). Lengths are points from the page's upper left corner;
 * in the stream they are whole hundredths of a point, which are shorter to write and to compress.
 */
import { appendAscii, createByteBuffer, type ByteBuffer } from "../byte-buffer.ts";
import { appendBox, appendLiteral, appendMove } from "./canvas-bytes.ts";
import type { Face } from "./face.ts";
import { applySize } from "./shape-strings.ts";

export interface Canvas {
  /** Rectangles of different colours must not overlap: their order is not kept. */
  fillRect(left: number, top: number, width: number, height: number, color: string): void;
  /** `baseline` is the distance from the top of the page to the line that letters stand on; `codes` are of Face.encode. */
  showText(style: TextStyle, left: number, baseline: number, codes: string): void;
  /** A text that Face.measureSimple accepted; `stretch` is the width of the letters in percent. */
  showSimple(
    style: TextStyle,
    left: number,
    baseline: number,
    text: string,
    stretch?: number,
  ): void;
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
  finish(): Uint8Array;
}

export interface TextStyle {
  readonly face: Face;
  readonly size: number;
  readonly color: string;
}

/** The texts of a page of a table have room at once; the room grows when they need more. */
const TEXT_BYTES = 16 * 1024;
const SHAPE_BYTES = 1024;

/**
 * Bytes, not strings that are joined and encoded when the page is done: with those 100,000 rows of 10 columns took 1.9 s
 * of CPU time; it is 1.25 s, of which 0.3 s are deflating.
 */
export function createCanvas(pageHeight: number, textBytes = TEXT_BYTES): Canvas {
  // Texts come after all shapes: zebra stripes never cover them, and one BT/ET pair serves the page.
  // Shapes of one colour are one path, which makes the stream shorter.
  const shapes = new Map<string, ByteBuffer>();
  const texts = createByteBuffer(textBytes);
  let objects = "";
  let style: TextStyle | null = null;
  let lastX = 0;
  let lastY = 0;
  let lastStretch = 100;

  function setStyle(next: TextStyle, stretch: number): void {
    if (style?.face !== next.face || style.size !== next.size) {
      appendAscii(texts, `/${next.face.name} ${Math.round(next.size * 100)} Tf\n`);
    }
    if (style?.color !== next.color) appendAscii(texts, `${next.color} rg\n`);
    style = next;
    if (stretch !== lastStretch) appendAscii(texts, `${stretch} Tz\n`);
    lastStretch = stretch;
  }

  function moveTo(left: number, baseline: number): void {
    const x = Math.round(left * 100);
    const y = Math.round((pageHeight - baseline) * 100);
    appendMove(texts, x - lastX, y - lastY);
    lastX = x;
    lastY = y;
  }

  return {
    fillRect(left, top, width, height, color) {
      let boxes = shapes.get(color);
      if (boxes === undefined) shapes.set(color, (boxes = createByteBuffer(SHAPE_BYTES)));
      const bottom = Math.round((pageHeight - top - height) * 100);
      const x = Math.round(left * 100);
      appendBox(boxes, x, bottom, Math.round(width * 100), Math.round(height * 100));
    },
    showText(next, left, baseline, codes) {
      if (next !== style || lastStretch !== 100) setStyle(next, 100);
      moveTo(left, baseline);
      appendAscii(texts, `<${applySize(codes, next.size * 100)}>Tj\n`);
    },
    showSimple(next, left, baseline, text, stretch = 100) {
      if (next !== style || lastStretch !== stretch) setStyle(next, stretch);
      moveTo(left, baseline);
      appendLiteral(texts, next.face, text);
    },
    drawObject(name, left, bottom, unit) {
      const matrix = [unit.width, 0, 0, unit.height, left, pageHeight - bottom].map((value) =>
        Number((value * 100).toFixed(3)),
      );
      objects += `q ${matrix.join(" ")} cm /${name} Do Q\n`;
    },
    finish: () => joinParts(shapes, objects, texts),
  };
}

function joinParts(
  shapes: ReadonlyMap<string, ByteBuffer>,
  objects: string,
  texts: ByteBuffer,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const addText = (text: string): void => void parts.push(Buffer.from(text, "latin1"));
  addText("q .01 0 0 .01 0 0 cm\n");
  for (const [color, boxes] of shapes) {
    addText(`${color} rg\n`);
    parts.push(boxes.bytes.subarray(0, boxes.length));
    addText("f\n");
  }
  addText(`${objects}BT\n`);
  parts.push(texts.bytes.subarray(0, texts.length));
  addText("ET Q\n");
  return Buffer.concat(parts);
}
