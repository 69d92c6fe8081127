import { type QuerySettings, readQueryRequest, startQuery, waitForQuery } from "./queries.ts";
import type { Query } from "./query-log.ts";
import type { Session } from "./sessions.ts";
import { type JsonObject, readText } from "./body.ts";
import { refuse, succeed, succeedWithText } from "./reply.ts";

export interface WaitSettings {
  /** How long a call waits for a query to end before the client is told to ask again. */
  readonly holdSeconds: number;
}

const IN_PROGRESS = "333333";
const IN_PROGRESS_DETACHED = "333334";

/** POST /queries/v1/query-request. */
export async function answerQueryRequest(
  session: Session,
  body: JsonObject,
  requestId: string | null,
  settings: QuerySettings & WaitSettings,
): Promise<Response> {
  const request = readQueryRequest(body, requestId);
  const query = startQuery(session, request, settings);
  if (request.detached) return answerInProgress(query, IN_PROGRESS_DETACHED);
  return answerWhenEnded(query, settings);
}

/** GET /queries/<id>/result: of any session of the same user. */
export async function answerResult(
  query: Query | undefined,
  queryId: string,
  settings: WaitSettings,
): Promise<Response> {
  return query === undefined ? refuseUnknownQuery(queryId) : answerWhenEnded(query, settings);
}

async function answerWhenEnded(query: Query, settings: WaitSettings): Promise<Response> {
  await waitForQuery(query, settings.holdSeconds);
  const { state } = query;
  switch (state.status) {
    case "running":
      return answerInProgress(query, IN_PROGRESS);
    case "succeeded":
      return succeedWithText(state.dataJson);
    case "failed":
      return refuse(state.failure);
    case "expired":
      return refuseGone(query.id);
  }
}

function answerInProgress(query: Query, code: string): Response {
  const data = {
    queryId: query.id,
    getResultUrl: `/queries/${query.id}/result`,
    queryAbortsAfterSecs: 300,
    progressDesc: null,
  };
  const how = code === IN_PROGRESS_DETACHED ? " Asynchronous execution mode." : "";
  return succeed(data, code, `Query execution in progress.${how}`);
}

function refuseUnknownQuery(queryId: string): Response {
  const message = `Statement ${queryId} not found`;
  return refuse({ code: "000709", message, data: { sqlState: "02000", queryId } });
}

function refuseGone(queryId: string): Response {
  const message = `Result for query ${queryId} has expired`;
  return refuse({ code: "000710", message, data: { sqlState: "02000", queryId } });
}

/** POST /queries/<id>/abort-request, and /queries/v1/abort-request with the id of the request in the body. */
export function answerAbort(query: Query | undefined): Response {
  if (query === undefined || query.state.status !== "running") {
    const message = "Identified SQL statement is not currently executing.";
    return refuse({ code: "000605", message, data: { sqlState: "02000" } });
  }
  query.cancel();
  return succeed(null);
}

export function findAborted(session: Session, body: JsonObject): Query | undefined {
  const requestId = readText(body, "requestId");
  return requestId === null ? undefined : session.queries.findByRequestId(requestId);
}

const STATUSES = {
  running: "RUNNING",
  succeeded: "SUCCESS",
  expired: "SUCCESS",
  failed: "FAILED_WITH_ERROR",
} as const satisfies Record<Query["state"]["status"], string>;

/** GET /monitoring/queries/<id>: how far a query is; an unknown one is an empty list, as with Snowflake. */
export function answerMonitoring(query: Query | undefined, user: string): Response {
  return succeed({ queries: query === undefined ? [] : [describeQuery(query, user)] });
}

function describeQuery(query: Query, user: string) {
  const { state } = query;
  const endTime = state.status === "running" ? Date.now() : state.endedAt;
  return {
    id: query.id,
    status: STATUSES[state.status],
    state: STATUSES[state.status],
    sqlText: query.sql,
    sessionId: query.sessionId,
    userName: user,
    startTime: query.startedAt,
    endTime: state.status === "running" ? 0 : endTime,
    totalDuration: endTime - query.startedAt,
    errorCode: state.status === "failed" ? state.failure.code : null,
    errorMessage: state.status === "failed" ? state.failure.message : null,
  };
}
