/** The translator's syntax tree: plain JSON, one object per node with its kind as the single key. */

import { Dialect, generate, init, parse } from "@polyglot-sql/sdk";
import { parseError } from "../engine/errors.ts";

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Fields = { readonly [key: string]: Json };
export type Node = Json;

/** Has to be awaited once before anything is parsed; loads the WebAssembly module (about 0.3 s). */
export async function loadParser(): Promise<void> {
  await init();
}

/** One Snowflake statement as a tree. Throws EngineError 001003. */
export function parseSnowflake(sql: string): Fields {
  const result = parse(sql, Dialect.Snowflake);
  if (!result.success) throw parseError(result.error ?? "the statement was not understood");
  const statements: unknown = result.ast;
  const statement = isTree(statements) ? statements[0] : undefined;
  if (!isFields(statement)) throw parseError("the statement was not understood");
  return statement;
}

/** The library's types name every node; here a tree is but the JSON that it is made of. */
function isTree(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** A Snowflake expression as a tree. */
export function parseExpression(sql: string): Node {
  const select = parseSnowflake(`SELECT ${sql}`)["select"];
  const [expression] = isFields(select) ? listOf(select["expressions"]) : [];
  if (expression === undefined) throw parseError(`'${sql}' is no expression`);
  return expression;
}

export function generateDuckDB(node: Node): string {
  return generated(node, Dialect.DuckDB);
}

/** The text Snowflake would show for an expression without a name. */
export function generateSnowflake(node: Node): string {
  return generated(node, Dialect.Snowflake);
}

function generated(node: Node, dialect: Dialect): string {
  const result = generate([node], dialect);
  const sql = result.success ? result.sql?.[0] : undefined;
  if (sql === undefined) throw parseError(result.error ?? "the statement could not be translated");
  return sql;
}

export function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

export function fieldsOf(value: Json | undefined): Fields {
  return isFields(value) ? value : {};
}

export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The kind of a node and its fields, when it is a node: an object with one key. */
export function openNode(
  node: Json | undefined,
): readonly [kind: string, fields: Fields] | undefined {
  if (!isFields(node)) return undefined;
  const [first, second] = Object.entries(node);
  if (first === undefined || second !== undefined) return undefined;
  return [first[0], fieldsOf(first[1])];
}

/** The fields of a node of this kind. */
export function fieldsIf(node: Json | undefined, kind: string): Fields | undefined {
  const opened = openNode(node);
  return opened?.[0] === kind ? opened[1] : undefined;
}

export function call(name: string, ...args: readonly Node[]): Node {
  return {
    function: {
      name,
      args,
      distinct: false,
      trailing_comments: [],
      use_bracket_syntax: false,
      no_parens: false,
      quoted: false,
    },
  };
}

/** DuckDB text that goes into the statement as it is. */
export function raw(sql: string): Node {
  return { raw: { sql } };
}

export function textLiteral(value: string): Node {
  return { literal: { literal_type: "string", value } };
}

export function numberLiteral(value: number | string): Node {
  const text = String(value);
  const literal: Node = { literal: { literal_type: "number", value: text.replace(/^-/, "") } };
  return text.startsWith("-") ? { neg: { this: literal, inferred_type: null } } : literal;
}

/** A cast to a DuckDB type given by its text. */
export function castTo(node: Node, duckdbType: string, kind: "cast" | "try_cast" = "cast"): Node {
  return {
    [kind]: {
      this: node,
      to: { data_type: "custom", name: duckdbType },
      trailing_comments: [],
      double_colon_syntax: false,
      format: null,
      default: null,
    },
  };
}

export function identifier(name: string): Fields {
  return { name, quoted: true, trailing_comments: [] };
}

export function column(name: string): Node {
  return {
    column: { name: identifier(name), table: null, join_mark: false, trailing_comments: [] },
  };
}

/** The text of a string literal node. */
export function literalText(node: Node | undefined): string | undefined {
  const literal = fieldsIf(node, "literal");
  if (literal === undefined) return undefined;
  const type = literal["literal_type"];
  return type === "string" || type === "dollar_string" ? textOf(literal["value"]) : undefined;
}

/** The text of a number literal node, with its sign. */
export function literalNumber(node: Node | undefined): string | undefined {
  const negated = fieldsIf(node, "neg");
  if (negated !== undefined) {
    const inner = literalNumber(negated["this"]);
    return inner === undefined ? undefined : `-${inner}`;
  }
  const literal = fieldsIf(node, "literal");
  return literal?.["literal_type"] === "number" ? textOf(literal["value"]) : undefined;
}

export function isNull(node: Node | undefined): boolean {
  return isFields(node) && "null" in node;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
