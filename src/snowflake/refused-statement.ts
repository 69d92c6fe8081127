import { readTokens } from "../report/sql-tokens.ts";

/** Where a statement was refused. */
export interface Scene {
  readonly sql: string;
  /** Undefined: the user's default role. */
  readonly role?: string | undefined;
  readonly user?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly database?: string | undefined;
  readonly schema?: string | undefined;
}

/** What changes an object itself, and not what is in it. */
export const OWNER_VERBS: ReadonlySet<string> = new Set([
  "ALTER",
  "DROP",
  "UNDROP",
  "COMMENT",
  "CREATE",
  "GRANT",
  "REVOKE",
]);

interface Head {
  readonly verb: string;
  /** What is created, changed or dropped: "TABLE", "API INTEGRATION" is INTEGRATION; else empty. */
  readonly kind: string;
  /** All words and signs in upper case, one blank between words. */
  readonly words: string;
}

const KIND =
  /\b(TABLE|VIEW|STREAM|TASK|PROCEDURE|FUNCTION|STAGE|DATABASE|SCHEMA|WAREHOUSE|INTEGRATION|ROLE|USER)\b/;

export function readHead(sql: string): Head {
  const words = plainText(sql).toUpperCase();
  const verb = /^[A-Z]+/.exec(words)?.[0] ?? "";
  const kind = OWNER_VERBS.has(verb) ? (KIND.exec(words)?.[1] ?? "") : "";
  return { verb: verb === "DESC" ? "DESCRIBE" : verb, kind, words };
}

/** Without comments and literals, which may hold anything. */
function plainText(sql: string): string {
  return readTokens(sql)
    .map(({ kind, text }) =>
      kind === "space" || kind === "comment" ? " " : kind === "string" ? "''" : text,
    )
    .join("")
    .replaceAll(/\s+/g, " ")
    .trim();
}

const PATH = String.raw`(?:"[^"]+"|[A-Z_][\w$]*)(?:\.(?:"[^"]+"|[A-Z_][\w$]*))*`;
const TARGET = new RegExp(
  String.raw`^(?:INSERT (?:OVERWRITE )?INTO|UPDATE|DELETE FROM|MERGE INTO|COPY INTO|TRUNCATE(?: TABLE)?(?: IF EXISTS)?) (${PATH})`,
);

export function isTarget(name: string, sql: string): boolean {
  const target = TARGET.exec(readHead(sql).words)?.[1];
  return target !== undefined && lastName(target) === lastName(name.toUpperCase());
}

function lastName(path: string): string {
  return path.replaceAll('"', "").split(".").at(-1) ?? "";
}

/** The name as the statement has it, with database and schema if they stand there. */
export function findWritten(name: string, sql: string): string {
  if (name.includes(".")) return name;
  const paths = plainText(sql).match(new RegExp(PATH, "gi")) ?? [];
  return (
    paths.find((path) => lastName(path.toUpperCase()) === name.toUpperCase())?.toUpperCase() ?? name
  );
}

/** The database or schema that a CREATE puts something in. */
export function containerPath(scene: Scene, depth: number): string {
  const named = new RegExp(`${KIND.source} (?:IF NOT EXISTS )?(${PATH})`);
  const path = named.exec(readHead(scene.sql).words)?.[2] ?? "";
  return qualify(path, depth + 1, scene)
    .split(".")
    .slice(0, depth)
    .join(".");
}

/** Puts the session's database and schema in front of a name that has fewer parts. */
export function qualify(name: string, parts: number, { database, schema }: Scene): string {
  const given = name.split(".");
  const context = [database ?? "<database>", schema ?? "<schema>"].slice(0, parts - 1);
  return [...context.slice(0, Math.max(0, parts - given.length)), ...given].join(".");
}
