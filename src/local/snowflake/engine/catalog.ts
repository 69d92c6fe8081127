/**
 * What there is: databases, schemas, tables, views, streams, warehouses, roles. Kept in memory, where the
 * translator looks names up, and written through to the data file with the statement that changes it.
 */

import { doesNotExist, noCurrent } from "./errors.ts";
import type { SnowflakeType } from "../translate/snowflake-types.ts";

export interface ColumnEntry {
  readonly name: string;
  readonly type: SnowflakeType;
  readonly nullable: boolean;
  /** Snowflake's SQL, or null. */
  readonly default: string | null;
  /** DuckDB's sequence behind an AUTOINCREMENT column. */
  readonly sequence: string | null;
  readonly comment: string;
  readonly isPrimaryKey: boolean;
}

interface Common {
  /** Database, schema and name. */
  readonly path: readonly [string, string, string];
  readonly comment: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly owner: string;
}

export interface TableEntry extends Common {
  readonly kind: "table";
  readonly columns: readonly ColumnEntry[];
  /** The session a temporary table belongs to. */
  readonly session: string | null;
}

export interface ViewEntry extends Common {
  readonly kind: "view";
  /** Snowflake's SQL. */
  readonly query: string;
  /** The whole statement, as INFORMATION_SCHEMA.VIEWS shows it. */
  readonly definition: string;
  readonly columns: readonly ColumnEntry[];
}

export interface StreamEntry extends Common {
  readonly kind: "stream";
  readonly table: readonly [string, string, string];
}

export type ObjectEntry = TableEntry | ViewEntry | StreamEntry;

export type ContainerKind = "database" | "schema" | "warehouse" | "role";

/** A database ("D"), schema ("D", "S"), warehouse or role. */
export interface ContainerEntry {
  readonly kind: ContainerKind;
  readonly path: readonly string[];
  readonly comment: string;
  readonly createdAtMs: number;
  readonly owner: string;
}

export interface GrantEntry {
  readonly kind: "grant";
  readonly path: readonly [privilege: string, on: string, to: string];
  readonly createdAtMs: number;
}

export type Entry = ObjectEntry | ContainerEntry | GrantEntry;

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

/** Tables, views and streams share one set of names. */
export function entryKey(entry: Entry): string {
  const set = "columns" in entry || entry.kind === "stream" ? "object" : entry.kind;
  const session = entry.kind === "table" && entry.session !== null ? `@${entry.session}` : "";
  return `${set} ${fullName(entry.path)}${session}`;
}

export class Catalog {
  private readonly objects = new Map<string, ObjectEntry>();
  private readonly containers = new Map<string, ContainerEntry>();
  private readonly grants = new Map<string, GrantEntry>();

  put(entry: Entry): void {
    const key = entryKey(entry);
    if (entry.kind === "grant") this.grants.set(key, entry);
    else if (isObject(entry)) this.objects.set(key, entry);
    else this.containers.set(key, entry);
  }

  remove(entry: Entry): void {
    const key = entryKey(entry);
    for (const set of [this.grants, this.objects, this.containers]) set.delete(key);
  }

  list<Kind extends ObjectEntry["kind"]>(kind: Kind): Extract<ObjectEntry, { kind: Kind }>[] {
    const isOfKind = (entry: ObjectEntry): entry is Extract<ObjectEntry, { kind: Kind }> =>
      entry.kind === kind;
    return [...this.objects.values()].filter(isOfKind);
  }

  listContainers(kind: ContainerKind): ContainerEntry[] {
    return [...this.containers.values()].filter((entry) => entry.kind === kind);
  }

  listGrants(): GrantEntry[] {
    return [...this.grants.values()];
  }

  container(kind: ContainerKind, path: readonly string[]): ContainerEntry | undefined {
    return this.containers.get(`${kind} ${fullName(path)}`);
  }

  /** The object with this full path; a session's temporary table comes first. */
  find(path: readonly string[], session: string): ObjectEntry | undefined {
    const key = `object ${fullName(path)}`;
    return this.objects.get(`${key}@${session}`) ?? this.objects.get(key);
  }

  /** Throws EngineError 002003 when the database, schema or object is not there. */
  get(path: readonly string[], session: string): ObjectEntry {
    const entry = this.find(path, session);
    if (entry !== undefined) return entry;
    this.requireSchema(path.slice(0, 2));
    throw doesNotExist("Object", fullName(path));
  }

  requireDatabase(name: string): void {
    if (this.container("database", [name]) === undefined)
      throw doesNotExist("Database", fullName([name]));
  }

  requireSchema(path: readonly string[]): void {
    this.requireDatabase(path[0] ?? "");
    if (this.container("schema", path) === undefined) throw doesNotExist("Schema", fullName(path));
  }

  streamsOn(table: readonly string[]): StreamEntry[] {
    return this.list("stream").filter((stream) => fullName(stream.table) === fullName(table));
  }

  /** All that lies in a database or schema. */
  within(path: readonly string[]): (ObjectEntry | ContainerEntry)[] {
    const schemas = this.listContainers("schema");
    return [...this.objects.values(), ...schemas].filter(
      (entry) =>
        entry.path.length > path.length && path.every((name, index) => entry.path[index] === name),
    );
  }
}

function isObject(entry: ObjectEntry | ContainerEntry): entry is ObjectEntry {
  return entry.kind === "table" || entry.kind === "view" || entry.kind === "stream";
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
