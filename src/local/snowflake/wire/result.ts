import type { EngineResult, EngineSession, ResultColumn } from "../engine.ts";
import { EngineError } from "../engine.ts";
import type { Chunk, ChunkHeaders, EncodedRows } from "./chunks.ts";
import type { Scalars } from "./body.ts";
import type { Refusal } from "./reply.ts";

/** Name and value pairs, as every answer lists the parameters that drive a client's formatting. */
export function listParameters(parameters: Scalars): { name: string; value: unknown }[] {
  return Object.entries(parameters).map(([name, value]) => ({ name, value }));
}

interface ResultFacts {
  readonly queryId: string;
  readonly result: EngineResult;
  readonly rows: EncodedRows;
  readonly chunkHeaders: ChunkHeaders;
  readonly parameters: Scalars;
  readonly session: EngineSession;
  /** Where chunks are fetched from, such as "http://127.0.0.1:8085". */
  readonly origin: string;
  readonly bindCount: number;
}

/**
 * The `data` of a finished query, as JSON text. Fields: what snowflake-sdk 3.3.0 reads (connection/result/result.js)
 * and `queryResultFormat`, without which drivers that know Arrow take the result for Arrow.
 */
export function writeResult(facts: ResultFacts): string {
  const { rows, session } = facts;
  const fields = {
    parameters: listParameters(facts.parameters),
    rowtype: facts.result.columns.map(describeColumn),
    total: rows.rowCount,
    returned: rows.rowCount,
    queryId: facts.queryId,
    databaseProvider: null,
    finalDatabaseName: session.context.database,
    finalSchemaName: session.context.schema,
    finalWarehouseName: session.context.warehouse,
    finalRoleName: session.context.role,
    numberOfBinds: facts.bindCount,
    arrayBindSupported: false,
    statementTypeId: facts.result.statementTypeId,
    version: 1,
    sendResultTime: Date.now(),
    queryResultFormat: "json",
    ...describeChunks(rows.chunks, facts.chunkHeaders, facts.origin),
  };
  return `${JSON.stringify(fields).slice(0, -1)},"rowset":${rows.inlineJson}}`;
}

function describeColumn(column: ResultColumn): Record<string, unknown> {
  return { ...column, database: "", schema: "", table: "", collation: null };
}

function describeChunks(chunks: readonly Chunk[], chunkHeaders: ChunkHeaders, origin: string) {
  if (chunks.length === 0) return {};
  const listed = chunks.map(({ path, ...sizes }) => ({ url: `${origin}${path}`, ...sizes }));
  return { chunks: listed, chunkHeaders };
}

/** A failure of the engine as the protocol carries it; anything but an EngineError is a defect: 000603, XX000. */
export function describeFailure(error: unknown, queryId: string): Refusal {
  if (!(error instanceof EngineError)) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `SQL execution internal error:\nProcessing aborted by error: ${reason}`;
    return { code: "000603", message, data: failureData("000603", "XX000", message, queryId) };
  }
  const { code, sqlState, message } = error;
  return { code, message, data: failureData(code, sqlState, message, queryId) };
}

function failureData(errorCode: string, sqlState: string, message: string, queryId: string) {
  const place = /\bline (\d+) at position (\d+)/.exec(message);
  return {
    internalError: errorCode === "000603",
    errorCode,
    sqlState,
    queryId,
    age: 0,
    line: place === null ? -1 : Number(place[1]),
    pos: place === null ? -1 : Number(place[2]),
    type: message.startsWith("SQL compilation error") ? "COMPILATION" : "EXECUTION",
  };
}
