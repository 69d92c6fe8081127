/** The colours of a deployment, made of its accent colour so that texts and rules in them can be read. */

/** PDF operands "r g b". */
export interface Palette {
  /** For headings and rules on white: the accent, darkened until it stands out. */
  readonly accent: string;
  /** Behind the header row, with dark text on it. */
  readonly header: string;
  /** Behind the headings of groups, by level; and behind the rows of totals. */
  readonly tints: readonly [string, string, string];
}

type Rgb = readonly [number, number, number];

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [1, 1, 1];
/** WCAG 2.2, success criterion 1.4.3: text against its background. */
const CONTRAST_MIN = 4.5;
/** On a tint stands text in the accent colour, too. */
const TINTED_CONTRAST_MIN = 4.5;

/** `accentColor` is "#rrggbb". */
export function createPalette(accentColor: string): Palette {
  const own = parseColor(accentColor);
  const accent = darken(own, WHITE, CONTRAST_MIN);
  const tints = [0.16, 0.09, 0.05].map((part) => mix(own, WHITE, part));
  const [strong = WHITE, middle = WHITE, weak = WHITE] = tints;
  const readable = darken(accent, strong, TINTED_CONTRAST_MIN);
  return {
    accent: toOperands(readable),
    header: toOperands(mix(own, WHITE, 0.12)),
    tints: [toOperands(strong), toOperands(middle), toOperands(weak)],
  };
}

/** "#rrggbb" as PDF operands; anything else is black. */
export function toColorOperands(color: string): string {
  return toOperands(parseColor(color));
}

function darken(color: Rgb, background: Rgb, contrastMin: number): Rgb {
  let darker = color;
  for (let part = 0; contrast(darker, background) < contrastMin && part < 1; part += 0.05) {
    darker = mix(BLACK, color, part + 0.05);
  }
  return darker;
}

/** The contrast ratio of WCAG 2.2, from 1 to 21. */
function contrast(one: Rgb, other: Rgb): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mix(color: Rgb, other: Rgb, part: number): Rgb {
  const blend = (at: 0 | 1 | 2): number => color[at] * part + other[at] * (1 - part);
  return [blend(0), blend(1), blend(2)];
}

function parseColor(color: string): Rgb {
  const match = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(color);
  if (match === null) return BLACK;
  const [, red = "0", green = "0", blue = "0"] = match;
  return [parseInt(red, 16) / 255, parseInt(green, 16) / 255, parseInt(blue, 16) / 255];
}

function toOperands(color: Rgb): string {
  return color.map((part) => String(Number(part.toFixed(3))).replace(/^0\./, ".")).join(" ");
}
