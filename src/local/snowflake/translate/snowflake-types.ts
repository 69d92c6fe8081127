/** Snowflake's column types: how they are written, stored in DuckDB, and cast to. */

import { unsupported } from "../engine/errors.ts";
import { TIMESTAMP_TZ_STORAGE } from "./macros.ts";
import {
  call,
  castTo,
  type Fields,
  fieldsIf,
  fieldsOf,
  isNull,
  type Node,
  numberLiteral,
  parseExpression,
  textOf,
} from "./sql-ast.ts";

export type TypeName =
  | "NUMBER"
  | "FLOAT"
  | "TEXT"
  | "BOOLEAN"
  | "DATE"
  | "TIME"
  | "TIMESTAMP_NTZ"
  | "TIMESTAMP_LTZ"
  | "TIMESTAMP_TZ"
  | "BINARY"
  | "VARIANT"
  | "OBJECT"
  | "ARRAY";

export interface SnowflakeType {
  readonly name: TypeName;
  /** Digits of a NUMBER; else null. */
  readonly precision: number | null;
  /** Digits behind the point of a NUMBER, of the seconds of a time (always 9); else null. */
  readonly scale: number | null;
  /** Characters of a TEXT, bytes of a BINARY; else null. */
  readonly length: number | null;
}

export const TEXT_LENGTH_MAX = 16_777_216;
export const BINARY_LENGTH_MAX = 8_388_608;

export function typeOf(
  name: TypeName,
  precision: number | null = null,
  scale: number | null = null,
): SnowflakeType {
  return { name, precision, scale, length: null };
}

export function numberType(precision = 38, scale = 0): SnowflakeType {
  return typeOf("NUMBER", precision, scale);
}

export function textType(length = TEXT_LENGTH_MAX): SnowflakeType {
  return { name: "TEXT", precision: null, scale: null, length };
}

function timeType(name: TypeName): SnowflakeType {
  return typeOf(name, null, 9);
}

/** Spellings by the parser's own name of a type, or by the name as written where it knows none. */
const TYPES: Readonly<Record<string, (fields: Fields) => SnowflakeType>> = {
  decimal: (fields) => numberType(numberIn(fields["precision"], 38), numberIn(fields["scale"], 0)),
  int: () => numberType(),
  big_int: () => numberType(),
  small_int: () => numberType(),
  tiny_int: () => numberType(),
  BYTEINT: () => numberType(),
  float: () => typeOf("FLOAT"),
  double: () => typeOf("FLOAT"),
  FLOAT4: () => typeOf("FLOAT"),
  FLOAT8: () => typeOf("FLOAT"),
  text: () => textType(),
  var_char: (fields) => textType(numberIn(fields["length"], TEXT_LENGTH_MAX)),
  char: (fields) => textType(numberIn(fields["length"], 1)),
  NVARCHAR: (fields) => textType(numberIn(fields["length"], TEXT_LENGTH_MAX)),
  uuid: () => textType(36),
  boolean: () => typeOf("BOOLEAN"),
  date: () => typeOf("DATE"),
  time: () => timeType("TIME"),
  timestamp: (fields) => timeType(fields["timezone"] === true ? "TIMESTAMP_TZ" : "TIMESTAMP_NTZ"),
  DATETIME: () => timeType("TIMESTAMP_NTZ"),
  TIMESTAMPNTZ: () => timeType("TIMESTAMP_NTZ"),
  TIMESTAMPLTZ: () => timeType("TIMESTAMP_LTZ"),
  TIMESTAMPTZ: () => timeType("TIMESTAMP_TZ"),
  binary: (fields) => ({
    ...typeOf("BINARY"),
    length: numberIn(fields["length"], BINARY_LENGTH_MAX),
  }),
  var_binary: (fields) => ({
    ...typeOf("BINARY"),
    length: numberIn(fields["length"], BINARY_LENGTH_MAX),
  }),
  VARIANT: () => typeOf("VARIANT"),
  OBJECT: () => typeOf("OBJECT"),
  ARRAY: () => typeOf("ARRAY"),
};

