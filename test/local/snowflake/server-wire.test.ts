import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { serveSnowflake } from "../../../src/local/snowflake/wire/serve.ts";
import type { LocalSnowflake, ServeOptions } from "../../../src/local/snowflake/wire/serve.ts";
import { FakeEngine } from "./fake-engine.ts";

/** The protocol byte for byte, as any driver could speak it; the engine is a fake. */

let engine: FakeEngine;
let server: LocalSnowflake;

beforeEach(() => start());
afterEach(() => server[Symbol.asyncDispose]());

function start(options: ServeOptions = {}): void {
  engine = new FakeEngine();
  server = serveSnowflake(engine, options);
}

async function restart(options: ServeOptions): Promise<void> {
  await server[Symbol.asyncDispose]();
  start(options);
}

const REPLY = z.object({
  success: z.boolean(),
  code: z.string().nullable(),
  message: z.string().nullable(),
  data: z.record(z.string(), z.unknown()).nullable(),
});
type Reply = z.infer<typeof REPLY>;

const RESULT = z.object({
  rowset: z.array(z.array(z.string().nullable())),
  total: z.number(),
  chunks: z.array(
    z.object({ url: z.string(), rowCount: z.number(), uncompressedSize: z.number() }),
  ),
  chunkHeaders: z.record(z.string(), z.string()),
});
const ROWS = z.array(z.array(z.string().nullable()));
const PARAMETERS = z.array(z.object({ name: z.string(), value: z.unknown() }));

function post(path: string, body: unknown, token?: string): Promise<Reply> {
  return call("POST", path, token, JSON.stringify(body));
}

