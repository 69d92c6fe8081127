import { gzipSync } from "node:zlib";
import type { SnowflakeSettings } from "../../src/snowflake/settings.ts";

export interface ReceivedStatement {
  readonly sql: string;
  readonly requestId: string;
  readonly token: string;
  readonly bindings: unknown;
  readonly parameters: Record<string, unknown>;
}

export interface FakeReply {
  readonly success: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly data?: Record<string, unknown>;
  readonly httpStatus?: number;
}

type Answer = FakeReply | undefined;
type Respond = (statement: ReceivedStatement) => Answer | Promise<Answer>;

/** A warehouse that answers exactly what a test tells it to: for faults that a sound server never has. */
export interface FakeWarehouse extends AsyncDisposable {
  readonly url: string;
  readonly statements: readonly ReceivedStatement[];
  /** Bodies and paths of abort requests. */
  readonly aborts: readonly { path: string; body: string }[];
  readonly logins: readonly { query: URLSearchParams; data: Record<string, unknown> }[];
  readonly otherPaths: readonly string[];
  respond: Respond;
  login: () => Answer | Promise<Answer>;
  /** Answers a request for the result of a query that was started before. */
  poll: () => FakeReply | Promise<FakeReply>;
  chunk: (name: string) => Response | Promise<Response>;
  /** Instead of `respond`: an answer that is not of the protocol. */
  raw: (() => Response) | undefined;
}

interface StatementBody {
  readonly sqlText: string;
  readonly bindings?: unknown;
  readonly parameters?: Record<string, unknown>;
}

export function startFakeWarehouse(): FakeWarehouse {
  const statements: ReceivedStatement[] = [];
  const aborts: { path: string; body: string }[] = [];
  const logins: { query: URLSearchParams; data: Record<string, unknown> }[] = [];
  const otherPaths: string[] = [];
  const fake = {
    respond: (() => undefined) as Respond,
    login: (() => undefined) as FakeWarehouse["login"],
    raw: undefined as FakeWarehouse["raw"],
    poll: (() => ({ success: true, data: {} })) as FakeWarehouse["poll"],
    chunk: (() => new Response("no such chunk", { status: 404 })) as FakeWarehouse["chunk"],
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const url = new URL(request.url);
      const token = request.headers.get("authorization") ?? "";
      if (url.pathname === "/session/v1/login-request") {
        const body: { data: Record<string, unknown> } = JSON.parse(await request.text());
        logins.push({ query: url.searchParams, data: body.data });
        return answer((await fake.login()) ?? acceptLogin(logins.length));
      }
      if (url.pathname === "/queries/v1/query-request") {
        const body: StatementBody = JSON.parse(await request.text());
        const statement = {
          sql: body.sqlText,
          requestId: url.searchParams.get("requestId") ?? "",
          token,
          bindings: body.bindings,
          parameters: body.parameters ?? {},
        };
        statements.push(statement);
        const instead = warehouse.raw;
        if (instead !== undefined) return instead();
        return answer((await fake.respond(statement)) ?? rowsReply([["status", "text"]], [["ok"]]));
      }
      if (url.pathname.endsWith("/abort-request")) {
        aborts.push({ path: url.pathname, body: await request.text() });
        return answer({ success: true });
      }
      if (url.pathname.startsWith("/chunks/")) return await fake.chunk(url.pathname.slice(8));
      if (url.pathname.endsWith("/result")) return answer(await fake.poll());
      otherPaths.push(url.pathname);
      return answer({ success: true, data: {} });
    },
  });
  const warehouse: FakeWarehouse = Object.assign(fake, {
    url: `http://127.0.0.1:${server.port}`,
    statements,
    aborts,
    logins,
    otherPaths,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  });
  return warehouse;
}

function answer({ httpStatus = 200, ...reply }: FakeReply): Response {
  const body = { code: null, message: null, data: null, ...reply };
  return Response.json(body, { status: httpStatus });
}

function acceptLogin(number: number): FakeReply {
  const data = {
    token: `session-${number}`,
    masterToken: `master-${number}`,
    validityInSeconds: 3600,
    masterValidityInSeconds: 14_400,
    sessionId: number,
    parameters: [{ name: "CLIENT_SESSION_KEEP_ALIVE", value: false }],
  };
  return { success: true, data };
}

export type FakeColumn = readonly [name: string, type: string, scale?: number];

export function rowsReply(
  columns: readonly FakeColumn[],
  rowset: readonly (readonly unknown[])[],
  more: Record<string, unknown> = {},
): FakeReply {
  const data = {
    queryId: crypto.randomUUID(),
    parameters: [
      { name: "BINARY_OUTPUT_FORMAT", value: "HEX" },
      { name: "TIMEZONE", value: "UTC" },
      { name: "TIME_OUTPUT_FORMAT", value: "HH24:MI:SS.FF9" },
    ],
    rowtype: columns.map(([name, type, scale]) => {
      return { name, type, scale: scale ?? 0, precision: 38, nullable: true };
    }),
    rowset,
    total: rowset.length,
    returned: rowset.length,
    statementTypeId: 4096,
    version: 1,
    ...more,
  };
  return { success: true, data };
}

export function errorReply(code: string, sqlState: string, message: string): FakeReply {
  return { success: false, code, message, data: { sqlState, queryId: "01-failed" } };
}

/** A chunk as Snowflake stores it: rows without the outer brackets, gzipped. */
export function chunkResponse(rows: readonly (readonly unknown[])[]): Response {
  const body = gzipSync(JSON.stringify(rows).slice(1, -1));
  return new Response(body, { headers: { "content-encoding": "gzip" } });
}

export function settingsFor(
  url: string,
  changes: Partial<SnowflakeSettings> = {},
): SnowflakeSettings {
  return {
    account: "local",
    accessUrl: url,
    username: "tester",
    authentication: { method: "password", password: "secret-password" },
    ocsp: "off",
    timeouts: { loginMs: 10_000, statementMs: 20_000, rowsMs: 5000 },
    ...changes,
  };
}
