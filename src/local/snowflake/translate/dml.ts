/** INSERT, UPDATE, DELETE and MERGE into DuckDB's. */

import { bulkBinds, bulkColumn } from "../engine/binds.ts";
import type { ColumnEntry, TableEntry } from "../engine/catalog.ts";
import { storageSchema, storageTable } from "../engine/catalog.ts";
import { invalidIdentifier, unsupported, valueCount } from "../engine/errors.ts";
import type { Rewriting } from "./rewriting.ts";
import {
  castTo,
  column,
  type Fields,
  fieldsIf,
  fieldsOf,
  generateDuckDB,
  isFields,
  isNull,
  listOf,
  type Node,
  quoteName,
  quoteText,
  textOf,
} from "./sql-ast.ts";
import { storageOf, storeNode } from "./snowflake-types.ts";
import { storageName } from "../engine/storage.ts";
import { rewriteExpression } from "./translate.ts";
import { rewriteFromItem, tablePath } from "./from.ts";

/** Gives the table that a name stands for. Throws EngineError when it is none, or cannot be written. */
export type FindTable = (path: readonly string[]) => TableEntry;

/** What a statement becomes, but for RETURNING. */
export interface Written {
  readonly table: TableEntry;
  readonly sql: string;
  /** Parameters `$1`, `$2` ...: the values of bulk binds, as JSON. */
  readonly values: readonly string[];
  readonly overwrite: boolean;
}

export function physicalName(table: TableEntry): string {
  return storageName(storageSchema(table.path), storageTable(table));
}

export function nameOf(identifier: Node | undefined, rewriting: Rewriting): string {
  return textOf(fieldsOf(rewriting.rewrite(identifier ?? null))["name"]);
}

export function findTarget(
  table: Fields,
  find: FindTable,
  rewriting: Rewriting,
): { table: TableEntry; alias: string } {
  const names = fieldsOf(
    rewriting.rewrite({
      name: table["name"] ?? null,
      schema: table["schema"] ?? null,
      catalog: table["catalog"] ?? null,
    }),
  );
  const found = find(tablePath(names));
  const alias = nameOf(table["alias"], rewriting);
  return { table: found, alias: alias === "" ? found.path[2] : alias };
}

export function findColumn(table: TableEntry, name: string): ColumnEntry {
  const found = table.columns.find((entry) => entry.name === name);
  if (found === undefined) throw invalidIdentifier(quoteIfNeeded(name));
  return found;
}

function quoteIfNeeded(name: string): string {
  return /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : `"${name}"`;
}

/** DuckDB's expression for a column's default, or undefined. */
export function writeDefault(entry: ColumnEntry, rewriting: Rewriting): string | undefined {
  if (entry.sequence !== null) return `nextval(${quoteText(entry.sequence)})`;
  return entry.default === null
    ? undefined
    : generateDuckDB(storeNode(rewriteExpression(entry.default, rewriting), entry.type));
}

function writeStored(value: Node, entry: ColumnEntry): string {
  return generateDuckDB(storeNode(value, entry.type));
}

export function writeInsert(insert: Fields, find: FindTable, rewriting: Rewriting): Written {
  const { table } = findTarget(fieldsOf(insert["table"]), find, rewriting);
  const named = listOf(insert["columns"]).map((item) => findColumn(table, nameOf(item, rewriting)));
  const columns = named.length === 0 ? table.columns : named;
  const source = isFields(insert["query"])
    ? { sql: `(${generateDuckDB(rewriting.rewrite(insert["query"]))})`, values: [] }
    : writeValues(listOf(insert["values"]), columns, rewriting);
  const missing = table.columns.filter((entry) => !columns.includes(entry));
  const defaults = missing.flatMap((entry) => {
    const value = writeDefault(entry, rewriting);
    return value === undefined ? [] : [{ entry, value }];
  });
  const names = [...columns, ...defaults.map(({ entry }) => entry)].map((entry) =>
    quoteName(entry.name),
  );
  const stored = columns.map(
    (entry, index) => `${writeStored(column(`c${index}`), entry)} AS "c${index}"`,
  );
  const items = [`s.* REPLACE (${stored.join(", ")})`, ...defaults.map(({ value }) => value)];
  const aliases = columns.map((_, index) => `"c${index}"`).join(", ");
  const sql = `INSERT INTO ${physicalName(table)} (${names.join(", ")}) SELECT ${items.join(", ")} FROM ${source.sql} AS s(${aliases})`;
  return { table, sql, values: source.values, overwrite: insert["overwrite"] === true };
}

