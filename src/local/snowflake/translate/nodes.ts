/** Operators, casts, literals, binds, aggregates: what the parser has nodes of its own for. */

import { bindNode } from "../engine/binds.ts";
import { compilationError, unsupported } from "../engine/errors.ts";
import { macro, type Rewriter, type Rewriting } from "./rewriting.ts";
import {
  call,
  castTo,
  column,
  type Fields,
  fieldsIf,
  fieldsOf,
  generateDuckDB,
  identifier,
  isFields,
  listOf,
  literalNumber,
  literalText,
  type Node,
  numberLiteral,
  openNode,
  quoteText,
  raw,
  textOf,
} from "./sql-ast.ts";
import { castNode, readType } from "./snowflake-types.ts";
import { AGGREGATE_REWRITERS, rewriteWindow, rewriteWithinGroup } from "./aggregates.ts";
import { rewriteLateral, rewriteTable } from "./from.ts";
import { variantElement, variantPath } from "./json.ts";
import { addInterval, extractPart } from "./dates.ts";
import { concatTexts, rewriteFunction } from "./functions.ts";
import { rewriteSelect } from "./select.ts";

/** Before its parts: where the parts must not be rewritten one by one. */
export const FIRST_REWRITERS: Readonly<Record<string, Rewriter>> = {
  select: rewriteSelect,
  lateral: rewriteLateral,
  window_function: rewriteWindow,
  within_group: rewriteWithinGroup,
  dot: rewriteDot,
  parameter: rewriteParameter,
  literal: rewriteLiteral,
  map_func: (fields, rewriting) => {
    const keys = rewriting.rewriteAll(listOf(fields["keys"]));
    const values = rewriting.rewriteAll(listOf(fields["values"]));
    return call("json_object", ...keys.flatMap((key, index) => [key, values[index] ?? null]));
  },
};

/** After its parts. */
export const EXPRESSION_REWRITERS: Readonly<Record<string, Rewriter>> = {
  ...AGGREGATE_REWRITERS,
  table: rewriteTable,
  column: rewriteColumn,
  cast: (fields) => castNode(fields["this"] ?? null, readType(fields["to"])),
  try_cast: (fields) => castNode(fields["this"] ?? null, readType(fields["to"]), true),
  div: (fields) => macro("sf_div", asOperand(left(fields)), asOperand(right(fields))),
  mul: (fields) => calculate("mul", fields),
  mod: (fields) => macro("sf_mod", left(fields), right(fields)),
  add: (fields) => rewriteSum(fields, 1),
  sub: (fields) => rewriteSum(fields, -1),
  concat: (fields) => concatTexts([left(fields), right(fields)]),
  j_s_o_n_extract: (fields) =>
    variantPath(
      fields["this"] ?? null,
      textOf(fieldsOf(fieldsOf(fields["expression"])["literal"])["value"]),
    ),
  subscript: (fields) => variantElement(fields["this"] ?? null, fields["index"] ?? null),
  array_func: (fields) => call("json_array", ...listOf(fields["expressions"])),
  parse_json: (fields) => macro("sf_parse_json", fields["this"] ?? null),
  extract: (fields) => extractPart(partName(fields["field"]), fields["this"] ?? null),
  regexp_like: (fields) =>
    call("regexp_full_match", castTo(fields["this"] ?? null, "VARCHAR"), fields["pattern"] ?? null),
  function: rewriteFunction,
  like: (fields) => rewriteLike(fields, "LIKE"),
  i_like: (fields) => rewriteLike(fields, "ILIKE"),
  eq: (fields) => compare("eq", fields),
  neq: (fields) => compare("neq", fields),
  lt: (fields) => compare("lt", fields),
  lte: (fields) => compare("lte", fields),
  gt: (fields) => compare("gt", fields),
  gte: (fields) => compare("gte", fields),
};

function left(fields: Fields): Node {
  return fields["left"] ?? null;
}

function right(fields: Fields): Node {
  return fields["right"] ?? null;
}

function rewriteColumn(fields: Fields): Node | undefined {
  if (fields["join_mark"] === true) throw unsupported("outer join by (+)");
  const position = /^\$(\d+)$/.exec(textOf(fieldsOf(fields["name"])["name"]));
  return position === null
    ? undefined
    : { column: { ...fields, name: identifier(`COLUMN${position[1] ?? ""}`) } };
}

/** `schema.table.column` keeps its last two names; anything else behind a dot is a path into a variant. */
function rewriteDot(fields: Fields, rewriting: Rewriting): Node {
  const base = fields["this"] ?? null;
  const name = textOf(fieldsOf(rewriting.rewrite(fields["field"] ?? null))["name"]);
  const table = qualifierName(base, rewriting);
  if (table !== undefined)
    return { column: { ...fieldsOf(fieldsOf(column(name))["column"]), table: identifier(table) } };
  return variantPath(rewriting.rewrite(base), textOf(fieldsOf(fields["field"])["name"]));
}

