/** DROP and COMMENT ON. */

import {
  completePath,
  completeSchemaPath,
  type ContainerEntry,
  type ContainerKind,
  fullName,
  storageSchema,
  type ObjectEntry,
  type TableEntry,
} from "../engine/catalog.ts";
import { alreadyDropped, changeCatalog } from "./ddl.ts";
import type { EngineResult } from "../engine.ts";
import { doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { dropChanges, staleStream } from "../engine/streams.ts";
import { taskLock } from "../engine/tasks/task-change.ts";
import type { TaskEntry } from "../engine/tasks/task-entry.ts";
import { dropSequences, tableName } from "./table.ts";
import { tableFinder } from "./dml.ts";
import { TokenReader } from "../translate/tokens.ts";
import { DATA_CATALOG } from "../translate/from.ts";
import { namesOf } from "../translate/context.ts";

type Kind = ContainerKind | ObjectEntry["kind"] | "task";
type Dropped = ObjectEntry | ContainerEntry | TaskEntry;

/** DROP kind [IF EXISTS] name [CASCADE | RESTRICT]. */
export async function dropObject(kind: Kind, execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("DROP", kind.toUpperCase());
  const isOptional = reader.take("IF", "EXISTS");
  const written = reader.path();
  if (!reader.take("CASCADE")) reader.take("RESTRICT");
  reader.expectEnd();
  const entry = findEntry(kind, written, execution);
  const name = written.at(-1) ?? "";
  const label = capitalise(kind);
  if (entry === undefined) {
    if (isOptional) return alreadyDropped(name);
    throw doesNotExist(label, fullName(written));
  }
  await dropEntry(entry, execution);
  return statusResult(`${name} successfully dropped.`);
}

function findEntry(
  kind: Kind,
  written: readonly string[],
  execution: Execution,
): Dropped | undefined {
  const { catalog } = execution.server.storage;
  const names = namesOf(execution);
  if (kind === "task") return catalog.task(completePath(written, names));
  if (kind === "schema") return catalog.container(kind, completeSchemaPath(written, names));
  if (kind === "database" || kind === "warehouse" || kind === "role")
    return catalog.container(kind, written);
  const found = catalog.find(completePath(written, names), names.session);
  return found?.kind === kind ? found : undefined;
}

async function dropEntry(entry: Dropped, execution: Execution): Promise<void> {
  switch (entry.kind) {
    case "table":
      return await dropTable(entry, execution);
    case "stream":
      return await changeCatalog(execution, [entry.path], () => ({
        sql: [dropChanges(entry)],
        remove: [entry],
      }));
    case "view":
      return await changeCatalog(execution, [], () => ({ remove: [entry] }));
    case "task":
      return await changeCatalog(execution, [taskLock(entry.path)], () => ({ remove: [entry] }));
    case "database":
    case "schema":
    case "warehouse":
    case "role":
      return await dropContainer(entry, execution);
  }
}

async function dropTable(table: TableEntry, execution: Execution): Promise<void> {
  await changeCatalog(execution, [table.path], () => {
    const streams = execution.server.storage.catalog.streamsOn(table.path);
    return {
      sql: [`DROP TABLE ${tableName(table)}`, ...dropSequences(table), ...streams.map(dropChanges)],
      put: streams.map(staleStream),
      remove: [table],
    };
  });
}

export async function dropContainer(entry: ContainerEntry, execution: Execution): Promise<void> {
  const { catalog, stageFiles } = execution.server.storage;
  const inner =
    entry.kind === "database" || entry.kind === "schema" ? catalog.within(entry.path) : [];
  const schemas = [entry, ...inner].filter(({ kind }) => kind === "schema");
  const tables = inner.filter((item) => item.kind === "table").map(({ path }) => path);
  await changeCatalog(execution, tables, () => {
    const streams = tables
      .flatMap((table) => catalog.streamsOn(table))
      .filter((stream) => !inner.includes(stream));
    const drops = schemas.map(
      ({ path }) => `DROP SCHEMA ${DATA_CATALOG}.${quoteName(storageSchema(path))} CASCADE`,
    );
    return {
      sql: [...drops, ...streams.map(dropChanges)],
      put: streams.map(staleStream),
      remove: [entry, ...inner],
    };
  });
  for (const item of inner) if (item.kind === "stage") await stageFiles.clear(item);
}

/** COMMENT [IF EXISTS] ON kind name IS 'text'. */
export async function commentOn(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("COMMENT");
  reader.take("IF", "EXISTS");
  reader.expect("ON");
  const kind = reader.name();
  const path = reader.path();
  reader.expect("IS");
  const comment = reader.string();
  reader.expectEnd();
  const find = (): Dropped =>
    kind === "COLUMN"
      ? commentColumn(path, comment, execution)
      : { ...findCommented(kind, path, execution), comment };
  const entry = find();
  // A run of a task may change it meanwhile.
  const locks = entry.kind === "task" ? [taskLock(entry.path)] : [];
  await changeCatalog(execution, locks, () => ({ put: [find()] }));
  return statusResult("Statement executed successfully.");
}

const COMMENTED: Readonly<Record<string, Kind>> = {
  TABLE: "table",
  VIEW: "view",
  STREAM: "stream",
  TASK: "task",
  DATABASE: "database",
  SCHEMA: "schema",
  WAREHOUSE: "warehouse",
  ROLE: "role",
};

function findCommented(written: string, path: readonly string[], execution: Execution): Dropped {
  const kind = COMMENTED[written];
  if (kind === undefined) throw unsupported(`COMMENT ON ${written}`);
  const entry = findEntry(kind, path, execution);
  if (entry === undefined) throw doesNotExist(capitalise(kind), fullName(path));
  return entry;
}

function capitalise(word: string): string {
  return `${word[0]?.toUpperCase() ?? ""}${word.slice(1)}`;
}

function commentColumn(path: readonly string[], comment: string, execution: Execution): TableEntry {
  const table = tableFinder(execution)(path.slice(0, -1));
  return {
    ...table,
    columns: table.columns.map((entry) =>
      entry.name === path.at(-1) ? { ...entry, comment } : entry,
    ),
  };
}
