/**
 * What a piece of Snowflake SQL is. `word` is an unquoted identifier or a keyword, `quoted` a "..." identifier,
 * `string` a '...' or $$...$$ literal, `variable` a $1 or $name, `operator` everything else, also ; and brackets.
 * Source: Snowflake SQL reference, "Identifier requirements", "String constants", "Comments".
 */
export type TokenKind =
  "space" | "comment" | "string" | "quoted" | "variable" | "number" | "word" | "operator";

export interface Token {
  readonly kind: TokenKind;
  /** Exactly as written: the texts of all tokens, joined, are the input. */
  readonly text: string;
  /** 1-based, of the first character. */
  readonly line: number;
  /** False for a quote, a $$ or a comment that runs into the end of the input. */
  readonly closed: boolean;
}

/** Sticky patterns, first match wins. (?!') stops the engine from closing a literal inside its '' escape. */
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ["space", /\s+/uy],
  ["comment", /(?:--|\/\/)[^\n]*/uy],
  ["comment", /\/\*[\s\S]*?\*\//uy],
  ["string", /\$\$[\s\S]*?\$\$/uy],
  ["string", /'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'(?!')/uy],
  ["quoted", /"[^"]*(?:""[^"]*)*"(?!")/uy],
  ["variable", /\$[A-Za-z0-9_]+/uy],
  ["word", /[\p{L}_][\p{L}\p{N}\p{M}_$]*/uy],
  ["number", /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/uy],
];

/** What opens a token that no pattern above could close: it takes the rest of the input. */
const OPENERS: readonly (readonly [TokenKind, string])[] = [
  ["comment", "/*"],
  ["string", "$$"],
  ["string", "'"],
  ["quoted", '"'],
];

const OPERATOR = /->>|::|:=|=>|->|<=|>=|<>|!=|\|\||\*\*|[\s\S]/uy;

/** Every character of `sql` in tokens, in order. Never throws: what cannot be read is an operator of one character. */
export function readTokens(sql: string): Token[] {
  const tokens: Token[] = [];
  let offset = 0;
  let line = 1;
  while (offset < sql.length) {
    const found = readToken(sql, offset);
    tokens.push({ ...found, line });
    offset += found.text.length;
    line += countLineBreaks(found.text);
  }
  return tokens;
}

function readToken(sql: string, offset: number): Omit<Token, "line"> {
  for (const [kind, pattern] of PATTERNS) {
    const text = matchAt(pattern, sql, offset);
    if (text !== undefined) return { kind, text, closed: true };
  }
  for (const [kind, opener] of OPENERS) {
    if (sql.startsWith(opener, offset)) return { kind, text: sql.slice(offset), closed: false };
  }
  const text = matchAt(OPERATOR, sql, offset) ?? sql.slice(offset, offset + 1);
  return { kind: "operator", text, closed: true };
}

function matchAt(pattern: RegExp, sql: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(sql)?.[0];
}

function countLineBreaks(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Whether the token says anything to the warehouse: not space, not a comment. */
export function isSignificant(token: Token): boolean {
  return token.kind !== "space" && token.kind !== "comment";
}

export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === "word" && words.includes(token.text.toUpperCase());
}

export function isOperator(token: Token | undefined, ...operators: readonly string[]): boolean {
  return token?.kind === "operator" && operators.includes(token.text);
}

/** What an unclosed token is, for a message. */
export function describeOpen(token: Token): string {
  if (token.kind === "comment") return "comment";
  return token.text.startsWith("$$") ? "$$ string" : `quote (${token.text.charAt(0)})`;
}
