import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type LocalSnowflake,
  type ServeOptions,
  serveSnowflake,
} from "../../../src/local/snowflake/wire/serve.ts";
import { connect, execute, failureOf } from "./driver.ts";
import { FakeEngine } from "./fake-engine.ts";

/** What the real driver makes of the protocol; the engine is a fake. */

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

/** Until the statement that was sent last is running in the engine. */
async function whenWaiting(): Promise<void> {
  while (!engine.latest.isWaiting) await Bun.sleep(2);
}

describe("login", () => {
  test("the driver logs in, and out", async () => {
    const connection = await connect(server, {
      database: "D",
      schema: "S",
      warehouse: "W",
      role: "R",
    });
    expect(connection.isUp()).toBe(true);
    expect(engine.latest.context).toEqual({
      database: "D",
      schema: "S",
      warehouse: "W",
      role: "R",
      user: "ADA",
    });
    await new Promise<void>((resolve, reject) => {
      connection.destroy((error) => (error ? reject(error) : resolve()));
    });
    expect(engine.latest.closed).toBe(true);
  });

  test("another account is refused with 390100", async () => {
    const error = await failureOf(connect(server, { account: "elsewhere" }));
    expect(error.code).toBe("390100");
    expect(error.message).toContain("elsewhere");
  });

  test("access tokens and OAuth client credentials log in", async () => {
    await connect(server, { authenticator: "PROGRAMMATIC_ACCESS_TOKEN", token: "pat" });
    await connect(server, { authenticator: "OAUTH", token: "issued-elsewhere" });
    await connect(server, {
      authenticator: "OAUTH_CLIENT_CREDENTIALS",
      oauthClientId: "client",
      oauthClientSecret: "secret",
      oauthTokenRequestUrl: `${server.url}/oauth/token-request`,
      oauthScope: "session:role:R",
      oauthHttpAllowed: true,
    });
    expect(engine.sessions).toHaveLength(3);
  });
});

describe("statements", () => {
  test("scalar and bulk binds arrive as the driver sends them", async () => {
    const connection = await connect(server);
    await execute(connection, "ECHO", { binds: [1, 2.5, "x", true, null] });
    expect(engine.latest.statements.at(-1)?.binds).toEqual({
      1: { type: "FIXED", value: "1" },
      2: { type: "REAL", value: "2.5" },
      3: { type: "TEXT", value: "x" },
      4: { type: "BOOLEAN", value: "true" },
      5: { type: "TEXT", value: null },
    });
    await execute(connection, "ECHO", {
      binds: [
        [1, "a"],
        [2, null],
      ],
    });
    expect(engine.latest.statements.at(-1)?.binds).toEqual({
      1: { type: "FIXED", value: ["1", "2"] },
      2: { type: "TEXT", value: ["a", null] },
    });
  });

  test("a bulk bind of more values than a driver would stage comes in the request", async () => {
    const connection = await connect(server);
    const binds = Array.from({ length: 60_000 }, (_, n) => [n, `row ${n}`]);
    await execute(connection, "ECHO", { binds });
    expect(engine.latest.statements).toHaveLength(1);
    expect(engine.latest.statements[0]?.binds["2"]?.value?.at(-1)).toBe("row 59999");
  });

  test("describeOnly gives the columns and no rows", async () => {
    const connection = await connect(server);
    const { statement, rows } = await execute(connection, "ROWS 5", { describeOnly: true });
    expect(rows).toEqual([]);
    expect(engine.latest.statements[0]?.describeOnly).toBe(true);
    expect(statement.getColumns()?.map((column) => [column.getName(), column.getType()])).toEqual([
      ["N", "fixed"],
      ["T", "text"],
    ]);
  });

  test("null, the text NULL and awkward characters stay what they are", async () => {
    const { rows } = await execute(await connect(server), "ROWS 3");
    expect(rows).toEqual([
      [0, null],
      [1, "NULL"],
      [2, 'é "quoted" \\ \n'],
    ]);
  });

  test("100,000 rows come in many chunks, all of them, in order, inside and across chunks", async () => {
    const connection = await connect(server);
    const { statement } = await execute(connection, "ROWS 100000", { streamResult: true });
    let next = 0;
    for await (const row of statement.streamRows()) {
      if (row[0] !== next || row[1] === undefined) throw new Error(`Row ${next} is ${row}.`);
      next += 1;
    }
    expect(next).toBe(100_000);
    expect(statement.getNumRows()).toBe(100_000);
  });

  test("a result is read again from its query id, chunks and all", async () => {
    const connection = await connect(server);
    const { statement } = await execute(connection, "ROWS 20000", { streamResult: true });
    const again = await connection.getResultsFromQueryId({
      queryId: statement.getQueryId(),
      sqlText: "",
    });
    let count = 0;
    for await (const row of again.streamRows()) count += row === null ? 0 : 1;
    expect(count).toBe(20_000);
  });

  test("a failure has the engine's code and state, and the query's id", async () => {
    const error = await failureOf(execute(await connect(server), "FAIL"));
    expect(error).toMatchObject({ code: "001003", sqlState: "42000" });
    expect(error.message).toContain("syntax error line 3");
    expect(error.data?.queryId).toMatch(/^01/);
  });

  test("the same request id runs once and gives the first answer", async () => {
    const connection = await connect(server);
    const requestId = crypto.randomUUID();
    const first = await execute(connection, "COUNT", { requestId });
    const second = await execute(connection, "COUNT", { requestId });
    expect(second.rows).toEqual(first.rows);
    expect(second.statement.getQueryId()).toBe(first.statement.getQueryId());
    expect(engine.latest.runsOf("COUNT")).toBe(1);
  });
});

