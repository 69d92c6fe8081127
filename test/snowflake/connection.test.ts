import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReportError } from "../../src/report/errors.ts";
import { type Connection, openConnection } from "../../src/snowflake/connection.ts";
import { CONTROL_SESSION, type SnowflakeSettings } from "../../src/snowflake/settings.ts";
import { errorOf, reasonOf } from "./errors.ts";
import {
  errorReply,
  type FakeWarehouse,
  rowsReply,
  settingsFor,
  startFakeWarehouse,
} from "./fake-warehouse.ts";

let fake: FakeWarehouse;

beforeEach(() => {
  fake = startFakeWarehouse();
});

afterEach(async () => {
  await fake[Symbol.asyncDispose]();
});

function open(changes: Partial<SnowflakeSettings> = {}): Promise<Connection> {
  return openConnection(settingsFor(fake.url, changes), { sessionParameters: {} });
}

/** As from JSON, which knows no types. */
function executeUntyped(connection: object, ...parameters: unknown[]): Promise<unknown> {
  return Reflect.apply(Reflect.get(connection, "execute"), connection, parameters);
}

function sqlOf(fake: FakeWarehouse): string[] {
  return fake.statements.map((statement) => statement.sql);
}

describe("openConnection", () => {
  test("a new session gets its parameters, in one statement, before the first of the caller", async () => {
    await using connection = await openConnection(settingsFor(fake.url), {
      sessionParameters: CONTROL_SESSION,
      queryTag: "it's a tag",
      secondaryRoles: "none",
    });
    await connection.execute("SELECT 1");
    expect(sqlOf(fake)).toEqual([
      "ALTER SESSION SET TIMEZONE = 'UTC', DATE_INPUT_FORMAT = 'AUTO', TIME_INPUT_FORMAT = 'AUTO', " +
        "TIMESTAMP_INPUT_FORMAT = 'AUTO', AUTOCOMMIT = TRUE, LOCK_TIMEOUT = 30, " +
        "STATEMENT_TIMEOUT_IN_SECONDS = 120, ABORT_DETACHED_QUERY = TRUE, QUERY_TAG = 'it''s a tag'",
      "USE SECONDARY ROLES NONE",
      "SELECT 1",
    ]);
    expect(fake.otherPaths).toEqual([]);
  });

  test("the purpose's role is asked for at the login and checked after it", async () => {
    fake.respond = () => rowsReply([["CURRENT_ROLE()", "text"]], [["READER"]]);
    await using _connection = await openConnection(settingsFor(fake.url, { role: "WRITER" }), {
      role: "reader",
      sessionParameters: {},
    });
    expect(fake.logins[0]?.query.get("roleName")).toBe("reader");
    expect(sqlOf(fake)).toEqual(["SELECT CURRENT_ROLE()"]);
  });

  test("a role that the server did not give is a refused login", async () => {
    fake.respond = () => rowsReply([["CURRENT_ROLE()", "text"]], [["PUBLIC"]]);
    const error = await errorOf(open({ role: "READER" }));
    expect(error.code).toBe("login_refused");
    expect(error.message).toBe(
      "the role READER is not granted to the user (the session has the role PUBLIC)",
    );
  });

  test("a refused login is login_refused with what the server says, and without the secret", async () => {
    fake.login = () => errorReply("390100", "08001", "Incorrect username or password.");
    const error = await errorOf(open());
    expect(error.code).toBe("login_refused");
    expect(error.message).toBe("Snowflake refused the login: Incorrect username or password.");
    expect(error.warehouse.vendorCode).toBe("390100");
    expect(Bun.inspect(error, { depth: 20 })).not.toContain("secret-password");
  });

  test("a host that knows no such account (403) is login_refused", async () => {
    fake.login = () => ({ success: false, httpStatus: 403 });
    expect((await errorOf(open())).code).toBe("login_refused");
  });

  test("a server that fails is warehouse_unavailable, without the secret", async () => {
    fake.login = () => ({ success: false, httpStatus: 503 });
    const error = await errorOf(open());
    expect(error.code).toBe("warehouse_unavailable");
    expect(Bun.inspect(error, { depth: 20 })).not.toContain("secret-password");
  });

  test("nothing listening is warehouse_unavailable", async () => {
    const unused = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const url = `http://127.0.0.1:${unused.port}`;
    await unused.stop(true);
    const error = await errorOf(openConnection(settingsFor(url), { sessionParameters: {} }));
    expect(error.code).toBe("warehouse_unavailable");
    expect(error.retryable).toBe(true);
  });

  test("a login that nobody answers ends at its time limit", async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    fake.login = () => promise;
    const timeouts = { loginMs: 200, statementMs: 1000, rowsMs: 1000 };
    const error = await errorOf(open({ timeouts }));
    expect(error.message).toBe("Snowflake cannot be reached: no answer to the login in 0.2 s");
    resolve(undefined);
  });

  test("options that the driver refuses are a configuration error", async () => {
    const authentication = { method: "key-pair", privateKey: "no key" } as const;
    const error = await errorOf(open({ authentication }));
    expect(error.code).toBe("configuration");
  });

  test("the driver writes no log file, and nothing to the console", async () => {
    const directory = await mkdtemp(join(tmpdir(), "no-log-"));
    const source = new URL("../../src/snowflake/connection.ts", import.meta.url).pathname;
    const script = `import { openConnection } from ${JSON.stringify(source)};
      await using connection = await openConnection(
        ${JSON.stringify(settingsFor(fake.url))}, { sessionParameters: {} });
      await connection.execute("SELECT 1");`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: directory,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect({ code: await child.exited, stdout, stderr }).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    expect(await readdir(directory)).toEqual([]);
    await rm(directory, { recursive: true });
  });
});

