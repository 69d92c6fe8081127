import type { ChartContent, ChartPoint } from "./chart-points.ts";

export interface Slice {
  readonly label: string;
  readonly value: number;
  /** 0..1 of the whole. */
  readonly share: number;
  readonly isRest: boolean;
}

/** More categories than this: the largest are shown, and the rest is one slice. */
const SLICES_MAX = 12;

/**
 * Sums by category, the largest first, which makes neighbours easy to compare; the query's order would say nothing
 * in a circle. A sum that is not above zero has no slice.
 */
export function sumSlices({ points, categories }: ChartContent): Slice[] {
  const all = [...sumByCategory(points)].filter(([, sum]) => sum > 0).sort(([, a], [, b]) => b - a);
  const total = all.reduce((whole, [, sum]) => whole + sum, 0);
  const slices: Slice[] = all.slice(0, SLICES_MAX).map(([place, value]) => ({
    label: categories[place] ?? "",
    value,
    share: value / total,
    isRest: false,
  }));
  const rest = all.slice(SLICES_MAX).reduce((whole, [, sum]) => whole + sum, 0);
  if (rest > 0) slices.push({ label: "Other", value: rest, share: rest / total, isRest: true });
  return slices;
}

/** How many categories of a pie cannot be drawn. */
export function countNegativeSums(points: readonly ChartPoint[]): number {
  return [...sumByCategory(points).values()].filter((sum) => sum < 0).length;
}

function sumByCategory(points: readonly ChartPoint[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { x, y } of points) sums.set(x, (sums.get(x) ?? 0) + y);
  return sums;
}
