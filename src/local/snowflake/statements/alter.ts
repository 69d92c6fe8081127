/** ALTER TABLE, and the other ALTERs that are known. */

import { type ColumnEntry, completePath, fullName, type TableEntry } from "../engine/catalog.ts";
import { readAdd, readDropConstraint } from "./alter-add.ts";
import { type Change, changeStorage } from "./alter-storage.ts";
import { readsColumn, renameInCheck } from "./checks.ts";
import { readRetentionDays } from "./create-table.ts";
import { changeCatalog } from "./ddl.ts";
import type { EngineResult } from "../engine.ts";
import { compilationError, invalidIdentifier, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { tableName } from "./table.ts";
import { tableFinder } from "./dml.ts";

import { TokenReader } from "../translate/tokens.ts";
import { namesOf } from "../translate/context.ts";

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

function readChange(reader: TokenReader, execution: Execution): Change {
  if (reader.take("ADD")) return readAdd(reader, execution);
  if (reader.take("DROP", "CONSTRAINT")) return readDropConstraint(reader);
  if (reader.take("DROP")) return readDrop(reader, execution);
  if (reader.take("RENAME", "COLUMN")) return readRename(reader, execution);
  if (reader.take("RENAME", "TO"))
    return renameTable(completePath(reader.path(), namesOf(execution)), execution);
  if (reader.take("SET", "COMMENT", "=")) {
    const comment = reader.string();
    return (table) => ({ put: [{ ...table, comment }] });
  }
  if (reader.take("SET", "DATA_RETENTION_TIME_IN_DAYS", "=")) {
    const retentionDays = readRetentionDays(reader);
    return (table) => ({ put: [{ ...table, retentionDays }] });
  }
  if (reader.take("UNSET", "DATA_RETENTION_TIME_IN_DAYS"))
    return (table) => ({ put: [withoutRetention(table)] });
  if (reader.take("ALTER") || reader.take("MODIFY")) return readModify(reader);
  if (reader.at("SET") || reader.at("UNSET")) return readIgnoredOption(reader);
  throw unsupported(`ALTER TABLE ${reader.peek()?.value ?? ""}`);
}

const IGNORED: ReadonlySet<string> = new Set([
  "CHANGE_TRACKING",
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

function readDrop(reader: TokenReader, execution: Execution): Change {
  reader.take("COLUMN");
  const isOptional = reader.take("IF", "EXISTS");
  const name = reader.name();
  return (table) => {
    refuseChecked(table, name);
    const columns = table.columns.filter((entry) => entry.name !== name);
    if (columns.length < table.columns.length)
      return changeStorage(table, `DROP COLUMN ${quoteName(name)}`, columns, execution);
    if (isOptional) return {};
    throw invalidIdentifier(name);
  };
}

function withoutRetention(table: TableEntry): TableEntry {
  const { retentionDays, ...rest } = table;
  return retentionDays === undefined ? table : rest;
}

function refuseChecked(table: TableEntry, column: string): void {
  const check = table.checks?.find((candidate) => readsColumn(candidate, column));
  if (check === undefined) return;
  throw compilationError(
    `Column '${column}' cannot be dropped: the CHECK constraint '${check.name}' reads it.`,
  );
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
    const checks = table.checks?.map((check) => renameInCheck(check, from, to)) ?? [];
    const clause = `RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`;
    return changeStorage({ ...table, checks }, clause, columns, execution);
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
    execution.server.storage.versions.rename(table, renamed);
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
