/** What CREATE PROCEDURE, CREATE EXTERNAL FUNCTION and the statements about them have in common. */

import type { ArgumentEntry, RoutineEntry } from "../engine/routines.ts";
import { parseType, type SnowflakeType } from "../translate/snowflake-types.ts";
import { readTokens, type Token, TokenReader } from "../translate/tokens.ts";
import { checkBinds } from "../translate/text.ts";
import type { Statement } from "../engine.ts";

function isSymbol(token: Token, text: string): boolean {
  return token.kind === "symbol" && token.text === text;
}

function isWord(token: Token, ...words: readonly string[]): boolean {
  return token.kind === "word" && words.includes(token.value);
}

/** `(name type [DEFAULT expression], ...)`. */
export function readArguments(reader: TokenReader): ArgumentEntry[] {
  const inner = new TokenReader(reader.textInBrackets());
  const entries: ArgumentEntry[] = [];
  while (!inner.done) {
    const name = inner.name();
    const written = inner.textUntil((token) => isSymbol(token, ",") || isWord(token, "DEFAULT"));
    const isOptional = inner.take("DEFAULT");
    const value = isOptional ? inner.textUntil((token) => isSymbol(token, ",")) : null;
    entries.push({ name, type: parseType(written), default: value });
    if (!inner.take(",")) inner.expectEnd();
  }
  return entries;
}

/** `(type, type ...)`, which tells overloads apart. */
export function readTypes(reader: TokenReader): SnowflakeType[] {
  return splitList(reader.textInBrackets()).map(parseType);
}

export function hasTypes(
  { arguments: list }: RoutineEntry,
  types: readonly SnowflakeType[],
): boolean {
  return list.length === types.length && list.every(({ type }, i) => type.name === types[i]?.name);
}

/** The items of a list in SQL text, as written. */
export function splitList(text: string): string[] {
  const reader = new TokenReader(text);
  const items: string[] = [];
  while (!reader.done) {
    items.push(reader.textUntil((token) => isSymbol(token, ",")));
    if (!reader.take(",")) reader.expectEnd();
  }
  return items;
}

const CLAUSES = [
  "NOT",
  "NULL",
  "LANGUAGE",
  "STRICT",
  "CALLED",
  "RETURNS",
  "VOLATILE",
  "IMMUTABLE",
  "COMMENT",
  "EXECUTE",
  "API_INTEGRATION",
  "HEADERS",
  "CONTEXT_HEADERS",
  "MAX_BATCH_ROWS",
  "COMPRESSION",
  "AS",
] as const;

/** What stands behind RETURNS: `type [NOT NULL | NULL]`. */
export function readReturns(reader: TokenReader): RoutineEntry["returns"] {
  const type = parseType(reader.textUntil((token) => isWord(token, ...CLAUSES)));
  const isRequired = reader.take("NOT", "NULL");
  if (!isRequired) reader.take("NULL");
  return { type, nullable: !isRequired };
}

/** Whether NULL arguments are kept from the routine, when the clause that says so is next. */
export function takeNullHandling(reader: TokenReader): boolean | undefined {
  if (reader.take("STRICT") || reader.take("RETURNS", "NULL", "ON", "NULL", "INPUT")) return true;
  return reader.take("CALLED", "ON", "NULL", "INPUT") ? false : undefined;
}

/** `= 'text'`, the sign being optional. */
export function readText(reader: TokenReader): string {
  reader.take("=");
  return reader.string();
}

/** The text with its `?` as `:1`, `:2` ..., so that its parts can change places. Throws EngineError for one not bound. */
export function numberBinds(sql: string, binds: Statement["binds"]): string {
  let text = "";
  let end = 0;
  let count = 0;
  for (const token of readTokens(sql)) {
    if (token.kind !== "bind" || token.value !== "") continue;
    count++;
    text += `${sql.slice(end, token.start)} :${count} `;
    end = token.end;
  }
  checkBinds(count, binds);
  return text + sql.slice(end);
}
