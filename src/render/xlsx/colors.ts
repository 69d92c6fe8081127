const WHITE = "FFFFFFFF";
const DARK = "FF1F1F1F";

/** "#rrggbb" as a workbook has it: "FFRRGGBB", opaque. */
export function toArgb(color: string): string {
  return `FF${color.slice(1).toUpperCase()}`;
}

/** White or nearly black letters, whichever stand out more from that ground. "FFRRGGBB" both. */
export function selectTextColor(ground: string): string {
  return contrast(ground, WHITE) >= contrast(ground, DARK) ? WHITE : DARK;
}

/** Source: WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(argb: string): number {
  const [red = 0, green = 0, blue = 0] = [2, 4, 6].map((at) => {
    const part = Number.parseInt(argb.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
