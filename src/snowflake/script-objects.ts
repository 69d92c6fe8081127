import { isSignificant, readTokens, type Token } from "../report/sql-tokens.ts";

/** What a statement of a script makes or changes. */
export interface ScriptObject {
  /** As after CREATE, such as TABLE, PROCEDURE, API INTEGRATION; GRANTS: all that a role or a user was granted. */
  readonly kind: string;
  /** As the session would look it up: behind database and schema where it lies in one. Of grants: ROLE and its name. */
  readonly name: string;
  /** Of a procedure or function: the types of its arguments, as in a call of GET_DDL. */
  readonly signature: string | null;
}

const KINDS = [
  "API INTEGRATION",
  "DATABASE ROLE",
  "EXTERNAL FUNCTION",
  "NETWORK POLICY",
  "STORAGE INTEGRATION",
  "DATABASE",
  "FUNCTION",
  "INTEGRATION",
  "PROCEDURE",
  "ROLE",
  "SCHEMA",
  "STAGE",
  "STREAM",
  "TABLE",
  "TASK",
  "USER",
  "VIEW",
  "WAREHOUSE",
] as const;

const MODIFIERS: ReadonlySet<string> = new Set([
  "OR",
  "REPLACE",
  "ALTER",
  "SECURE",
  "TRANSIENT",
  "TEMPORARY",
  "TEMP",
  "RECURSIVE",
]);

const IN_SCHEMA: ReadonlySet<string> = new Set([
  "EXTERNAL FUNCTION",
  "FUNCTION",
  "PROCEDURE",
  "STAGE",
  "STREAM",
  "TABLE",
  "TASK",
  "VIEW",
]);

/** The object of a statement, or null for one that makes and changes none. `schema` is what USE SCHEMA chose. */
export function objectOf(sql: string, schema: string | null): ScriptObject | null {
  const tokens = readTokens(sql).filter(isSignificant);
  const verb = wordAt(tokens, 0);
  switch (verb) {
    case "CREATE":
      return namedObject(tokens.slice(countModifiers(tokens)), schema);
    case "ALTER":
    case "DROP":
      return namedObject(tokens.slice(1), schema);
    case "COMMENT":
      return namedObject(tokens.slice(wordAt(tokens, 1) === "ON" ? 2 : 4), schema);
    case "GRANT":
    case "REVOKE":
      return grantee(tokens, verb === "GRANT" ? "TO" : "FROM");
    default:
      return null;
  }
}

/** What `USE SCHEMA a.b` chooses; null for any other statement. */
export function usedSchema(sql: string): string | null {
  const tokens = readTokens(sql).filter(isSignificant);
  if (wordAt(tokens, 0) !== "USE" || wordAt(tokens, 1) !== "SCHEMA") return null;
  return readName(tokens.slice(2)).name;
}

function wordAt(tokens: readonly Token[], index: number): string {
  return tokens[index]?.text.toUpperCase() ?? "";
}

/** Words between CREATE and the kind, and CREATE itself. */
function countModifiers(tokens: readonly Token[]): number {
  const index = tokens.findIndex((token, at) => at > 0 && !MODIFIERS.has(token.text.toUpperCase()));
  return index === -1 ? tokens.length : index;
}

function namedObject(tokens: readonly Token[], schema: string | null): ScriptObject | null {
  const kind = KINDS.find((words) =>
    words.split(" ").every((word, index) => wordAt(tokens, index) === word),
  );
  if (kind === undefined) return null;
  const behind = skipExistence(tokens.slice(kind.split(" ").length));
  const { name, length } = readName(behind);
  const isQualified = name.includes(".") || !IN_SCHEMA.has(kind) || schema === null;
  return {
    kind: kind === "INTEGRATION" ? "API INTEGRATION" : kind,
    name: isQualified ? name : `${schema}.${name}`,
    signature: /PROCEDURE|FUNCTION/.test(kind) ? readSignature(behind.slice(length)) : null,
  };
}

function skipExistence(tokens: readonly Token[]): readonly Token[] {
  if (wordAt(tokens, 0) !== "IF") return tokens;
  return tokens.slice(wordAt(tokens, 1) === "NOT" ? 3 : 2);
}

/** A name with its dots, and how many tokens it has. */
function readName(tokens: readonly Token[]): { name: string; length: number } {
  let length = 1;
  while (tokens[length]?.text === ".") length += 2;
  const parts = tokens
    .slice(0, length)
    .map(({ kind, text }) => (kind === "word" ? text.toUpperCase() : text));
  return { name: parts.join(""), length };
}

/** `(A VARCHAR, B NUMBER(5,0) DEFAULT 0)` gives `(VARCHAR, NUMBER)`, and so does `(VARCHAR, NUMBER)`. */
function readSignature(tokens: readonly Token[]): string {
  const types = splitArguments(tokens).map((argument) => {
    const words = argument
      .filter(({ kind }) => kind === "word")
      .map(({ text }) => text.toUpperCase());
    return words.length === 1 ? words[0] : words[1];
  });
  return `(${types.join(", ")})`;
}

/** The tokens between commas, within the brackets that come first. */
export function splitArguments(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.text === ")") depth -= 1;
    if (depth === 0 && token.text === ")") break;
    if (depth === 1 && token.text === ",") parts.push([]);
    else if (depth > 0) parts.at(-1)?.push(token);
    if (token.text === "(") depth += 1;
  }
  return parts.filter((part) => part.length > 0);
}

function grantee(tokens: readonly Token[], preposition: "TO" | "FROM"): ScriptObject | null {
  const index = tokens.findLastIndex((token) => token.text.toUpperCase() === preposition);
  if (index === -1) return null;
  const behind = tokens.slice(index + 1);
  const kind = ["DATABASE ROLE", "ROLE", "USER"].find((words) =>
    words.split(" ").every((word, at) => wordAt(behind, at) === word),
  );
  const { name } = readName(behind.slice(kind === undefined ? 0 : kind.split(" ").length));
  return { kind: "GRANTS", name: `${kind ?? "ROLE"} ${name}`, signature: null };
}
