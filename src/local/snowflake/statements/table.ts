/** CREATE TABLE, and what else makes or ends tables. */

import {
  type ColumnEntry,
  completePath,
  fullName,
  storageSchema,
  storageTable,
  type StreamEntry,
  type TableEntry,
} from "../engine/catalog.ts";
import type { CheckEntry } from "../engine/check-entry.ts";
import { snowflakeType } from "../engine/cells.ts";
import { writeChecks } from "./checks.ts";
import {
  columnEntry,
  type ColumnDefinition,
  readCreateTable,
  type TableDefinition,
} from "./create-table.ts";
import { changeCatalog, exists, provenance } from "./ddl.ts";
import { prepareReading } from "./prepared-reading.ts";
import { withDeferredTypes } from "../translate/deferred-types.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { column, generateDuckDB, quoteName } from "../translate/sql-ast.ts";
import { storageOf, storeNode, TEXT_LENGTH_MAX } from "../translate/snowflake-types.ts";
import { storageName } from "../engine/storage.ts";
import { dropChanges, staleStream } from "../engine/streams.ts";
import { translateQuery, type Translated } from "../translate/translate.ts";
import { contextOf, namesOf } from "../translate/context.ts";
import { tableFinder } from "./dml.ts";
import { runWithStreams } from "./query.ts";

