import type { Cell, Column, Row } from "../report/table.ts";
import type { DriverStatement } from "./driver.ts";

/**
 * The rows by the driver's own row stream, its values turned back into wire cells. Numbers, text, dates, timestamps,
 * booleans, binaries and JSON come back exactly; a time has the digits of the session's TIME_OUTPUT_FORMAT.
 */
export async function* readConvertedRows(
  statement: DriverStatement,
  columns: readonly Column[],
  batchRows: number,
): AsyncGenerator<readonly Row[]> {
  let batch: Row[] = [];
  for await (const row of statement.streamRows({ fetchAsString: ["Number"] })) {
    if (!Array.isArray(row)) throw new Error("the driver gives rows that are no lists");
    batch.push(columns.map((column, index) => toCell(row[index], column)));
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function toCell(value: unknown, column: Column): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return column.type === "time" ? toSecondsOfDay(value) : value;
  if (typeof value === "boolean") return String(value);
  if (Buffer.isBuffer(value)) return value.toString("hex").toUpperCase();
  if (value instanceof Date) return toEpoch(value, column);
  if (value instanceof Map) return JSON.stringify(Object.fromEntries(value));
  return JSON.stringify(value);
}

/** "01:02:03.004" as "3723.004". */
function toSecondsOfDay(time: string): string {
  const [hours = "0", minutes = "0", seconds = "0"] = time.split(":");
  const [whole = "0", fraction] = seconds.split(".");
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(whole);
  return fraction === undefined ? String(total) : `${total}.${fraction}`;
}

/** What the driver adds to its dates: a Date alone has no more than milliseconds. */
interface DriverDate {
  getEpochSeconds(): number;
  getNanoSeconds(): number;
  getTimezone(): unknown;
}

function isDriverDate(value: object): value is DriverDate {
  return "getEpochSeconds" in value && "getNanoSeconds" in value && "getTimezone" in value;
}

const SECONDS_PER_DAY = 86_400;
const MINUTES_OFFSET = 1440;

function toEpoch(value: Date, column: Column): string {
  if (!isDriverDate(value)) throw new Error("the driver gives dates without their nanoseconds");
  const seconds = value.getEpochSeconds();
  if (column.type === "date") return String(seconds / SECONDS_PER_DAY);
  const epoch = addFraction(seconds, value.getNanoSeconds(), column.scale);
  if (column.type !== "timestamp_tz") return epoch;
  return `${epoch} ${Number(value.getTimezone()) + MINUTES_OFFSET}`;
}

/** The driver's seconds are rounded down, so the fraction of an instant before 1970 counts towards zero. */
function addFraction(seconds: number, nanoseconds: number, scale: number): string {
  if (scale === 0) return String(seconds);
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const sign = total < 0n ? "-" : "";
  const digits = (total < 0n ? -total : total).toString().padStart(10, "0");
  return `${sign}${digits.slice(0, -9)}.${digits.slice(-9).slice(0, scale)}`;
}
