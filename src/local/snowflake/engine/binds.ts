/** Binds: text with the type that the driver claims for it. */

import type { Bind } from "../engine.ts";
import { castTo, column, type Node, numberLiteral, textLiteral } from "../translate/sql-ast.ts";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The column that holds a bind's values when they come in bulk. */
export function bulkColumn(index: number): string {
  return `_BIND${index}`;
}

/** A bind as a literal of its claimed type; of a bulk bind, the column with its values. */
export function bindNode(bind: Bind, index: number): Node {
  if (typeof bind.value === "object" && bind.value !== null) return bulkNode(bind, index);
  return scalarNode(bind.type.toUpperCase(), bind.value);
}

function scalarNode(type: string, value: string | null): Node {
  if (value === null) return { null: null };
  const isNumber = NUMBER.test(value.trim());
  if (type === "FIXED" && isNumber) return numberLiteral(value.trim());
  if (type === "REAL" && isNumber) return castTo(numberLiteral(value.trim()), "DOUBLE");
  if (type === "REAL") return castTo(textLiteral(value), "DOUBLE");
  if (type === "BOOLEAN") return { boolean: { value: /^(?:true|1)$/i.test(value) } };
  return textLiteral(value);
}

const BULK_TYPES: Readonly<Record<string, string>> = {
  FIXED: "DECIMAL(38, 0)",
  REAL: "DOUBLE",
  BOOLEAN: "BOOLEAN",
};

function bulkNode(bind: Bind, index: number): Node {
  const type = BULK_TYPES[bind.type.toUpperCase()];
  const node = column(bulkColumn(index));
  return type === undefined ? node : castTo(node, type);
}

/** The binds that hold one value a row, in their order. */
export function bulkBinds(
  binds: Readonly<Record<string, Bind>>,
): readonly (readonly [number, readonly (string | null)[]])[] {
  const bulk: (readonly [number, readonly (string | null)[]])[] = [];
  for (const [index, bind] of Object.entries(binds)) {
    if (typeof bind.value === "object" && bind.value !== null)
      bulk.push([Number(index), bind.value]);
  }
  return bulk;
}
