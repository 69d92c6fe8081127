/** How colours stand out from each other. Source: WCAG 2.2, "contrast ratio" and "relative luminance". */

/** Red, green and blue, each 0..1. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** "#rrggbb"; null for anything else. */
export function parseHexColor(color: string): Rgb | null {
  if (!/^#[\da-f]{6}$/i.test(color)) return null;
  const at = (place: number): number => Number.parseInt(color.slice(place, place + 2), 16) / 255;
  return [at(1), at(3), at(5)];
}

/** Without the gamma of sRGB: parts of light, which can be added. */
export function toLinearLight([red, green, blue]: Rgb): Rgb {
  const linear = (part: number): number =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  return [linear(red), linear(green), linear(blue)];
}

/** From 1 to 21. */
export function measureContrast(one: Rgb, other: Rgb): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(color: Rgb): number {
  const [red, green, blue] = toLinearLight(color);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
