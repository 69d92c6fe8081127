/** Names of objects as they are written, and in full. */

import type { StreamEntry, TableEntry } from "./catalog.ts";
import { noCurrent } from "./errors.ts";

export interface NameContext {
  readonly database: string | null;
  readonly schema: string | null;
  /** Whose temporary tables are seen. */
  readonly session: string;
}

const PLAIN_NAME = /^[A-Z_][A-Z0-9_$]*$/;

/** `DB.S.T`, quoted where a name has to be. */
export function fullName(path: readonly string[]): string {
  return path
    .map((name) => (PLAIN_NAME.test(name) ? name : `"${name.replaceAll('"', '""')}"`))
    .join(".");
}

/** The DuckDB schema that holds a Snowflake schema. */
export function storageSchema(path: readonly string[]): string {
  return fullName(path.slice(0, 2));
}

/** The DuckDB name of a table, or of the table with a stream's rows. */
export function storageTable(entry: TableEntry | StreamEntry): string {
  const name = entry.path[2];
  if (entry.kind === "stream") return `${name}@STREAM`;
  return entry.session === null ? name : `${name}@${entry.session}`;
}

/** A written name as database, schema and name. Throws EngineError 090105 or 090106 without a current one. */
export function completePath(
  path: readonly string[],
  context: NameContext,
): [string, string, string] {
  const [first, second, third] = path;
  if (third !== undefined) return [first ?? "", second ?? "", third];
  if (context.database === null) throw noCurrent("database");
  if (second !== undefined) return [context.database, first ?? "", second];
  if (context.schema === null) throw noCurrent("schema");
  return [context.database, context.schema, first ?? ""];
}

/** A written schema name as database and schema. */
export function completeSchemaPath(
  path: readonly string[],
  context: NameContext,
): [string, string] {
  const [first, second] = path;
  if (second !== undefined) return [first ?? "", second];
  if (context.database === null) throw noCurrent("database");
  return [context.database, first ?? ""];
}