describe("statements that take long", () => {
  test("the driver waits through 333333 answers for the result", async () => {
    await restart({ holdSeconds: 0.03 });
    const connection = await connect(server);
    const executed = execute(connection, "WAIT");
    await whenWaiting();
    await Bun.sleep(100);
    engine.latest.release();
    expect((await executed).rows).toEqual([["waited"]]);
    expect(engine.latest.runsOf("WAIT")).toBe(1);
  });

  test("a running query is cancelled in the engine, by request id while the first answer is out", async () => {
    const connection = await connect(server);
    const ended = Promise.withResolvers<Error | undefined>();
    const statement = connection.execute({
      sqlText: "WAIT",
      complete: (error) => ended.resolve(error),
    });
    await whenWaiting();
    await new Promise<void>((resolve, reject) => {
      statement.cancel((error) => (error ? reject(error) : resolve()));
    });
    expect(await ended.promise).toMatchObject({ code: "000604", sqlState: "57014" });
    expect(engine.latest.cancelled).toHaveLength(1);
  });

  test("an async query is answered at once, followed, and read by its id", async () => {
    const connection = await connect(server);
    const { statement } = await execute(connection, "WAIT", { asyncExec: true });
    const queryId = statement.getQueryId();
    expect(await connection.getQueryStatus(queryId)).toBe("RUNNING");
    engine.latest.release();
    const result = await connection.getResultsFromQueryId({ queryId, sqlText: "" });
    const rows = [];
    for await (const row of result.streamRows()) rows.push(row);
    expect(rows).toEqual([{ VALUE: "waited" }]);
    expect(await connection.getQueryStatus(queryId)).toBe("SUCCESS");
  });

  test("an async query that fails says so when it is asked for", async () => {
    const connection = await connect(server);
    const { statement } = await execute(connection, "FAIL", { asyncExec: true });
    const queryId = statement.getQueryId();
    expect(await connection.getQueryStatus(queryId)).toBe("FAILED_WITH_ERROR");
    const error = await failureOf(connection.getQueryStatusThrowIfError(queryId));
    expect(error.message).toContain("syntax error");
  });
});

describe("sessions", () => {
  test("an expired session is renewed and the statement goes on, unnoticed", async () => {
    const connection = await connect(server);
    server.expireSessions();
    expect((await execute(connection, "COUNT")).rows).toEqual([["1"]]);
    expect(engine.sessions).toHaveLength(1);
  });

  test("a session that is renewed while a query runs still gets its result", async () => {
    await restart({ holdSeconds: 0.02 });
    const connection = await connect(server);
    const executed = execute(connection, "WAIT");
    await whenWaiting();
    server.expireSessions();
    await Bun.sleep(60);
    engine.latest.release();
    expect((await executed).rows).toEqual([["waited"]]);
  });

  test("a terminated session is fatal to its connection, and a new connection works", async () => {
    const connection = await connect(server);
    server.terminateSessions();
    const error = await failureOf(execute(connection, "COUNT"));
    expect(Number(error.code)).toBe(407002);
    expect(connection.isUp()).toBe(false);
    expect(engine.latest.closed).toBe(true);
    expect((await execute(await connect(server), "COUNT")).rows).toEqual([["1"]]);
  });

  test("a heartbeat tells whether a session lives", async () => {
    const connection = await connect(server);
    expect(await connection.isValidAsync()).toBe(true);
    server.terminateSessions();
    expect(await connection.isValidAsync()).toBe(false);
  });
});
