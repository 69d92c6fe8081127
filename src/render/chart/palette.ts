/** The colours of a chart: the accent, then those that can best be told from all before, by colour-blind readers too. */
import { measureContrast, parseHexColor, type Rgb, toLinearLight } from "../contrast.ts";

/**
 * Paul Tol's "muted" and the darker half of Okabe and Ito's colours, both made to be told apart by colour-blind
 * readers (https://sronpersonalpages.nl/~pault/, https://jfly.uni-koeln.de/color/).
 */
const CANDIDATES = [
  ..."#e69f00 #009e73 #d55e00 #cc79a7 #56b4e9 #332288 #88ccee #44aa99".split(" "),
  ..."#117733 #999933 #ddcc77 #cc6677 #882255 #aa4499".split(" "),
];

/** For the slice that stands for all others. */
export const REST_COLOR = "#b4bac3";

/** Least contrast to white paper of a line or a bar (WCAG 2.2, 1.4.11 asks for 3 of graphical objects). */
const CONTRAST_MIN = 2.6;

const WHITE: Rgb = [1, 1, 1];

type Triple = readonly [number, number, number];

/** At least one colour; colours repeat after the fifteenth. */
export function choosePalette(accentColor: string, count: number): string[] {
  const chosen = [darken(accentColor)];
  const left = CANDIDATES.map(darken);
  while (chosen.length < Math.min(count, CANDIDATES.length + 1)) {
    const taken = chosen.map(sight);
    const next = findFarthest(left, taken);
    chosen.push(...left.splice(next, 1));
  }
  return Array.from({ length: Math.max(count, 1) }, (_, at) => chosen[at % chosen.length] ?? "");
}

function findFarthest(colors: readonly string[], taken: readonly (readonly Triple[])[]): number {
  const distances = colors.map((color) =>
    Math.min(...taken.map((other) => distance(sight(color), other))),
  );
  return distances.indexOf(Math.max(...distances));
}

/** The colour as three readers see it: with full sight, without red cones, without green cones. */
function sight(color: string): readonly Triple[] {
  const linear = toLinearLight(parseColor(color));
  return [linear, multiply(PROTANOPIA, linear), multiply(DEUTERANOPIA, linear)].map(toOklab);
}

/** What the reader sees who tells the two apart least. */
function distance(a: readonly Triple[], b: readonly Triple[]): number {
  const seen = a.map((color, reader) => {
    const other = b[reader] ?? color;
    return Math.hypot(color[0] - other[0], color[1] - other[1], color[2] - other[2]);
  });
  return Math.min(...seen);
}

/** Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB. */
const PROTANOPIA: readonly Triple[] = [
  [0.152286, 1.052583, -0.204868],
  [0.114503, 0.786281, 0.099216],
  [-0.003882, -0.048116, 1.051998],
];
const DEUTERANOPIA: readonly Triple[] = [
  [0.367322, 0.860646, -0.227968],
  [0.280085, 0.672501, 0.047413],
  [-0.01182, 0.04294, 0.968881],
];

function multiply(matrix: readonly Triple[], [red, green, blue]: Triple): Triple {
  const at = (row: number): number => {
    const [a, b, c] = matrix[row] ?? [0, 0, 0];
    return a * red + b * green + c * blue;
  };
  return [at(0), at(1), at(2)];
}

/** Björn Ottosson's Oklab (2020), in which distances are even to the eye. */
function toOklab([red, green, blue]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function parseColor(color: string): Rgb {
  const parsed = parseHexColor(color);
  if (parsed === null) throw new RangeError(`"${color}" is not #rrggbb`);
  return parsed;
}

function darken(color: string): string {
  let shade = color.toLowerCase();
  for (
    let step = 0;
    step < 40 && measureContrast(parseColor(shade), WHITE) < CONTRAST_MIN;
    step++
  ) {
    shade = `#${[1, 3, 5].map((place) => dim(shade.slice(place, place + 2))).join("")}`;
  }
  return shade;
}

function dim(channel: string): string {
  return Math.round(Number.parseInt(channel, 16) * 0.95)
    .toString(16)
    .padStart(2, "0");
}
