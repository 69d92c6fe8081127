import { measureContrast, parseHexColor } from "../contrast.ts";

const WHITE = "#ffffff";
const DARK = "#1f1f1f";

/** "#rrggbb" as a workbook has it: "FFRRGGBB", opaque. */
export function toArgb(color: string): string {
  return `FF${color.slice(1).toUpperCase()}`;
}

/** White or nearly black letters, whichever stand out more from that ground. "#rrggbb" both. */
export function selectTextColor(ground: string): string {
  return contrast(ground, WHITE) >= contrast(ground, DARK) ? WHITE : DARK;
}

function contrast(one: string, other: string): number {
  const [a, b] = [parseHexColor(one), parseHexColor(other)];
  if (a === null || b === null) throw new Error("A colour is not #rrggbb");
  return measureContrast(a, b);
}
