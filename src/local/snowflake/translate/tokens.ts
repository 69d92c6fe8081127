/**
 * Snowflake SQL as tokens, aware of quotes, `$$` text and comments. The translator uses it for what has to
 * be known before parsing (binds, function names, statement borders) and the commands that are no queries
 * (SHOW, USE, CREATE TABLE ...) are parsed from it directly.
 */

import { syntaxError } from "../engine/errors.ts";

export type TokenKind = "word" | "quoted" | "string" | "number" | "symbol" | "bind";

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** A word in upper case, the inside of a quoted name or a string, the number of a bind. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** DuckDB's `//` divides, and its strings know no backslash. */
export type Dialect = "snowflake" | "duckdb";

const BLANKS = {
  snowflake: /(?:\s+|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y,
  duckdb: /(?:\s+|--[^\n]*|\/\*[\s\S]*?\*\/)+/y,
} as const;
const STRINGS = { snowflake: /'(?:[^'\\]|''|\\[\s\S])*'/y, duckdb: /'(?:[^']|'')*'/y } as const;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\$\d+/y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const QUOTED = /"(?:[^"]|"")*"/y;
const DOLLARS = /\$\$[\s\S]*?\$\$/y;
const SYMBOL = /::|=>|->>|->|<=|>=|<>|!=|\|\||:=|[^\s]/y;
const NUMBERED_BIND = /:\d+/y;

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  "0": "\0",
};

/** Throws EngineError 001003 when a quote or a comment is not closed. */
export function readTokens(sql: string, dialect: Dialect = "snowflake"): Token[] {
  const tokens: Token[] = [];
  const skipBlank = (position: number): number =>
    position + matchAt(BLANKS[dialect], sql, position).length;
  let position = skipBlank(0);
  while (position < sql.length) {
    const token = readToken(sql, position, tokens, dialect);
    tokens.push(token);
    position = skipBlank(token.end);
  }
  return tokens;
}

function matchAt(pattern: RegExp, sql: string, position: number): string {
  pattern.lastIndex = position;
  return pattern.exec(sql)?.[0] ?? "";
}

function readToken(sql: string, start: number, before: readonly Token[], dialect: Dialect): Token {
  const make = (kind: TokenKind, text: string, value: string): Token => ({
    kind,
    text,
    value,
    start,
    end: start + text.length,
  });
  const dollars = matchAt(DOLLARS, sql, start);
  if (dollars !== "") return make("string", dollars, dollars.slice(2, -2));
  const word = matchAt(WORD, sql, start);
  if (word !== "") return make("word", word, word.toUpperCase());
  const number = matchAt(NUMBER, sql, start);
  if (number !== "") return make("number", number, number);
  const string = matchAt(STRINGS[dialect], sql, start);
  if (string !== "") return make("string", string, unquoteString(string));
  const quoted = matchAt(QUOTED, sql, start);
  if (quoted !== "") return make("quoted", quoted, quoted.slice(1, -1).replaceAll('""', '"'));
  return readSymbol(sql, start, before, make);
}

function readSymbol(
  sql: string,
  start: number,
  before: readonly Token[],
  make: (kind: TokenKind, text: string, value: string) => Token,
): Token {
  if (sql[start] === "?") return make("bind", "?", "");
  const bind = matchAt(NUMBERED_BIND, sql, start);
  if (bind !== "" && !continuesPath(start, before)) return make("bind", bind, bind.slice(1));
  const symbol = matchAt(SYMBOL, sql, start);
  if (symbol === "'" || symbol === '"' || sql.startsWith("/*", start)) {
    throw syntaxError(sql, start, symbol === "/" ? "/*" : symbol);
  }
  return make("symbol", symbol, symbol);
}

/** `v:1` right behind a name is a path, ` :1` is a bind. */
function continuesPath(start: number, before: readonly Token[]): boolean {
  const last = before.at(-1);
  return (
    last !== undefined && last.end === start && (last.kind === "word" || last.kind === "quoted")
  );
}

