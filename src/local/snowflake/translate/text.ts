/** What is done to the text of a query before it is parsed, and read from it. */

import { EngineError } from "../engine.ts";
import { FUNCTION_NAMES, HIDDEN } from "./functions.ts";
import { readTokens, type Token } from "./tokens.ts";

export interface PreparedText {
  readonly sql: string;
  /** The number of `?` in it. */
  readonly placeholders: number;
}

/**
 * Numbers the binds (`?` becomes `:1`, `:2` ...), hides the functions that we translate ourselves behind a prefix so
 * that the parser leaves their arguments alone, and spells types as the parser knows them.
 */
export function prepareText(sql: string): PreparedText {
  const tokens = readTokens(sql);
  let text = "";
  let end = 0;
  let placeholders = 0;
  for (const [index, token] of tokens.entries()) {
    const replaced =
      token.kind === "bind" && token.value === "" ? ` :${++placeholders} ` : respell(tokens, index);
    text += sql.slice(end, token.start) + replaced;
    end = token.end;
  }
  return { sql: text, placeholders };
}

function respell(tokens: readonly Token[], index: number): string {
  const token = tokens[index];
  if (token === undefined) return "";
  if (token.kind === "string") return requote(token);
  if (token.kind !== "word" || tokens[index + 1]?.text !== "(") return token.text;
  const before = tokens[index - 1];
  if (/^(?:STRING|TEXT)$/.test(token.value) && tokens[index + 2]?.kind === "number")
    return "VARCHAR";
  if (before?.text === "." || !FUNCTION_NAMES.has(token.value)) return token.text;
  return HIDDEN + token.value;
}

/** Strings in one plain form, so that escapes are read once, here. */
function requote(token: Token): string {
  const escaped = token.value.replaceAll("\\", "\\\\").replaceAll("'", "''");
  return `'${escaped}'`;
}

const LIST_ENDS: ReadonlySet<string> = new Set([
  "FROM",
  "WHERE",
  "GROUP",
  "HAVING",
  "QUALIFY",
  "ORDER",
  "LIMIT",
  "UNION",
  "EXCEPT",
  "MINUS",
  "INTERSECT",
  "OFFSET",
  "FETCH",
  ";",
]);

/** The texts of the items of a query's outermost select list, in upper case: Snowflake's names for what has no alias. */
export function selectListTexts(sql: string): string[] {
  const tokens = readTokens(sql);
  let position = outerSelect(tokens) + 1;
  if (position === 0) return [];
  while (/^(?:DISTINCT|ALL)$/.test(tokens[position]?.value ?? "")) position++;
  if (tokens[position]?.value === "TOP") position += 2;
  return itemTexts(sql, tokens, position);
}

function outerSelect(tokens: readonly Token[]): number {
  let depth = 0;
  return tokens.findIndex((token) => {
    depth += depthChange(token);
    return depth === 0 && token.kind === "word" && token.value === "SELECT";
  });
}

function depthChange(token: Token): number {
  if (token.kind !== "symbol") return 0;
  if (/^[([{]$/.test(token.text)) return 1;
  return /^[)\]}]$/.test(token.text) ? -1 : 0;
}

function endsList(token: Token, before: Token | undefined): boolean {
  if (token.kind === "quoted" || token.kind === "string") return false;
  return LIST_ENDS.has(token.value) && before?.value !== "WITHIN";
}

function itemTexts(sql: string, tokens: readonly Token[], first: number): string[] {
  const items: string[] = [];
  let start = first;
  let depth = 0;
  for (let index = first; index <= tokens.length; index++) {
    const token = tokens[index];
    const isEnd = token === undefined || (depth === 0 && endsList(token, tokens[index - 1]));
    if (isEnd || (depth === 0 && token.text === "," && token.kind === "symbol")) {
      items.push(sql.slice(tokens[start]?.start, tokens[index - 1]?.end).toUpperCase());
      start = index + 1;
    }
    if (isEnd) break;
    depth += depthChange(token);
  }
  return items;
}

/** Throws when a statement has more `?` than binds came. */
export function checkBinds(placeholders: number, binds: Readonly<Record<string, unknown>>): void {
  if (placeholders > 0 && binds[String(placeholders)] === undefined) {
    throw new EngineError("002049", "42601", `SQL compilation error:\nBind variable ? not set.`);
  }
}
