/** CREATE TABLE, read from its tokens. */

import type { ColumnEntry } from "../engine/catalog.ts";
import type { CheckEntry } from "../engine/check-entry.ts";
import { invalidParameterValue, unsupported } from "../engine/errors.ts";
import { type SnowflakeType, parseType } from "../translate/snowflake-types.ts";
import { type Token, TokenReader } from "../translate/tokens.ts";
import {
  addCheck,
  readConstraintOption,
  readReference,
  readTableConstraint,
} from "./table-constraints.ts";

export interface ColumnDefinition {
  readonly name: string;
  readonly type: SnowflakeType;
  nullable: boolean;
  default: string | null;
  /** AUTOINCREMENT or IDENTITY. */
  identity: { start: number; step: number } | null;
  comment: string;
  isPrimaryKey: boolean;
}

export interface TableDefinition {
  readonly path: readonly string[];
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly isTemporary: boolean;
  readonly columns: ColumnDefinition[];
  readonly checks: CheckEntry[];
  comment: string;
  /** DATA_RETENTION_TIME_IN_DAYS. */
  retentionDays: number | null;
  /** CREATE TABLE ... AS, with the names of its columns if they are given. */
  query: string | null;
  /** CREATE TABLE ... LIKE or CLONE. */
  like: { readonly path: readonly string[]; readonly withRows: boolean } | null;
}

const TYPE_ENDS: ReadonlySet<string> = new Set([
  "NOT",
  "NULL",
  "DEFAULT",
  "COMMENT",
  "PRIMARY",
  "UNIQUE",
  "AUTOINCREMENT",
  "IDENTITY",
  "CHECK",
  "CONSTRAINT",
  "REFERENCES",
  "COLLATE",
  "FOREIGN",
]);
const VALUE_ENDS: ReadonlySet<string> = new Set(
  [...TYPE_ENDS].filter((word) => word !== "NULL" && word !== "NOT"),
);

function endsAt(ends: ReadonlySet<string>): (token: Token) => boolean {
  return (token) => (token.kind === "word" && ends.has(token.value)) || token.text === ",";
}

/** Throws EngineError for what it does not know; nothing is skipped in silence but what has no meaning here. */
export function readCreateTable(sql: string): TableDefinition {
  const reader = new TokenReader(sql);
  reader.expect("CREATE");
  const orReplace = reader.take("OR", "REPLACE");
  const isTemporary = readLifetime(reader);
  reader.expect("TABLE");
  const ifNotExists = reader.take("IF", "NOT", "EXISTS");
  const path = reader.path();
  const table: TableDefinition = {
    path,
    orReplace,
    ifNotExists,
    isTemporary,
    columns: [],
    checks: [],
    comment: "",
    retentionDays: null,
    query: null,
    like: null,
  };
  if (reader.at("(")) readBody(reader, table);
  readOptions(reader, table);
  return table;
}

function readLifetime(reader: TokenReader): boolean {
  if (!reader.take("LOCAL")) reader.take("GLOBAL");
  const isTemporary = reader.take("TEMPORARY") || reader.take("TEMP") || reader.take("VOLATILE");
  reader.take("TRANSIENT");
  return isTemporary;
}

function readBody(reader: TokenReader, table: TableDefinition): void {
  reader.expect("(");
  do {
    if (!readTableConstraint(reader, table)) table.columns.push(readColumn(reader, table.checks));
  } while (reader.take(","));
  reader.expect(")");
}

/** `name TYPE [constraints]`, also of ALTER TABLE ADD COLUMN. */
export function readColumn(reader: TokenReader, checks: CheckEntry[]): ColumnDefinition {
  const name = reader.name();
  const typeText = reader.textUntil(endsAt(TYPE_ENDS));
  if (typeText === "") throw reader.unexpected();
  const column: ColumnDefinition = {
    name,
    type: parseType(typeText),
    nullable: true,
    default: null,
    identity: null,
    comment: "",
    isPrimaryKey: false,
  };
  while (!reader.done && !reader.at(",") && !reader.at(")"))
    readColumnOption(reader, column, checks);
  return column;
}