function unquoteString(text: string): string {
  return text
    .slice(1, -1)
    .replace(/''|\\u([0-9a-fA-F]{4})|\\([\s\S])/g, (_whole, unicode?: string, escaped?: string) => {
      if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode, 16));
      return escaped === undefined ? "'" : (ESCAPES[escaped] ?? escaped);
    });
}

/** The statements of a text, without their semicolons; empty ones are left out. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let first: Token | undefined;
  let last: Token | undefined;
  const close = (): void => {
    if (first !== undefined && last !== undefined)
      statements.push(sql.slice(first.start, last.end));
    first = undefined;
  };
  for (const token of readTokens(sql)) {
    if (token.kind === "symbol" && token.text === ";") {
      close();
      continue;
    }
    first ??= token;
    last = token;
  }
  close();
  return statements;
}

/** Reads a list of tokens one by one; every miss is a syntax error at that place. */
export class TokenReader {
  readonly sql: string;
  private readonly tokens: readonly Token[];
  private position = 0;

  constructor(sql: string, tokens: readonly Token[] = readTokens(sql)) {
    this.sql = sql;
    this.tokens = tokens;
  }

  peek(offset = 0): Token | undefined {
    return this.tokens[this.position + offset];
  }

  get done(): boolean {
    return this.position >= this.tokens.length;
  }

  next(): Token {
    const token = this.tokens[this.position];
    if (token === undefined) throw syntaxError(this.sql, this.sql.length, "<EOF>");
    this.position++;
    return token;
  }

  /** Whether the next tokens are these words or symbols. */
  at(...texts: readonly string[]): boolean {
    return texts.every((text, index) => {
      const token = this.peek(index);
      return (
        token !== undefined &&
        token.kind !== "string" &&
        token.kind !== "quoted" &&
        token.value === text
      );
    });
  }

  /** Takes the words when they are next. */
  take(...texts: readonly string[]): boolean {
    if (!this.at(...texts)) return false;
    this.position += texts.length;
    return true;
  }

  expect(...texts: readonly string[]): void {
    for (const text of texts) if (!this.take(text)) throw this.unexpected();
  }

  unexpected(): Error {
    const token = this.peek();
    return syntaxError(this.sql, token?.start ?? this.sql.length, token?.text ?? "<EOF>");
  }

  /** A name as Snowflake keeps it: upper case unless quoted. */
  name(): string {
    const token = this.next();
    if (token.kind === "word" || token.kind === "quoted") return token.value;
    throw syntaxError(this.sql, token.start, token.text);
  }

  /** `a`, `a.b`, `a.b.c`. */
  path(): string[] {
    const parts = [this.name()];
    while (this.take(".")) parts.push(this.name());
    return parts;
  }

  string(): string {
    const token = this.next();
    if (token.kind !== "string") throw syntaxError(this.sql, token.start, token.text);
    return token.value;
  }

  /** The text up to, and without, the first of these at this depth of brackets, or to the end. */
  textUntil(isEnd: (token: Token) => boolean): string {
    const start = this.peek()?.start ?? this.sql.length;
    let end = start;
    let depth = 0;
    while (!this.done) {
      const token = this.peek();
      if (token === undefined) break;
      const isSymbol = token.kind === "symbol";
      if (depth === 0 && isEnd(token)) break;
      if (isSymbol && token.text === "(") depth++;
      if (isSymbol && token.text === ")" && --depth < 0) break;
      end = this.next().end;
    }
    return this.sql.slice(start, end);
  }

  /** The text between the bracket that is next and its partner. */
  textInBrackets(): string {
    this.expect("(");
    const text = this.textUntil(() => false);
    this.expect(")");
    return text;
  }

  rest(): string {
    const start = this.peek()?.start ?? this.sql.length;
    this.position = this.tokens.length;
    return this.sql.slice(start).trim();
  }

  expectEnd(): void {
    if (!this.done) throw this.unexpected();
  }
}
