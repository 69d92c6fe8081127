/**
 * SQL values as a procedure's JavaScript sees them, and back.
 * Source: docs.snowflake.com/en/developer-guide/udf-stored-procedure-data-type-mapping
 */

import type { Bind, ResultColumn } from "../../engine.ts";

/** The built-in objects of the context that the body runs in: what it is given must be made of them. */
export interface Realm {
  readonly Date: DateConstructor;
  readonly Error: ErrorConstructor;
  readonly Function: FunctionConstructor;
  readonly JSON: JSON;
  readonly Uint8Array: Uint8ArrayConstructor;
}

type CellReader = (cell: string, column: ResultColumn) => unknown;

export interface ValueReader {
  /** NULL is null. */
  read(cell: string | null, column: ResultColumn): unknown;
}

const DAY_MS = 86_400_000;

export function createValueReader(realm: Realm): ValueReader {
  const date = sfDateOf(realm);
  const json: CellReader = (cell) => realm.JSON.parse(cell);
  const readers: Readonly<Record<string, CellReader>> = {
    fixed: Number,
    real: readReal,
    boolean: (cell) => cell === "1",
    date: (cell) => date(BigInt(cell) * BigInt(DAY_MS) * 1_000_000n, 0),
    timestamp_ntz: (cell) => date(nanosecondsOf(cell), 0),
    timestamp_ltz: (cell) => date(nanosecondsOf(cell), 0),
    timestamp_tz: (cell) => date(nanosecondsOf(cell), Number(cell.split(" ")[1] ?? 1440) - 1440),
    time: writeTimeOfDay,
    binary: (cell) => realm.Uint8Array.from(Buffer.from(cell, "hex")),
    variant: json,
    object: json,
    array: json,
  };
  return {
    read: (cell, column) => (cell === null ? null : (readers[column.type] ?? String)(cell, column)),
  };
}

function readReal(cell: string): number {
  if (cell === "inf") return Infinity;
  return cell === "-inf" ? -Infinity : Number(cell);
}

/** "seconds.nanoseconds", maybe with a zone behind. */
function nanosecondsOf(cell: string): bigint {
  const [whole = "0", fraction = ""] = (cell.split(" ")[0] ?? "").split(".");
  const nanoseconds = BigInt(fraction.padEnd(9, "0").slice(0, 9));
  const seconds = BigInt(whole) * 1_000_000_000n;
  return whole.startsWith("-") ? seconds - nanoseconds : seconds + nanoseconds;
}

/** A Date that knows more than milliseconds, made of the body's own Date. */
function sfDateOf(realm: Realm): (nanoseconds: bigint, offsetMinutes: number) => Date {
  class SfDate extends realm.Date {
    readonly #nanoseconds: bigint;
    readonly #offsetMinutes: number;

    constructor(nanoseconds: bigint, offsetMinutes: number) {
      super(Number(nanoseconds / 1_000_000n));
      this.#nanoseconds = nanoseconds;
      this.#offsetMinutes = offsetMinutes;
    }

    getEpochSeconds(): number {
      return Math.floor(this.getTime() / 1000);
    }

    getNanoSeconds(): number {
      return Number(((this.#nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n);
    }

    getScale(): number {
      return 9;
    }

    /** Minutes from UTC. */
    getTimezone(): number {
      return this.#offsetMinutes;
    }
  }
  return (nanoseconds, offsetMinutes) => new SfDate(nanoseconds, offsetMinutes);
}

function writeTimeOfDay(cell: string): string {
  const [seconds = "0", fraction = ""] = cell.split(".");
  const time = new Date(Number(seconds) * 1000).toISOString().slice(11, 19);
  const rest = fraction.replace(/0+$/, "");
  return rest === "" ? time : `${time}.${rest}`;
}

/** A value as text, in Snowflake's default formats. */
export function writeText(value: unknown, column: ResultColumn): string | null {
  if (value === null || value === undefined) return null;
  if (ArrayBuffer.isView(value)) return writeHex(value);
  if (!isDate(value)) return writeAny(value);
  const iso = value.toISOString();
  return column.type === "date" ? iso.slice(0, 10) : iso.replace("T", " ").slice(0, 23);
}

function writeHex(bytes: ArrayBufferView): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex").toUpperCase();
}

/** JavaScript's own text of anything, as a body would get it from String(). */
function writeAny(value: unknown): string {
  return Reflect.apply(String, undefined, [value]);
}

/** Dates of another context are no instances of this one's Date. */
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

/** The value bound to the placeholder `position`, from 1. Throws the realm's Error for what SQL has no type for. */
export function writeBind(value: unknown, position: number, realm: Realm): Bind {
  if (value === null) return { type: "TEXT", value: null };
  if (isDate(value)) return { type: "TEXT", value: value.toISOString() };
  if (typeof value === "string") return { type: "TEXT", value };
  if (typeof value === "boolean") return { type: "BOOLEAN", value: String(value) };
  if (typeof value === "number") return writeNumber(value);
  const shown = writeAny(value);
  throw new realm.Error(
    `Invalid binds argument[${shown}]. Error: Unsupported type for binding argument ${position}${shown}`,
  );
}

/** Without an exponent for whole numbers, which FIXED does not know. */
function writeNumber(value: number): Bind {
  return Number.isInteger(value)
    ? { type: "FIXED", value: BigInt(value).toString() }
    : { type: "REAL", value: String(value) };
}

/** What a body returned, as text to be cast to the declared type. */
export function writeReturned(value: unknown, returnsJson: boolean): string | null {
  if (value === null || value === undefined) return null;
  if (returnsJson) return JSON.stringify(value) ?? null;
  if (isDate(value)) return value.toISOString();
  return ArrayBuffer.isView(value) ? writeHex(value) : writeAny(value);
}