describe("authentication", () => {
  async function loginWith(changes: Partial<SnowflakeSettings>): Promise<Record<string, unknown>> {
    await using _connection = await open(changes);
    return fake.logins[0]?.data ?? {};
  }

  test("a token", async () => {
    const data = await loginWith({ authentication: { method: "token", token: "pat-1" } });
    expect(data).toMatchObject({ AUTHENTICATOR: "PROGRAMMATIC_ACCESS_TOKEN", TOKEN: "pat-1" });
  });

  test("a key pair, its line breaks written as backslash n, with a passphrase", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: {
        type: "pkcs8",
        format: "pem",
        cipher: "aes-256-cbc",
        passphrase: "open",
      },
    });
    const data = await loginWith({
      authentication: {
        method: "key-pair",
        privateKey: privateKey.replaceAll("\n", "\\n"),
        passphrase: "open",
      },
    });
    expect(data["AUTHENTICATOR"]).toBe("SNOWFLAKE_JWT");
    const [, payload = ""] = String(data["TOKEN"]).split(".");
    expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({
      sub: "LOCAL.TESTER",
    });
  });

  test("a wrong passphrase is a refused login", async () => {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: {
        type: "pkcs8",
        format: "pem",
        cipher: "aes-256-cbc",
        passphrase: "open",
      },
    });
    const authentication = { method: "key-pair", privateKey, passphrase: "wrong" } as const;
    expect((await errorOf(open({ authentication }))).code).toBe("login_refused");
  });
});

