/** Constraints as they are written in CREATE TABLE and ALTER TABLE ADD. */

import type { CheckEntry } from "../engine/check-entry.ts";
import { compilationError } from "../engine/errors.ts";
import type { TokenReader } from "../translate/tokens.ts";
import type { ColumnDefinition } from "./create-table.ts";

interface ConstrainedTable {
  readonly columns: ColumnDefinition[];
  readonly checks: CheckEntry[];
}

/** Reads `[CONSTRAINT name] PRIMARY KEY | UNIQUE | FOREIGN KEY | CHECK ...`, and tells whether there was one. */
export function readTableConstraint(reader: TokenReader, table: ConstrainedTable): boolean {
  const name = reader.take("CONSTRAINT") ? reader.name() : null;
  if (reader.take("PRIMARY", "KEY")) {
    for (const column of readBracketedNames(reader)) markPrimaryKey(table.columns, column);
  } else if (reader.take("UNIQUE")) reader.textInBrackets();
  else if (reader.take("FOREIGN", "KEY")) {
    reader.textInBrackets();
    readReference(reader);
  } else if (reader.take("CHECK")) addCheck(table.checks, name, reader.textInBrackets());
  else if (name === null) return false;
  else throw reader.unexpected();
  while (!reader.done && !reader.at(",") && !reader.at(")")) readConstraintOption(reader);
  return true;
}

function readBracketedNames(reader: TokenReader): string[] {
  const names: string[] = [];
  reader.expect("(");
  do names.push(reader.name());
  while (reader.take(","));
  reader.expect(")");
  return names;
}

function markPrimaryKey(columns: readonly ColumnDefinition[], name: string): void {
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw compilationError(`invalid column '${name}' in PRIMARY KEY`);
  column.isPrimaryKey = true;
  column.nullable = false;
}

/** A CHECK without a name gets one, as in Snowflake. Throws EngineError for a name that is taken. */
export function addCheck(checks: CheckEntry[], name: string | null, expression: string): void {
  if (checks.some((check) => check.name === name))
    throw compilationError(`Constraint '${name ?? ""}' already exists.`);
  checks.push({ name: name ?? `SYS_CONSTRAINT_${crypto.randomUUID()}`, expression });
}

export function readReference(reader: TokenReader): void {
  reader.expect("REFERENCES");
  reader.path();
  if (reader.at("(")) reader.textInBrackets();
}

const CONSTRAINT_OPTIONS: ReadonlySet<string> = new Set([
  "NOT",
  "ENFORCED",
  "ENABLE",
  "DISABLE",
  "VALIDATE",
  "NOVALIDATE",
  "RELY",
  "NORELY",
  "DEFERRABLE",
  "INITIALLY",
  "DEFERRED",
  "IMMEDIATE",
]);

/** One word behind a constraint that tells how it is kept: keys are kept in no way, a CHECK always. */
export function readConstraintOption(reader: TokenReader): string {
  const token = reader.peek();
  if (token === undefined || !CONSTRAINT_OPTIONS.has(token.value)) throw reader.unexpected();
  return reader.next().value;
}
