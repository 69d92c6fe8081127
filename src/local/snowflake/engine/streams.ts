/**
 * Append-only streams. The rows that a stream has yet to show lie in a table of their own, filled by the
 * INSERT that adds them to the stream's table and emptied by the DML that reads the stream, each within its
 * transaction: what is rolled back stays, and what others commit meanwhile is for the next reader.
 */

import type {
  DuckDBConnection,
  DuckDBMaterializedResult,
  DuckDBType,
  DuckDBValue,
} from "@duckdb/node-api";
import {
  completePath,
  fullName,
  storageSchema,
  storageTable,
  type StreamEntry,
  type TableEntry,
} from "./catalog.ts";
import { EngineError } from "../engine.ts";
import { doesNotExist } from "./errors.ts";
import type { Execution } from "./execution.ts";
import { authorize } from "../roles/authorize.ts";
import { securableOf } from "../roles/securables.ts";
import { quoteName, quoteText } from "../translate/sql-ast.ts";
import { storageOf } from "../translate/snowflake-types.ts";
import { storageName } from "./storage.ts";
import { TokenReader } from "../translate/tokens.ts";
import { DATA_CATALOG } from "../translate/from.ts";
import type { Transaction } from "./transactions.ts";

const ROW_ID = "METADATA$ROW_ID";
/** These two come first, so that a column can be added behind the others. A transaction does not see in a stream what it added to the table itself. */
const TRANSACTION = "METADATA$TRANSACTION";

function changesName(stream: StreamEntry): string {
  return storageName(storageSchema(stream.path), storageTable(stream));
}

/** Statements that make the table of a new stream's rows. */
export function createChanges(
  stream: StreamEntry,
  table: TableEntry,
  withInitialRows: boolean,
): string[] {
  const columns = table.columns.map(
    (column) => `${quoteName(column.name)} ${storageOf(column.type)}`,
  );
  const name = changesName(stream);
  const create = `CREATE TABLE ${name} (${[`"${ROW_ID}" VARCHAR`, `"${TRANSACTION}" VARCHAR`, ...columns].join(", ")})`;
  const source = storageName(storageSchema(table.path), storageTable(table));
  return withInitialRows
    ? [create, `INSERT INTO ${name} SELECT md5(CAST(uuid() AS VARCHAR)), '', * FROM ${source}`]
    : [create];
}

export function dropChanges(stream: StreamEntry): string {
  return `DROP TABLE IF EXISTS ${changesName(stream)}`;
}

/** An ALTER TABLE of the stream's table, for the stream's rows too. */
export function alterChanges(stream: StreamEntry, change: string): string {
  return `ALTER TABLE ${changesName(stream)} ${change}`;
}

/** What becomes of a stream whose table is dropped or replaced. */
export function staleStream(stream: StreamEntry): StreamEntry {
  return { ...stream, staleAtMs: Date.now() };
}

/** Source of code and sentence: error 091901 of real accounts. */
function refuseStale(stream: StreamEntry): void {
  if (stream.staleAtMs === undefined) return;
  const message = `Base table '${fullName(stream.table)}' dropped, cannot read from stream '${stream.path[2]}'`;
  throw new EngineError("091901", "01000", message);
}

/** DuckDB's SELECT of a stream's rows. Throws EngineError 091901 for a stale one. */
export function selectStream(stream: StreamEntry, execution: Execution): string {
  refuseStale(stream);
  return `SELECT * EXCLUDE ("${ROW_ID}", "${TRANSACTION}"), 'INSERT' AS "METADATA$ACTION", false AS "METADATA$ISUPDATE", "${ROW_ID}"
    FROM ${changesName(stream)} WHERE ${isVisible(execution.state.transaction)}`;
}

function isVisible(transaction: Transaction | undefined): string {
  return `"${TRANSACTION}" <> ${quoteText(transaction?.id ?? "-")}`;
}

/** DuckDB's expression for SYSTEM$STREAM_HAS_DATA. */
export function streamHasData(execution: Execution, name: string): string {
  const reader = new TokenReader(name);
  const { state, server } = execution;
  const path = completePath(reader.path(), {
    database: state.database,
    schema: state.schema,
    session: state.id,
  });
  const entry = server.storage.catalog.get(path, state.id);
  if (entry.kind !== "stream") throw doesNotExist("Stream", name);
  authorize(execution, securableOf(entry), ["SELECT"]);
  refuseStale(entry);
  return `EXISTS (SELECT 1 FROM ${changesName(entry)})`;
}

/** The statement that moves a stream's offset: what this transaction can see of it is consumed. */
export function consumeStream(stream: StreamEntry, transaction: Transaction): string {
  return `DELETE FROM ${changesName(stream)} WHERE ${isVisible(transaction)}`;
}

/** What RETURNING has to give so that the rows can be put into streams. */
export function returningForStreams(
  table: TableEntry,
  transaction: Transaction,
  /** DuckDB's expression of no text that fails for a row which may not be. */
  guard = "''",
): string {
  const columns = table.columns.map((column) => quoteName(column.name));
  const rowId = `md5(CAST(uuid() AS VARCHAR)) || ${guard}`;
  return [rowId, quoteText(transaction.id), ...columns].join(", ");
}

/** Puts returned rows into the streams on a table. */
export async function appendToStreams(
  streams: readonly StreamEntry[],
  result: DuckDBMaterializedResult,
  connection: DuckDBConnection,
): Promise<number> {
  let rowCount = 0;
  const chunks = await result.fetchAllChunks();
  for (const stream of streams) {
    const appender = await connection.createAppender(
      storageTable(stream),
      storageSchema(stream.path),
      DATA_CATALOG,
    );
    for (const chunk of chunks) appender.appendDataChunk(chunk);
    appender.closeSync();
  }
  for (const chunk of chunks) rowCount += chunk.rowCount;
  return rowCount;
}

/** Puts rows into the streams on a table one by one. */
export async function appendRowsToStreams(
  streams: readonly StreamEntry[],
  rows: readonly (readonly DuckDBValue[])[],
  types: readonly DuckDBType[],
  connection: DuckDBConnection,
): Promise<void> {
  for (const stream of rows.length === 0 ? [] : streams) {
    const appender = await connection.createAppender(
      storageTable(stream),
      storageSchema(stream.path),
      DATA_CATALOG,
    );
    for (const row of rows) {
      for (const [index, value] of row.entries()) appender.appendValue(value, types[index]);
      appender.endRow();
    }
    appender.closeSync();
  }
}

/** The streams with these full names. */
export function findStreams(
  names: ReadonlySet<string>,
  streams: readonly StreamEntry[],
): StreamEntry[] {
  return streams.filter((stream) => names.has(fullName(stream.path)));
}
