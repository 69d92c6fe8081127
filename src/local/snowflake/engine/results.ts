/** Results of statements, made of rows at hand or of a running DuckDB query. */

import type { DuckDBDataChunk, DuckDBPreparedStatement, DuckDBResult } from "@duckdb/node-api";
import { type Cells, describeColumn, readCells, wireColumn } from "./cells.ts";
import type { EngineError, EngineResult, ResultColumn } from "../engine.ts";
import { asEngineError } from "./errors.ts";
import { numberType, type SnowflakeType, textType } from "../translate/snowflake-types.ts";

/** Source: the driver's statement types (connection/result/result.js of snowflake-sdk 3.3.0). */
export const STATEMENT_TYPES = {
  select: 0x1000,
  insert: 0x3100,
  update: 0x3200,
  delete: 0x3300,
  merge: 0x3400,
  session: 0x4000,
  transaction: 0x5000,
  ddl: 0x6000,
} as const;

export const TEXT = textType();
export const NUMBER = numberType();

export function describeColumns(source: DuckDBResult | DuckDBPreparedStatement): ResultColumn[] {
  return Array.from({ length: source.columnCount }, (_, index) =>
    describeColumn(source.columnName(index), source.columnType(index)),
  );
}

/** A result of rows at hand. */
export function fixedResult(
  columns: readonly (readonly [name: string, type: SnowflakeType])[],
  rows: readonly Cells[],
  statementTypeId: number,
): EngineResult {
  return {
    columns: columns.map(([name, type]) => wireColumn(name, type)),
    batches: oneBatch(rows),
    statementTypeId,
  };
}

async function* oneBatch(rows: readonly Cells[]): AsyncIterable<readonly Cells[]> {
  if (rows.length > 0) yield rows;
}

/** What DDL and session statements answer. */
export function statusResult(
  status: string,
  statementTypeId: number = STATEMENT_TYPES.ddl,
): EngineResult {
  return fixedResult([["status", TEXT]], [[status]], statementTypeId);
}

/** What DML answers: one row of counts. */
export function countsResult(
  counts: readonly (readonly [name: string, count: number])[],
  statementTypeId: number,
): EngineResult {
  const columns = counts.map(([name]) => [name, NUMBER] as const);
  return fixedResult(columns, [counts.map(([, count]) => String(count))], statementTypeId);
}

export function emptyResult(
  columns: readonly ResultColumn[],
  statementTypeId: number,
): EngineResult {
  return { columns, batches: oneBatch([]), statementTypeId };
}

/** How the reading of rows ended: all of them, by the reader's choice, or with an error. */
export type ReadingEnd = "drained" | "left" | EngineError;

/** The rows of a DuckDB result as they come; `finish` is called once, however the reading ends, `keep` with each chunk. */
export async function* readBatches(
  result: DuckDBResult,
  signal: AbortSignal,
  finish: (rowCount: number, end: ReadingEnd) => void,
  keep?: (chunk: DuckDBDataChunk) => void,
): AsyncGenerator<readonly Cells[]> {
  let rowCount = 0;
  let end: ReadingEnd = "left";
  try {
    for (;;) {
      signal.throwIfAborted();
      const chunk = await result.fetchChunk();
      signal.throwIfAborted();
      if (chunk === null || chunk.rowCount === 0) {
        end = "drained";
        break;
      }
      rowCount += chunk.rowCount;
      keep?.(chunk);
      yield readCells(chunk);
    }
  } catch (thrown) {
    end = asEngineError(signal.aborted ? signal.reason : thrown);
    throw end;
  } finally {
    finish(rowCount, end);
  }
}