async function call(method: string, path: string, token?: string, body?: string): Promise<Reply> {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Snowflake Token="${token}"` };
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  return REPLY.parse(await (await fetch(`${server.url}${path}`, init)).json());
}

function field(reply: Reply, name: string): string {
  return z.string().parse(reply.data?.[name]);
}

function runQuery(sqlText: string, token: string, requestId = ""): Promise<Reply> {
  return post(
    `/queries/v1/query-request${requestId && `?requestId=${requestId}`}`,
    { sqlText },
    token,
  );
}

const LOGIN = { ACCOUNT_NAME: "local", LOGIN_NAME: "ada", PASSWORD: "secret" };

async function login(data: Record<string, unknown> = LOGIN, query = ""): Promise<Reply> {
  return post(`/session/v1/login-request${query}`, { data });
}

async function openSession(): Promise<{ token: string; masterToken: string }> {
  const reply = await login();
  return { token: field(reply, "token"), masterToken: field(reply, "masterToken") };
}

describe("login", () => {
  test("a password, or a token without a user, opens a session", async () => {
    expect((await login()).success).toBe(true);
    const reply = await login({
      ACCOUNT_NAME: "LOCAL",
      TOKEN: "jwt",
      AUTHENTICATOR: "WORKLOAD_IDENTITY",
    });
    expect(reply.success).toBe(true);
    expect(engine.sessions.map((session) => session.context.user)).toEqual(["ADA", "LOCAL_USER"]);
  });

  test("without a password or token, or for another account, it is refused with 390100", async () => {
    for (const data of [
      { ACCOUNT_NAME: "local", LOGIN_NAME: "ada" },
      { ACCOUNT_NAME: "local", LOGIN_NAME: "ada", PASSWORD: "" },
      { ...LOGIN, ACCOUNT_NAME: "elsewhere" },
      { LOGIN_NAME: "ada", PASSWORD: "secret" },
    ]) {
      expect(await login(data)).toMatchObject({ success: false, code: "390100", data: null });
    }
    expect(engine.sessions).toHaveLength(0);
  });

  test("database, schema, warehouse and role come in the query", async () => {
    const reply = await login(LOGIN, "?databaseName=D&schemaName=S&warehouse=W&roleName=R");
    expect(engine.latest.context).toEqual({
      database: "D",
      schema: "S",
      warehouse: "W",
      role: "R",
      user: "ADA",
    });
    expect(reply.data?.["sessionInfo"]).toEqual({
      databaseName: "D",
      schemaName: "S",
      warehouseName: "W",
      roleName: "R",
    });
  });

  test("session parameters go to the session, those of the client are echoed, unknown ones refused", async () => {
    const reply = await login({
      ...LOGIN,
      SESSION_PARAMETERS: {
        QUERY_TAG: "it''s",
        CLIENT_SESSION_KEEP_ALIVE: true,
        JS_TREAT_INTEGER_AS_BIGINT: true,
      },
    });
    const parameters = PARAMETERS.parse(reply.data?.["parameters"]);
    expect(engine.latest.statements.map((statement) => statement.sql)).toEqual([
      "ALTER SESSION SET QUERY_TAG = 'it''''s'",
    ]);
    expect(parameters).toContainEqual({ name: "CLIENT_SESSION_KEEP_ALIVE", value: true });
    expect(parameters).toContainEqual({ name: "JS_TREAT_INTEGER_AS_BIGINT", value: true });
    expect(parameters).toContainEqual({ name: "TIMEZONE", value: "UTC" });
    const refused = await login({ ...LOGIN, SESSION_PARAMETERS: { NO_SUCH: 1 } });
    expect(refused).toMatchObject({ success: false, code: "001506" });
    expect(engine.latest.closed).toBe(true);
  });

  test("OAuth client credentials get a token that logs in", async () => {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "me",
      client_secret: "x",
    });
    const response = await fetch(`${server.url}/oauth/token-request`, {
      method: "POST",
      body: form,
    });
    const token = z.object({ access_token: z.string() }).parse(await response.json()).access_token;
    expect(
      (await login({ ACCOUNT_NAME: "local", TOKEN: token, AUTHENTICATOR: "OAUTH" })).success,
    ).toBe(true);
    form.delete("client_secret");
    expect(
      (await fetch(`${server.url}/oauth/token-request`, { method: "POST", body: form })).status,
    ).toBe(401);
  });
});

describe("sessions", () => {
  test("tokens that are missing, unknown, expired and ended are told apart", async () => {
    const { token } = await openSession();
    const beat = (value?: string) => call("POST", "/session/heartbeat", value);
    expect((await beat()).code).toBe("390103");
    expect((await beat("nonsense")).code).toBe("390104");
    expect((await beat(token)).success).toBe(true);
    server.expireSessions();
    expect((await beat(token)).code).toBe("390112");
    server.terminateSessions();
    expect((await beat(token)).code).toBe("390111");
  });

  test("the master token renews a session, the old token stays expired, not unknown", async () => {
    const { token, masterToken } = await openSession();
    const body = { requestType: "RENEW", oldSessionToken: token };
    expect((await post("/session/token-request", body, token)).code).toBe("390104");
    const renewed = await post("/session/token-request", body, masterToken);
    const beat = (value: string) => call("POST", "/session/heartbeat", value);
    expect((await beat(field(renewed, "sessionToken"))).success).toBe(true);
    expect((await beat(token)).code).toBe("390112");
  });

  test("a session that outlived its master token cannot be renewed (390114)", async () => {
    await restart({ masterValiditySeconds: 0 });
    const { masterToken } = await openSession();
    const reply = await post("/session/token-request", { requestType: "RENEW" }, masterToken);
    expect(reply.code).toBe("390114");
  });

  test("a token is valid for as long as it says", async () => {
    await restart({ sessionValiditySeconds: 0 });
    const { token } = await openSession();
    expect((await call("POST", "/session/heartbeat", token)).code).toBe("390112");
  });

  test("deleting a session cancels what runs in it and closes it", async () => {
    const { token } = await openSession();
    const query = { sqlText: "WAIT", asyncExec: true };
    const started = await post("/queries/v1/query-request", query, token);
    expect((await call("POST", "/session?delete=true", token)).success).toBe(true);
    expect(engine.latest.cancelled).toEqual([field(started, "queryId")]);
    expect(engine.latest.closed).toBe(true);
    expect((await call("POST", "/session/heartbeat", token)).code).toBe("390111");
  });
});

describe("queries", () => {
  test("a small result travels in the answer, with all a driver reads", async () => {
    const opened = await login(LOGIN, "?databaseName=D&schemaName=S&warehouse=W&roleName=R");
    const { data } = await runQuery("ROWS 2", field(opened, "token"));
    expect(data).toMatchObject({
      rowset: [
        ["0", null],
        ["1", "NULL"],
      ],
      total: 2,
      returned: 2,
      version: 1,
      statementTypeId: 4096,
      queryResultFormat: "json",
      finalDatabaseName: "D",
      finalSchemaName: "S",
      finalWarehouseName: "W",
      finalRoleName: "R",
    });
    expect(data?.["chunks"]).toBeUndefined();
    expect(data?.["queryId"]).toMatch(/^01[0-9a-f]{6}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  test("a parameter of the statement shows in its answer only", async () => {
    const { token } = await openSession();
    const zoneOf = async (body: object) => {
      const { data } = await post(
        "/queries/v1/query-request",
        { sqlText: "ROWS 1", ...body },
        token,
      );
      const parameters = PARAMETERS.parse(data?.["parameters"]);
      return parameters.find(({ name }) => name === "TIMEZONE")?.value;
    };
    expect(await zoneOf({ parameters: { TIMEZONE: "Europe/Berlin" } })).toBe("Europe/Berlin");
    expect(await zoneOf({})).toBe("UTC");
  });

  test("chunks start small, double, stay within the limit, and hold every row in order", async () => {
    await restart({ chunkBytesMax: 1024 * 1024 });
    const { token } = await openSession();
    const result = RESULT.parse((await runQuery("ROWS 200000", token)).data);
    const sizes = result.chunks.map((chunk) => chunk.uncompressedSize);
    expect(JSON.stringify(result.rowset).length).toBeLessThanOrEqual(100_000);
    expect(JSON.stringify(result.rowset).length).toBeGreaterThan(60_000);
    expect(sizes[0]).toBeLessThanOrEqual(256 * 1024);
    expect(sizes[1]).toBeGreaterThan(256 * 1024);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
    let next = result.rowset.length;
    for (const chunk of result.chunks) {
      const response = await fetch(chunk.url, { headers: result.chunkHeaders });
      expect(response.headers.get("content-type")).toBe("binary/octet-stream");
      const rows = ROWS.parse(JSON.parse(`[${await response.text()}]`));
      expect(rows).toHaveLength(chunk.rowCount);
      expect(rows[0]?.[0]).toBe(String(next));
      next += rows.length;
      expect(rows.at(-1)?.[0]).toBe(String(next - 1));
    }
    expect(next).toBe(200_000);
    expect(result.total).toBe(200_000);
  });

  test("a chunk needs its headers, and is gone with its session", async () => {
    const { token } = await openSession();
    const { chunks, chunkHeaders: headers } = RESULT.parse(
      (await runQuery("ROWS 9000", token)).data,
    );
    const url = chunks[0]?.url ?? "";
    expect((await fetch(url)).status).toBe(403);
    expect(
      (
        await fetch(url, {
          headers: { ...headers, "x-amz-server-side-encryption-customer-key": "x" },
        })
      ).status,
    ).toBe(403);
    expect((await fetch(url, { headers })).status).toBe(200);
    await call("POST", "/session?delete=true", token);
    expect((await fetch(url, { headers })).status).toBe(404);
  });

  test("only the latest results are kept, an older one has expired", async () => {
    const { token } = await openSession();
    const ids: string[] = [];
    for (let n = 0; n < 17; n += 1) {
      ids.push(field(await runQuery("ROWS 1", token), "queryId"));
    }
    expect((await call("GET", `/queries/${ids[0]}/result`, token)).code).toBe("000710");
    expect((await call("GET", `/queries/${ids[1]}/result`, token)).success).toBe(true);
    const { data } = await call("GET", `/monitoring/queries/${ids[0]}`, token);
    expect(data?.["queries"]).toMatchObject([{ status: "SUCCESS" }]);
  });

  test("the same request sent again, even at the same time, runs once and gets the same answer", async () => {
    const { token } = await openSession();
    const send = () => runQuery("COUNT", token, "same");
    const replies = [...(await Promise.all([send(), send()])), await send()];
    expect(engine.latest.runsOf("COUNT")).toBe(1);
    expect(new Set(replies.map(({ data }) => data?.["queryId"])).size).toBe(1);
    await runQuery("COUNT", token, "other");
    expect(engine.latest.runsOf("COUNT")).toBe(2);
  });

  test("a query that takes longer than the hold is asked for again until it is there", async () => {
    await restart({ holdSeconds: 0.05 });
    const { token } = await openSession();
    const held = await runQuery("WAIT", token, "r");
    expect(held).toMatchObject({ success: true, code: "333333" });
    const url = field(held, "getResultUrl");
    expect((await call("GET", url, token)).code).toBe("333333");
    engine.latest.release();
    expect(await call("GET", url, token)).toMatchObject({ success: true, code: null });
  });

  test("a result can be had in another session of the same user, not of another user", async () => {
    const { token } = await openSession();
    const path = `/queries/${field(await runQuery("ROWS 1", token), "queryId")}/result`;
    expect((await call("GET", path, (await openSession()).token)).success).toBe(true);
    const stranger = await login({ ...LOGIN, LOGIN_NAME: "eve" });
    expect((await call("GET", path, field(stranger, "token"))).code).toBe("000709");
  });

  test("an abort by request id reaches the engine; nothing to abort is 000605", async () => {
    const { token } = await openSession();
    const started = await post(
      "/queries/v1/query-request?requestId=r",
      { sqlText: "WAIT", asyncExec: true },
      token,
    );
    const abort = () => post("/queries/v1/abort-request", { requestId: "r" }, token);
    expect((await abort()).success).toBe(true);
    const path = `/queries/${field(started, "queryId")}/result`;
    expect(await call("GET", path, token)).toMatchObject({
      code: "000604",
      data: { sqlState: "57014" },
    });
    expect((await abort()).code).toBe("000605");
    expect((await call("POST", "/queries/none/abort-request", token)).code).toBe("000605");
  });

  test("a failure carries code, state, place and query id; a defect is 000603 and ends nothing", async () => {
    const { token } = await openSession();
    const failed = await runQuery("FAIL", token);
    expect(failed).toMatchObject({
      success: false,
      code: "001003",
      data: {
        sqlState: "42000",
        errorCode: "001003",
        line: 3,
        pos: 7,
        type: "COMPILATION",
      },
    });
    expect(failed.data?.["queryId"]).toMatch(/^01/);
    const broken = await runQuery("BROKEN", token);
    expect(broken).toMatchObject({
      success: false,
      code: "000603",
      data: { sqlState: "XX000" },
    });
    expect((await runQuery("ROWS 1", token)).success).toBe(true);
  });

  test("an unknown query has no result and no state", async () => {
    const { token } = await openSession();
    const id = "01000000-0000-0000-0000-000000000000";
    expect((await call("GET", `/queries/${id}/result`, token)).code).toBe("000709");
    expect((await call("GET", `/monitoring/queries/${id}`, token)).data).toEqual({
      queries: [],
    });
  });
});

describe("requests", () => {
  test("a body may be gzip", async () => {
    const { token } = await openSession();
    const body = gzipSync(JSON.stringify({ sqlText: "ROWS 1" }));
    const headers = { authorization: `Snowflake Token="${token}"`, "content-encoding": "gzip" };
    const response = await fetch(`${server.url}/queries/v1/query-request`, {
      method: "POST",
      body,
      headers,
    });
    expect(REPLY.parse(await response.json()).success).toBe(true);
  });

  test("a malformed body is 400 with a message that says what is wrong", async () => {
    const { token } = await openSession();
    const send = async (
      body: string | Uint8Array<ArrayBuffer>,
      headers: Record<string, string> = {},
    ) => {
      const response = await fetch(`${server.url}/queries/v1/query-request`, {
        method: "POST",
        body,
        headers: { authorization: `Snowflake Token="${token}"`, ...headers },
      });
      return { status: response.status, message: REPLY.parse(await response.json()).message ?? "" };
    };
    const cases: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
      ["{oops", /not JSON/],
      ["[1]", /not an object/],
      ["{}", /sqlText must be text/],
      ['{"sqlText":"x","bindings":{"1":{"type":"FIXED","value":7}}}', /bind 1/],
      ['{"sqlText":"x","bindings":[]}', /bindings must be an object/],
      ['{"sqlText":"x","asyncExec":"yes"}', /asyncExec must be true or false/],
      ['{"sqlText":"x","parameters":{"A":[]}}', /parameters.A/],
      ['{"sqlText":"x","bindStage":"@SYSTEM$BIND/1"}', /no stages/],
      [new Uint8Array([0x1f, 0x8b, 1, 2]), /gzip/],
    ];
    for (const [body, message] of cases) {
      const reply = await send(body);
      expect(reply.status).toBe(400);
      expect(reply.message).toMatch(message);
    }
    expect((await send("{}", { "content-encoding": "gzip" })).message).toMatch(/announced as gzip/);
  });

  test("an unknown endpoint is 404, by path and by method", async () => {
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404);
    expect((await fetch(`${server.url}/session/v1/login-request`)).status).toBe(404);
  });

  test("health says what this is", async () => {
    const health = await (await fetch(`${server.url}/health`)).json();
    expect(health).toEqual({ ok: true, product: "local Snowflake", account: "local", sessions: 0 });
  });

  test("closing closes the engine and frees the port; a taken port is a clear error", async () => {
    const { port } = server;
    const other = new FakeEngine();
    expect(() => serveSnowflake(other, { port })).toThrow(`Port ${port}`);
    await openSession();
    await server[Symbol.asyncDispose]();
    expect(engine.latest.closed).toBe(true);
    expect(engine.closed).toBe(true);
    server = serveSnowflake(other, { port });
    expect(server.port).toBe(port);
  });
});