function numberIn(value: Node | undefined, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** The type behind the `to` of a cast node. Throws EngineError for a type that is not kept here (GEOGRAPHY ...). */
export function readType(node: Node | undefined): SnowflakeType {
  const fields = fieldsOf(node);
  const kind = textOf(fields["data_type"]);
  const written = /^([^(]*)(?:\((\d+).*\))?$/.exec(textOf(fields["name"]).toUpperCase().trim());
  const key = kind === "custom" ? (written?.[1] ?? "").replaceAll("_", "") : kind;
  const read = TYPES[key];
  if (read === undefined) throw unsupported(`data type ${key.toUpperCase()}`);
  return read(written?.[2] === undefined ? fields : { ...fields, length: Number(written[2]) });
}

/** A type from its text, such as `NUMBER(10,2)`. */
export function parseType(text: string): SnowflakeType {
  const cast = fieldsIf(parseExpression(`NULL::${normaliseTypeNames(text)}`), "cast");
  return readType(cast?.["to"]);
}

/** The parser does not know a length behind these names. */
export function normaliseTypeNames(text: string): string {
  return text
    .replace(/\b(?:STRING|TEXT|NCHAR VARYING|NVARCHAR2|VARCHAR2)\b/gi, "VARCHAR")
    .replace(/\b(?:DEC)\b/gi, "NUMBER");
}

/** The DuckDB type a column of this type has. */
export function storageOf(type: SnowflakeType): string {
  switch (type.name) {
    case "NUMBER":
      return `DECIMAL(${type.precision ?? 38}, ${type.scale ?? 0})`;
    case "FLOAT":
      return "DOUBLE";
    case "TEXT":
      return "VARCHAR";
    case "TIME":
      return "TIME_NS";
    case "TIMESTAMP_NTZ":
      return "TIMESTAMP_NS";
    case "TIMESTAMP_LTZ":
      return "TIMESTAMPTZ";
    case "TIMESTAMP_TZ":
      return TIMESTAMP_TZ_STORAGE;
    case "BINARY":
      return "BLOB";
    case "VARIANT":
    case "OBJECT":
    case "ARRAY":
      return "JSON";
    case "BOOLEAN":
    case "DATE":
      return type.name;
  }
}

/** As DESCRIBE TABLE writes it. */
export function writeType(type: SnowflakeType): string {
  switch (type.name) {
    case "NUMBER":
      return `NUMBER(${type.precision ?? 38},${type.scale ?? 0})`;
    case "TEXT":
      return `VARCHAR(${type.length ?? TEXT_LENGTH_MAX})`;
    case "BINARY":
      return `BINARY(${type.length ?? BINARY_LENGTH_MAX})`;
    case "TIME":
    case "TIMESTAMP_NTZ":
    case "TIMESTAMP_LTZ":
    case "TIMESTAMP_TZ":
      return `${type.name}(9)`;
    case "FLOAT":
    case "BOOLEAN":
    case "DATE":
    case "VARIANT":
    case "OBJECT":
    case "ARRAY":
      return type.name;
  }
}

const CAST_MACROS = {
  BOOLEAN: "sf_bool",
  DATE: "sf_date",
  TIME: "sf_time",
  TIMESTAMP_NTZ: "sf_ntz",
  TIMESTAMP_LTZ: "sf_ltz",
  TIMESTAMP_TZ: "sf_tz",
  BINARY: "sf_binary",
  VARIANT: "sf_variant",
  OBJECT: "sf_variant",
  ARRAY: "sf_array",
} as const satisfies Partial<Record<TypeName, string>>;

/** An expression as a value of this type, as Snowflake's CAST has it; TRY_CAST gives NULL instead of an error. */
export function castNode(node: Node, type: SnowflakeType, tried = false): Node {
  if (isNull(node)) return castTo(node, storageOf(type));
  if (type.name === "NUMBER" || type.name === "FLOAT")
    return castTo(node, storageOf(type), tried ? "try_cast" : "cast");
  if (type.name === "TEXT") return castText(node, type);
  const cast = call(CAST_MACROS[type.name], node);
  return tried ? call("TRY", cast) : cast;
}

/** Text that is cast to fewer characters is cut. */
function castText(node: Node, type: SnowflakeType): Node {
  const text = call("sf_text", node);
  const isCut = type.length !== null && type.length < TEXT_LENGTH_MAX;
  return isCut ? call("left", text, numberLiteral(type.length)) : text;
}

/** For storing in a column: as a cast, but text that is too long is left so, for the column's check to refuse. */
export function storeNode(node: Node, type: SnowflakeType): Node {
  return castNode(node, type.name === "TEXT" ? textType() : type);
}
