import { splitStatements } from "../report/script.ts";
import { isSignificant, isWord, readTokens, type Token } from "../report/sql-tokens.ts";
import { objectOf, splitArguments } from "./script-objects.ts";
import type { Script } from "./scripts.ts";

/** What the scripts say of an object, as far as another one of its name can be told from it. */
export interface ExpectedObject {
  /** TABLE, VIEW, STREAM, PROCEDURE or TASK. */
  readonly kind: string;
  /** Without its schema. */
  readonly name: string;
  readonly comment: string;
  /** Of a table: the family of the type by column, such as TEXT. */
  readonly columns: ReadonlyMap<string, string>;
  /** Of a table: columns that the scripts add where they lack. */
  readonly addedColumns: ReadonlySet<string>;
}

const KINDS: ReadonlySet<string> = new Set(["TABLE", "VIEW", "STREAM", "PROCEDURE", "TASK"]);

/** What the scripts create in their schema. */
export function readExpected(scripts: readonly Script[]): ExpectedObject[] {
  const statements = scripts.flatMap(({ text }) => splitStatements(text));
  const added = new Map<string, Set<string>>();
  for (const { text } of statements) {
    const [, table, column] = ADD_COLUMN.exec(text) ?? [];
    if (table === undefined || column === undefined) continue;
    added.set(table, (added.get(table) ?? new Set()).add(column));
  }
  return statements.flatMap(({ text }) => {
    const object = objectOf(text, null);
    if (object === null || !KINDS.has(object.kind) || !/^CREATE\b/i.test(text)) return [];
    const { kind, name } = object;
    const columns = kind === "TABLE" ? readColumns(text) : new Map<string, string>();
    const addedColumns = added.get(name) ?? new Set<string>();
    return [{ kind, name, comment: readComment(text), columns, addedColumns }];
  });
}

const ADD_COLUMN = /^ALTER TABLE (\w+) ADD COLUMN IF NOT EXISTS (\w+)/;

const CONSTRAINTS = ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];

function readColumns(sql: string): Map<string, string> {
  const tokens = readTokens(sql).filter(isSignificant);
  const open = tokens.findIndex((token) => token.text === "(");
  const columns = splitArguments(tokens.slice(open)).flatMap(([name, type]) =>
    name === undefined || type === undefined || isWord(name, ...CONSTRAINTS)
      ? []
      : [[name.text.toUpperCase(), typeFamily(type.text)] as const],
  );
  return new Map(columns);
}

const FAMILIES: Readonly<Record<string, string>> = {
  VARCHAR: "TEXT",
  STRING: "TEXT",
  DECIMAL: "NUMBER",
  INTEGER: "NUMBER",
  INT: "NUMBER",
  DOUBLE: "FLOAT",
};

/** As INFORMATION_SCHEMA.COLUMNS.DATA_TYPE has it. */
export function typeFamily(type: string): string {
  const name = type.toUpperCase();
  return FAMILIES[name] ?? name;
}

/** The object's own comment: the last one outside of brackets and before the body. */
function readComment(sql: string): string {
  const tokens = outsideBrackets(readTokens(sql).filter(isSignificant));
  const body = tokens.findIndex((token) => isWord(token, "AS"));
  const head = body === -1 ? tokens : tokens.slice(0, body);
  const index = head.findLastIndex((token) => isWord(token, "COMMENT"));
  const text =
    index === -1 ? "" : (head.slice(index + 1).find(({ kind }) => kind === "string")?.text ?? "");
  return text.slice(1, -1).replaceAll("''", "'");
}

function outsideBrackets(tokens: readonly Token[]): Token[] {
  let depth = 0;
  return tokens.filter(({ text }) => {
    if (text === ")") depth -= 1;
    const isOutside = depth === 0;
    if (text === "(") depth += 1;
    return isOutside;
  });
}
