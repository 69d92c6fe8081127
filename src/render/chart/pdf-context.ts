/**
 * The part of a CanvasRenderingContext2D that vega draws with, as operators of a PDF content stream (ISO 32000-1
 * §8.4, §8.5). Points are transformed here, so the stream needs no matrices. There is no transparency: what lets the
 * paper through has its colour mixed with white.
 */
import type { ChartText } from "./chart.ts";
import {
  createPdfPath,
  formatLength,
  type Matrix,
  multiply,
  type PdfPath,
  transform,
} from "./pdf-path.ts";
import { BOLD_FROM } from "./theme.ts";

/** What vega sets before it paints; save keeps it, restore brings it back. */
interface Style {
  matrix: Matrix;
  fillStyle: string;
  strokeStyle: string;
  globalAlpha: number;
  lineWidth: number;
  lineCap: string;
  lineJoin: string;
  miterLimit: number;
  lineDash: readonly number[];
  lineDashOffset: number;
  font: string;
  textAlign: string;
}

export interface PdfContext extends PdfPath, Omit<Style, "matrix" | "lineDash"> {
  setLineDash(dash: readonly number[]): void;
  save(): void;
  restore(): void;
  translate(x: number, y: number): void;
  scale(x: number, y: number): void;
  rotate(angle: number): void;
  clip(): void;
  fill(): void;
  stroke(): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  fillText(text: string, x: number, y: number): void;
  /** All that was drawn, between q and Q, and nothing outside the box. */
  finish(): string;
}

const CAPS = ["butt", "round", "square"];
const JOINS = ["miter", "round", "bevel"];
/** Where a text begins, as a part of its width before the point. */
const ANCHORS: Readonly<Record<string, number>> = { center: 0.5, right: 1, end: 1 };

export function createPdfContext(
  box: { width: number; height: number },
  text: ChartText,
): PdfContext {
  let style = createStyle(box.height);
  const saved: Style[] = [];
  const path = createPdfPath(() => style.matrix);
  let operators = "";

  const apply = (inner: Matrix): void => {
    style.matrix = multiply(style.matrix, inner);
  };
  const painting: Omit<PdfContext, keyof Style | keyof PdfPath> = {
    setLineDash: (dash) => void (style.lineDash = [...dash]),
    save() {
      saved.push({ ...style });
      operators += "q\n";
    },
    restore() {
      const before = saved.pop();
      if (before === undefined) return;
      style = before;
      operators += "Q\n";
    },
    translate: (x, y) => apply([1, 0, 0, 1, x, y]),
    scale: (x, y) => apply([x, 0, 0, y, 0, 0]),
    rotate(angle) {
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      apply([cos, sin, -sin, cos, 0, 0]);
    },
    clip: () => void (operators += `${path.read()}W n\n`),
    fill: () => void (operators += `${mixColor(style.fillStyle, style)} rg\n${path.read()}f\n`),
    stroke: () => void (operators += `${writeStroke(style)}${path.read()}S\n`),
    fillRect(x, y, width, height) {
      path.beginPath();
      path.rect(x, y, width, height);
      painting.fill();
    },
    fillText: (words, x, y) => void (operators += showText(words, x, y, style, text)),
    finish() {
      const size = `${formatLength(box.width)} ${formatLength(box.height)}`;
      const open = "Q\n".repeat(saved.length);
      return `q\n0 0 ${size} re W n\n${operators}${open}Q\n`;
    },
  };
  return withStyle({ ...path, ...painting }, () => style);
}

function createStyle(height: number): Style {
  return {
    matrix: [1, 0, 0, -1, 0, height],
    fillStyle: "#000000",
    strokeStyle: "#000000",
    globalAlpha: 1,
    lineWidth: 1,
    lineCap: "butt",
    lineJoin: "miter",
    miterLimit: 10,
    lineDash: [],
    lineDashOffset: 0,
    font: "10px sans-serif",
    textAlign: "left",
  };
}

const STYLE_NAMES = [
  ...(["fillStyle", "strokeStyle", "globalAlpha", "lineWidth", "lineCap", "lineJoin"] as const),
  ...(["miterLimit", "lineDashOffset", "font", "textAlign"] as const),
];

type StyleName = (typeof STYLE_NAMES)[number];

/** Vega assigns to properties of the context; they are those of the style that holds at the time. */
function withStyle(methods: Omit<PdfContext, StyleName>, current: () => Style): PdfContext {
  const context: PdfContext = { ...methods, ...current() };
  for (const name of STYLE_NAMES) {
    Object.defineProperty(context, name, {
      get: () => current()[name],
      set(value: string | number) {
        Object.assign(current(), { [name]: value });
      },
    });
  }
  return context;
}

/** Widths and dashes are as in the canvas: vega never scales a chart of scale factor 1. */
function writeStroke(style: Style): string {
  const dash = style.lineDash.map(formatLength).join(" ");
  return [
    `${mixColor(style.strokeStyle, style)} RG`,
    `${formatLength(style.lineWidth)} w`,
    `${Math.max(0, CAPS.indexOf(style.lineCap))} J`,
    `${Math.max(0, JOINS.indexOf(style.lineJoin))} j`,
    `${formatLength(Math.max(1, style.miterLimit))} M`,
    `[${dash}] ${formatLength(style.lineDashOffset)} d\n`,
  ].join(" ");
}

/** "r g b" of 0..1. */
function mixColor(css: string, { globalAlpha }: Style): string {
  const [red, green, blue, alpha] = readColor(css);
  const part = (alpha / 255) * globalAlpha;
  const mix = (channel: number): string =>
    String(Math.round((1 - part + (part * channel) / 255) * 1000) / 1000);
  return [red, green, blue].map(mix).join(" ");
}

function mixHex(css: string, style: Style): string {
  const channels = mixColor(css, style).split(" ");
  const hex = channels.map((part) =>
    Math.round(Number(part) * 255)
      .toString(16)
      .padStart(2, "0"),
  );
  return `#${hex.join("")}`;
}

/** Red, green, blue and alpha, each 0..255. */
function readColor(css: string): [number, number, number, number] {
  const color = Bun.color(css, "[rgba]");
  if (color === null) throw new RangeError(`"${css}" is not a colour`);
  return color;
}

function showText(words: string, x: number, y: number, style: Style, text: ChartText): string {
  const { size, isBold } = readFont(style.font);
  const before = (ANCHORS[style.textAlign] ?? 0) * text.measure(words, size, isBold);
  const [left, bottom] = transform(style.matrix, x - before, y);
  const [a, b] = style.matrix;
  const degrees = (Math.atan2(b, a) * 180) / Math.PI;
  const turned = Math.round(degrees * 100) / 100 || 0;
  const color = mixHex(style.fillStyle, style);
  return `q\n${text.show(words, round(left), round(bottom), size, isBold, color, turned)}\nQ\n`;
}

function round(value: number): number {
  return Number(formatLength(value));
}

/** "600 10.5px chart-1, Source Sans 3", as vega writes it. */
function readFont(font: string): { size: number; isBold: boolean } {
  const match = /^(?:(\w+) )?([\d.]+)px /.exec(font);
  if (match === null) throw new RangeError(`"${font}" is not a font`);
  const [, weight = "", size] = match;
  return { size: Number(size), isBold: weight === "bold" || Number(weight) >= BOLD_FROM };
}