describe("execute", () => {
  test("cells are exact text or null, booleans are true and false", async () => {
    fake.respond = () =>
      rowsReply(
        [
          ["BIG", "fixed"],
          ["DEC", "fixed", 2],
          ["T", "boolean"],
          ["F", "boolean"],
          ["N", "text"],
          ["V", "variant"],
        ],
        [["12345678901234567890123456789012345678", "1.10", "1", false, null, '{"a": undefined}']],
      );
    await using connection = await open();
    const result = await connection.execute("SELECT 1");
    expect(result.rows).toEqual([
      {
        BIG: "12345678901234567890123456789012345678",
        DEC: "1.10",
        T: "true",
        F: "false",
        N: null,
        V: '{"a": undefined}',
      },
    ]);
    expect(result.rowsAffected).toBe(0);
    expect(result.queryId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("rows affected do not count multi-joined rows twice", async () => {
    fake.respond = () =>
      rowsReply(
        [
          ["number of rows updated", "fixed"],
          ["number of multi-joined rows updated", "fixed"],
        ],
        [["3", "2"]],
        { statementTypeId: 12_800 },
      );
    await using connection = await open();
    expect((await connection.execute("UPDATE t SET a = 1")).rowsAffected).toBe(3);
  });

  test("a MERGE counts what it inserted and updated", async () => {
    fake.respond = () =>
      rowsReply(
        [
          ["number of rows inserted", "fixed"],
          ["number of rows updated", "fixed"],
        ],
        [["1", "4"]],
      );
    await using connection = await open();
    expect((await connection.execute("MERGE ...")).rowsAffected).toBe(5);
  });

  test("values are bound by type, not pasted", async () => {
    await using connection = await open();
    await connection.execute("SELECT ?, ?, ?, ?, ?", ["x", 1, 1.5, true, null]);
    expect(fake.statements[0]?.bindings).toEqual({
      1: { type: "TEXT", value: "x" },
      2: { type: "FIXED", value: "1" },
      3: { type: "REAL", value: "1.5" },
      4: { type: "BOOLEAN", value: "true" },
      5: { type: "TEXT", value: null },
    });
  });

  test.each([[undefined], [Number.NaN], [Number.POSITIVE_INFINITY], [{}], [Symbol("s")]])(
    "%p cannot be bound",
    async (value) => {
      await using connection = await open();
      const running = executeUntyped(connection, "SELECT ?", [value]);
      expect(await reasonOf(running)).toMatchObject({
        message: `a value of type ${typeof value} cannot be bound`,
      });
    },
  );

  test("dates and big integers from outside the types are bound as text", async () => {
    await using connection = await open();
    const binds = [new Date(0), 2n ** 70n];
    await executeUntyped(connection, "SELECT ?, ?", binds);
    expect(fake.statements[0]?.bindings).toEqual({
      1: { type: "TEXT", value: "1970-01-01T00:00:00.000Z" },
      2: { type: "TEXT", value: "1180591620717411303424" },
    });
  });

  test("a failed statement is query_failed with the warehouse's facts, without bound text", async () => {
    fake.respond = () =>
      errorReply("100038", "22018", "Numeric value 'hunter22' is not recognized");
    await using connection = await open();
    const error = await errorOf(connection.execute("SELECT ?::INT", ["hunter22"]));
    expect(error.code).toBe("query_failed");
    expect(error.message).toBe("Numeric value '?' is not recognized");
    expect(error.warehouse).toEqual({
      vendorCode: "100038",
      sqlState: "22018",
      queryId: "01-failed",
    });
    expect(error.retryable).toBe(false);
    expect(Bun.inspect(error, { depth: 20 })).not.toMatch(/hunter22|session-1/);
  });

  test.each([
    ["000630", "query_timeout", true],
    ["000604", "cancelled", false],
    ["000603", "query_failed", true],
    ["001003", "query_failed", false],
  ])("code %s is %s, retryable %p", async (code, expected, retryable) => {
    fake.respond = () => errorReply(code, "57014", "the message");
    await using connection = await open();
    const error = await errorOf(connection.execute("SELECT 1"));
    expect(error).toMatchObject({ code: expected, retryable });
  });

  test("a statement that finds too many waiting for its table is tried again, as a new request", async () => {
    fake.respond = () =>
      fake.statements.length < 3 ? errorReply("000625", "57014", "too many waiters") : undefined;
    await using connection = await open();
    await connection.execute("UPDATE t", [], { requestId: "first-request" });
    const ids = fake.statements.map((statement) => statement.requestId);
    expect(ids[0]).toBe("first-request");
    expect(new Set(ids).size).toBe(3);
  });

  test("more rows than the control connection takes are refused", async () => {
    fake.respond = () => rowsReply([["A", "text"]], [["x"]], { returned: 200_000 });
    await using connection = await open();
    expect(String(await reasonOf(connection.execute("SELECT 1")))).toContain(
      "200000 rows are too many",
    );
  });

  test("statements run one after the other, in the order they were asked for", async () => {
    let running = 0;
    let runningMax = 0;
    fake.respond = async ({ sql }) => {
      running += 1;
      runningMax = Math.max(runningMax, running);
      await Bun.sleep(sql === "SELECT 0" ? 30 : 1);
      running -= 1;
      return rowsReply([["A", "text"]], [["x"]]);
    };
    await using connection = await open();
    await Promise.all([0, 1, 2, 3].map((index) => connection.execute(`SELECT ${index}`)));
    expect(runningMax).toBe(1);
    expect(sqlOf(fake)).toEqual(["SELECT 0", "SELECT 1", "SELECT 2", "SELECT 3"]);
  });
});

describe("an answer that is none", () => {
  const ANSWERS: Record<string, () => Response> = {
    "a proxy's page": () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    "an empty object": () => Response.json({}),
    "no data": () => Response.json({ success: true, data: null }),
    "no columns": () => Response.json({ success: true, data: { queryId: "01" } }),
    "half a reply": () =>
      new Response('{"success":tr', { headers: { "content-type": "application/json" } }),
    "404": () => new Response("not here", { status: 404 }),
  };

  test.each(Object.keys(ANSWERS))("%s to a statement is warehouse_unavailable", async (name) => {
    await using connection = await open();
    fake.raw = ANSWERS[name];
    const error = await errorOf(connection.execute("SELECT 1"));
    expect(error).toMatchObject({ code: "warehouse_unavailable", retryable: true });
  });
});

describe("cancel", () => {
  /** Holds the statement until the warehouse is told to abort it. */
  function holdUntilAborted(): void {
    fake.respond = async ({ sql }) => {
      if (!sql.includes("SLOW")) return undefined;
      while (fake.aborts.length === 0) await Bun.sleep(5);
      return errorReply("000604", "57014", "SQL execution canceled");
    };
  }

  test("an abort cancels by the request id and rejects with the signal's reason", async () => {
    holdUntilAborted();
    await using connection = await open();
    const controller = new AbortController();
    const reason = new ReportError("cancelled", "by its owner");
    const running = connection.execute("SELECT SLOW", [], { signal: controller.signal });
    while (fake.statements.length === 0) await Bun.sleep(5);
    controller.abort(reason);
    expect(await errorOf(running)).toBe(reason);
    expect(fake.aborts[0]).toEqual({
      path: "/queries/v1/abort-request",
      body: JSON.stringify({ requestId: fake.statements[0]?.requestId }),
    });
  });

  test("the connection works on after a cancel, in the same session", async () => {
    holdUntilAborted();
    await using connection = await open();
    const signal = AbortSignal.timeout(50);
    expect(String(await reasonOf(connection.execute("SELECT SLOW", [], { signal })))).toContain(
      "timed out",
    );
    await connection.execute("SELECT 1");
    expect(fake.logins).toHaveLength(1);
  });

  test("more time than a statement may take cancels it: query_timeout", async () => {
    holdUntilAborted();
    await using connection = await open();
    const error = await errorOf(connection.execute("SELECT SLOW", [], { timeoutMs: 50 }));
    expect(error.code).toBe("query_timeout");
    expect(error.message).toBe("the statement ran longer than 0.05 s and was cancelled");
    expect(fake.aborts.length).toBeGreaterThan(0);
  });

  test("a signal that is aborted already sends nothing", async () => {
    await using connection = await open();
    const signal = AbortSignal.abort(new Error("too late"));
    expect(String(await reasonOf(connection.execute("SELECT 1", [], { signal })))).toContain(
      "too late",
    );
    await connection.execute("SELECT 2");
    expect(sqlOf(fake)).toEqual(["SELECT 2"]);
  });
});

describe("a session that ends", () => {
  function endSessionOn(text: string): void {
    let ended = false;
    fake.respond = ({ sql }) => {
      if (ended || !sql.includes(text)) return undefined;
      ended = true;
      return errorReply("390111", "08003", "Session no longer exists.");
    };
  }

  test("is replaced, and the statement sent again with the same request id", async () => {
    endSessionOn("SELECT 1");
    await using connection = await open();
    await connection.execute("SELECT 1");
    expect(fake.logins).toHaveLength(2);
    const [first, second] = fake.statements;
    expect(second?.requestId).toBe(first?.requestId ?? "none");
    expect(second?.token).not.toBe(first?.token);
  });

  test("within a transaction fails it, retryably, and nothing of it runs in another session", async () => {
    endSessionOn("UPDATE a");
    await using connection = await open();
    let errorInside: unknown;
    const error = await errorOf(
      connection.transaction(async (transaction) => {
        await transaction.execute("UPDATE a").catch((thrown: unknown) => (errorInside = thrown));
        await transaction.execute("UPDATE b");
      }),
    );
    expect(errorInside).toMatchObject({ code: "warehouse_unavailable" });
    expect(error).toMatchObject({ code: "warehouse_unavailable", retryable: true });
    expect(sqlOf(fake)).toEqual(["BEGIN TRANSACTION", "UPDATE a"]);
    await connection.execute("SELECT 1");
    expect(fake.logins).toHaveLength(2);
  });

  test("a statement that the warehouse had taken is not sent again", async () => {
    fake.respond = () => ({
      success: true,
      code: "333333",
      data: { queryId: "01-taken", getResultUrl: "/queries/01-taken/result" },
    });
    fake.poll = () => errorReply("390111", "08003", "Session no longer exists.");
    await using connection = await open();
    const error = await errorOf(connection.execute("INSERT INTO t"));
    expect(error).toMatchObject({ code: "warehouse_unavailable", retryable: true });
    expect(sqlOf(fake)).toEqual(["INSERT INTO t"]);
  });
});

describe("transaction", () => {
  test("commits what it did", async () => {
    await using connection = await open();
    const result = await connection.transaction(async (transaction) => {
      await transaction.execute("UPDATE a");
      return 42;
    });
    expect(result).toBe(42);
    expect(sqlOf(fake)).toEqual(["BEGIN TRANSACTION", "UPDATE a", "COMMIT"]);
  });

  test("rolls back and throws what the work threw", async () => {
    await using connection = await open();
    const failure = new Error("no");
    const running = connection.transaction(async (transaction) => {
      await transaction.execute("UPDATE a");
      throw failure;
    });
    expect(await reasonOf(running)).toBe(failure);
    await connection.execute("SELECT 1");
    expect(sqlOf(fake)).toEqual(["BEGIN TRANSACTION", "UPDATE a", "ROLLBACK", "SELECT 1"]);
  });

  test("a rollback that fails leaves the session, so that the warehouse rolls back", async () => {
    fake.respond = ({ sql }) =>
      sql === "ROLLBACK" || sql === "UPDATE a"
        ? errorReply("000603", "XX000", "internal")
        : undefined;
    await using connection = await open();
    await errorOf(connection.transaction((transaction) => transaction.execute("UPDATE a")));
    await connection.execute("SELECT 1");
    expect(fake.logins).toHaveLength(2);
  });

  test("no statement of another lane gets into it", async () => {
    await using connection = await open();
    const lanes = [1, 2, 3].map((lane) =>
      connection.transaction(async (transaction) => {
        await transaction.execute(`UPDATE ${lane}a`);
        await Bun.sleep(lane);
        await transaction.execute(`UPDATE ${lane}b`);
      }),
    );
    await Promise.all([...lanes, connection.execute("SELECT between")]);
    expect(sqlOf(fake)).toEqual([
      ...[1, 2, 3].flatMap((lane) => [
        "BEGIN TRANSACTION",
        `UPDATE ${lane}a`,
        `UPDATE ${lane}b`,
        "COMMIT",
      ]),
      "SELECT between",
    ]);
  });
});
