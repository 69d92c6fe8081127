/**
 * The global `snowflake` of a JavaScript procedure.
 * Source: docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-api
 */

import type { Bind, ResultColumn } from "../../engine.ts";
import type { StatementReply } from "./protocol.ts";
import {
  createValueReader,
  type Realm,
  type ValueReader,
  writeBind,
  writeText,
} from "./sql-values.ts";

type Rows = Extract<StatementReply, { kind: "rows" }>;

export interface ApiHost {
  readonly realm: Realm;
  /** Runs a statement while this thread waits. */
  ask(sql: string, binds: Record<string, Bind>): StatementReply;
  /** Where the body called from: "At Snowflake.execute, line 3 position 12". */
  locate(caller: string): string;
  /** Hears of every error that a failed statement throws. */
  noteFailure(error: Error): void;
}

interface Command {
  readonly sqlText: string;
  readonly binds: Record<string, Bind>;
}

export function createSnowflakeApi(host: ApiHost): object {
  const values = createValueReader(host.realm);
  return {
    createStatement: (given: unknown) => createStatement(readCommand(given, host), host, values),
    execute: (given: unknown) => {
      const rows = run(readCommand(given, host), host, "Snowflake.execute");
      return createResultSet(rows, host, values);
    },
  };
}

function readCommand(given: unknown, { realm }: ApiHost): Command {
  const command = typeof given === "object" && given !== null ? given : {};
  const sqlText: unknown = "sqlText" in command ? command.sqlText : undefined;
  if (typeof sqlText !== "string" || sqlText.trim() === "")
    throw new realm.Error("Invalid argument passed to createStatement: sqlText is missing.");
  const list: unknown = "binds" in command ? command.binds : [];
  if (!Array.isArray(list)) throw new realm.Error("Invalid binds argument: it must be an array.");
  const values: readonly unknown[] = list;
  const binds = Object.fromEntries(
    values.map((value, index) => [String(index + 1), writeBind(value, index + 1, realm)]),
  );
  return { sqlText, binds };
}

/** Throws an Error with `code`, `state` and `stackTraceTxt`, whatever the statement failed of. */
function run(command: Command, host: ApiHost, caller: string): Rows {
  const reply = host.ask(command.sqlText, command.binds);
  if (reply.kind === "rows") return reply;
  const error = Object.assign(new host.realm.Error(reply.message), {
    code: 100_183,
    state: "P0000",
    stackTraceTxt: host.locate(caller),
  });
  host.noteFailure(error);
  throw error;
}

function createStatement(command: Command, host: ApiHost, values: ValueReader): object {
  let executed: Rows | undefined;
  const rows = (): Rows => {
    if (executed === undefined) throw new host.realm.Error("Statement has not been executed yet.");
    return executed;
  };
  return {
    execute: () => {
      executed = run(command, host, "Statement.execute");
      return createResultSet(executed, host, values);
    },
    getSqlText: () => command.sqlText,
    ...describeRows(rows, host),
  };
}

function createResultSet(rows: Rows, host: ApiHost, values: ValueReader): object {
  let position = -1;
  const read = (which: unknown): readonly [string | null, ResultColumn] => {
    const row = rows.rows[position];
    if (row === undefined)
      throw new host.realm.Error("ResultSet is empty or not prepared, call next() first");
    const index = columnIndex(rows, which, host);
    const column = columnAt(rows, which, host);
    return [row[index] ?? null, column];
  };
  return {
    next: () => {
      position = Math.min(position + 1, rows.rows.length);
      return position < rows.rows.length;
    },
    getColumnValue: (which: unknown) => values.read(...read(which)),
    getColumnValueAsString: (which: unknown) => {
      const [cell, column] = read(which);
      return isJson(column) ? cell : writeText(values.read(cell, column), column);
    },
    ...describeRows(() => rows, host),
  };
}

function isJson({ type }: ResultColumn): boolean {
  return type === "variant" || type === "object" || type === "array";
}

const COUNTS = {
  inserted: "number of rows inserted",
  updated: "number of rows updated",
  deleted: "number of rows deleted",
  duplicate: "number of multi-joined rows updated",
} as const;

/** INSERT, UPDATE, DELETE, MERGE. */
const DML_TYPE_IDS: ReadonlySet<number> = new Set([0x3100, 0x3200, 0x3300, 0x3400]);

function count(rows: Rows, name: string): number {
  if (!DML_TYPE_IDS.has(rows.statementTypeId)) return 0;
  const index = rows.columns.findIndex((column) => column.name === name);
  return Number(rows.rows[0]?.[index] ?? 0);
}

/** What statements and result sets both can tell. */
function describeRows(rows: () => Rows, host: ApiHost): object {
  const column = (which: unknown): ResultColumn => columnAt(rows(), which, host);
  const counted = (name: string) => () => count(rows(), name);
  return {
    getQueryId: () => rows().queryId,
    getRowCount: () => rows().rows.length,
    getColumnCount: () => rows().columns.length,
    getColumnName: (index: number) => column(index).name,
    getColumnType: (which: unknown) => column(which).type,
    getColumnSqlType: (which: unknown) => sqlType(column(which)),
    getColumnScale: (which: unknown) => column(which).scale ?? 0,
    isColumnNullable: (which: unknown) => column(which).nullable,
    isColumnText: (which: unknown) => column(which).type === "text",
    getNumRowsInserted: counted(COUNTS.inserted),
    getNumRowsUpdated: counted(COUNTS.updated),
    getNumRowsDeleted: counted(COUNTS.deleted),
    getNumDuplicateRowsUpdated: counted(COUNTS.duplicate),
    getNumRowsAffected: () =>
      [COUNTS.inserted, COUNTS.updated, COUNTS.deleted].reduce(
        (sum, name) => sum + count(rows(), name),
        0,
      ),
  };
}

const SQL_TYPES: Readonly<Record<string, string>> = {
  fixed: "NUMBER",
  real: "FLOAT",
  text: "VARCHAR",
};

function sqlType({ type }: ResultColumn): string {
  return SQL_TYPES[type] ?? type.toUpperCase();
}

/** By a number from 1, or by name; a name as written, or else in upper case. */
function columnIndex(rows: Rows, which: unknown, { realm }: ApiHost): number {
  const byName = (name: string): number => rows.columns.findIndex((item) => item.name === name);
  const text = String(which);
  const found = byName(text) < 0 ? byName(text.toUpperCase()) : byName(text);
  const index = typeof which === "number" ? which - 1 : found;
  if (rows.columns[index] === undefined)
    throw new realm.Error(`Given column name/index does not exist: ${text}`);
  return index;
}

function columnAt(rows: Rows, which: unknown, host: ApiHost): ResultColumn {
  const column = rows.columns[columnIndex(rows, which, host)];
  if (column === undefined) throw new host.realm.Error(`No column ${String(which)}`);
  return column;
}
