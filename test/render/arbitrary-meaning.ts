/**
 * What a wire cell means, worked out with Temporal and BigInt from the wire's definition (src/report/table.ts) and
 * with nothing of the renderers: the other side of every round trip.
 */
import type { Column } from "../../src/report/table.ts";

/** A decimal number without rounding: canonical, so that equal numbers have equal texts ("-12.5e0" as "-125e-1"). */
export function exactNumber(text: string): string | null {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign = "", integer = "", fraction = "", exponent = "0"] = match;
  const digits = (integer + fraction).replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  if (kept === "") return "0";
  const power = Number(exponent) - fraction.length + (digits.length - kept.length);
  return `${sign === "-" ? "-" : ""}${kept}e${power}`;
}

/** How many digits of an exact number count: 1 for 1000 and for 0.001. */
export function significantDigits(text: string): number {
  return (exactNumber(text) ?? "").replace(/^-/, "").split("e")[0]?.length ?? 0;
}

/** The value as ISO 8601 with a space, true or false, or the very text of the wire. */
export function isoText({ type }: Column, cell: string, timezone: string): string {
  switch (type) {
    case "boolean":
      return String(["1", "true"].includes(cell.toLowerCase()));
    case "date":
      return new Temporal.PlainDate(1970, 1, 1).add({ days: Number(cell) }).toString();
    case "time":
      return clockText(wallTime(cell)).slice("1970-01-01 ".length);
    case "timestamp_ntz":
      return clockText(wallTime(cell));
    case "timestamp_ltz":
      return zonedText(Temporal.Instant.fromEpochNanoseconds(nanos(cell)), timezone);
    case "timestamp_tz":
      return offsetText(cell);
    case "fixed":
    case "real":
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
      return cell;
  }
}

/** The wall time that a date, a time (of 1970-01-01) or a timestamp shows, without its zone. */
export function shownWallTime(
  { type }: Column,
  cell: string,
  timezone: string,
): Temporal.PlainDateTime {
  if (type === "date") return new Temporal.PlainDateTime(1970, 1, 1).add({ days: Number(cell) });
  if (type !== "timestamp_ltz") return wallTime(cell);
  return Temporal.Instant.fromEpochNanoseconds(nanos(cell))
    .toZonedDateTimeISO(timezone)
    .toPlainDateTime();
}

function nanos(seconds: string): bigint {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(seconds) ?? [];
  const size = BigInt(whole + fraction.padEnd(9, "0"));
  return sign === "-" ? -size : size;
}

function wallTime(seconds: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochNanoseconds(nanos(seconds))
    .toZonedDateTimeISO("UTC")
    .toPlainDateTime();
}

function offsetText(cell: string): string {
  const [seconds = "", biased = ""] = cell.split(" ");
  const minutes = Number(biased) - 1440;
  const size = Math.abs(minutes);
  const digits = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, "0"));
  const zone = (minutes < 0 ? "-" : "+") + digits.join(":");
  return zonedText(Temporal.Instant.fromEpochNanoseconds(nanos(seconds)), zone);
}

function zonedText(instant: Temporal.Instant, timezone: string): string {
  const zoned = instant.toZonedDateTimeISO(timezone);
  return clockText(zoned.toPlainDateTime()) + zoned.offset;
}

/** With 3, 6 or 9 digits of a second, or none. */
function clockText(time: Temporal.PlainDateTime): string {
  const [, shortest = ""] = time.toString().split(".");
  const digits = Math.ceil(shortest.length / 3) * 3;
  const rounded = { smallestUnit: "second" } as const;
  const options = digits === 0 ? rounded : { fractionalSecondDigits: digits as 3 | 6 | 9 };
  return time.toString(options).replace("T", " ");
}
