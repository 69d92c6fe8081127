/** ALTER TABLE, and the other ALTERs that are known. */

import { type ColumnEntry, completePath, fullName, type TableEntry } from "../engine/catalog.ts";
import { columnEntry, readColumn } from "./create-table.ts";
import { type CatalogChange, changeCatalog } from "./ddl.ts";
import type { EngineResult } from "../engine.ts";
import { compilationError, invalidIdentifier, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { storageOf } from "../translate/snowflake-types.ts";
import { alterChanges } from "../engine/streams.ts";
import { tableName } from "./table.ts";
import { tableFinder } from "./dml.ts";

import { TokenReader } from "../translate/tokens.ts";
import { translateExpression } from "../translate/translate.ts";
import { contextOf, namesOf } from "../translate/context.ts";

const DONE = "Statement executed successfully.";

/** ALTER TABLE [IF EXISTS] t ADD | DROP | RENAME | ALTER COLUMN | RENAME TO | SET | UNSET. */
export async function alterTable(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("ALTER", "TABLE");
  const isOptional = reader.take("IF", "EXISTS");
  const path = reader.path();
  const { catalog } = execution.server.storage;
  if (
    isOptional &&
    catalog.find(completePath(path, namesOf(execution)), execution.state.id) === undefined
  )
    return statusResult(DONE);
  const table = tableFinder(execution)(path);
  const change = readChange(reader, execution);
  reader.expectEnd();
  await changeCatalog(execution, [table.path], () => change(tableFinder(execution)(path)));
  return statusResult(DONE);
}

type Change = (table: TableEntry) => CatalogChange;

function readChange(reader: TokenReader, execution: Execution): Change {
  if (reader.take("ADD")) return readAdd(reader, execution);
  if (reader.take("DROP")) return readDrop(reader, execution);
  if (reader.take("RENAME", "COLUMN")) return readRename(reader, execution);
  if (reader.take("RENAME", "TO"))
    return renameTable(completePath(reader.path(), namesOf(execution)), execution);
  if (reader.take("SET", "COMMENT", "=")) {
    const comment = reader.string();
    return (table) => ({ put: [{ ...table, comment }] });
  }
  if (reader.take("ALTER") || reader.take("MODIFY")) return readModify(reader);
  if (reader.at("SET") || reader.at("UNSET")) return readIgnoredOption(reader);
  throw unsupported(`ALTER TABLE ${reader.peek()?.value ?? ""}`);
}

const IGNORED: ReadonlySet<string> = new Set([
  "CHANGE_TRACKING",
  "DATA_RETENTION_TIME_IN_DAYS",
  "MAX_DATA_EXTENSION_TIME_IN_DAYS",
]);

function readIgnoredOption(reader: TokenReader): Change {
  const isSet = reader.next().value === "SET";
  const name = reader.name();
  if (!IGNORED.has(name)) throw unsupported(`ALTER TABLE SET ${name}`);
  if (isSet) {
    reader.expect("=");
    reader.next();
  }
  return () => ({});
}

/** The same change of the table and of the rows that its streams hold. */
function changeStorage(
  table: TableEntry,
  clause: string,
  columns: readonly ColumnEntry[],
  execution: Execution,
): CatalogChange {
  const streams = execution.server.storage.catalog.streamsOn(table.path);
  return {
    sql: [
      `ALTER TABLE ${tableName(table)} ${clause}`,
      ...streams.map((stream) => alterChanges(stream, clause)),
    ],
    put: [{ ...table, columns }],
  };
}

function readAdd(reader: TokenReader, execution: Execution): Change {
  if (reader.take("CHECK") || reader.at("CONSTRAINT"))
    throw unsupported("ALTER TABLE ADD CONSTRAINT");
  reader.take("COLUMN");
  const isOptional = reader.take("IF", "NOT", "EXISTS");
  const checks: string[] = [];
  const definition = readColumn(reader, checks);
  if (checks.length > 0 || definition.identity !== null)
    throw unsupported("ALTER TABLE ADD COLUMN with CHECK or AUTOINCREMENT");
  return (table) => {
    if (table.columns.some(({ name }) => name === definition.name)) {
      if (isOptional) return {};
      throw compilationError(`column '${definition.name}' already exists`);
    }
    const entry = columnEntry(definition, null);
    return addColumn(table, entry, execution);
  };
}

/** DuckDB adds no NOT NULL column, so the value and the constraint come after it. */
function addColumn(table: TableEntry, entry: ColumnEntry, execution: Execution): CatalogChange {
  const change = changeStorage(
    table,
    `ADD COLUMN ${quoteName(entry.name)} ${storageOf(entry.type)}`,
    [...table.columns, entry],
    execution,
  );
  const name = quoteName(entry.name);
  const value =
    entry.default === null ? undefined : translateExpression(entry.default, contextOf(execution));
  const fill = value === undefined ? [] : [`UPDATE ${tableName(table)} SET ${name} = ${value}`];
  const require = entry.nullable
    ? []
    : [`ALTER TABLE ${tableName(table)} ALTER COLUMN ${name} SET NOT NULL`];
  if (require.length > 0 && value !== undefined)
    throw unsupported("ALTER TABLE ADD COLUMN with both DEFAULT and NOT NULL");
  return { ...change, sql: [...(change.sql ?? []), ...fill, ...require] };
}

function readDrop(reader: TokenReader, execution: Execution): Change {
  reader.take("COLUMN");
  const isOptional = reader.take("IF", "EXISTS");
  const name = reader.name();
  return (table) => {
    const columns = table.columns.filter((entry) => entry.name !== name);
    if (columns.length < table.columns.length)
      return changeStorage(table, `DROP COLUMN ${quoteName(name)}`, columns, execution);
    if (isOptional) return {};
    throw invalidIdentifier(name);
  };
}

function readRename(reader: TokenReader, execution: Execution): Change {
  const from = reader.name();
  reader.expect("TO");
  const to = reader.name();
  return (table) => {
    if (!table.columns.some(({ name }) => name === from)) throw invalidIdentifier(from);
    const columns = table.columns.map((entry) =>
      entry.name === from ? { ...entry, name: to } : entry,
    );
    return changeStorage(
      table,
      `RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`,
      columns,
      execution,
    );
  };
}

function renameTable(path: [string, string, string], execution: Execution): Change {
  return (table) => {
    const { catalog } = execution.server.storage;
    if (catalog.find(path, execution.state.id) !== undefined)
      throw compilationError(`Object '${fullName(path)}' already exists.`);
    if (path[0] !== table.path[0] || path[1] !== table.path[1])
      throw unsupported("ALTER TABLE RENAME into another schema");
    if (table.session !== null) throw unsupported("ALTER TABLE RENAME of a temporary table");
    const renamed = { ...table, path };
    const streams = catalog.streamsOn(table.path).map((stream) => ({ ...stream, table: path }));
    return {
      sql: [`ALTER TABLE ${tableName(table)} RENAME TO ${quoteName(path[2])}`],
      put: [renamed, ...streams],
      remove: [table],
    };
  };
}

/** ALTER [COLUMN] c SET NOT NULL | DROP NOT NULL | COMMENT 'text'. */
function readModify(reader: TokenReader): Change {
  reader.take("COLUMN");
  const name = reader.name();
  const changed =
    (edit: Partial<ColumnEntry>): ((table: TableEntry) => ColumnEntry[]) =>
    (table) => {
      if (!table.columns.some((entry) => entry.name === name)) throw invalidIdentifier(name);
      return table.columns.map((entry) => (entry.name === name ? { ...entry, ...edit } : entry));
    };
  if (reader.take("COMMENT")) {
    const columns = changed({ comment: reader.string() });
    return (table) => ({ put: [{ ...table, columns: columns(table) }] });
  }
  const isSet = reader.take("SET", "NOT", "NULL");
  if (!isSet && !reader.take("DROP", "NOT", "NULL"))
    throw unsupported("ALTER TABLE ALTER COLUMN but for NOT NULL and COMMENT");
  const columns = changed({ nullable: !isSet });
  return (table) => ({
    sql: [
      `ALTER TABLE ${tableName(table)} ALTER COLUMN ${quoteName(name)} ${isSet ? "SET" : "DROP"} NOT NULL`,
    ],
    put: [{ ...table, columns: columns(table) }],
  });
}
