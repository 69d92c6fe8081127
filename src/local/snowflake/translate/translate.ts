/** Snowflake's queries and expressions into DuckDB's: parse, rewrite the tree from the leaves up, generate. */

import type { Rewriting, TranslateContext } from "./rewriting.ts";
import {
  type Fields,
  fieldsOf,
  generateDuckDB,
  isFields,
  isList,
  listOf,
  type Node,
  openNode,
  parseSnowflake,
  textOf,
} from "./sql-ast.ts";
import { rewriteFromItem } from "./from.ts";
import { HIDDEN } from "./functions.ts";
import { EXPRESSION_REWRITERS, FIRST_REWRITERS } from "./nodes.ts";
import { checkBinds, prepareText, selectListTexts } from "./text.ts";
import { nameColumns } from "./select.ts";

export interface Translated {
  /** DuckDB's SQL. */
  readonly sql: string;
  /** Full names of the streams it reads. */
  readonly streams: ReadonlySet<string>;
}

/** Translates a SELECT, WITH or VALUES; `names` are those of columns without an alias. Throws EngineError. */
export function translateQuery(
  sql: string,
  context: TranslateContext,
  names: readonly string[] = selectListTexts(sql),
): Translated {
  const rewriting = startRewriting(context);
  return { sql: writeQuery(sql, rewriting, names), streams: rewriting.streams };
}

/** The statement's tree, ready for `rewriting.rewrite`. Throws EngineError 001003. */
export function parseStatement(sql: string, context: TranslateContext): Fields {
  const prepared = prepareText(sql);
  checkBinds(prepared.placeholders, context.binds);
  return parseSnowflake(prepared.sql);
}

/** Translates one expression, such as a column's default. */
export function translateExpression(sql: string, context: TranslateContext): string {
  return generateDuckDB(rewriteExpression(sql, startRewriting(context)));
}

export function rewriteExpression(sql: string, rewriting: Rewriting): Node {
  const select = parseStatement(`SELECT ${sql}`, rewriting.context)["select"];
  const [expression] = isFields(select) ? listOf(select["expressions"]) : [];
  return rewriting.rewrite(expression ?? null);
}

function writeQuery(
  sql: string,
  rewriting: Rewriting,
  names: readonly string[] = selectListTexts(sql),
): string {
  const statement = nameOuterColumns(parseStatement(sql, rewriting.context), names);
  return generateDuckDB(rewriting.rewrite(statement));
}

/** Gives the items of the outermost list the names that their text has. */
function nameOuterColumns(statement: Fields, names: readonly string[]): Fields {
  const [kind, fields] = openNode(statement) ?? ["", {}];
  if (kind === "select") return { select: nameColumns(fields, names) };
  const left = fields["left"];
  if (!isFields(left)) return statement;
  return { [kind]: { ...fields, left: nameOuterColumns(left, names) } };
}

export function startRewriting(
  context: TranslateContext,
  streams = new Set<string>(),
  depth = 0,
): Rewriting {
  const scopes: string[][] = [];
  const rewriting: Rewriting = {
    context,
    scopes,
    streams,
    depth,
    rewrite: (node) => rewriteNode(node, rewriting, scopes),
    rewriteAll: (nodes) => nodes.map((node) => rewriteNode(node, rewriting, scopes)),
    writeView: (view) => writeQuery(view.query, startRewriting(view.context, streams, depth + 1)),
  };
  return rewriting;
}

function rewriteNode(node: Node, rewriting: Rewriting, scopes: string[][]): Node {
  if (isList(node)) return node.map((item) => rewriteNode(item, rewriting, scopes));
  if (!isFields(node)) return node;
  if (isIdentifier(node)) return rewriteIdentifier(node);
  const [kind, fields] = openNode(node) ?? [];
  if (kind === undefined || fields === undefined) return rewriteFields(node, rewriting, scopes);
  // A clause that only holds an expression (WHERE, HAVING) looks like a node, and is none.
  if (kind === "this") return { this: rewriting.rewrite(node["this"] ?? null) };
  const first = FIRST_REWRITERS[kind]?.(fields, rewriting);
  if (first !== undefined) return first;
  const inner = node[kind];
  if (!isFields(inner)) return { [kind]: rewriteNode(inner ?? null, rewriting, scopes) };
  const rewritten = isIdentifier(inner)
    ? rewriteIdentifier(inner)
    : rewriteFields(inner, rewriting, scopes);
  return EXPRESSION_REWRITERS[kind]?.(rewritten, rewriting) ?? { [kind]: rewritten };
}

/** The fields of anything; where it has a WITH, its names are seen inside. */
function rewriteFields(fields: Fields, rewriting: Rewriting, scopes: string[][]): Fields {
  const names = commonTableNames(fields["with"]);
  if (names.length > 0) scopes.push(names);
  const rewritten: Record<string, Node> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (key !== "span") rewritten[key] = rewriteField(key, value, rewriting);
  }
  if (names.length > 0) scopes.pop();
  return rewritten;
}

function rewriteField(key: string, value: Node, rewriting: Rewriting): Node {
  if ((key === "from" || key === "from_clause") && isFields(value))
    return rewriteFrom(value, rewriting);
  if (key === "joins") return listOf(value).map((join) => rewriteJoin(join, rewriting));
  return rewriting.rewrite(value);
}

function rewriteJoin(join: Node, rewriting: Rewriting): Node {
  if (!isFields(join)) return join;
  const { this: item, ...rest } = join;
  return { ...fieldsOf(rewriting.rewrite(rest)), this: rewriteFromItem(item ?? null, rewriting) };
}

function rewriteFrom(from: Fields, rewriting: Rewriting): Node {
  return {
    ...from,
    expressions: listOf(from["expressions"]).map((item) => rewriteFromItem(item, rewriting)),
  };
}

function commonTableNames(clause: Node | undefined): string[] {
  if (!isFields(clause)) return [];
  return listOf(clause["ctes"]).map((cte) => {
    const alias = isFields(cte) && isFields(cte["alias"]) ? cte["alias"] : {};
    return textOf(rewriteIdentifier(alias)["name"]);
  });
}

function isIdentifier(node: Fields): boolean {
  return (
    typeof node["name"] === "string" && typeof node["quoted"] === "boolean" && !("args" in node)
  );
}

/** Upper case unless it was quoted; quoted from here on, since DuckDB has reserved words of its own. */
function rewriteIdentifier(node: Fields): Fields {
  const name = textOf(node["name"]);
  if (node["quoted"] === true) return { name, quoted: true, trailing_comments: [] };
  const upper = name.toUpperCase();
  return {
    name: upper.startsWith(HIDDEN) ? upper.slice(HIDDEN.length) : upper,
    quoted: true,
    trailing_comments: [],
  };
}
