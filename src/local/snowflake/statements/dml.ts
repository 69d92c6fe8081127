/** Runs INSERT, UPDATE, DELETE, MERGE and TRUNCATE. */

import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import { completePath, fullName, type StreamEntry, type TableEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { compilationError } from "../engine/errors.ts";
import { type Execution, lock, runInTransaction } from "../engine/execution.ts";
import { countsResult, emptyResult, STATEMENT_TYPES, statusResult } from "../engine/results.ts";
import { wireColumn } from "../engine/cells.ts";
import { authorizePath } from "../roles/authorize.ts";
import { authorizeEntry } from "../roles/readable.ts";
import { writeChecks } from "./checks.ts";
import { prepareReading } from "./prepared-reading.ts";
import { type Fields, openNode } from "../translate/sql-ast.ts";
import { numberType } from "../translate/snowflake-types.ts";
import {
  appendRowsToStreams,
  appendToStreams,
  consumeStream,
  findStreams,
  returningForStreams,
} from "../engine/streams.ts";
import { readTokens, TokenReader } from "../translate/tokens.ts";
import type { Transaction } from "../engine/transactions.ts";
import { parseStatement, startRewriting } from "../translate/translate.ts";
import { contextOf, namesOf } from "../translate/context.ts";
import {
  type FindTable,
  physicalName,
  writeDelete,
  writeInsert,
  writeUpdate,
  type Written,
} from "../translate/dml.ts";
import { writeMerge } from "../translate/merge.ts";

type Kind = "insert" | "update" | "delete" | "merge";

const WRITERS = {
  insert: writeInsert,
  update: writeUpdate,
  delete: writeDelete,
  merge: writeMerge,
} as const satisfies Record<Kind, unknown>;

interface Counts {
  inserted: number;
  updated: number;
  deleted: number;
}

/** Runs one DML statement. */
export async function runDml(kind: Kind, asked: Execution): Promise<EngineResult> {
  const execution = await prepareReading(asked);
  const text = kind === "delete" ? deleteAsUpdate(execution.sql) : execution.sql;
  const tree = parseStatement(text, contextOf(execution));
  const [, fields] = openNode(tree) ?? ["", {}];
  const preview = writeStatement(kind, fields, execution);
  if (execution.statement.describeOnly) {
    const names = countNames(kind, execution.sql);
    return emptyResult(
      names.map((name) => wireColumn(name, numberType())),
      STATEMENT_TYPES[kind],
    );
  }
  const counts = await runInTransaction(execution, async (transaction) => {
    if (kind !== "insert") await lock(execution, transaction, fullName(preview.written.table.path));
    for (const stream of preview.streams) await lock(execution, transaction, fullName(stream.path));
    // Once more, since what names stand for may have changed while it waited.
    const { written, streams } = writeStatement(kind, fields, execution);
    return await runWritten(kind, written, streams, execution, transaction);
  });
  return countsResult(writeCounts(kind, counts, execution.sql), STATEMENT_TYPES[kind]);
}

/** The parser knows no query in DELETE ... USING; it knows them in UPDATE ... FROM. */
function deleteAsUpdate(sql: string): string {
  const tokens = readTokens(sql);
  let depth = 0;
  const using = tokens.find((token) => {
    if (token.kind === "symbol") depth += { "(": 1, ")": -1 }[token.text] ?? 0;
    return depth === 0 && token.kind === "word" && token.value === "USING";
  });
  const target = tokens[2]?.start;
  if (using === undefined || target === undefined) return sql;
  return `UPDATE ${sql.slice(target, using.start)} SET x = 1 FROM ${sql.slice(using.end)}`;
}

function writeStatement(
  kind: Kind,
  fields: Fields,
  execution: Execution,
): { written: Written; streams: StreamEntry[] } {
  const rewriting = startRewriting(contextOf(execution));
  const find = tableFinder(execution, privilegesOf(kind, execution.sql));
  const written = WRITERS[kind](fields, find, rewriting);
  if (written.overwrite) authorizeEntry(written.table, ["DELETE"], execution);
  return {
    written,
    streams: findStreams(rewriting.streams, execution.server.storage.catalog.list("stream")),
  };
}

/** What a statement needs on the table that it changes, on top of SELECT on what it reads. */
function privilegesOf(kind: Kind, sql: string): string[] {
  if (kind !== "merge") return [kind.toUpperCase()];
  const actions = ["INSERT", "UPDATE", "DELETE"];
  return [
    "SELECT",
    ...actions.filter((action) => new RegExp(`\\bTHEN\\s+${action}\\b`, "i").test(sql)),
  ];
}

/** Finds tables on which the session has all of these privileges. */
export function tableFinder(execution: Execution, privileges: readonly string[] = []): FindTable {
  const names = namesOf(execution);
  return (path) => {
    const complete = completePath(path, names);
    if (privileges.length > 0) authorizePath(execution, complete);
    const entry = execution.server.storage.catalog.get(complete, names.session);
    for (const privilege of privileges) authorizeEntry(entry, [privilege], execution);
    if (entry.kind === "table") return entry;
    throw compilationError(`Object '${fullName(complete)}' is a ${entry.kind}, not a table.`);
  };
}

async function runWritten(
  kind: Kind,
  written: Written,
  consumed: readonly StreamEntry[],
  execution: Execution,
  transaction: Transaction,
): Promise<Counts> {
  const { running, parameters, server } = execution;
  const connection = await transaction.begin(parameters.TIMEZONE);
  transaction.touch(written.table, execution.statement.queryId);
  if (written.overwrite)
    await running.run(connection, `DELETE FROM ${physicalName(written.table)}`);
  const tracking = server.storage.catalog.streamsOn(written.table.path);
  const counts =
    kind === "merge"
      ? await runMerge(written, tracking, connection, execution, transaction)
      : await runCounted(kind, written, tracking, connection, execution, transaction);
  for (const stream of consumed) await running.run(connection, consumeStream(stream, transaction));
  return counts;
}

async function runCounted(
  kind: Exclude<Kind, "merge">,
  written: Written,
  tracking: readonly StreamEntry[],
  connection: DuckDBConnection,
  execution: Execution,
  transaction: Transaction,
): Promise<Counts> {
  const isTracked = kind === "insert" && tracking.length > 0;
  const guard = kind === "delete" ? undefined : writeChecks(written.table, execution);
  const returned = isTracked ? returningForStreams(written.table, transaction, guard) : guard;
  const returning = returned === undefined ? "" : ` RETURNING ${returned}`;
  const result = await execution.running.run(connection, written.sql + returning, written.values);
  const changed = returned === undefined ? result.rowsChanged : result.rowCount;
  const count = isTracked ? await appendToStreams(tracking, result, connection) : changed;
  return {
    inserted: kind === "insert" ? count : 0,
    updated: kind === "update" ? count : 0,
    deleted: kind === "delete" ? count : 0,
  };
}

/** DuckDB says for each row what a MERGE did with it. */
async function runMerge(
  written: Written,
  tracking: readonly StreamEntry[],
  connection: DuckDBConnection,
  execution: Execution,
  transaction: Transaction,
): Promise<Counts> {
  const guard = writeChecks(written.table, execution, "merge_action <> 'DELETE'");
  const returning = `merge_action, ${returningForStreams(written.table, transaction, guard)}`;
  const result = await execution.running.run(connection, `${written.sql} RETURNING ${returning}`);
  const rows = await result.getRows();
  const rowsOf = (action: string): DuckDBValue[][] => rows.filter((row) => row[0] === action);
  const inserted = rowsOf("INSERT");
  const types = result.columnTypes().slice(1);
  await appendRowsToStreams(
    tracking,
    inserted.map((row) => row.slice(1)),
    types,
    connection,
  );
  return {
    inserted: inserted.length,
    updated: rowsOf("UPDATE").length,
    deleted: rowsOf("DELETE").length,
  };
}

function writeCounts(kind: Kind, counts: Counts, sql: string): (readonly [string, number])[] {
  const values: Readonly<Record<string, number>> = {
    "number of rows inserted": counts.inserted,
    "number of rows updated": counts.updated,
    "number of rows deleted": counts.deleted,
    "number of multi-joined rows updated": 0,
  };
  return countNames(kind, sql).map((name) => [name, values[name] ?? 0]);
}

/** MERGE tells of the actions that it names. */
function countNames(kind: Kind, sql: string): string[] {
  if (kind === "update") return ["number of rows updated", "number of multi-joined rows updated"];
  if (kind !== "merge") return [`number of rows ${kind}${kind.endsWith("e") ? "d" : "ed"}`];
  const actions = [
    [/\bTHEN\s+INSERT\b/i, "inserted"],
    [/\bTHEN\s+UPDATE\b/i, "updated"],
    [/\bTHEN\s+DELETE\b/i, "deleted"],
  ] as const;
  return actions
    .filter(([pattern]) => pattern.test(sql))
    .map(([, name]) => `number of rows ${name}`);
}

/** TRUNCATE [TABLE] [IF EXISTS] t. */
export async function truncateTable(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("TRUNCATE");
  reader.take("TABLE");
  const isOptional = reader.take("IF", "EXISTS");
  const path = reader.path();
  reader.expectEnd();
  const { catalog } = execution.server.storage;
  if (
    isOptional &&
    catalog.find(completePath(path, namesOf(execution)), execution.state.id) === undefined
  ) {
    return statusResult("Statement executed successfully.");
  }
  const table: TableEntry = tableFinder(execution, ["TRUNCATE"])(path);
  await runInTransaction(execution, async (transaction) => {
    await lock(execution, transaction, fullName(table.path));
    transaction.touch(table, execution.statement.queryId);
    const connection = await transaction.begin(execution.parameters.TIMEZONE);
    await execution.running.run(connection, `DELETE FROM ${physicalName(table)}`);
  });
  return statusResult("Statement executed successfully.");
}