function writeValues(
  rows: readonly Node[],
  columns: readonly ColumnEntry[],
  rewriting: Rewriting,
): { sql: string; values: string[] } {
  const written = rows.map((row) => writeRow(listOf(row), columns, rewriting));
  const bulk = bulkBinds(rewriting.context.binds);
  if (bulk.length === 0)
    return {
      sql: `(VALUES ${written.map((row) => `(${row.join(", ")})`).join(", ")})`,
      values: [],
    };
  const [row] = written;
  if (row === undefined || written.length > 1)
    throw unsupported("bulk binds with several rows of VALUES");
  const arrays = bulk.map(
    ([index], position) =>
      `unnest(from_json($${position + 1}, '["VARCHAR"]')) AS ${quoteName(bulkColumn(index))}`,
  );
  const sql = `(SELECT ${row.join(", ")} FROM (SELECT ${arrays.join(", ")}))`;
  return { sql, values: bulk.map(([, values]) => JSON.stringify(values)) };
}

function writeRow(
  row: readonly Node[],
  columns: readonly ColumnEntry[],
  rewriting: Rewriting,
): string[] {
  if (row.length !== columns.length) {
    throw valueCount(columns.length, row.length);
  }
  return row.map((value, index) => writeValue(value, columns[index], rewriting));
}

/** The parser sees DEFAULT as a word in VALUES and as a column in SET. */
function isDefaultWord(value: Node): boolean {
  const name = fieldsOf(fieldsIf(value, "column")?.["name"]);
  const word = textOf(fieldsIf(value, "var")?.["this"]) || textOf(name["name"]);
  return name["quoted"] !== true && word.toUpperCase() === "DEFAULT";
}

/** A value in VALUES or SET, where DEFAULT may stand. */
function writeValue(value: Node, entry: ColumnEntry | undefined, rewriting: Rewriting): string {
  if (entry === undefined) throw new Error("a value without a column");
  if (isDefaultWord(value)) return writeDefault(entry, rewriting) ?? "NULL";
  const rewritten = rewriting.rewrite(value);
  // A column of nothing but NULL would have no type to choose a conversion by.
  return generateDuckDB(isNull(rewritten) ? castTo(rewritten, storageOf(entry.type)) : rewritten);
}

export function writeUpdate(update: Fields, find: FindTable, rewriting: Rewriting): Written {
  const { table, alias } = findTarget(fieldsOf(update["table"]), find, rewriting);
  const sets = listOf(update["set"]).map((pair) => {
    const [target = null, value = null] = listOf(pair);
    const entry = findColumn(table, targetName(target, table, alias, rewriting));
    return `${quoteName(entry.name)} = ${writeAssigned(value, entry, rewriting)}`;
  });
  const from = fieldsOf(update["from_clause"])["expressions"];
  const sources = writeSources(listOf(from), rewriting);
  const where = writeWhere(update["where_clause"], rewriting);
  const sql = `UPDATE ${physicalName(table)} AS ${quoteName(alias)} SET ${sets.join(", ")}${sources === "" ? "" : ` FROM ${sources}`}${where}`;
  return { table, sql, values: [], overwrite: false };
}

export function writeAssigned(value: Node, entry: ColumnEntry, rewriting: Rewriting): string {
  const isDefault = isDefaultWord(value);
  return isDefault
    ? (writeDefault(entry, rewriting) ?? "NULL")
    : writeStored(rewriting.rewrite(value), entry);
}

/** The parser gives `x.b` as one name. */
export function targetName(
  target: Node,
  table: TableEntry,
  alias: string,
  rewriting: Rewriting,
): string {
  const written = textOf(fieldsOf(target)["name"]);
  const prefix = [alias, table.path[2]].find((name) =>
    written.toUpperCase().startsWith(`${name.toUpperCase()}.`),
  );
  if (prefix === undefined) return nameOf(target, rewriting);
  const rest = written.slice(prefix.length + 1);
  return fieldsOf(target)["quoted"] === true ? rest : rest.toUpperCase();
}

export function writeSources(items: readonly Node[], rewriting: Rewriting): string {
  return items.map((item) => generateDuckDB(rewriteFromItem(item, rewriting))).join(", ");
}

function writeWhere(clause: Node | undefined, rewriting: Rewriting): string {
  const condition = isFields(clause) ? clause["this"] : undefined;
  return condition === undefined ? "" : ` WHERE ${generateDuckDB(rewriting.rewrite(condition))}`;
}

/** DELETE ... USING comes as an UPDATE ... FROM. */
export function writeDelete(statement: Fields, find: FindTable, rewriting: Rewriting): Written {
  const { table, alias } = findTarget(
    { ...fieldsOf(statement["table"]), ...aliasOf(statement) },
    find,
    rewriting,
  );
  const using = writeSources(listOf(fieldsOf(statement["from_clause"])["expressions"]), rewriting);
  const where = writeWhere(statement["where_clause"], rewriting);
  const sql = `DELETE FROM ${physicalName(table)} AS ${quoteName(alias)}${using === "" ? "" : ` USING ${using}`}${where}`;
  return { table, sql, values: [], overwrite: false };
}

function aliasOf(statement: Fields): Fields {
  return isFields(statement["alias"]) ? { alias: statement["alias"] } : {};
}
