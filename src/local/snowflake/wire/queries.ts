import { type ChunkLimits, type ChunkStore, newChunkHeaders } from "./chunks.ts";
import type { Bind, Statement } from "../engine.ts";
import { newQueryId } from "./query-id.ts";
import type { Query } from "./query-log.ts";
import { encodeRows } from "./row-encoder.ts";
import { sessionParameters } from "./session-parameters.ts";
import type { Session } from "./sessions.ts";
import {
  type JsonObject,
  isJsonObject,
  readFlag,
  readObject,
  readScalars,
  readText,
} from "./body.ts";
import { BadRequest } from "./reply.ts";
import { describeFailure, writeResult } from "./result.ts";

export interface QueryRequest extends Omit<Statement, "queryId"> {
  readonly requestId: string | null;
  /** The client does not want to wait: it is answered at once and asks for the result later. */
  readonly detached: boolean;
}

export interface QuerySettings {
  readonly store: ChunkStore;
  readonly limits: ChunkLimits;
  /** Where chunks are fetched from, such as "http://127.0.0.1:8085". */
  readonly origin: string;
}

/** The body of POST /queries/v1/query-request. Throws BadRequest. */
export function readQueryRequest(body: JsonObject, requestId: string | null): QueryRequest {
  const sql = body["sqlText"];
  if (typeof sql !== "string") throw new BadRequest("The field sqlText must be text.");
  if (readText(body, "bindStage") !== null) {
    throw new BadRequest("This server has no stages: binds must come in the field bindings.");
  }
  return {
    requestId,
    sql,
    binds: readBinds(body),
    parameters: readScalars(body, "parameters"),
    describeOnly: readFlag(body, "describeOnly"),
    detached: readFlag(body, "asyncExec"),
  };
}

function readBinds(body: JsonObject): Readonly<Record<string, Bind>> {
  const binds: Record<string, Bind> = {};
  for (const [position, bind] of Object.entries(readObject(body, "bindings"))) {
    if (!isJsonObject(bind) || typeof bind["type"] !== "string" || !isBindValue(bind["value"])) {
      throw new BadRequest(`The bind ${position} must have a type and a value of text or null.`);
    }
    binds[position] = { type: bind["type"], value: bind["value"] };
  }
  return binds;
}

function isBindValue(value: unknown): value is Bind["value"] {
  return Array.isArray(value) ? value.every(isBindCell) : isBindCell(value);
}

function isBindCell(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

/** Starts a query, or finds the one that the same request started before: no request ever runs twice. */
export function startQuery(
  session: Session,
  request: QueryRequest,
  settings: QuerySettings,
): Query {
  const known =
    request.requestId === null ? undefined : session.queries.findByRequestId(request.requestId);
  if (known !== undefined) return known;
  const id = newQueryId();
  const query: Query = {
    id,
    requestId: request.requestId,
    sql: request.sql,
    sessionId: session.id,
    startedAt: Date.now(),
    state: { status: "running" },
    ended: Promise.resolve(),
    cancel: () => session.engine.cancel(id),
  };
  session.queries.add(query);
  query.ended = runQuery(session, query, request, settings);
  return query;
}

/** Runs a query to its end, result encoded and all; the outcome, good or bad, is the query's state. */
async function runQuery(
  session: Session,
  query: Query,
  request: QueryRequest,
  settings: QuerySettings,
): Promise<void> {
  try {
    const { sql, binds, parameters, describeOnly } = request;
    const statement = { queryId: query.id, sql, binds, parameters, describeOnly };
    const result = await session.engine.execute(statement);
    const chunkHeaders = newChunkHeaders();
    const rows = await encodeRows(result.batches, settings.store, chunkHeaders, settings.limits);
    const dataJson = writeResult({
      queryId: query.id,
      result,
      rows,
      chunkHeaders,
      parameters: sessionParameters(session, parameters),
      session: session.engine,
      origin: settings.origin,
      bindCount: result.bindCount ?? Object.keys(binds).length,
    });
    query.state = { status: "succeeded", dataJson, chunks: rows.chunks, endedAt: Date.now() };
    session.queries.expireResults(0);
  } catch (error) {
    query.state = {
      status: "failed",
      failure: describeFailure(error, query.id),
      endedAt: Date.now(),
    };
  }
}

/** Waits until the query ended, or for `holdSeconds` at most. */
export async function waitForQuery(query: Query, holdSeconds: number): Promise<void> {
  const held = Promise.withResolvers<void>();
  const timer = setTimeout(held.resolve, holdSeconds * 1000);
  try {
    await Promise.race([query.ended, held.promise]);
  } finally {
    clearTimeout(timer);
  }
}
