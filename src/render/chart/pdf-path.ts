/** Paths in the coordinates of a canvas (y grows downwards) as PDF path operators (y grows upwards). */
import { ReportError } from "../../report/errors.ts";

/** [a b c d e f] of ISO 32000-1 §8.3.3: x' = a·x + c·y + e, y' = b·x + d·y + f. */
export type Matrix = readonly [number, number, number, number, number, number];

export interface PdfPath {
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  bezierCurveTo(x1: number, y1: number, x2: number, y2: number, x: number, y: number): void;
  quadraticCurveTo(x1: number, y1: number, x: number, y: number): void;
  arc(x: number, y: number, radius: number, from: number, to: number, isCounter?: boolean): void;
  rect(x: number, y: number, width: number, height: number): void;
  closePath(): void;
}

/** `inner` is applied first. */
export function multiply(outer: Matrix, inner: Matrix): Matrix {
  const [a, b, c, d, e, f] = outer;
  return [
    a * inner[0] + c * inner[1],
    b * inner[0] + d * inner[1],
    a * inner[2] + c * inner[3],
    b * inner[2] + d * inner[3],
    a * inner[4] + c * inner[5] + e,
    b * inner[4] + d * inner[5] + f,
  ];
}

export function transform([a, b, c, d, e, f]: Matrix, x: number, y: number): [number, number] {
  return [a * x + c * y + e, b * x + d * y + f];
}

/** Hundredths of a point. Throws ReportError `render_failed` for what is no finite number. */
export function formatLength(value: number): string {
  if (!Number.isFinite(value)) {
    throw new ReportError("render_failed", "chart: a value has no place on the axis");
  }
  return String(Math.round(value * 100) / 100 || 0);
}

/** A path under construction; `matrix` gives the transformation that holds when a point is added. */
export function createPdfPath(matrix: () => Matrix): PdfPath & { read(): string } {
  let operators = "";
  let last: readonly [number, number] | null = null;

  const write = (...points: readonly (readonly [number, number])[]): string =>
    points.map(([x, y]) => transform(matrix(), x, y).map(formatLength).join(" ")).join(" ");

  const path: PdfPath & { read(): string } = {
    read: () => operators,
    beginPath() {
      operators = "";
      last = null;
    },
    moveTo(x, y) {
      operators += `${write([x, y])} m\n`;
      last = [x, y];
    },
    lineTo(x, y) {
      operators += `${write([x, y])} ${last === null ? "m" : "l"}\n`;
      last = [x, y];
    },
    bezierCurveTo(x1, y1, x2, y2, x, y) {
      if (last === null) path.moveTo(x1, y1);
      operators += `${write([x1, y1], [x2, y2], [x, y])} c\n`;
      last = [x, y];
    },
    quadraticCurveTo(x1, y1, x, y) {
      const [x0, y0] = last ?? [x1, y1];
      const third = (from: number, to: number): number => from + (2 / 3) * (to - from);
      path.bezierCurveTo(third(x0, x1), third(y0, y1), third(x, x1), third(y, y1), x, y);
    },
    arc(x, y, radius, from, to, isCounter = false) {
      path.lineTo(x + radius * Math.cos(from), y + radius * Math.sin(from));
      for (const curve of splitArc(radius, from, sweep(from, to, isCounter))) {
        const [x1, y1, x2, y2, x3, y3] = curve;
        path.bezierCurveTo(x + x1, y + y1, x + x2, y + y2, x + x3, y + y3);
      }
    },
    rect(x, y, width, height) {
      path.moveTo(x, y);
      path.lineTo(x + width, y);
      path.lineTo(x + width, y + height);
      path.lineTo(x, y + height);
      path.closePath();
      last = [x, y];
    },
    closePath() {
      if (last !== null) operators += "h\n";
    },
  };
  return path;
}

/** The signed angle that an arc covers, at most a full turn (HTML, "CanvasPath.arc"). */
function sweep(from: number, to: number, isCounter: boolean): number {
  const turn = 2 * Math.PI;
  const span = isCounter ? from - to : to - from;
  const size = span >= turn ? turn : ((span % turn) + turn) % turn;
  return isCounter ? -size : size;
}

/** Bézier curves of at most a quarter turn about the origin: each deviates by less than 0.03 % of the radius. */
function splitArc(
  radius: number,
  from: number,
  angle: number,
): (readonly [number, number, number, number, number, number])[] {
  const count = Math.ceil(Math.abs(angle) / (Math.PI / 2) - 1e-9);
  const step = angle / count;
  const handle = (4 / 3) * Math.tan(step / 4);
  return Array.from({ length: count }, (_, at) => {
    const [a, b] = [from + at * step, from + (at + 1) * step];
    const [cosA, sinA, cosB, sinB] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    return [
      radius * (cosA - handle * sinA),
      radius * (sinA + handle * cosA),
      radius * (cosB + handle * sinB),
      radius * (sinB - handle * cosB),
      radius * cosB,
      radius * sinB,
    ];
  });
}
