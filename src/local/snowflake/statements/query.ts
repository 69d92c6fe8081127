/** SELECT and WITH. */

import type { DuckDBConnection, DuckDBResult } from "@duckdb/node-api";
import { withDeferredTypes } from "../translate/deferred-types.ts";
import type { EngineResult } from "../engine.ts";
import { asEngineError, compilationError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import {
  describeColumns,
  emptyResult,
  fixedResult,
  readBatches,
  type ReadingEnd,
  STATEMENT_TYPES,
  TEXT,
} from "../engine/results.ts";
import type { Recording } from "../engine/recent-results.ts";
import { consumeStream, findStreams } from "../engine/streams.ts";
import { prepareReading } from "./prepared-reading.ts";
import { type Token, TokenReader } from "../translate/tokens.ts";
import { newTransaction } from "../engine/execution.ts";
import { translateQuery } from "../translate/translate.ts";
import { contextOf } from "../translate/context.ts";

/** Called once when the rows were read, or were not. */
export type Finish = (rowCount: number | null, thrown?: unknown) => void;

export async function runQuery(written: Execution, finish: Finish): Promise<EngineResult> {
  const waiting = readWait(written);
  if (waiting !== undefined) return await wait(waiting, written, finish);
  const execution = await prepareReading(written);
  const { sql } = translateQuery(execution.sql, contextOf(execution), execution.columnNames);
  if (execution.statement.describeOnly) return await describe(sql, execution, finish);
  const writer = execution.state.transaction?.written;
  return writer === undefined
    ? await streamRows(sql, execution, finish)
    : await readWritten(sql, writer, execution, finish);
}

/** Rows as they come, on a connection of their own, which is given back when they were read. */
async function streamRows(
  sql: string,
  execution: Execution,
  finish: Finish,
): Promise<EngineResult> {
  const { server, running, parameters } = execution;
  const connection = await server.storage.acquire(parameters.TIMEZONE);
  try {
    const result = await running.watch(connection, () =>
      withDeferredTypes(sql, (text) => connection.stream(text)),
    );
    running.track(connection);
    let isDrained = false;
    running.atEnd(() => {
      running.untrack(connection);
      // A connection whose result was not read to its end still holds it.
      if (isDrained) server.storage.release(connection);
      else server.storage.discard(connection);
    });
    const recording = record(result, execution);
    const onEnd = (rowCount: number, end: ReadingEnd): void => {
      isDrained = end === "drained";
      recording.end(isDrained);
      finish(rowCount, typeof end === "string" ? undefined : end);
    };
    const batches = readBatches(result, running.signal, onEnd, recording.add);
    return { columns: describeColumns(result), batches, statementTypeId: STATEMENT_TYPES.select };
  } catch (error) {
    server.storage.release(connection);
    throw error;
  }
}

/** Within a transaction that has written, its rows are read at once: its connection is needed for what follows. */
async function readWritten(
  sql: string,
  writer: DuckDBConnection,
  execution: Execution,
  finish: Finish,
): Promise<EngineResult> {
  const result = await execution.running.run(writer, sql);
  const recording = record(result, execution);
  const onEnd = (rowCount: number, end: ReadingEnd): void => {
    recording.end(end === "drained");
    finish(rowCount, typeof end === "string" ? undefined : end);
  };
  return {
    columns: describeColumns(result),
    batches: readBatches(result, execution.running.signal, onEnd, recording.add),
    statementTypeId: STATEMENT_TYPES.select,
  };
}

/** For RESULT_SCAN. */
function record(result: DuckDBResult, { server, state, statement }: Execution): Recording {
  const reader = { user: state.user, session: state.id };
  return server.storage.results.begin(statement.queryId, reader, result);
}

async function describe(
  sql: string,
  { server, running, parameters }: Execution,
  finish: Finish,
): Promise<EngineResult> {
  const connection = await server.storage.acquire(parameters.TIMEZONE);
  try {
    const prepared = await running.watch(connection, () =>
      withDeferredTypes(sql, (text) => connection.prepare(text)),
    );
    const columns = describeColumns(prepared);
    prepared.destroySync();
    finish(0);
    return emptyResult(columns, STATEMENT_TYPES.select);
  } catch (error) {
    throw asEngineError(error);
  } finally {
    server.storage.release(connection);
  }
}

/** The statements that consume streams which a CREATE TABLE AS has read. */
export function runWithStreams(names: ReadonlySet<string>, { server }: Execution): string[] {
  const streams = findStreams(names, server.storage.catalog.list("stream"));
  return streams.map((stream) => consumeStream(stream, newTransaction(server, false)));
}

interface Wait {
  readonly ms: number;
  readonly name: string;
}

const WAIT_UNITS: Readonly<Record<string, number>> = {
  MILLISECONDS: 1,
  SECONDS: 1000,
  MINUTES: 60_000,
  HOURS: 3_600_000,
};

/** `SELECT SYSTEM$WAIT(n [, 'unit'])`, alone: DuckDB has no function that waits and can be stopped. */
function readWait({ sql, statement }: Execution): Wait | undefined {
  const reader = new TokenReader(sql);
  if (!(reader.take("SELECT", "SYSTEM$WAIT") || reader.take("CALL", "SYSTEM$WAIT")))
    return undefined;
  const args = new TokenReader(reader.textInBrackets());
  const amount = readAmount(args.next(), statement.binds["1"]?.value);
  const unit = args.take(",") ? args.string().toUpperCase() : "SECONDS";
  const factor = WAIT_UNITS[unit];
  if (factor === undefined || Number.isNaN(amount))
    throw compilationError("invalid argument for SYSTEM$WAIT");
  reader.take("AS");
  const name = reader.done ? sql.replace(/^\s*\w+\s+/, "").toUpperCase() : reader.name();
  reader.expectEnd();
  return { ms: amount * factor, name };
}

function readAmount(token: Token, bound: unknown): number {
  return token.kind === "bind" ? Number(bound) : Number(token.value);
}

async function wait(
  { ms, name }: Wait,
  execution: Execution,
  finish: Finish,
): Promise<EngineResult> {
  if (!execution.statement.describeOnly) await execution.running.sleep(ms);
  finish(1);
  return fixedResult([[name, TEXT]], [[`waited ${ms / 1000} seconds`]], STATEMENT_TYPES.select);
}
