/** Binds: text with the type that the driver claims for it. */

import type { Bind, Statement } from "../engine.ts";
import { macro } from "../translate/rewriting.ts";
import { castTo, column, type Node, numberLiteral, textLiteral } from "../translate/sql-ast.ts";
import { readTokens } from "../translate/tokens.ts";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+$/;

/** The column that holds a bind's values when they come in bulk. */
export function bulkColumn(index: number): string {
  return `_BIND${index}`;
}

/** A bind as a literal of its claimed type; of a bulk bind, the column with its values. */
export function bindNode(bind: Bind, index: number): Node {
  if (typeof bind.value === "object" && bind.value !== null)
    return bulkNode(bind.type.toUpperCase(), bind.value, index);
  return scalarNode(bind.type.toUpperCase(), bind.value);
}

/** Who describes a statement may leave its binds to the execution: then each is a NULL of no type. */
export function describedBinds(statement: Statement): Statement {
  if (!statement.describeOnly) return statement;
  const placeholders = readTokens(statement.sql).filter(({ text }) => text === "?");
  const unbound = placeholders.map(
    (_, index) => [index + 1, { type: "ANY", value: null }] as const,
  );
  return { ...statement, binds: { ...Object.fromEntries(unbound), ...statement.binds } };
}

function scalarNode(type: string, value: string | null): Node {
  if (value === null) return { null: null };
  const isNumber = NUMBER.test(value.trim());
  if (type === "FIXED" && isNumber) return numberLiteral(value.trim());
  if (type === "REAL" && isNumber) return castTo(numberLiteral(value.trim()), "DOUBLE");
  if (type === "REAL") return castTo(textLiteral(value), "DOUBLE");
  if (type === "BOOLEAN") return { boolean: { value: /^(?:true|1)$/i.test(value) } };
  const convert = CONVERTED[type];
  return convert === undefined
    ? textLiteral(value)
    : macro(convert.macro, textLiteral(convert.write(value)));
}

/** Numbers of which some have decimals stay text, which the column that they go to converts. */
function bulkNode(type: string, values: readonly (string | null)[], index: number): Node {
  const node = column(bulkColumn(index));
  if (type === "REAL") return castTo(node, "DOUBLE");
  if (type === "BOOLEAN") return castTo(node, "BOOLEAN");
  const isInteger = values.every((value) => value === null || INTEGER.test(value.trim()));
  return type === "FIXED" && isInteger ? castTo(node, "DECIMAL(38, 0)") : node;
}

/** The binds that hold one value a row, in their order; those of CONVERTED as SQL writes them. */
export function bulkBinds(
  binds: Readonly<Record<string, Bind>>,
): readonly (readonly [number, readonly (string | null)[]])[] {
  const bulk: (readonly [number, readonly (string | null)[]])[] = [];
  for (const [index, { type, value }] of Object.entries(binds)) {
    if (typeof value !== "object" || value === null) continue;
    const write = CONVERTED[type.toUpperCase()]?.write ?? ((text: string) => text);
    bulk.push([Number(index), value.map((cell) => (cell === null ? null : write(cell)))]);
  }
  return bulk;
}

interface ConvertedBind {
  readonly macro: string;
  /** What a driver sends, in SQL; what is no number stays as it is. */
  readonly write: (value: string) => string;
}

/**
 * What the drivers for Python, Go and Java send: a date as milliseconds since 1970, a time as nanoseconds since midnight, a
 * timestamp as nanoseconds since 1970, in a zone followed by its offset in minutes and 1,440; bytes in hexadecimal.
 */
const CONVERTED: Readonly<Record<string, ConvertedBind>> = {
  DATE: { macro: "sf_date", write: whole((ms) => writeMoment(ms * NANOSECONDS_A_MS).slice(0, 10)) },
  TIME: { macro: "sf_time", write: whole((ns) => writeMoment(ns).slice(11)) },
  TIMESTAMP_NTZ: { macro: "sf_ntz", write: whole(writeMoment) },
  TIMESTAMP_LTZ: { macro: "sf_ltz", write: whole((ns) => `${writeMoment(ns)} +00:00`) },
  TIMESTAMP_TZ: { macro: "sf_tz", write: writeZoned },
  BINARY: { macro: "sf_binary", write: (hex) => hex },
};

const NANOSECONDS_A_MS = 1_000_000n;
const NANOSECONDS_A_SECOND = 1_000_000_000n;
const UTC_OFFSET = 1_440;

function whole(write: (value: bigint) => string): (value: string) => string {
  return (value) => (INTEGER.test(value.trim()) ? write(BigInt(value.trim())) : value);
}

/** "2026-01-31 10:11:12.123456789", in UTC. */
function writeMoment(nanoseconds: bigint): string {
  const remainder = nanoseconds % NANOSECONDS_A_SECOND;
  const fraction = remainder < 0n ? remainder + NANOSECONDS_A_SECOND : remainder;
  const seconds = Number((nanoseconds - fraction) / NANOSECONDS_A_SECOND);
  const [day = "", time = ""] = new Date(seconds * 1_000).toISOString().split(/[T.]/);
  return `${day} ${time}.${String(fraction).padStart(9, "0")}`;
}

function writeZoned(value: string): string {
  const [, nanoseconds, offset] = /^([+-]?\d+) (\d+)$/.exec(value.trim()) ?? [];
  if (nanoseconds === undefined || offset === undefined) return value;
  const minutes = Number(offset) - UTC_OFFSET;
  const wall = BigInt(nanoseconds) + BigInt(minutes) * 60n * NANOSECONDS_A_SECOND;
  const clock = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const zone = clock.map((part) => String(part).padStart(2, "0")).join(":");
  return `${writeMoment(wall)} ${minutes < 0 ? "-" : "+"}${zone}`;
}
