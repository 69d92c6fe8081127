/** ALTER TABLE ADD columns and CHECK constraints, and DROP CONSTRAINT. */

import type { ColumnEntry, TableEntry } from "../engine/catalog.ts";
import type { CheckEntry } from "../engine/check-entry.ts";
import { EngineError } from "../engine.ts";
import { compilationError, doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { storageOf } from "../translate/snowflake-types.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { translateExpression } from "../translate/translate.ts";
import { contextOf } from "../translate/context.ts";
import { type Change, changeStorage } from "./alter-storage.ts";
import { writeChecks } from "./checks.ts";
import { type ColumnDefinition, columnEntry, readColumn } from "./create-table.ts";
import type { CatalogChange } from "./ddl.ts";
import { bindChecks, tableName } from "./table.ts";
import { addCheck, readConstraintOption } from "./table-constraints.ts";

export function readAdd(reader: TokenReader, execution: Execution): Change {
  if (reader.at("CHECK") || reader.at("CONSTRAINT")) return readAddCheck(reader, execution);
  reader.take("COLUMN");
  const additions: Addition[] = [];
  do additions.push(readAddition(reader));
  while (reader.take(","));
  return (table) => addColumns(table, additions, execution);
}

interface Addition {
  readonly definition: ColumnDefinition;
  readonly checks: readonly CheckEntry[];
  readonly isOptional: boolean;
}

function readAddition(reader: TokenReader): Addition {
  const isOptional = reader.take("IF", "NOT", "EXISTS");
  const checks: CheckEntry[] = [];
  const definition = readColumn(reader, checks);
  if (definition.identity !== null) throw unsupported("ALTER TABLE ADD COLUMN with AUTOINCREMENT");
  // Source: ALTER TABLE, "You can't specify IF NOT EXISTS if you are also specifying DEFAULT ... for the new column".
  if (isOptional && definition.default !== null)
    throw compilationError(
      `IF NOT EXISTS cannot be given with DEFAULT for the new column '${definition.name}'.`,
    );
  return { definition, checks, isOptional };
}

function addColumns(
  table: TableEntry,
  additions: readonly Addition[],
  execution: Execution,
): CatalogChange {
  const sql: string[] = [];
  let changed = table;
  for (const { definition, checks, isOptional } of additions) {
    if (changed.columns.some(({ name }) => name === definition.name)) {
      if (isOptional) continue;
      throw columnExists(definition.name);
    }
    const entry = columnEntry(definition, null);
    sql.push(...addColumn(changed, entry, execution));
    changed = { ...changed, columns: [...changed.columns, entry], ...withChecks(changed, checks) };
  }
  if (sql.length === 0) return {};
  return { sql: [...sql, ...validateChecks(changed, execution)], put: [changed] };
}

function columnExists(name: string): EngineError {
  const message = `SQL compilation error:\ncolumn '${name}' already exists`;
  return new EngineError("001430", "42601", message);
}

function withChecks(
  table: TableEntry,
  added: readonly CheckEntry[],
): { checks: readonly CheckEntry[] } {
  const checks = [...(table.checks ?? [])];
  for (const { name, expression } of added) addCheck(checks, name, expression);
  return { checks };
}

/** DuckDB adds no NOT NULL column, so that comes after it; a default is only for the rows that are there. */
function addColumn(table: TableEntry, entry: ColumnEntry, execution: Execution): string[] {
  const name = quoteName(entry.name);
  const value =
    entry.default === null ? undefined : translateExpression(entry.default, contextOf(execution));
  const filled = value === undefined ? "" : ` DEFAULT ${value}`;
  const clause = `ADD COLUMN ${name} ${storageOf(entry.type)}${filled}`;
  const { sql = [] } = changeStorage(table, clause, table.columns, execution);
  const alter = `ALTER TABLE ${tableName(table)} ALTER COLUMN ${name}`;
  return [
    ...sql,
    ...(value === undefined ? [] : [`${alter} DROP DEFAULT`]),
    ...(entry.nullable ? [] : [`${alter} SET NOT NULL`]),
  ];
}

/** `[CONSTRAINT name] CHECK (...) [ENABLE] [VALIDATE | NOVALIDATE]`; rows that are there are tried but for NOVALIDATE. */
function readAddCheck(reader: TokenReader, execution: Execution): Change {
  const name = reader.take("CONSTRAINT") ? reader.name() : null;
  if (!reader.take("CHECK"))
    throw unsupported(`ALTER TABLE ADD CONSTRAINT ${reader.peek()?.value ?? ""}`);
  const expression = reader.textInBrackets();
  const options: string[] = [];
  while (!reader.done) options.push(readConstraintOption(reader));
  if (options.includes("DISABLE")) throw unsupported("a CHECK constraint that is disabled");
  return (table) => {
    const checks = [...(table.checks ?? [])];
    addCheck(checks, name, expression);
    const changed = { ...table, checks };
    const isTried = !options.includes("NOVALIDATE");
    return {
      sql: (isTried ? validateChecks : bindChecks)(changed, execution),
      put: [changed],
    };
  };
}

/** A statement that fails where a row of the table does not hold. */
function validateChecks(table: TableEntry, execution: Execution): string[] {
  const checks = writeChecks(table, execution);
  return checks === undefined ? [] : [`SELECT max(${checks}) FROM ${tableName(table)}`];
}

export function readDropConstraint(reader: TokenReader): Change {
  const name = reader.name();
  if (!reader.take("CASCADE")) reader.take("RESTRICT");
  return (table) => {
    const checks = (table.checks ?? []).filter((check) => check.name !== name);
    if (checks.length === (table.checks ?? []).length) throw doesNotExist("Constraint", name);
    return { put: [{ ...table, checks }] };
  };
}
