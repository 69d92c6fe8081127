import { ReportError } from "../../../report/errors.ts";
import type { ChunkLimits, ChunkStore } from "./chunks.ts";
import { type LoginSettings, answerLogin, answerRenewal, answerTokenRequest } from "./login.ts";
import type { QuerySettings } from "./queries.ts";
import type { Session } from "./sessions.ts";
import { readJsonBody } from "./body.ts";
import {
  type WaitSettings,
  answerAbort,
  answerMonitoring,
  answerQueryRequest,
  answerResult,
  findAborted,
} from "./query-routes.ts";
import { BadRequest, refuse, replyWith, succeed } from "./reply.ts";
import { answerSignedFile } from "./signed-files.ts";

export interface WireSettings extends LoginSettings, WaitSettings {
  readonly store: ChunkStore;
  readonly limits: ChunkLimits;
}

export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Drops all connections and frees the port. */
  stop(): Promise<void>;
}

type Handler = (request: Request) => Promise<Response>;
type SessionHandler = (session: Session, request: Request) => Promise<Response> | Response;
type QueryHandler = (session: Session, queryId: string) => Promise<Response> | Response;
type QueryRoute = (request: Request & { params: { id: string } }) => Promise<Response>;

/** This machine only. */
const HOST = "127.0.0.1";
/** Calls are held on purpose; by default the server would close them after 10 s. The most that can be asked for. */
const IDLE_TIMEOUT_SECONDS = 255;

/**
 * Opens the port and answers the endpoints that snowflake-sdk 3.3.0 calls (services/sf.js, connection/*.js),
 * and GET /health for whoever waits for the server. Throws ReportError `configuration` when the port is taken.
 */
export function listen(port: number, wire: WireSettings): Listener {
  const server = openPort(port, wire);
  const url = `http://${HOST}:${server.port}`;
  wire.engine.signedFiles?.serveAt(url);
  return {
    url,
    port: server.port ?? port,
    stop: () => server.stop(true),
  };
}

function openPort(port: number, wire: WireSettings) {
  try {
    return Bun.serve({
      hostname: HOST,
      port,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      routes: {
        "/health": () => answerHealth(wire),
        ...sessionRoutes(wire),
        ...queryRoutes(wire),
        "/chunks/:name": {
          GET: (request) => wire.store.answer(new URL(request.url).pathname, request.headers),
        },
        "/stage-files/*": async (request) => answerSignedFile(request, wire.engine.signedFiles),
      },
      fetch: refuseUnknownPath,
    });
  } catch (error) {
    const message = `Port ${port} of ${HOST} cannot be opened. Is it in use?`;
    throw new ReportError("configuration", message, { cause: error });
  }
}

function sessionRoutes(wire: WireSettings) {
  const { sessions } = wire;
  const inSession = admitWith(wire);
  return {
    "/session/v1/login-request": {
      POST: guard(async (request) =>
        answerLogin(await readJsonBody(request), readQuery(request), wire),
      ),
    },
    "/session/token-request": {
      POST: guard(async (request) =>
        answerRenewal(await readJsonBody(request), readToken(request), sessions),
      ),
    },
    "/oauth/token-request": {
      POST: guard(async (request) => {
        const form = new URLSearchParams(await request.text());
        return answerTokenRequest(form, request.headers.get("authorization"));
      }),
    },
    "/session/heartbeat": {
      POST: inSession((session) => {
        sessions.prolong(session);
        return succeed(null);
      }),
    },
    "/session": {
      POST: inSession(async (session, request) => {
        if (readQuery(request).get("delete") !== "true") return refuseUnknownPath(request);
        await sessions.close(session);
        return succeed(null);
      }),
    },
    "/telemetry/send": { POST: inSession(() => succeed("Log Received")) },
  };
}

function queryRoutes(wire: WireSettings) {
  const { sessions } = wire;
  const inSession = admitWith(wire);
  const ofQuery = (handle: QueryHandler): QueryRoute => {
    return (request) => inSession((session) => handle(session, request.params.id))(request);
  };
  const monitoring = ofQuery(({ user }, id) =>
    answerMonitoring(sessions.findQuery(id, user), user),
  );
  return {
    "/queries/v1/query-request": {
      POST: inSession(async (session, request) => {
        const { origin, searchParams } = new URL(request.url);
        const settings: QuerySettings & WaitSettings = { ...wire, origin };
        const requestId = searchParams.get("requestId");
        return answerQueryRequest(session, await readJsonBody(request), requestId, settings);
      }),
    },
    "/queries/v1/abort-request": {
      POST: inSession(async (session, request) =>
        answerAbort(findAborted(session, await readJsonBody(request))),
      ),
    },
    "/queries/:id/abort-request": {
      POST: ofQuery(({ user }, id) => answerAbort(sessions.findQuery(id, user))),
    },
    "/queries/:id/result": {
      GET: ofQuery(({ user }, id) => answerResult(sessions.findQuery(id, user), id, wire)),
    },
    "/monitoring/queries/:id": { GET: monitoring },
    // As the Python connector 5 asks.
    "/monitoring/queries//:id": { GET: monitoring },
  };
}

/** Handlers that need a session get the one the request's token opens. */
function admitWith({ sessions }: WireSettings): (handle: SessionHandler) => Handler {
  return (handle) =>
    guard(async (request) => {
      const { session, refusal } = sessions.admit(readToken(request));
      return refusal === undefined ? handle(session, request) : refuse(refusal);
    });
}

/** A malformed request is 400, a defect of the server 500, both with a message; neither ends the server. */
function guard(handle: Handler): Handler {
  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      if (error instanceof BadRequest)
        return refuse({ code: "390000", message: error.message }, 400);
      const message = error instanceof Error ? error.message : String(error);
      return refuse({ code: "000603", message: `Internal error: ${message}` }, 500);
    }
  };
}

function answerHealth({ account, sessions }: WireSettings): Response {
  return replyWith({ ok: true, product: "local Snowflake", account, sessions: sessions.count });
}

function refuseUnknownPath(request: Request): Response {
  const { pathname } = new URL(request.url);
  return refuse({ code: "390404", message: `Unknown: ${request.method} ${pathname}` }, 404);
}

function readQuery(request: Request): URLSearchParams {
  return new URL(request.url).searchParams;
}

/** `Authorization: Snowflake Token="..."`; null when there is none. */
function readToken(request: Request): string | null {
  const header = request.headers.get("authorization") ?? "";
  return /^Snowflake Token="([^"]+)"$/.exec(header)?.[1] ?? null;
}
