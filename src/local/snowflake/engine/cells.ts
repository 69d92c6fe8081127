/** DuckDB's columns of values as the cells of Snowflake's wire protocol (see report/table.ts for their forms). */

import {
  DuckDBBlobValue,
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBStructValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBTimeNSValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import type { ResultColumn } from "../engine.ts";
import { numberType, type SnowflakeType, textType, typeOf } from "../translate/snowflake-types.ts";

export type Cells = readonly (string | null)[];

/** The rows of a chunk. */
export function readCells(chunk: DuckDBDataChunk): Cells[] {
  const columns: Cells[] = [];
  for (let index = 0; index < chunk.columnCount; index++) {
    const vector = chunk.getColumnVector(index);
    const write = writerOf(vector.type);
    const cells: (string | null)[] = Array.from({ length: chunk.rowCount }, () => null);
    for (let row = 0; row < chunk.rowCount; row++) {
      const value = vector.getItem(row);
      if (value !== null) cells[row] = write(value);
    }
    columns.push(cells);
  }
  return transpose(columns, chunk.rowCount);
}

function transpose(columns: readonly Cells[], rowCount: number): Cells[] {
  return Array.from({ length: rowCount }, (_, row) => columns.map((cells) => cells[row] ?? null));
}

type Writer = (value: DuckDBValue) => string;

function writerOf(type: DuckDBType): Writer {
  return WRITERS[type.typeId] ?? String;
}

const WRITERS: Readonly<Partial<Record<DuckDBTypeId, Writer>>> = {
  [DuckDBTypeId.BOOLEAN]: (value) => (value === true ? "1" : "0"),
  [DuckDBTypeId.FLOAT]: writeReal,
  [DuckDBTypeId.DOUBLE]: writeReal,
  [DuckDBTypeId.DECIMAL]: (value) => {
    if (!(value instanceof DuckDBDecimalValue)) throw new Error("not a decimal");
    return writeScaled(value.value, value.scale);
  },
  [DuckDBTypeId.DATE]: (value) => {
    if (!(value instanceof DuckDBDateValue)) throw new Error("not a date");
    return String(value.days);
  },
  [DuckDBTypeId.TIME]: writeTime,
  [DuckDBTypeId.TIME_NS]: writeTime,
  [DuckDBTypeId.TIMESTAMP]: writeTime,
  [DuckDBTypeId.TIMESTAMP_S]: writeTime,
  [DuckDBTypeId.TIMESTAMP_MS]: writeTime,
  [DuckDBTypeId.TIMESTAMP_NS]: writeTime,
  [DuckDBTypeId.TIMESTAMP_TZ]: writeTime,
  [DuckDBTypeId.STRUCT]: writeStruct,
  [DuckDBTypeId.BLOB]: (value) => {
    if (!(value instanceof DuckDBBlobValue)) throw new Error("not a blob");
    return Buffer.from(value.bytes).toString("hex").toUpperCase();
  },
};

function writeReal(value: DuckDBValue): string {
  const number = Number(value);
  if (number === Infinity) return "inf";
  return number === -Infinity ? "-inf" : String(number);
}

/** A whole number with the point moved `scale` digits to the left. */
function writeScaled(value: bigint, scale: number): string {
  if (scale === 0) return value.toString();
  const sign = value < 0n ? "-" : "";
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Seconds with nine digits behind the point, whatever the unit it is kept in. */
function writeTime(value: DuckDBValue): string {
  return writeScaled(nanosecondsOf(value), 9);
}

function nanosecondsOf(value: DuckDBValue): bigint {
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos;
  if (value instanceof DuckDBTimeNSValue) return value.nanos;
  if (
    value instanceof DuckDBTimestampValue ||
    value instanceof DuckDBTimestampTZValue ||
    value instanceof DuckDBTimeValue
  ) {
    return value.micros * 1000n;
  }
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.millis * 1_000_000n;
  if (value instanceof DuckDBTimestampSecondsValue) return value.seconds * 1_000_000_000n;
  throw new Error("not a time");
}

/** The one structure that is made here is TIMESTAMP_TZ: the instant and the minutes from UTC. */
function writeStruct(value: DuckDBValue): string {
  if (!(value instanceof DuckDBStructValue)) throw new Error("not a structure");
  const { u, o } = value.entries;
  if (u === undefined || u === null || o === undefined) return String(value);
  return `${writeTime(u)} ${Number(o) + 1440}`;
}

/** A column of a result as `rowtype` describes it. */
export function describeColumn(name: string, type: DuckDBType): ResultColumn {
  return wireColumn(name, snowflakeType(type));
}

/** The Snowflake type of a DuckDB value. */
export function snowflakeType(type: DuckDBType): SnowflakeType {
  const named = SNOWFLAKE_TYPES[type.typeId];
  if (type.typeId === DuckDBTypeId.DECIMAL && "scale" in type)
    return numberType(type.width, type.scale);
  if (type.typeId === DuckDBTypeId.VARCHAR && type.alias === "JSON") return typeOf("VARIANT");
  return named ?? textType();
}

const time = (name: SnowflakeType["name"]): SnowflakeType => typeOf(name, null, 9);

const SNOWFLAKE_TYPES: Readonly<Partial<Record<DuckDBTypeId, SnowflakeType>>> = {
  [DuckDBTypeId.BOOLEAN]: typeOf("BOOLEAN"),
  [DuckDBTypeId.TINYINT]: numberType(),
  [DuckDBTypeId.SMALLINT]: numberType(),
  [DuckDBTypeId.INTEGER]: numberType(),
  [DuckDBTypeId.BIGINT]: numberType(),
  [DuckDBTypeId.HUGEINT]: numberType(),
  [DuckDBTypeId.UTINYINT]: numberType(),
  [DuckDBTypeId.USMALLINT]: numberType(),
  [DuckDBTypeId.UINTEGER]: numberType(),
  [DuckDBTypeId.UBIGINT]: numberType(),
  [DuckDBTypeId.UHUGEINT]: numberType(),
  [DuckDBTypeId.FLOAT]: typeOf("FLOAT"),
  [DuckDBTypeId.DOUBLE]: typeOf("FLOAT"),
  [DuckDBTypeId.DATE]: typeOf("DATE"),
  [DuckDBTypeId.TIME]: time("TIME"),
  [DuckDBTypeId.TIME_NS]: time("TIME"),
  [DuckDBTypeId.TIMESTAMP]: time("TIMESTAMP_NTZ"),
  [DuckDBTypeId.TIMESTAMP_S]: time("TIMESTAMP_NTZ"),
  [DuckDBTypeId.TIMESTAMP_MS]: time("TIMESTAMP_NTZ"),
  [DuckDBTypeId.TIMESTAMP_NS]: time("TIMESTAMP_NTZ"),
  [DuckDBTypeId.TIMESTAMP_TZ]: time("TIMESTAMP_LTZ"),
  [DuckDBTypeId.STRUCT]: time("TIMESTAMP_TZ"),
  [DuckDBTypeId.BLOB]: { ...typeOf("BINARY"), length: 8_388_608 },
};

const WIRE_NAMES = {
  NUMBER: "fixed",
  FLOAT: "real",
  TEXT: "text",
  BOOLEAN: "boolean",
  DATE: "date",
  TIME: "time",
  TIMESTAMP_NTZ: "timestamp_ntz",
  TIMESTAMP_LTZ: "timestamp_ltz",
  TIMESTAMP_TZ: "timestamp_tz",
  BINARY: "binary",
  VARIANT: "variant",
  OBJECT: "object",
  ARRAY: "array",
} as const satisfies Record<SnowflakeType["name"], string>;

export function wireColumn(name: string, type: SnowflakeType): ResultColumn {
  const isTime = WIRE_NAMES[type.name].startsWith("time");
  return {
    name,
    type: WIRE_NAMES[type.name],
    nullable: true,
    precision: isTime ? 0 : type.precision,
    scale: type.scale,
    length: type.length,
    byteLength:
      type.length === null
        ? null
        : Math.min(type.length * (type.name === "TEXT" ? 4 : 1), 16_777_216),
  };
}
