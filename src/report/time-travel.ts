import { ReportError } from "./errors.ts";
import {
  describeOpen,
  isOperator,
  isSignificant,
  isWord,
  readTokens,
  type Token,
} from "./sql-tokens.ts";

/**
 * A report's SELECT on the data as they were at a time: AT(TIMESTAMP => ...) behind every table and view that is named
 * in FROM, at every depth, and behind nothing else (common tables, table functions, VALUES, staged files, the views of
 * INFORMATION_SCHEMA and the database SNOWFLAKE, and what has AT, BEFORE or CHANGES already). Nothing else is changed.
 * Throws ReportError `statement_refused` with the line for what may or may not be a table.
 * Source: Snowflake SQL reference, "AT | BEFORE" and "FROM".
 */
export function atTime(sql: string, asOf: Date): string {
  const tokens = readTokens(sql);
  const open = tokens.find(({ closed }) => !closed);
  if (open !== undefined) refuse(`a ${describeOpen(open)} is not closed`, open);
  const walk: Walk = { tokens: tokens.filter(isSignificant), position: 0, tables: new Set() };
  walkStatement(walk);
  const instant = asOf.toISOString().replace("Z", "+00:00");
  const clause = ` AT(TIMESTAMP => '${instant}'::TIMESTAMP_LTZ)`;
  return tokens.map((token) => token.text + (walk.tables.has(token) ? clause : "")).join("");
}

interface Walk {
  /** Those that say anything. */
  readonly tokens: readonly Token[];
  position: number;
  /** The last token of each name that is a table's. */
  readonly tables: Set<Token>;
}

interface CommonTable {
  readonly name: string;
  /** While its own query is being read: whether it may name itself. */
  own: "recursive" | "not recursive" | null;
}

type Scope = readonly CommonTable[];

function refuse(reason: string, token: Token | undefined): never {
  const where = token === undefined ? "at the end" : `line ${token.line}`;
  throw new ReportError("statement_refused", `Time travel, ${where}: ${reason}`);
}

function peek(walk: Walk, offset = 0): Token | undefined {
  return walk.tokens[walk.position + offset];
}

function expect(walk: Walk, symbol: string): void {
  if (!isOperator(peek(walk), symbol)) refuse(`'${symbol}' is missing`, peek(walk));
  walk.position += 1;
}

function walkStatement(walk: Walk): void {
  const verb = walk.tokens.find((token) => !isOperator(token, "("));
  if (!isWord(verb, "SELECT", "WITH")) refuse("it is no SELECT", verb);
  walkLevel(walk, [], false);
  while (isOperator(peek(walk), ";")) walk.position += 1;
  if (peek(walk) !== undefined) refuse("there is more than one statement", peek(walk));
}

/** Reserved words behind which a comma separates no tables. */
const FROM_ENDS = "WHERE GROUP ORDER HAVING QUALIFY CONNECT UNION EXCEPT MINUS INTERSECT".split(
  " ",
);

/** What is inside of a pair of brackets, or outside of all; stops before the bracket that closes it. */
function walkLevel(walk: Walk, outer: Scope, isFromItem: boolean): void {
  const scope = isWord(peek(walk), "WITH") ? readCommonTables(walk, outer) : outer;
  let isQuery = isFromItem;
  let isInFrom = isFromItem && !isWord(peek(walk), "SELECT", "VALUES") && scope === outer;
  if (isInFrom) walkItem(walk, scope);
  for (let token = peek(walk); token !== undefined; token = peek(walk)) {
    if (isOperator(token, ")", ";")) return;
    const isName = isOperator(peek(walk, -1), ".", ":");
    const begins = isQuery && !isName && beginsFrom(walk);
    const separates = isInFrom && (isOperator(token, ",") || (!isName && isWord(token, "JOIN")));
    if (isWord(token, "SELECT") && !isName) [isQuery, isInFrom] = [true, false];
    if (isWord(token, ...FROM_ENDS) && !isName) isInFrom = false;
    if (isOperator(token, "(")) walkGroup(walk, scope, false);
    else walk.position += 1;
    if (!begins && !separates) continue;
    isInFrom = true;
    walkItem(walk, scope);
  }
}

function walkGroup(walk: Walk, scope: Scope, isFromItem: boolean): void {
  expect(walk, "(");
  walkLevel(walk, scope, isFromItem);
  expect(walk, ")");
}

/** FROM, but for IS [NOT] DISTINCT FROM and NTH_VALUE(...) FROM FIRST | LAST. */
function beginsFrom(walk: Walk): boolean {
  if (!isWord(peek(walk), "FROM")) return false;
  const isComparison = isWord(peek(walk, -1), "DISTINCT") && isWord(peek(walk, -2), "IS", "NOT");
  const isWindow =
    isWord(peek(walk, 1), "FIRST", "LAST") && isWord(peek(walk, 2), "IGNORE", "RESPECT", "OVER");
  return !isComparison && !isWindow;
}

/** The beginning of an item of FROM: what gives the rows. Its alias, ON and the like are left to the level. */
function walkItem(walk: Walk, scope: Scope): void {
  if (isWord(peek(walk), "LATERAL")) walk.position += 1;
  const token = peek(walk);
  if (isOperator(token, "(")) walkGroup(walk, scope, true);
  else if (isOperator(token, "@")) skipStagePath(walk);
  else if (token?.kind === "string" && token.text.startsWith("'@")) walk.position += 1;
  else if (isWord(token, "VALUES")) walk.position += 1;
  else if (isWord(token, "TABLE") && isOperator(peek(walk, 1), "(")) walkTableFunction(walk, scope);
  else if (token?.kind === "word" || token?.kind === "quoted") walkName(walk, scope);
  else refuse(`'${token?.text ?? ""}' may or may not be a table`, token);
}

