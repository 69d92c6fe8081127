/** What stands at the ticks of an axis, in the report's locale. */
import { readNumberLocale } from "../pdf/number-locale.ts";
import { parseNumberPattern } from "../pdf/number-pattern.ts";
import { createNumberText } from "../pdf/number-text.ts";
import type { ChartColumn } from "./chart-columns.ts";
import { chooseReadableLocale } from "./readable-locale.ts";
import type { ChartContent } from "./chart-points.ts";

/** From here on "1.5M" is easier to read than "1,500,000". */
const COMPACT_FROM = 100_000;
/** Outside of these "1E300" is the only text that has room. */
const POWER_FROM = 1e15;
const POWER_BELOW = 1e-4;
/** A tick may lie between the values of a column: steps of 0.5 in a column of whole numbers. */
const MORE_DECIMALS = 2;
/** Numbers below this are often years and keys, which are not grouped. */
const GROUPED_FROM = 10_000;

/** Ticks of a value axis. `sizeMax` is the largest value without its sign; `isFromZero` says that ticks are round. */
export function createTickText(
  column: ChartColumn,
  locale: string,
  axis: { sizeMax: number; isFromZero: boolean },
): (value: number) => string {
  const pattern = column.format === null ? null : parseNumberPattern(column.format);
  if (pattern !== null) {
    const decimalsMax = pattern.decimalsMax + MORE_DECIMALS;
    const ticks = { ...pattern, decimalsMin: 0, decimalsMax };
    const plain = { scale: 0, isGrouped: true };
    const text = createNumberText(readNumberLocale(locale), ticks, plain);
    return (value) => text.format(String(trimNoise(value)));
  }
  const numbers = new Intl.NumberFormat(chooseReadableLocale(locale), {
    numberingSystem: "latn",
    ...chooseNotation(axis),
  });
  // As a power of ten, zero would be "0E0".
  return (value) => (value === 0 ? "0" : numbers.format(trimNoise(value)));
}

function chooseNotation(axis: { sizeMax: number; isFromZero: boolean }): Intl.NumberFormatOptions {
  const { sizeMax, isFromZero } = axis;
  if (sizeMax >= POWER_FROM || (sizeMax > 0 && sizeMax < POWER_BELOW)) {
    return { notation: "scientific", maximumFractionDigits: 6 };
  }
  if (sizeMax < 1) return { maximumSignificantDigits: 6 };
  if (!isFromZero || sizeMax < COMPACT_FROM) return {};
  return { notation: "compact", maximumFractionDigits: 3 };
}

/** Ticks of an x axis of numbers, which may be years. */
export function createPositionText(locale: string, sizeMax: number): (value: number) => string {
  const numbers = new Intl.NumberFormat(locale, {
    numberingSystem: "latn",
    useGrouping: sizeMax >= GROUPED_FROM,
    maximumFractionDigits: 6,
  });
  return (value) => numbers.format(trimNoise(value));
}

/** 0.30000000000000004 is 0.3. */
function trimNoise(value: number): number {
  return Number(value.toPrecision(12));
}

/** The categories as they are read: numbers keep all their digits, and are not grouped, for they name something. */
export function nameCategories(content: ChartContent, locale: string): string[] {
  const { column, format } = content.x;
  if (column.type !== "fixed" && column.type !== "real") return [...content.categories];
  const pattern = format === null ? null : parseNumberPattern(format);
  const plain = { scale: column.scale, isGrouped: false };
  const text = createNumberText(readNumberLocale(locale), pattern, plain);
  return content.categories.map((category) => text.format(category));
}

export function formatShare(share: number, locale: string): string {
  return new Intl.NumberFormat(locale, {
    numberingSystem: "latn",
    style: "percent",
    maximumFractionDigits: share < 0.1 ? 1 : 0,
  }).format(share);
}