/** CREATE [OR REPLACE] [TEMPORARY] TABLE. */
export async function createTable(written: Execution): Promise<EngineResult> {
  const execution = await prepareReading(written);
  const definition = readCreateTable(execution.sql);
  const path = completePath(definition.path, namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const existing = catalog.find(path, execution.state.id);
  const isShadowing =
    definition.isTemporary && existing?.kind === "table" && existing.session === null;
  if (existing !== undefined && !definition.orReplace && !isShadowing) {
    if (definition.ifNotExists) return exists(path[2]);
    throw alreadyExists(fullName(path));
  }
  if (existing !== undefined && existing.kind !== "table")
    throw compilationError(`Object '${fullName(path)}' already exists as ${existing.kind}.`);
  const replaced = isShadowing ? undefined : existing;
  await makeTable(definition, path, replaced, execution);
  return statusResult(`Table ${path[2]} successfully created.`);
}

async function makeTable(
  definition: TableDefinition,
  path: [string, string, string],
  replaced: TableEntry | undefined,
  execution: Execution,
): Promise<void> {
  const source =
    definition.query === null ? undefined : translateQuery(definition.query, contextOf(execution));
  const columns =
    source === undefined
      ? listColumns(definition, path, execution)
      : await queryColumns(source, definition, execution);
  const table: TableEntry = {
    kind: "table",
    path,
    columns,
    checks: listChecks(definition, execution),
    comment: definition.comment,
    ...(definition.retentionDays === null ? {} : { retentionDays: definition.retentionDays }),
    session: definition.isTemporary ? execution.state.id : null,
    ...provenance(execution),
  };
  const fill =
    source === undefined
      ? fillFromLike(definition, table, execution)
      : [`${fillFromQuery(table, source.sql)}${returningChecks(table, execution)}`];
  await changeCatalog(execution, [path], () => ({
    sql: [
      ...dropSql(replaced, execution),
      ...createSql(definition, table),
      ...bindChecks(table, execution),
      ...fill,
      ...consume(source, execution),
    ],
    put: replaced === undefined ? [table] : [table, ...staleStreams(path, execution)],
    remove: replaced === undefined ? [] : [replaced],
  }));
}

/** What a replaced table leaves of the streams on it. */
function staleStreams(path: readonly string[], { server }: Execution): StreamEntry[] {
  return server.storage.catalog.streamsOn(path).map(staleStream);
}

function consume(source: Translated | undefined, execution: Execution): string[] {
  return source === undefined ? [] : runWithStreams(source.streams, execution);
}

function dropSql(table: TableEntry | undefined, execution: Execution): string[] {
  if (table === undefined) return [];
  const streams = execution.server.storage.catalog.streamsOn(table.path).map(dropChanges);
  return [`DROP TABLE ${tableName(table)}`, ...dropSequences(table), ...streams];
}

export function tableName(table: TableEntry): string {
  return storageName(storageSchema(table.path), storageTable(table));
}

export function dropSequences(table: TableEntry): string[] {
  return table.columns.flatMap(({ sequence }) =>
    sequence === null ? [] : [`DROP SEQUENCE IF EXISTS ${sequence}`],
  );
}

function listColumns(
  definition: TableDefinition,
  path: readonly string[],
  execution: Execution,
): ColumnEntry[] {
  if (definition.like !== null)
    return [...tableFinder(execution)(definition.like.path).columns].map((entry) => ({
      ...entry,
      sequence: null,
    }));
  const seen = new Set<string>();
  return definition.columns.map((entry) => {
    if (seen.has(entry.name)) throw compilationError(`duplicate column name '${entry.name}'`);
    seen.add(entry.name);
    return columnEntry(entry, entry.identity === null ? null : sequenceName(path, entry.name));
  });
}

/** A table made LIKE another has its checks. */
function listChecks(definition: TableDefinition, execution: Execution): readonly CheckEntry[] {
  if (definition.like === null) return definition.checks;
  return tableFinder(execution)(definition.like.path).checks ?? [];
}

/** So that a check over a column that is not there is refused now, and not with the first row. */
export function bindChecks(table: TableEntry, execution: Execution): string[] {
  const checks = writeChecks(table, execution);
  return checks === undefined ? [] : [`SELECT ${checks} FROM ${tableName(table)} LIMIT 0`];
}

function returningChecks(table: TableEntry, execution: Execution): string {
  const checks = writeChecks(table, execution);
  return checks === undefined ? "" : ` RETURNING ${checks}`;
}

function sequenceName(path: readonly string[], name: string): string {
  return storageName(storageSchema(path), `${path[2] ?? ""}@${name}@${Date.now()}`);
}

/** The columns of CREATE TABLE AS: those of the query, unless types are given. */
async function queryColumns(
  source: Translated,
  definition: TableDefinition,
  execution: Execution,
): Promise<ColumnEntry[]> {
  if (definition.columns.length > 0)
    return definition.columns.map((entry) => columnEntry(entry, null));
  return await describeQuery(source.sql, execution);
}

/** The columns a DuckDB query gives. */
export async function describeQuery(
  sql: string,
  { server, parameters, running }: Execution,
): Promise<ColumnEntry[]> {
  const connection = await server.storage.acquire(parameters.TIMEZONE);
  try {
    const prepared = await running.watch(connection, () =>
      withDeferredTypes(sql, (text) => connection.prepare(text)),
    );
    const columns = Array.from({ length: prepared.columnCount }, (_, index) => ({
      name: prepared.columnName(index),
      type: snowflakeType(prepared.columnType(index)),
      nullable: true,
      default: null,
      sequence: null,
      comment: "",
      isPrimaryKey: false,
    }));
    prepared.destroySync();
    return columns;
  } finally {
    server.storage.release(connection);
  }
}

function createSql(definition: TableDefinition, table: TableEntry): string[] {
  const sequences = definition.columns.flatMap((entry, index) =>
    createSequence(entry, table.columns[index]),
  );
  const columns = table.columns.map(writeColumn).join(", ");
  return [...sequences, `CREATE TABLE ${tableName(table)} (${columns})`];
}

function createSequence({ identity }: ColumnDefinition, entry: ColumnEntry | undefined): string[] {
  if (identity === null || entry === undefined || entry.sequence === null) return [];
  const bound =
    identity.step < 0 ? " MINVALUE -9223372036854775807 MAXVALUE 9223372036854775806" : "";
  return [
    `CREATE SEQUENCE ${entry.sequence} START ${identity.start} INCREMENT ${identity.step}${bound}`,
  ];
}

/** A column for DuckDB. Text that is too long is refused by a check, since DuckDB keeps no lengths. */
export function writeColumn({ name, type, nullable }: ColumnEntry): string {
  const limit =
    type.name === "TEXT" && (type.length ?? TEXT_LENGTH_MAX) < TEXT_LENGTH_MAX
      ? ` CHECK (length(${quoteName(name)}) <= ${type.length})`
      : "";
  return `${quoteName(name)} ${storageOf(type)}${nullable ? "" : " NOT NULL"}${limit}`;
}

function fillFromQuery(table: TableEntry, query: string): string {
  const aliases = table.columns.map((_, index) => `"c${index}"`);
  const stored = table.columns.map(
    (entry, index) =>
      `${generateDuckDB(storeNode(column(`c${index}`), entry.type))} AS "c${index}"`,
  );
  return `INSERT INTO ${tableName(table)} SELECT s.* REPLACE (${stored.join(", ")}) FROM (${query}) AS s(${aliases.join(", ")})`;
}

function fillFromLike(
  definition: TableDefinition,
  table: TableEntry,
  execution: Execution,
): string[] {
  if (definition.like === null || !definition.like.withRows) return [];
  return [
    `INSERT INTO ${tableName(table)} SELECT * FROM ${tableName(tableFinder(execution)(definition.like.path))}`,
  ];
}
