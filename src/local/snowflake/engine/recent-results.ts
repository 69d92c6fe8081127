/**
 * Rows of recent SELECTs, for RESULT_SCAN: what was read is kept as DuckDB gave it (no copy is made), and becomes a table
 * only when it is asked for. Snowflake keeps results for a day; here memory sets the bounds below.
 */

import { type DuckDBConnection, DuckDBDataChunk, type DuckDBResult } from "@duckdb/node-api";
import { EngineError } from "../engine.ts";
import { quoteName } from "../translate/sql-ast.ts";

/** A chunk has room for 2,048 rows whatever it holds; a place takes 16 bytes and more. 1,000,000 rows of 16 columns. */
const PLACES_MAX = 16_000_000;
const CHUNK_ROWS = 2048;
const SESSION_RESULTS_MAX = 8;

interface Reader {
  readonly user: string;
  readonly session: string;
}

interface KeptResult extends Reader {
  readonly id: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly chunks: DuckDBDataChunk[];
  places: number;
  table: string | undefined;
}

/** Takes the chunks of one result as they are read. */
export interface Recording {
  readonly add: (chunk: DuckDBDataChunk) => void;
  /** Only a result that was read to its end is kept. */
  readonly end: (isWhole: boolean) => void;
}

export class RecentResults {
  /** By query id, oldest first. */
  private readonly results = new Map<string, KeptResult>();
  private readonly droppedTables: string[] = [];
  private count = 0;

  begin(queryId: string, reader: Reader, result: DuckDBResult): Recording {
    const types = result.columnTypes();
    const columns = result
      .columnNames()
      .map((name, index) => ({ name, type: types[index]?.alias ?? String(types[index]) }));
    const { user, session } = reader;
    const kept: KeptResult = {
      user,
      session,
      id: ++this.count,
      columns,
      chunks: [],
      places: 0,
      table: undefined,
    };
    return {
      add: (chunk) => {
        kept.places += CHUNK_ROWS * columns.length;
        // The reader's object holds each value that it has read; another one over the same memory holds nothing.
        if (kept.places <= PLACES_MAX) kept.chunks.push(new DuckDBDataChunk(chunk.chunk));
        else kept.chunks.length = 0;
      },
      end: (isWhole) => {
        if (isWhole && kept.places <= PLACES_MAX) this.keep(queryId, kept);
      },
    };
  }

  private keep(queryId: string, result: KeptResult): void {
    this.results.set(queryId, result);
    const own = [...this.results].filter(([, { session }]) => session === result.session);
    for (const [id] of own.slice(0, -SESSION_RESULTS_MAX)) this.forget(id);
    let places = 0;
    for (const [id, kept] of [...this.results].reverse()) {
      places += kept.places;
      if (places > PLACES_MAX) this.forget(id);
    }
  }

  private forget(queryId: string): void {
    const table = this.results.get(queryId)?.table;
    if (table !== undefined) this.droppedTables.push(table);
    this.results.delete(queryId);
  }

  /** Makes a result of this user ready to be read. Throws EngineError 000709 for one that is not, or no longer, kept. */
  async load(queryId: string, user: string, connection: DuckDBConnection): Promise<void> {
    for (const table of this.droppedTables.splice(0)) await connection.run(`DROP TABLE ${table}`);
    const result = this.find(queryId, user);
    result.table ??= await materialise(result, connection);
  }

  /** DuckDB's SELECT of a result that was loaded. */
  select(queryId: string, user: string): string {
    const { table, columns } = this.find(queryId, user);
    const names = columns.map(({ name }) => quoteName(name)).join(", ");
    if (table === undefined) throw notFound(queryId);
    return `SELECT * FROM ${table} AS r(${names})`;
  }

  private find(queryId: string, user: string): KeptResult {
    const result = this.results.get(queryId);
    if (result === undefined || result.user !== user) throw notFound(queryId);
    return result;
  }
}

async function materialise(result: KeptResult, connection: DuckDBConnection): Promise<string> {
  const name = `result@${result.id}`;
  const table = `memory.main.${quoteName(name)}`;
  const columns = result.columns.map(({ type }, index) => `"c${index}" ${type}`);
  await connection.run(`CREATE TABLE ${table} (${columns.join(", ")})`);
  const appender = await connection.createAppender(name, "main", "memory");
  for (const chunk of result.chunks) appender.appendDataChunk(chunk);
  appender.closeSync();
  result.chunks.length = 0;
  return table;
}

function notFound(queryId: string): EngineError {
  const message = `SQL compilation error:\nStatement ${queryId} not found. The local Snowflake keeps the last ${SESSION_RESULTS_MAX} results of SELECTs of a session, up to ${PLACES_MAX} values together.`;
  return new EngineError("000709", "02000", message);
}
