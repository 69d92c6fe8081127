/** Sums and averages: exact decimals of any length, and doubles that lose nothing on the way. */
import type { Cell } from "../report/table.ts";

/** A value under construction: exact for fixed columns, of any length. */
export interface Accumulator {
  add(cell: Cell): void;
  /** As a wire cell of the column's type (a count: digits); null when there was no value. */
  result(): Cell;
}

/** More digits than the column has, for an average. */
export const AVERAGE_DIGITS = 6;

/** Sums below this stay exact in a JS number, whatever SAFE_DIGITS digits are added next. */
const SAFE_SUM = Number.MAX_SAFE_INTEGER - 1e15;
const SAFE_DIGITS = 15;

/** Short numbers are gathered in a JS number, which takes a third of the time of adding each to a bigint. */
export function createFixedSum(scale: number, isAverage: boolean): Accumulator {
  let sum = 0n;
  let gathered = 0;
  let count = 0;
  return {
    add: (cell) => {
      if (cell === null) return;
      count += 1;
      const small = parseSmall(cell, scale);
      if (small === null) sum += parseScaled(cell, scale);
      else gathered += small;
      if (Math.abs(gathered) < SAFE_SUM) return;
      sum += BigInt(gathered);
      gathered = 0;
    },
    result: () => {
      if (count === 0) return null;
      const total = sum + BigInt(gathered);
      if (!isAverage) return formatScaled(total, scale);
      const digits = total * 10n ** BigInt(AVERAGE_DIGITS);
      return formatScaled(divideRounded(digits, BigInt(count)), scale + AVERAGE_DIGITS);
    },
  };
}

/** The digits as an integer of that scale; null when there may be more of them than a JS number holds. */
function parseSmall(text: string, scale: number): number | null {
  if (text.length + scale > SAFE_DIGITS) return null;
  let value = 0;
  let places = -1;
  const start = text.charCodeAt(0) === 45 ? 1 : 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 46 && places === -1) {
      places = 0;
    } else if (code < 48 || code > 57 || places === scale) {
      return null;
    } else {
      value = value * 10 + code - 48;
      if (places >= 0) places += 1;
    }
  }
  const shifted = value * 10 ** (scale - Math.max(0, places));
  // Never the number -0, which no bigint has.
  return start === 1 && shifted !== 0 ? -shifted : shifted;
}

/** Neumaier's compensated sum: adding a million values loses no more than adding two. */
export function createRealSum(isAverage: boolean): Accumulator {
  let sum = 0;
  let lost = 0;
  let count = 0;
  return {
    add: (cell) => {
      if (cell === null) return;
      const value = parseReal(cell);
      if (Number.isNaN(value)) return;
      count += 1;
      const next = sum + value;
      const isFinite = Number.isFinite(next);
      if (isFinite)
        lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
    },
    result: () => {
      if (count === 0) return null;
      const total = sum + (Number.isFinite(sum) ? lost : 0);
      return formatReal(isAverage ? total / count : total);
    },
  };
}

export function parseReal(cell: string): number {
  return Number(cell.replace(/^([+-]?)inf$/i, "$1Infinity"));
}

/** With the 15 digits that a double is sure to hold: 0.1 and 0.2 make 0.3. */
function formatReal(value: number): string {
  return String(Number(value.toPrecision(15))).replace("Infinity", "inf");
}

/** The digits of a decimal as an integer of that scale; digits beyond it are cut. */
export function parseScaled(text: string, scale: number): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0").slice(0, scale));
}

function formatScaled(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const sign = value < 0n ? "-" : "";
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-scale)}`;
}

function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const half = dividend < 0n ? -divisor / 2n : divisor / 2n;
  return (dividend + half) / divisor;
}
