/**
 * Wire cells as values and as ISO text, shared by the renderers. Every function takes a cell that is not null,
 * in the form that report/table.ts documents, and throws ReportError `render_failed` for any other form:
 * a value is never guessed. Nanoseconds and offsets are kept; nothing passes through Date.
 */
import { ReportError } from "../report/errors.ts";
import type { ColumnType } from "../report/table.ts";
import { EPOCH_SECONDS_MAX, zoneOffset } from "./cell-zone.ts";

export type TimestampType = Extract<ColumnType, `timestamp_${string}`>;

/** A point on a time line: `seconds` is rounded down (before 1970 it is negative), `nanos` is 0..999,999,999. */
export interface Epoch {
  readonly seconds: number;
  readonly nanos: number;
}

/** What a clock on the wall shows: `seconds` counts as if the wall were in UTC. */
export interface WallTime extends Epoch {
  /** Seconds that the wall is ahead of UTC; null when the zone is not known (timestamp_ntz). */
  readonly offsetSeconds: number | null;
}

const SECONDS_PER_DAY = 86_400;
const NANOS_PER_SECOND = 1_000_000_000;
const OFFSET_MINUTES_BIAS = 1440;

/** A boolean: "1", "true", "0" or "false", in any case. */
export function isTrue(cell: string): boolean {
  if (cell === "1" || cell === "true") return true;
  if (cell === "0" || cell === "false") return false;
  const lower = cell.toLowerCase();
  if (lower !== "true" && lower !== "false") throw malformed("boolean");
  return lower === "true";
}

/** A date: whole days since 1970-01-01. */
export function parseDays(cell: string): number {
  const days = cell.length <= DAY_DIGITS_MAX ? parseDigits(cell) : Number(cell);
  if (
    cell === "" ||
    !Number.isInteger(days) ||
    Math.abs(days) * SECONDS_PER_DAY > EPOCH_SECONDS_MAX
  ) {
    throw malformed("date");
  }
  return days;
}

/** Fewer days than Date accepts, years of five digits among them. */
const DAY_DIGITS_MAX = 7;

/** Digits after a sign or none, or else NaN; Number() takes ten times as long for a text that it sees for the first time. */
function parseDigits(text: string): number {
  const start = text.charCodeAt(0) === 45 ? 1 : 0;
  if (text.length === start) return Number.NaN;
  let value = 0;
  for (let at = start; at < text.length; at++) {
    const digit = digitAt(text, at, text.length);
    if (digit < 0) return Number.NaN;
    value = value * 10 + digit;
  }
  return start === 0 ? value : 0 - value;
}

/** A time (since midnight) or a timestamp (since 1970); of a timestamp_tz the instant, its offset is left out. */
export function parseEpoch(cell: string): Epoch {
  const space = cell.indexOf(" ");
  return parseSeconds(cell, space === -1 ? cell.length : space);
}

/** A timestamp as the wall shows it: ltz in `timezone` (IANA), tz in the cell's own offset, ntz as it is. */
export function parseTimestamp(cell: string, type: TimestampType, timezone: string): WallTime {
  if (type === "timestamp_tz") return parseZoned(cell);
  const { seconds, nanos } = parseSeconds(cell, cell.length);
  if (type === "timestamp_ntz") return { seconds, nanos, offsetSeconds: null };
  const offsetSeconds = zoneOffset(timezone, seconds);
  return { seconds: seconds + offsetSeconds, nanos, offsetSeconds };
}

/** "2026-01-31"; a year outside 0..9999 has a sign and six digits, as in ISO 8601: "+012026-01-31". */
export function formatDate(days: number): string {
  const known = dateTexts[days - DATE_TEXTS_FROM];
  if (known !== undefined) return known;
  const text = composeDate(days);
  if (days >= DATE_TEXTS_FROM && days < DATE_TEXTS_TO) dateTexts[days - DATE_TEXTS_FROM] = text;
  return text;
}

/** "01:02:03", with 3, 6 or 9 digits of fraction when there is one. */
export function formatTime(cell: string): string {
  const { seconds, nanos } = parseSeconds(cell, cell.length);
  if (seconds < 0 || seconds >= SECONDS_PER_DAY) throw malformed("time");
  return formatClock(seconds) + formatFraction(nanos);
}

/**
 * "2026-01-31 01:02:03" (ntz) or "2026-01-31 01:02:03.500+02:00" (ltz, tz), as RFC 3339 with a space for the T.
 * The fraction has 3, 6 or 9 digits, and is left out when it is zero.
 */
export function formatTimestamp(cell: string, type: TimestampType, timezone: string): string {
  return formatWallTime(parseTimestamp(cell, type, timezone));
}