/** A staged file's name is no SQL; it ends where its bracket, its list or the text around it goes on. */
function skipStagePath(walk: Walk): void {
  walk.position += 1;
  const isPart = (token: Token | undefined): boolean =>
    token?.kind !== "operator" || isOperator(token, ".", "/", "~", "%", "-", "=", "$");
  let isAfterSign = true;
  while (peek(walk) !== undefined && isPart(peek(walk))) {
    const isSign = peek(walk)?.kind === "operator";
    if (!isSign && !isAfterSign) return;
    isAfterSign = isSign;
    walk.position += 1;
  }
}

/** TABLE(f(...)) gives rows of its own; TABLE('t') and TABLE($t) may be any table. */
function walkTableFunction(walk: Walk, scope: Scope): void {
  const argument = peek(walk, 2);
  if (argument?.kind !== "word" && argument?.kind !== "quoted")
    refuse(`TABLE(${argument?.text ?? ""}) may or may not be a table; name it`, argument);
  walk.position += 1;
  walkGroup(walk, scope, false);
}

/** Unquoted, these name no table (Snowflake SQL reference, "Reserved keywords"). */
const RESERVED: ReadonlySet<string> = new Set(
  (
    "ALL AND ANY AS BETWEEN BY CASE CONNECT CROSS CURRENT DISTINCT ELSE EXISTS FALSE FOR FROM FULL GROUP HAVING ILIKE " +
    "IN INNER INTERSECT INTO IS JOIN LEFT LIKE MINUS NATURAL NOT NULL OF ON OR ORDER QUALIFY REGEXP RIGHT RLIKE SAMPLE " +
    "SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRUE UNION USING VALUES WHEN WHERE WITH"
  ).split(" "),
);

function walkName(walk: Walk, scope: Scope): void {
  const first = peek(walk);
  if (isWord(first, ...RESERVED)) refuse(`${first?.text ?? ""} is the name of no table`, first);
  const path: string[] = [];
  let last: Token | undefined;
  do {
    last = peek(walk);
    path.push(readName(walk));
  } while (takeDot(walk));
  const next = peek(walk);
  if (path[0] === "IDENTIFIER" && isOperator(next, "("))
    refuse("IDENTIFIER(...) may or may not be a table; name it", first);
  const isFunction = isOperator(next, "(");
  const hasMoment = isWord(next, "AT", "BEFORE", "CHANGES") && isOperator(peek(walk, 1), "(");
  if (isFunction || hasMoment || isWithoutPast(path) || isCommon(path, scope, first)) return;
  if (last !== undefined) walk.tables.add(last);
}

/** As Snowflake keeps it: upper case unless quoted; empty between the dots of `database..table`. */
function readName(walk: Walk): string {
  const token = peek(walk);
  if (isOperator(token, ".")) return "";
  if (token?.kind !== "word" && token?.kind !== "quoted")
    return refuse("the name of a table does not end", token);
  walk.position += 1;
  return token.kind === "word"
    ? token.text.toUpperCase()
    : token.text.slice(1, -1).replaceAll('""', '"');
}

function takeDot(walk: Walk): boolean {
  if (!isOperator(peek(walk), ".")) return false;
  walk.position += 1;
  return true;
}

function isWithoutPast(path: readonly string[]): boolean {
  const isDual = path.length === 1 && path[0] === "DUAL";
  const isShared = path.length === 3 && path[0] === "SNOWFLAKE";
  const schema = path.at(-2);
  return isDual || isShared || schema === "INFORMATION_SCHEMA" || schema === "ACCOUNT_USAGE";
}

function isCommon(path: readonly string[], scope: Scope, token: Token | undefined): boolean {
  const common = path.length === 1 ? scope.findLast(({ name }) => name === path[0]) : undefined;
  if (common?.own === "not recursive")
    refuse(
      `${common.name} may be the table or the WITH of the same name; rename the latter`,
      token,
    );
  return common !== undefined;
}

/** `WITH [RECURSIVE] name [(columns)] AS (query) [, ...]`: each can be named by itself and by those behind it. */
function readCommonTables(walk: Walk, outer: Scope): Scope {
  walk.position += 1;
  if (isWord(peek(walk), "RECURSIVE") && !isWord(peek(walk, 1), "AS")) walk.position += 1;
  let scope = outer;
  for (;;) {
    const common: CommonTable = { name: readName(walk), own: null };
    scope = [...scope, common];
    if (isOperator(peek(walk), "(")) walkGroup(walk, [], false);
    if (!isWord(peek(walk), "AS")) refuse("WITH is not understood", peek(walk));
    walk.position += isWord(peek(walk, 1), "MATERIALIZED", "IMMUTABLE") ? 2 : 1;
    common.own = unitesQueries(walk) ? "recursive" : "not recursive";
    walkGroup(walk, scope, false);
    common.own = null;
    if (!isOperator(peek(walk), ",")) return scope;
    walk.position += 1;
  }
}

/** Whether the bracketed query that is next has a UNION of its own, as a recursive one must. */
function unitesQueries(walk: Walk): boolean {
  let depth = 0;
  for (const token of walk.tokens.slice(walk.position)) {
    if (isOperator(token, "(")) depth += 1;
    if (isOperator(token, ")")) depth -= 1;
    if (depth === 0) return false;
    if (depth === 1 && isWord(token, "UNION")) return true;
  }
  return false;
}
