/** The colours of a deployment, made of its accent colour so that texts and rules in them can be read. */
import { measureContrast, parseHexColor, type Rgb } from "../contrast.ts";

/** PDF operands "r g b". */
export interface Palette {
  /** For headings and rules on white: the accent, darkened until it stands out. */
  readonly accent: string;
  /** Behind the header row, with dark text on it. */
  readonly header: string;
  /** Behind the headings of groups, by level; and behind the rows of totals. */
  readonly tints: readonly [string, string, string];
}

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [1, 1, 1];
/** WCAG 2.2, success criterion 1.4.3: text against its background. */
const CONTRAST_MIN = 4.5;

/** `accentColor` is "#rrggbb". */
export function createPalette(accentColor: string): Palette {
  const own = parseColor(accentColor);
  const accent = darken(own, WHITE);
  const tints = [0.16, 0.09, 0.05].map((part) => mix(own, WHITE, part));
  const [strong = WHITE, middle = WHITE, weak = WHITE] = tints;
  // On a tint stands text in the accent colour, too.
  const readable = darken(accent, strong);
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

function darken(color: Rgb, background: Rgb): Rgb {
  let darker = color;
  for (let part = 0; part < 1; part += 0.05) {
    if (measureContrast(darker, background) >= CONTRAST_MIN) break;
    darker = mix(BLACK, color, part + 0.05);
  }
  return darker;
}

function mix(color: Rgb, other: Rgb, part: number): Rgb {
  const blend = (at: 0 | 1 | 2): number => color[at] * part + other[at] * (1 - part);
  return [blend(0), blend(1), blend(2)];
}

function parseColor(color: string): Rgb {
  return parseHexColor(color) ?? BLACK;
}

function toOperands(color: Rgb): string {
  return color.map((part) => String(Number(part.toFixed(3))).replace(/^0\./, ".")).join(" ");
}