function qualifierName(node: Node, rewriting: Rewriting): string | undefined {
  const columnFields = fieldsIf(node, "column");
  if (columnFields !== undefined)
    return textOf(fieldsOf(rewriting.rewrite(columnFields["name"] ?? null))["name"]);
  const dot = fieldsIf(node, "dot");
  if (dot === undefined || qualifierName(dot["this"] ?? null, rewriting) === undefined)
    return undefined;
  return textOf(fieldsOf(rewriting.rewrite(dot["field"] ?? null))["name"]);
}

function rewriteParameter(fields: Fields, rewriting: Rewriting): Node {
  const index = fields["index"];
  if (typeof index !== "number") throw compilationError("named binds are not supported here");
  if (fields["style"] === "Dollar") return column(`COLUMN${index}`);
  const bind = rewriting.context.binds[String(index)];
  if (bind === undefined) throw compilationError(`Bind variable :${index} not set.`);
  return bindNode(bind, index);
}

/** Strings are written by us, since DuckDB knows no escapes; dates and times by their casts. */
function rewriteLiteral(fields: Fields): Node | undefined {
  const value = textOf(fields["value"]);
  switch (textOf(fields["literal_type"])) {
    case "date":
      return macro("sf_date", raw(quoteText(value)));
    case "time":
      return macro("sf_time", raw(quoteText(value)));
    case "timestamp":
      return macro("sf_ntz", raw(quoteText(value)));
    case "hex_string":
      return call("unhex", raw(quoteText(value)));
    default:
      return undefined;
  }
}

/** Variants calculate as numbers, and so do texts that are written out. */
function asOperand(node: Node): Node {
  if (isVariant(node)) return castTo(node, "DOUBLE");
  const text = literalText(node);
  return text !== undefined && /^[-+]?\d+(?:\.\d+)?$/.test(text) ? numberLiteral(text) : node;
}

function calculate(kind: string, fields: Fields): Node | undefined {
  const [first, second] = [asOperand(left(fields)), asOperand(right(fields))];
  if (first === left(fields) && second === right(fields)) return undefined;
  return { [kind]: { ...fields, left: first, right: second } };
}

function rewriteSum(fields: Fields, sign: 1 | -1): Node | undefined {
  const interval = fieldsIf(right(fields), "interval");
  if (interval !== undefined) return addInterval(left(fields), interval, sign);
  const leading = sign === 1 ? fieldsIf(left(fields), "interval") : undefined;
  if (leading !== undefined) return addInterval(right(fields), leading, sign);
  return calculate(sign === 1 ? "add" : "sub", fields);
}

function rewriteLike(fields: Fields, operator: "LIKE" | "ILIKE"): Node | undefined {
  const patterns = fieldsIf(right(fields), "tuple") ?? fieldsIf(right(fields), "paren");
  const quantifier = textOf(fields["quantifier"]).toUpperCase();
  const subject = generateDuckDB(macro("sf_text", left(fields)));
  const escape = isFields(fields["escape"]) ? ` ESCAPE ${generateDuckDB(fields["escape"])}` : "";
  const test = (pattern: Node): string =>
    `${subject} ${operator} ${generateDuckDB(pattern)}${escape}`;
  if (quantifier === "") return raw(`(${test(right(fields))})`);
  const list =
    patterns === undefined
      ? [right(fields)]
      : (patterns["expressions"] ?? [patterns["this"] ?? null]);
  return raw(
    `(${listOf(list)
      .map(test)
      .join(quantifier === "ALL" ? " AND " : " OR ")})`,
  );
}

const VARIANT_CALLS = new Set(["json_extract"]);

function isVariant(node: Node): boolean {
  return VARIANT_CALLS.has(textOf(fieldsIf(node, "function")?.["name"]));
}

/** A variant compares with text as text and with a number as a number. */
function compare(kind: string, fields: Fields): Node | undefined {
  const [first, second] = [left(fields), right(fields)];
  if (isVariant(first) === isVariant(second)) return undefined;
  const other = isVariant(first) ? second : first;
  const convert = (node: Node): Node => (node === other ? node : convertVariant(node, other));
  return { [kind]: { ...fields, left: convert(first), right: convert(second) } };
}

function convertVariant(variant: Node, other: Node): Node {
  if (literalNumber(other) !== undefined) return castTo(variant, "DOUBLE");
  if (openNode(other)?.[0] === "boolean") return castTo(variant, "BOOLEAN");
  return macro("sf_text", variant);
}

function partName(field: Node | undefined): string {
  return typeof field === "string" ? field : textOf(fieldsOf(field)["Custom"]);
}