function readColumnOption(
  reader: TokenReader,
  column: ColumnDefinition,
  checks: CheckEntry[],
): void {
  const name = reader.take("CONSTRAINT") ? reader.name() : null;
  if (reader.take("NOT", "NULL")) column.nullable = false;
  else if (reader.take("NULL")) column.nullable = true;
  else if (reader.take("DEFAULT")) column.default = readDefault(reader);
  else if (reader.take("COMMENT")) column.comment = reader.string();
  else if (reader.take("AUTOINCREMENT") || reader.take("IDENTITY"))
    column.identity = readIdentity(reader);
  else if (reader.take("CHECK")) addCheck(checks, name, reader.textInBrackets());
  else if (reader.take("UNIQUE")) return;
  else if (reader.take("PRIMARY", "KEY")) {
    column.isPrimaryKey = true;
    column.nullable = false;
  } else if (reader.at("REFERENCES")) readReference(reader);
  else if (reader.at("COLLATE")) throw unsupported("COLLATE");
  else readConstraintOption(reader);
}

function readDefault(reader: TokenReader): string {
  const text = reader.textUntil(
    (token) => endsAt(VALUE_ENDS)(token) || (token.kind === "word" && token.value === "NOT"),
  );
  if (text === "") throw reader.unexpected();
  return text;
}

function readIdentity(reader: TokenReader): { start: number; step: number } {
  const identity = { start: 1, step: 1 };
  if (reader.at("(")) {
    const [start, step] = reader.textInBrackets().split(",").map(Number);
    return { start: start ?? 1, step: step ?? 1 };
  }
  if (reader.take("START")) {
    reader.take("WITH");
    identity.start = Number(reader.next().value);
  }
  if (reader.take("INCREMENT")) {
    reader.take("BY");
    identity.step = Number(reader.next().value);
  }
  if (!reader.take("NOORDER")) reader.take("ORDER");
  return identity;
}

/** Options that mean nothing to a database on one machine. */
const IGNORED_OPTIONS: ReadonlySet<string> = new Set([
  "MAX_DATA_EXTENSION_TIME_IN_DAYS",
  "CHANGE_TRACKING",
  "ENABLE_SCHEMA_EVOLUTION",
  "DEFAULT_DDL_COLLATION",
]);

function readOptions(reader: TokenReader, table: TableDefinition): void {
  while (!reader.done) {
    if (reader.take("COMMENT")) {
      reader.take("=");
      table.comment = reader.string();
    } else if (reader.take("DATA_RETENTION_TIME_IN_DAYS", "="))
      table.retentionDays = readRetentionDays(reader);
    else if (reader.take("CLUSTER", "BY")) reader.textInBrackets();
    else if (reader.take("COPY", "GRANTS")) continue;
    else if (reader.take("AS")) table.query = reader.rest();
    else if (reader.at("LIKE") || reader.at("CLONE"))
      table.like = { withRows: reader.next().value === "CLONE", path: reader.path() };
    else readIgnoredOption(reader);
  }
  const isEmpty = table.columns.length === 0 && table.query === null && table.like === null;
  if (isEmpty) throw reader.unexpected();
}

/** Of the Enterprise Edition. Source: docs.snowflake.com/en/sql-reference/parameters. */
const RETENTION_DAYS_MAX = 90;

/** The value of DATA_RETENTION_TIME_IN_DAYS. Throws EngineError 001008 for what is no number of days. */
export function readRetentionDays(reader: TokenReader): number {
  const sign = reader.take("-") ? "-" : "";
  const text = sign + reader.next().value;
  const days = Number(text);
  if (/^\d+$/.test(text) && days <= RETENTION_DAYS_MAX) return days;
  throw invalidParameterValue(text, "DATA_RETENTION_TIME_IN_DAYS");
}

function readIgnoredOption(reader: TokenReader): void {
  const token = reader.peek();
  if (token === undefined || !IGNORED_OPTIONS.has(token.value)) throw reader.unexpected();
  reader.next();
  reader.expect("=");
  reader.next();
}

/** A definition as the catalog keeps it. */
export function columnEntry(column: ColumnDefinition, sequence: string | null): ColumnEntry {
  const { name, type, nullable, comment, isPrimaryKey } = column;
  return { name, type, nullable, default: column.default, sequence, comment, isPrimaryKey };
}
