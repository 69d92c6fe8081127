/**
 * What there is: databases, schemas, tables, views, streams, warehouses, roles. Kept in memory, where the
 * translator looks names up, and written through to the data file with the statement that changes it.
 */

import type { CheckEntry } from "./check-entry.ts";
import { doesNotExist } from "./errors.ts";
import { fullName } from "./names.ts";
import {
  type CallableEntry,
  callableKey,
  Callables,
  isCallable,
  type RoutineEntry,
} from "./routines.ts";
import type { SnowflakeType } from "../translate/snowflake-types.ts";
import type { StageEntry } from "./stages/stage-entry.ts";
import type { TaskEntry } from "./tasks/task-entry.ts";

export {
  completePath,
  completeSchemaPath,
  fullName,
  type NameContext,
  storageSchema,
  storageTable,
} from "./names.ts";

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
  /** Missing in files of before, whose checks DuckDB itself keeps. */
  readonly checks?: readonly CheckEntry[];
  /** DATA_RETENTION_TIME_IN_DAYS, where it is given. */
  readonly retentionDays?: number;
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
  /** When its table was dropped or replaced: it can be read no more. */
  readonly staleAtMs?: number;
}

export type ObjectEntry = TableEntry | ViewEntry | StreamEntry;

/** What lies in a database or schema. */
export type ContainedEntry = ObjectEntry | ContainerEntry | TaskEntry | StageEntry | RoutineEntry;

export type ContainerKind = "database" | "schema" | "warehouse" | "role";

/** A database ("D"), schema ("D", "S"), warehouse or role. */
export interface ContainerEntry {
  readonly kind: ContainerKind;
  readonly path: readonly string[];
  readonly comment: string;
  readonly createdAtMs: number;
  readonly owner: string;
}

export interface UserEntry {
  readonly kind: "user";
  readonly path: readonly string[];
  readonly comment: string;
  readonly createdAtMs: number;
  readonly owner: string;
  /** Such as TYPE and DEFAULT_ROLE; a secret is kept as its fingerprint. */
  readonly properties: Readonly<Record<string, string>>;
}

export interface GrantEntry {
  readonly kind: "grant";
  /** Such as "SELECT", "TABLE D.S.T" and "ROLE R"; a role is granted as USAGE on "ROLE R". */
  readonly path: readonly [privilege: string, on: string, to: string];
  readonly createdAtMs: number;
  /** The role that granted it. */
  readonly grantedBy: string;
  readonly withGrantOption: boolean;
}

export type Entry =
  ObjectEntry | ContainerEntry | GrantEntry | TaskEntry | UserEntry | CallableEntry | StageEntry;

/** Tables, views and streams share one set of names. */
export function entryKey(entry: Entry): string {
  if (isCallable(entry)) return callableKey(entry);
  const set = "columns" in entry || entry.kind === "stream" ? "object" : entry.kind;
  const session = entry.kind === "table" && entry.session !== null ? `@${entry.session}` : "";
  return `${set} ${fullName(entry.path)}${session}`;
}

export class Catalog {
  readonly callables = new Callables();
  private readonly objects = new Map<string, ObjectEntry>();
  private readonly containers = new Map<string, ContainerEntry>();
  private readonly users = new Map<string, UserEntry>();
  private readonly grants = new Map<string, GrantEntry>();
  /** Rises with every grant that comes or goes, for what is derived from them. */
  grantRevision = 0;
  /** Tasks have names of their own: a table may be called the same. */
  private readonly tasks = new Map<string, TaskEntry>();
  private readonly stages = new Map<string, StageEntry>();

  put(entry: Entry): void {
    if (isCallable(entry)) return this.callables.put(entry);
    const key = entryKey(entry);
    if (entry.kind === "grant") {
      this.grants.set(key, entry);
      this.grantRevision++;
    } else if (entry.kind === "user") this.users.set(key, entry);
    else if (entry.kind === "task") this.tasks.set(key, entry);
    else if (entry.kind === "stage") this.stages.set(key, entry);
    else if (isObject(entry)) this.objects.set(key, entry);
    else this.containers.set(key, entry);
  }

  remove(entry: Entry): void {
    const key = entryKey(entry);
    if (entry.kind === "grant") this.grantRevision++;
    this.callables.remove(key);
    const { users, grants, objects, containers, tasks, stages } = this;
    for (const set of [users, grants, objects, containers, tasks, stages]) set.delete(key);
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

  listTasks(): TaskEntry[] {
    return [...this.tasks.values()];
  }

  listStages(): StageEntry[] {
    return [...this.stages.values()];
  }

  stage(path: readonly string[]): StageEntry | undefined {
    return this.stages.get(`stage ${fullName(path)}`);
  }

  task(path: readonly string[]): TaskEntry | undefined {
    return this.tasks.get(`task ${fullName(path)}`);
  }

  user(name: string): UserEntry | undefined {
    return this.users.get(`user ${fullName([name])}`);
  }

  listUsers(): UserEntry[] {
    return [...this.users.values()];
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
    return this.list("stream").filter(
      (stream) => stream.staleAtMs === undefined && fullName(stream.table) === fullName(table),
    );
  }

  /** All that lies in a database or schema. */
  within(path: readonly string[]): ContainedEntry[] {
    const sets = [this.objects, this.tasks, this.stages].flatMap((set) => [...set.values()]);
    const inner = [...sets, ...this.listContainers("schema")].filter(
      (entry) =>
        entry.path.length > path.length && path.every((name, index) => entry.path[index] === name),
    );
    return [...inner, ...this.callables.within(path)];
  }
}

function isObject(entry: ObjectEntry | ContainerEntry): entry is ObjectEntry {
  return entry.kind === "table" || entry.kind === "view" || entry.kind === "stream";
}
