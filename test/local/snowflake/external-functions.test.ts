import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { gunzipSync, inflateSync } from "node:zlib";
import type { Binds, Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** External functions: created and called by the real driver, answered by a real HTTP server. */

interface Seen {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

type Answer = (body: string) => Response | Promise<Response>;

let seen: Seen[];
/** Used up first to last; then every row gets its arguments back. */
let answers: Answer[];
let service: Bun.Server<undefined>;
let server: LocalSnowflake;
let connection: Connection;

beforeEach(async () => {
  seen = [];
  answers = [];
  service = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  const externalCalls = {
    requestTimeoutMs: 500,
    retryTotalMs: 600,
    retryDelayMs: 10,
    pollTotalMs: 500,
  };
  server = await startLocalSnowflake({ sampleLineItems: 0, externalCalls });
  connection = await connect(server, { role: "ACCOUNTADMIN" });
  await run("CREATE DATABASE d");
  await createIntegration();
  await createFunction("echo(reason VARCHAR)", "VARIANT", "COMPRESSION = NONE");
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await service.stop(true);
});

async function answer(request: Request): Promise<Response> {
  const bytes = Buffer.from(await request.arrayBuffer());
  const unpack = { gzip: gunzipSync, deflate: inflateSync };
  const encoding = request.headers.get("content-encoding");
  const body = encoding === "gzip" || encoding === "deflate" ? unpack[encoding](bytes) : bytes;
  seen.push({ method: request.method, headers: request.headers, body: body.toString() });
  return await (answers.shift() ?? echo)(body.toString());
}

function rowsOf(body: string): unknown[][] {
  const { data }: { data: unknown[][] } = JSON.parse(body);
  return data;
}

function echo(body: string): Response {
  return Response.json({ data: rowsOf(body).map(([number, ...args]) => [number, { args }]) });
}

function values(...list: unknown[]): Answer {
  return () => Response.json({ data: list.map((value, index) => [index, value]) });
}

const status =
  (code: number, body = ""): Answer =>
  () =>
    new Response(body, { status: code });

async function run(sqlText: string, binds: Binds = []): Promise<readonly unknown[]> {
  return (await execute(connection, sqlText, { binds })).rows;
}

async function failure(sqlText: string): Promise<string> {
  const error = await failureOf(run(sqlText));
  return `${error.code} ${error.message}`;
}

function url(path = "prod/trigger"): string {
  return `http://127.0.0.1:${service.port}/${path}`;
}

async function createIntegration(clauses = ""): Promise<void> {
  const sql = `CREATE OR REPLACE API INTEGRATION report_api API_PROVIDER = aws_api_gateway
    API_AWS_ROLE_ARN = 'arn:aws:iam::123456789012:role/trigger'
    API_ALLOWED_PREFIXES = ('${url("")}', 'https://example.org/prod/') ENABLED = TRUE ${clauses}`;
  await run(sql);
}

async function createFunction(signature: string, type: string, clauses = ""): Promise<void> {
  const sql = `CREATE OR REPLACE EXTERNAL FUNCTION ${signature} RETURNS ${type} VOLATILE
    API_INTEGRATION = report_api ${clauses} AS '${url()}'`;
  await run(sql);
}

const CALL = "SELECT echo('stream')";

describe("API integrations", () => {
  test("one is described with what a role's trust policy needs, and without its key", async () => {
    await createIntegration("API_KEY = 'secret' COMMENT = 'for reports'");
    const rows = await run("DESC INTEGRATION report_api");
    const described = new Map<unknown, unknown[]>();
    for (const row of rows) if (Array.isArray(row)) described.set(row[0], row.slice(1));
    expect(described.get("ENABLED")).toEqual(["Boolean", "true", "false"]);
    expect(described.get("API_AWS_IAM_USER_ARN")?.[1]).toStartWith("arn:aws:iam::");
    expect(described.get("API_AWS_EXTERNAL_ID")?.[1]).toContain("SFCRole=");
    expect(described.get("API_ALLOWED_PREFIXES")?.[1]).toBe(`${url("")},https://example.org/prod/`);
    expect(JSON.stringify(rows)).not.toContain("secret");
    await run(CALL);
    expect(seen[0]?.headers.get("x-api-key")).toBe("secret");
  });

  test("only CREATE OR REPLACE gives it another external id", async () => {
    const externalId = async (): Promise<unknown> => {
      const rows = await run("DESC API INTEGRATION report_api");
      return rows.find((row) => Array.isArray(row) && row[0] === "API_AWS_EXTERNAL_ID");
    };
    const before = await externalId();
    await run("ALTER API INTEGRATION report_api SET COMMENT = 'changed'");
    expect(await run("CREATE API INTEGRATION IF NOT EXISTS report_api ENABLED = TRUE")).toEqual([
      ["REPORT_API already exists, statement succeeded."],
    ]);
    expect(await externalId()).toEqual(before);
    await createIntegration();
    expect(await externalId()).not.toEqual(before);
  });

  test("it is shown, altered and dropped", async () => {
    await run("ALTER API INTEGRATION report_api SET COMMENT = 'other' ENABLED = FALSE");
    const [row] = await run("SHOW INTEGRATIONS LIKE 'report%'");
    expect(Array.isArray(row) ? row.slice(0, 5) : row).toEqual([
      "REPORT_API",
      "EXTERNAL_API",
      "API",
      "false",
      "other",
    ]);
    expect(await failure(CALL)).toContain("REPORT_API is not enabled");
    await run("DROP INTEGRATION report_api");
    expect(await failure(CALL)).toContain("Integration 'REPORT_API' does not exist");
    expect(await run("ALTER API INTEGRATION IF EXISTS report_api UNSET COMMENT")).toHaveLength(1);
  });

  test("a function's address must begin with an allowed prefix and with no blocked one", async () => {
    const create = (address: string): string =>
      `CREATE EXTERNAL FUNCTION f() RETURNS VARIANT API_INTEGRATION = report_api AS '${address}'`;
    expect(await failure(create("https://example.org/other"))).toContain(
      "is not allowed by API integration",
    );
    await createIntegration("API_BLOCKED_PREFIXES = ('https://example.org/prod/admin')");
    expect(await failure(create("https://example.org/prod/admin/x"))).toContain("is not allowed");
    expect(await run(create("https://example.org/prod/x"))).toEqual([
      ["Function F successfully created."],
    ]);
    const open =
      "CREATE API INTEGRATION o API_PROVIDER = aws_api_gateway API_AWS_ROLE_ARN = 'a' ENABLED = TRUE";
    expect(await failure(`${open} API_ALLOWED_PREFIXES = ('http://example.org/')`)).toContain(
      "https",
    );
    expect(await failure(open)).toContain("Missing option(s): [API_ALLOWED_PREFIXES]");
  });
});

describe("the request", () => {
  test("is Snowflake's: body, headers and their twins in base64", async () => {
    const headers = "HEADERS = ('volume-measure' = 'liters') CONTEXT_HEADERS = (CURRENT_ROLE)";
    await createFunction(
      "echo(reason VARCHAR, n NUMBER)",
      "VARIANT",
      `${headers} COMPRESSION = NONE`,
    );
    const { statement, rows } = await execute(
      connection,
      "SELECT echo('it''s', 12345678901234567890)",
    );
    expect(rows).toEqual([[{ args: ["it's", 12_345_678_901_234_567_000] }]]);
    expect(statement.getColumns()?.[0]?.getName()).toBe("ECHO('IT''S', 12345678901234567890)");
    const [request] = seen;
    expect(request?.method).toBe("POST");
    expect(request?.body).toBe(`{"data":[[0,"it's",12345678901234567890]]}`);
    const { headers: sent = new Headers() } = request ?? {};
    const names = [...sent.keys()].filter((name) =>
      /^(?:sf-|user-agent|content-(?:type|enc))/.test(name),
    );
    const queryId = statement.getQueryId();
    expect(Object.fromEntries(names.map((name) => [name, sent.get(name)]))).toEqual({
      "content-type": "application/json",
      "sf-context-current-role": "ACCOUNTADMIN",
      "sf-context-current-role-base64": btoa("ACCOUNTADMIN"),
      "sf-custom-volume-measure": "liters",
      "sf-external-function-current-query-id": queryId,
      "sf-external-function-format": "json",
      "sf-external-function-format-version": "1.0",
      "sf-external-function-name": "ECHO",
      "sf-external-function-name-base64": btoa("ECHO"),
      "sf-external-function-query-batch-id": `${queryId}:1:0:0:0`,
      "sf-external-function-return-type": "VARIANT",
      "sf-external-function-return-type-base64": btoa("VARIANT"),
      "sf-external-function-signature": "(REASON VARCHAR, N NUMBER)",
      "sf-external-function-signature-base64": btoa("(REASON VARCHAR, N NUMBER)"),
      "user-agent": "snowflake/1.0",
    });
  });

  test("is compressed as the function says, by gzip unless it says otherwise", async () => {
    for (const [clause, encoding] of [
      ["", "gzip"],
      ["COMPRESSION = GZIP", "gzip"],
      ["COMPRESSION = DEFLATE", "deflate"],
    ]) {
      await createFunction("packed(a VARCHAR)", "VARIANT", clause);
      await run("SELECT packed('x')");
      expect(seen.at(-1)?.headers.get("content-encoding")).toBe(encoding ?? null);
      expect(seen.at(-1)?.body).toBe('{"data":[[0,"x"]]}');
    }
  });

  test("has no arguments where the function has none, and binds where they are bound", async () => {
    await createFunction("none()", "VARCHAR");
    answers.push(values("done"));
    expect(await run("SELECT none() AS r")).toEqual([["done"]]);
    expect(seen[0]?.body).toBe('{"data":[[0]]}');
    const rows = await run("SELECT ?, echo(?):args[0]::VARCHAR, ?", ["a", "b", "c"]);
    expect(rows).toEqual([["a", "b", "c"]]);
  });

  test("carries dates as text, variants as JSON, and null as null", async () => {
    await createFunction("all_types(d DATE, v VARIANT, b BOOLEAN, n VARCHAR)", "VARIANT");
    await run(`SELECT all_types('2026-01-02', PARSE_JSON('{"a":1}'), TRUE, NULL)`);
    expect(seen[0]?.body).toBe('{"data":[[0,"2026-01-02",{"a":1},true,null]]}');
  });
});

describe("rows of a table", () => {
  beforeEach(async () => {
    await run("CREATE TABLE t (n NUMBER, name VARCHAR)");
    await run("INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'c')");
  });

  test("go in batches, each with an id of its own, and get their values in their places", async () => {
    await createFunction("twice(n NUMBER)", "NUMBER(10, 1)", "MAX_BATCH_ROWS = 2");
    answers.push(values(2.5, 4), values(6));
    const sql = "SELECT name, twice(n) AS result, n FROM t WHERE n > 0 ORDER BY n";
    const { rows, statement } = await execute(connection, sql);
    expect(rows).toEqual([
      ["a", 2.5, 1],
      [null, 4, 2],
      ["c", 6, 3],
    ]);
    expect(statement.getColumns()?.map((column) => column.getName())).toEqual([
      "NAME",
      "RESULT",
      "N",
    ]);
    expect(seen.map(({ body }) => body)).toEqual(['{"data":[[0,1],[1,2]]}', '{"data":[[0,3]]}']);
    const ids = seen.map(({ headers }) => headers.get("sf-external-function-query-batch-id"));
    expect(new Set(ids).size).toBe(2);
  });

  test("a NULL is kept from a strict function", async () => {
    await createFunction("strict(name VARCHAR)", "VARCHAR", "RETURNS NULL ON NULL INPUT");
    answers.push(values("A", "C"));
    expect(await run("SELECT strict(name) FROM t ORDER BY n")).toEqual([["A"], [null], ["C"]]);
    expect(seen[0]?.body).toBe('{"data":[[0,"a"],[1,"c"]]}');
  });

  test("the value of a call alone can be computed with and inserted", async () => {
    answers.push(values(39));
    await run("INSERT INTO t (n) SELECT echo('x')::NUMBER + 3");
    expect(await run("SELECT MAX(n) FROM t")).toEqual([[42]]);
  });

  test("a call where its rows are not known is refused by name", async () => {
    for (const sql of ["SELECT COUNT(echo(name)) FROM t", "UPDATE t SET name = echo('x')"])
      expect(await failure(sql)).toContain("a call of external function ECHO in this place");
    expect(seen).toEqual([]);
  });
});

describe("the answer", () => {
  test("is taken when it is the documented one only", async () => {
    const problems: [Answer, string][] = [
      [
        () => new Response("hello"),
        "100287 Error parsing JSON response for external function ECHO with request batch id: ",
      ],
      [
        () => Response.json({ ok: true }),
        'Error: top-level JSON object must contain "data" JSON array element',
      ],
      [() => Response.json([[0, 1]]), 'must contain "data" JSON array element'],
      [
        () => Response.json({ data: [[0]] }),
        "index 0 contains 1 elements, but 2 elements are expected",
      ],
      [
        () => Response.json({ data: [[0, 1, 2]] }),
        "index 0 contains 3 elements, but 2 elements are expected",
      ],
      [() => Response.json({ data: [[1, 1]] }), "row number 0 is expected"],
      [values(), "expected 1 rows, but received 0"],
      [values(1, 2), "expected 1 rows, but received 2"],
      [
        status(403, '{"message":"Forbidden"}'),
        `100351 Request failed for external function ECHO with remote service error: 403 '{"message":"Forbidden"}'`,
      ],
      [status(302), "100351"],
      [status(204), "100351"],
    ];
    for (const [reply, expected] of problems) {
      answers = [reply];
      expect(await failure(CALL)).toContain(expected);
    }
    expect(seen).toHaveLength(problems.length);
  });

  test("may have a Content-MD5, which is checked", async () => {
    const body = '{"data":[[0,"ok"]]}';
    const md5 = createHash("md5").update(body).digest("base64");
    answers.push(() => new Response(body, { headers: { "content-md5": md5 } }));
    expect(await run(CALL)).toEqual([["ok"]]);
    answers.push(() => new Response(body, { headers: { "content-md5": "AAAA" } }));
    expect(await failure(CALL)).toContain("Content-MD5");
  });

  test("a 202 is polled by GET with the same batch id until it is a 200", async () => {
    answers.push(status(202), status(202), values("late"));
    expect(await run(CALL)).toEqual([["late"]]);
    expect(seen.map(({ method }) => method)).toEqual(["POST", "GET", "GET"]);
    const ids = seen.map(({ headers }) => headers.get("sf-external-function-query-batch-id"));
    expect(new Set(ids).size).toBe(1);
  });

  test("a 202 without an end fails", async () => {
    answers = Array.from({ length: 100 }, () => status(202));
    expect(await failure(CALL)).toContain("the service was not done after 0.5 s");
  });

  test("null is refused where the function returns NOT NULL", async () => {
    await createFunction("needed()", "VARIANT NOT NULL");
    answers.push(values(null));
    expect(await failure("SELECT needed()")).toStartWith("100072");
  });
});

describe("a service in trouble", () => {
  test("is asked again after 429, 5xx and a broken connection, with the same batch id", async () => {
    answers.push(status(503), status(429), values("at last"));
    expect(await run(CALL)).toEqual([["at last"]]);
    const ids = seen.map(({ headers }) => headers.get("sf-external-function-query-batch-id"));
    expect([ids.length, new Set(ids).size]).toEqual([3, 1]);
  });

  test("is given up after the total time", async () => {
    answers = Array.from({ length: 100 }, () => status(500, "down"));
    expect(await failure(CALL)).toBe(
      "100351 Request failed for external function ECHO with remote service error: 500 'down'",
    );
    expect(seen.length).toBeGreaterThan(2);
  });

  test("one that does not answer is cut off", async () => {
    answers = Array.from({ length: 100 }, () => () => new Promise<Response>(() => undefined));
    expect(await failure(CALL)).toBe(
      "100350 Request failed for external function ECHO. Error: Timeout was reached",
    );
  });

  test("one that is not there cannot be reached", async () => {
    await service.stop(true);
    expect(await failure(CALL)).toContain(
      "100350 Request failed for external function ECHO. Error: Remote service cannot be reached.",
    );
  });

  test("a cancelled query waits for it no longer", async () => {
    const called = Promise.withResolvers<void>();
    const hang: Answer = () => {
      called.resolve();
      return new Promise<Response>(() => undefined);
    };
    answers = Array.from({ length: 100 }, () => hang);
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    const statement = connection.execute({ sqlText: CALL, complete: (error) => resolve(error) });
    await called.promise;
    await new Promise<void>((done) => statement.cancel(() => done()));
    expect(String(await promise)).toContain("canceled");
  });
});

describe("within a procedure", () => {
  beforeEach(async () => {
    await run("CREATE TABLE t (n NUMBER)");
    await run("CREATE TABLE log_table (n NUMBER)");
    await run("CREATE STREAM s ON TABLE t APPEND_ONLY = TRUE");
    await run("INSERT INTO t VALUES (1)");
    await run(`CREATE PROCEDURE send() RETURNS VARIANT LANGUAGE JAVASCRIPT AS $$
      snowflake.execute({sqlText: "BEGIN"});
      try {
        snowflake.execute({sqlText: "INSERT INTO log_table SELECT n FROM s"});
        var result = snowflake.execute({sqlText: "SELECT echo(?)", binds: ["stream"]});
        result.next();
        snowflake.execute({sqlText: "COMMIT"});
        return result.getColumnValue(1);
      } catch (error) {
        snowflake.execute({sqlText: "ROLLBACK"});
        throw error;
      }
    $$`);
  });

  test("a call that succeeds lets the stream be consumed", async () => {
    expect(await run("CALL send()")).toEqual([[{ args: ["stream"] }]]);
    expect(await run("SELECT (SELECT COUNT(*) FROM s), (SELECT COUNT(*) FROM log_table)")).toEqual([
      [0, 1],
    ]);
  });

  test("a call that fails leaves the stream its rows", async () => {
    answers.push(status(400, "no"));
    expect(await failure("CALL send()")).toStartWith(
      "100183 Execution error in store procedure SEND:\nRequest failed for external function ECHO with remote service error: 400 'no'\nAt Snowflake.execute, line ",
    );
    expect(await run("SELECT (SELECT COUNT(*) FROM s), (SELECT COUNT(*) FROM log_table)")).toEqual([
      [1, 0],
    ]);
  });
});

describe("showing", () => {
  test("functions are listed, described and dropped", async () => {
    const [row] = await run("SHOW EXTERNAL FUNCTIONS");
    expect(Array.isArray(row) ? [row[1], row[8], row[14], row[15]] : row).toEqual([
      "ECHO",
      "ECHO(VARCHAR) RETURN VARIANT",
      "Y",
      "EXTERNAL",
    ]);
    const described = await run("DESCRIBE FUNCTION echo(VARCHAR)");
    expect(described).toContainEqual(["body", url()]);
    expect(described).toContainEqual(["compression", "NONE"]);
    await run("DROP FUNCTION echo(VARCHAR)");
    expect(await failure(CALL)).toStartWith("002140");
    expect(await run("SHOW USER FUNCTIONS")).toEqual([]);
  });

  test("the columns of a call are told without calling", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const statement = connection.execute({
      sqlText: "SELECT echo('x') AS r",
      describeOnly: true,
      complete: () => resolve(statement.getColumns()?.[0]?.getType() ?? ""),
    });
    expect(await promise).toBe("variant");
    expect(seen).toEqual([]);
  });
});