/** The text that formatTimestamp gives. */
export function formatWallTime(wall: WallTime): string {
  const days = Math.floor(wall.seconds / SECONDS_PER_DAY);
  const clock = formatClock(wall.seconds - days * SECONDS_PER_DAY);
  const offset = wall.offsetSeconds === null ? "" : formatOffset(wall.offsetSeconds);
  return `${formatDate(days)} ${clock}${formatFraction(wall.nanos)}${offset}`;
}

/** "+02:00"; "-04:56:02" for a local mean time. */
function formatOffset(offsetSeconds: number): string {
  const size = Math.abs(offsetSeconds);
  const seconds = size % 60;
  const clock = formatClock(size);
  return (offsetSeconds < 0 ? "-" : "+") + (seconds === 0 ? clock.slice(0, 5) : clock);
}

/** An instant as a timestamp_ltz reads: "2026-01-31 01:02:03+02:00". Milliseconds are left out. */
export function formatInstant(instant: Date, timezone: string): string {
  const seconds = Math.floor(instant.getTime() / 1000);
  const offsetSeconds = zoneOffset(timezone, seconds);
  return formatWallTime({ seconds: seconds + offsetSeconds, nanos: 0, offsetSeconds });
}

function parseZoned(cell: string): WallTime {
  const space = cell.indexOf(" ");
  if (space === -1) throw malformed("timestamp_tz");
  const biased = Number(cell.slice(space + 1));
  if (!Number.isInteger(biased) || biased < 0 || biased > 2 * OFFSET_MINUTES_BIAS) {
    throw malformed("timestamp_tz");
  }
  const { seconds, nanos } = parseSeconds(cell, space);
  const offsetSeconds = (biased - OFFSET_MINUTES_BIAS) * 60;
  return { seconds: seconds + offsetSeconds, nanos, offsetSeconds };
}

/** By character codes, not Number(): a double cannot hold seconds and nanoseconds together. */
function parseSeconds(cell: string, end: number): Epoch {
  const negative = cell.charCodeAt(0) === 45;
  let at = negative ? 1 : 0;
  const start = at;
  let whole = 0;
  for (let digit = digitAt(cell, at, end); digit >= 0; digit = digitAt(cell, ++at, end)) {
    whole = whole * 10 + digit;
  }
  const nanos = at < end ? parseFraction(cell, at, end) : 0;
  if (at === start || whole > EPOCH_SECONDS_MAX) throw malformed("time or timestamp");
  if (!negative) return { seconds: whole, nanos };
  return nanos === 0
    ? { seconds: 0 - whole, nanos: 0 }
    : { seconds: -whole - 1, nanos: NANOS_PER_SECOND - nanos };
}

function parseFraction(cell: string, pointAt: number, end: number): number {
  if (cell.charCodeAt(pointAt) !== 46) throw malformed("time or timestamp");
  let nanos = 0;
  let unit = NANOS_PER_SECOND;
  for (let at = pointAt + 1; at < end; at++) {
    const digit = digitAt(cell, at, end);
    if (digit < 0 || unit === 1) throw malformed("time or timestamp");
    unit /= 10;
    nanos += digit * unit;
  }
  return nanos;
}

function digitAt(cell: string, at: number, end: number): number {
  const digit = at < end ? cell.charCodeAt(at) - 48 : -1;
  return digit <= 9 ? digit : -1;
}

const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, n) =>
  String(n).padStart(2, "0"),
);

function formatClock(secondsOfDay: number): string {
  const hours = (secondsOfDay / 3600) | 0;
  const minutes = ((secondsOfDay / 60) | 0) % 60;
  return `${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes]}:${TWO_DIGITS[secondsOfDay % 60]}`;
}

function formatFraction(nanos: number): string {
  if (nanos === 0) return "";
  if (nanos % 1_000_000 === 0) return `.${String(nanos / 1_000_000).padStart(3, "0")}`;
  if (nanos % 1_000 === 0) return `.${String(nanos / 1_000).padStart(6, "0")}`;
  return `.${String(nanos).padStart(9, "0")}`;
}

/** Texts of the days 1900..2099, made when first asked for: dates repeat, and a finished text costs 5 ns. */
const DATE_TEXTS_FROM = -25_567;
const DATE_TEXTS_TO = 47_482;
const dateTexts: (string | undefined)[] = Array.from({ length: DATE_TEXTS_TO - DATE_TEXTS_FROM });

/** Days to the civil calendar in whole numbers: the calendar repeats every 146,097 days (400 years), from 1 March. */
function composeDate(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${formatYear(year)}-${TWO_DIGITS[month]}-${TWO_DIGITS[day]}`;
}

function formatYear(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, "0");
  return (year < 0 ? "-" : "+") + String(Math.abs(year)).padStart(6, "0");
}

function malformed(type: string): ReportError {
  return new ReportError("render_failed", `A cell of type ${type} is not in the warehouse's form`);
}
