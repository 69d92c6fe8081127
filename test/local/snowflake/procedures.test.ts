import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Binds, Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** JavaScript procedures, created and called by the real driver. */

let server: LocalSnowflake;
let connection: Connection;

async function run(sqlText: string, binds: Binds = []): Promise<readonly unknown[]> {
  return (await execute(connection, sqlText, { binds })).rows;
}

async function failure(sqlText: string): Promise<string> {
  const error = await failureOf(run(sqlText));
  return `${error.code} ${error.message}`;
}

/** The one cell of the one row. */
async function cell(sqlText: string, binds: Binds = []): Promise<unknown> {
  const [row] = await run(sqlText, binds);
  return Array.isArray(row) ? row[0] : undefined;
}

/** Creates P with this body and calls it without arguments. */
async function callBody(body: string, clauses = "RETURNS VARIANT"): Promise<unknown> {
  await create("p()", clauses, body);
  return await cell("CALL p()");
}

async function failBody(body: string, clauses = "RETURNS VARIANT"): Promise<string> {
  await create("p()", clauses, body);
  return await failure("CALL p()");
}

async function create(signature: string, clauses: string, body: string): Promise<void> {
  const text = `CREATE OR REPLACE PROCEDURE ${signature} ${clauses} LANGUAGE JAVASCRIPT AS $$${body}$$`;
  await run(text);
}

beforeAll(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 0 });
  connection = await connect(server, { role: "ACCOUNTADMIN" });
  await run("CREATE DATABASE d");
});

afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  await run("CREATE OR REPLACE TABLE t (id NUMBER, name VARCHAR)");
});

describe("creating and calling", () => {
  test("a procedure is created as a function, and its result is named as it is", async () => {
    const created = await run(
      "CREATE PROCEDURE hello() RETURNS VARCHAR LANGUAGE JAVASCRIPT EXECUTE AS OWNER COMMENT = 'x' AS 'return \"hi\";'",
    );
    expect(created).toEqual([["Function HELLO successfully created."]]);
    const { statement, rows } = await execute(connection, "CALL hello()");
    expect(rows).toEqual([["hi"]]);
    expect(statement.getColumns()?.map((column) => [column.getName(), column.getType()])).toEqual([
      ["HELLO", "text"],
    ]);
  });

  test("arguments are bound, computed, named or left to their defaults", async () => {
    await create(
      "args(a VARCHAR, b FLOAT DEFAULT 1 + 1)",
      "RETURNS VARCHAR",
      "return A + ':' + B;",
    );
    expect(await cell("CALL args(?, ?)", ["x", 5])).toBe("x:5");
    expect(await cell("CALL args('y' || 'z')")).toBe("yz:2");
    expect(await cell("CALL args(b => ?, a => ?)", [7, "n"])).toBe("n:7");
    expect(await failure("CALL args()")).toStartWith("002023");
    expect(await failure("CALL nosuch()")).toStartWith(
      "002141 SQL compilation error:\nUnknown user-defined function D.PUBLIC.NOSUCH",
    );
  });

  test("overloads are told apart by their arguments' types and dropped one by one", async () => {
    await create("over(a VARCHAR)", "RETURNS VARCHAR", "return 'text';");
    await create("over(a FLOAT)", "RETURNS VARCHAR", "return 'number';");
    await create("over(a VARCHAR, b VARCHAR)", "RETURNS VARCHAR", "return 'two';");
    const answers = [await cell("CALL over('x')"), await cell("CALL over(1)")];
    expect([...answers, await cell("CALL over('x', 'y')")]).toEqual(["text", "number", "two"]);
    await run("DROP PROCEDURE over(FLOAT)");
    expect(await cell("CALL over(1)")).toBe("text");
    const shown = await run("SHOW PROCEDURES LIKE 'OVER'");
    expect(shown.map((row) => (Array.isArray(row) ? row[8] : row))).toEqual([
      "OVER(VARCHAR) RETURN VARCHAR",
      "OVER(VARCHAR, VARCHAR) RETURN VARCHAR",
    ]);
    expect(await failure("DROP PROCEDURE over(FLOAT)")).toStartWith("002003");
    expect(await run("DROP PROCEDURE IF EXISTS over(FLOAT)")).toEqual([
      ["Drop statement executed successfully (OVER already dropped)."],
    ]);
  });

  test("what exists is kept, replaced or refused as the statement says", async () => {
    await create("kept()", "RETURNS VARCHAR", "return 'first';");
    const again = "PROCEDURE kept() RETURNS VARCHAR LANGUAGE JAVASCRIPT AS $$ return 'second'; $$";
    expect(await failure(`CREATE ${again}`)).toStartWith("002002");
    await run(again.replace("PROCEDURE kept", "CREATE PROCEDURE IF NOT EXISTS kept"));
    expect(await cell("CALL kept()")).toBe("first");
    await run(`CREATE OR REPLACE ${again}`);
    expect(await cell("CALL kept()")).toBe("second");
  });

  test("it is described with its signature, rights and body", async () => {
    await create(
      "told(a VARCHAR)",
      "COPY GRANTS RETURNS VARIANT NOT NULL STRICT EXECUTE AS CALLER",
      " return 1; ",
    );
    expect(await run("DESCRIBE PROCEDURE told(VARCHAR)")).toEqual([
      ["signature", "(A VARCHAR)"],
      ["returns", "VARIANT NOT NULL"],
      ["language", "JAVASCRIPT"],
      ["null handling", "RETURNS NULL ON NULL INPUT"],
      ["execute as", "CALLER"],
      ["body", " return 1; "],
    ]);
  });

  test("NUMBER is refused, and so are other languages, as in Snowflake", async () => {
    const number =
      "CREATE PROCEDURE n(a NUMBER) RETURNS VARCHAR LANGUAGE JAVASCRIPT AS 'return 1;'";
    expect(await failure(number)).toContain(
      "Language JAVASCRIPT does not support type 'NUMBER(38,0)' for argument or return type.",
    );
    const scripting = "CREATE PROCEDURE n() RETURNS VARCHAR LANGUAGE SQL AS 'BEGIN RETURN 1; END'";
    expect(await failure(scripting)).toStartWith("000002");
  });

  test("a strict procedure is not run for a NULL, and NOT NULL refuses one as the result", async () => {
    await create("strict(a VARCHAR)", "RETURNS VARCHAR STRICT", "throw 'it was run';");
    expect(await cell("CALL strict(NULL)")).toBeNull();
    expect(await failBody("return null;", "RETURNS VARCHAR NOT NULL")).toStartWith("100072");
  });

  test("procedures are in the file when it is opened again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "procedures-"));
    const file = join(folder, "local.duckdb");
    const asAdmin = { role: "ACCOUNTADMIN", database: "LASTING" };
    {
      await using first = await startLocalSnowflake({ sampleLineItems: 0, file });
      const session = await connect(first, asAdmin);
      await execute(session, "CREATE DATABASE lasting");
      const sql =
        "CREATE PROCEDURE p() RETURNS VARCHAR LANGUAGE JAVASCRIPT AS $$ return 'still'; $$";
      await execute(session, sql);
    }
    await using second = await startLocalSnowflake({ sampleLineItems: 0, file });
    const session = await connect(second, asAdmin);
    expect((await execute(session, "CALL p()")).rows).toEqual([["still"]]);
    await execute(session, "DROP SCHEMA public");
    expect((await execute(session, "SHOW PROCEDURES IN ACCOUNT")).rows).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe("values", () => {
  test("columns are JavaScript's values by their types", async () => {
    const body = `
      var r = snowflake.execute({sqlText: \`SELECT 12.5::NUMBER(10,2), 'x', TRUE, NULL, PARSE_JSON('{"a":[1]}'),
        '2026-03-04 05:06:07.089'::TIMESTAMP_NTZ, '2026-03-04'::DATE, 1.5::FLOAT, '01:02:03'::TIME AS "lower"\`});
      r.next();
      var time = r.getColumnValue(6);
      return [r.getColumnValue(1), r.getColumnValue(2), r.getColumnValue(3), r.getColumnValue(4) === null,
        r.getColumnValue(5).a[0], time instanceof Date, time.getUTCHours(), time.getNanoSeconds(),
        r.getColumnValue(7).toISOString(), r.getColumnValue(8), r.getColumnValue("lower"),
        r.getColumnValueAsString(6), r.getColumnValueAsString(5), r.next()];`;
    expect(await callBody(body)).toEqual([
      12.5,
      "x",
      true,
      true,
      1,
      true,
      5,
      89_000_000,
      "2026-03-04T00:00:00.000Z",
      1.5,
      "01:02:03",
      "2026-03-04 05:06:07.089",
      '{"a":[1]}',
      false,
    ]);
  });

  test("arguments come as JavaScript's values, a NULL as undefined", async () => {
    await create(
      "given(v VARIANT, a ARRAY, t TIMESTAMP_NTZ, n VARCHAR, b BOOLEAN)",
      "RETURNS VARIANT",
      "return [V.x, A.length, T.getUTCFullYear(), N === undefined, B, arguments.length];",
    );
    const call =
      "CALL given(PARSE_JSON('{\"x\":7}'), ARRAY_CONSTRUCT(1, 2), '2026-01-01', NULL, FALSE)";
    expect(await cell(call)).toEqual([7, 2, 2026, true, false, 5]);
  });

  test("a result is cast to the declared type", async () => {
    expect(await callBody("return '7';", "RETURNS FLOAT")).toBe(7);
    expect(await callBody("return 1 > 0;", "RETURNS BOOLEAN")).toBe(true);
    const date = await callBody("return new Date(Date.UTC(2026, 0, 2));", "RETURNS DATE");
    expect(date).toEqual(new Date(Date.UTC(2026, 0, 2)));
    expect(await callBody("", "RETURNS VARCHAR")).toBeNull();
  });

  test("statements tell of themselves", async () => {
    const body = `
      var s = snowflake.createStatement({sqlText: "INSERT INTO t SELECT ?, ? UNION ALL SELECT 2, 'b'", binds: [1, null]});
      s.execute();
      var u = snowflake.execute({sqlText: "UPDATE t SET name = 'c'"});
      var q = snowflake.createStatement({sqlText: "SELECT * FROM t"});
      q.execute();
      return [s.getSqlText().slice(0, 6), s.getNumRowsInserted(), s.getNumRowsAffected(), u.getNumRowsUpdated(),
        q.getRowCount(), q.getColumnCount(), q.getColumnName(2), q.getColumnSqlType(1), q.getNumRowsAffected(),
        typeof q.getQueryId()];`;
    expect(await callBody(body)).toEqual(["INSERT", 2, 2, 2, 2, 2, "NAME", "NUMBER", 0, "string"]);
  });

  test("what has no SQL type cannot be bound", async () => {
    const body = 'snowflake.execute({sqlText: "SELECT ?, ?", binds: [1, undefined]});';
    expect(await failBody(body)).toContain("Unsupported type for binding argument 2undefined");
  });
});

describe("errors", () => {
  test("a failed statement can be caught and tells what Snowflake's tells", async () => {
    const body = `
try { snowflake.execute({sqlText: "SELECT * FROM nosuch"}); }
catch (e) { return [e.code, e.state, e.message, e.stackTraceTxt, e instanceof Error]; }`;
    expect(await callBody(body)).toEqual([
      100_183,
      "P0000",
      "SQL compilation error:\nObject 'D.PUBLIC.NOSUCH' does not exist or not authorized.",
      "At Snowflake.execute, line 2 position 16",
      true,
    ]);
  });

  test("a failed statement that is not caught fails the call with 100183", async () => {
    const body = '\n\n  snowflake.createStatement({sqlText: "SELECT * FROM nosuch"}).execute();';
    expect(await failBody(body)).toMatch(
      /^100183 Execution error in store procedure P:\nSQL compilation error:\nObject 'D.PUBLIC.NOSUCH' does not exist or not authorized.\nAt Statement.execute, line 3 position \d+$/,
    );
  });

  test("any other error fails it with 100132, the line and the place", async () => {
    expect(await failBody('\n  throw new TypeError("no way");')).toBe(
      "100132 JavaScript execution error: Uncaught TypeError: no way in P at '  throw new TypeError(\"no way\");' position 2\nstackstrace: \nP line: 2",
    );
    expect(await failBody("throw 'plain';")).toContain("Uncaught plain in P");
    expect(await failBody("return (;")).toContain("Uncaught SyntaxError");
  });

  test("a procedure within a procedure fails with both their names", async () => {
    await create("inner_one()", "RETURNS VARCHAR", 'snowflake.execute({sqlText: "SELECT 1 +"});');
    const failed = await failBody('snowflake.execute({sqlText: "CALL inner_one()"});');
    expect(failed).toContain(
      "Execution error in store procedure P:\nExecution error in store procedure INNER_ONE:",
    );
  });

  test("calls within calls end at a depth of 8", async () => {
    expect(await failBody('snowflake.execute({sqlText: "CALL p()"});')).toContain(
      "call depth exceeds 8",
    );
  });
});

describe("the body's world", () => {
  test("has the language and snowflake, and nothing of the machine", async () => {
    const names = [
      "process",
      "require",
      "Bun",
      "fetch",
      "setTimeout",
      "console",
      "module",
      "Worker",
    ];
    const body = `return [${names.map((name) => `typeof ${name}`).join(", ")}, typeof globalThis.Bun,
      typeof (function () { return this.process; })(), typeof JSON, typeof Math];`;
    const nothing = Array.from({ length: names.length + 2 }, () => "undefined");
    expect(await callBody(body)).toEqual([...nothing, "object", "object"]);
  });

  test("does not get at the machine through the API's objects", async () => {
    const escape = "return snowflake.execute.constructor('return typeof Bun')();";
    expect(await failBody(escape)).toStartWith("100132");
  });
});

describe("transactions", () => {
  const count = async (): Promise<unknown> => await cell("SELECT COUNT(*) FROM t");

  test("begun and committed in the body, they are", async () => {
    const body = `
      snowflake.execute({sqlText: "BEGIN TRANSACTION"});
      snowflake.execute({sqlText: "INSERT INTO t VALUES (1, 'a')"});
      snowflake.execute({sqlText: "COMMIT"});`;
    await callBody(body);
    expect(await count()).toBe(1);
  });

  test("one that is left open is rolled back, which is an error", async () => {
    const body = `
      snowflake.execute({sqlText: "BEGIN"});
      snowflake.execute({sqlText: "INSERT INTO t VALUES (1, 'a')"});`;
    expect(await failBody(body)).toBe(
      "090232 Stored procedure execution error: Scoped transaction started in stored procedure is incomplete and it was rolled back.",
    );
    expect(await count()).toBe(0);
  });

  test("an uncaught error rolls back what the body began, and keeps what was done before", async () => {
    const body = `
      snowflake.execute({sqlText: "INSERT INTO t VALUES (1, 'kept')"});
      snowflake.execute({sqlText: "BEGIN"});
      snowflake.execute({sqlText: "INSERT INTO t VALUES (2, 'lost')"});
      throw new Error("stop");`;
    expect(await failBody(body)).toStartWith("100132");
    expect(await run("SELECT name FROM t")).toEqual([["kept"]]);
  });

  test("a caught failure is followed by a rollback and raised again, and the stream keeps its rows", async () => {
    await run("CREATE OR REPLACE STREAM s ON TABLE t APPEND_ONLY = TRUE");
    await run("CREATE OR REPLACE TABLE log_table (id NUMBER)");
    await run("INSERT INTO t VALUES (1, 'a')");
    const body = `
      snowflake.execute({sqlText: "BEGIN"});
      try {
        snowflake.execute({sqlText: "INSERT INTO log_table SELECT id FROM s"});
        snowflake.execute({sqlText: "SELECT * FROM nosuch"});
        snowflake.execute({sqlText: "COMMIT"});
      } catch (error) {
        snowflake.execute({sqlText: "ROLLBACK"});
        throw error;
      }`;
    expect(await failBody(body)).toStartWith("100183");
    expect(await cell("SELECT COUNT(*) FROM s")).toBe(1);
    expect(await cell("SELECT COUNT(*) FROM log_table")).toBe(0);
  });

  test("the caller's transaction holds the body's statements and cannot be ended there", async () => {
    await create(
      "adds()",
      "RETURNS VARCHAR",
      `snowflake.execute({sqlText: "INSERT INTO t VALUES (1, 'a')"});`,
    );
    await create("ends()", "RETURNS VARCHAR", 'snowflake.execute({sqlText: "COMMIT"});');
    await run("BEGIN");
    await run("CALL adds()");
    expect(await failure("CALL ends()")).toContain("started at a different scope");
    await run("ROLLBACK");
    expect(await count()).toBe(0);
  });

  test("one begun in the body is apart from the caller's", async () => {
    await run("CREATE OR REPLACE TABLE other (id NUMBER)");
    const body = ["BEGIN", "INSERT INTO other VALUES (1)", "COMMIT"]
      .map((sql) => `snowflake.execute({sqlText: "${sql}"});`)
      .join("\n");
    await create("apart()", "RETURNS VARCHAR", body);
    await run("BEGIN");
    await run("INSERT INTO t VALUES (1, 'a')");
    await run("CALL apart()");
    await run("ROLLBACK");
    expect([await count(), await cell("SELECT COUNT(*) FROM other")]).toEqual([0, 1]);
  });
});

describe("rights", () => {
  test("the owner's: names are found beside the procedure, and the session stays as it is", async () => {
    await create(
      "here()",
      "RETURNS VARCHAR EXECUTE AS OWNER",
      `
      var r = snowflake.execute({sqlText: "SELECT CURRENT_SCHEMA() || (SELECT COUNT(*) FROM t)"});
      r.next();
      return r.getColumnValue(1);`,
    );
    await run("CREATE SCHEMA IF NOT EXISTS d.elsewhere");
    expect(await cell("CALL d.public.here()")).toBe("PUBLIC0");
    expect(await cell("SELECT CURRENT_SCHEMA()")).toBe("ELSEWHERE");
    await run("USE SCHEMA d.public");
    const refused = await failBody('snowflake.execute({sqlText: "USE SCHEMA elsewhere"});');
    expect(refused).toContain(
      "Stored procedure execution error: Unsupported statement type 'USE'.",
    );
    const altered = await failBody(
      `snowflake.execute({sqlText: "ALTER SESSION SET QUERY_TAG = 'x'"});`,
    );
    expect(altered).toContain("Unsupported statement type 'ALTER_SESSION'.");
  });

  test("with the owner's rights a caller needs the procedure alone, with its own the tables too", async () => {
    await run("CREATE ROLE IF NOT EXISTS runner");
    await run("INSERT INTO t VALUES (1, 'a')");
    const body = `var s = snowflake.createStatement({sqlText: "SELECT * FROM t"});
      s.execute();
      return s.getRowCount();`;
    await create("owned()", "RETURNS FLOAT EXECUTE AS OWNER", body);
    await create("called()", "RETURNS FLOAT EXECUTE AS CALLER", body);
    for (const on of ["DATABASE d", "SCHEMA d.public", "PROCEDURE owned()", "PROCEDURE called()"])
      await run(`GRANT USAGE ON ${on} TO ROLE runner`);
    const runner = await connect(server, { role: "RUNNER", database: "D" });
    expect((await execute(runner, "CALL owned()")).rows).toEqual([[1]]);
    const error = await failureOf(execute(runner, "CALL called()"));
    expect(error.message).toContain("'D.PUBLIC.T' does not exist or not authorized");
    runner.destroy(() => undefined);
  });

  test("the caller's: what it sets in the session stays", async () => {
    await create(
      "moves()",
      "RETURNS VARCHAR EXECUTE AS CALLER",
      'snowflake.execute({sqlText: "USE SCHEMA d.elsewhere"});',
    );
    await run("CALL moves()");
    expect(await cell("SELECT CURRENT_SCHEMA()")).toBe("ELSEWHERE");
    await run("USE SCHEMA d.public");
  });
});

describe("the statements of a body", () => {
  test("are in QUERY_HISTORY with ids of their own", async () => {
    const body = `
      var s = snowflake.createStatement({sqlText: "SELECT 'seen in history'"});
      s.execute();
      return s.getQueryId();`;
    const queryId = await callBody(body, "RETURNS VARCHAR");
    const sql =
      "SELECT query_text, execution_status FROM snowflake.account_usage.query_history WHERE query_id = ?";
    expect(await run(sql, [String(queryId)])).toEqual([["SELECT 'seen in history'", "SUCCESS"]]);
    expect(
      await cell(
        "SELECT COUNT(*) FROM snowflake.account_usage.query_history WHERE query_type = 'CALL'",
      ),
    ).toBeGreaterThan(0);
  });

  test("are stopped with the call, and so is a body that never ends", async () => {
    const slow = 'snowflake.execute({sqlText: "SELECT SYSTEM$WAIT(60)"});';
    for (const body of ["while (true) {}", slow]) {
      await create("p()", "RETURNS VARCHAR", body);
      const { promise, resolve } = Promise.withResolvers<Error | undefined>();
      const statement = connection.execute({
        sqlText: "CALL p()",
        complete: (error) => resolve(error),
      });
      await whenRunning("CALL p()");
      const begunMs = performance.now();
      await new Promise<void>((done) => statement.cancel(() => done()));
      expect(String(await promise)).toContain("canceled");
      expect(performance.now() - begunMs).toBeLessThan(5_000);
    }
  });

  test("are stopped by the timeout of the call", async () => {
    await create("p()", "RETURNS VARCHAR", "while (true) {}");
    const parameters = { STATEMENT_TIMEOUT_IN_SECONDS: 1 };
    const error = await failureOf(execute(connection, "CALL p()", { parameters }));
    expect(error.code).toBe("000630");
  });
});

/** Until another session sees the statement running, and its body has had the time to begin. */
async function whenRunning(sql: string): Promise<void> {
  const watcher = await connect(server, { role: "ACCOUNTADMIN" });
  const watch =
    "SELECT COUNT(*) FROM snowflake.account_usage.query_history WHERE query_text = ? AND execution_status = 'RUNNING'";
  for (let count: unknown = 0; count === 0;) {
    const { rows } = await execute(watcher, watch, { binds: [sql] });
    const [row] = rows;
    count = Array.isArray(row) ? row[0] : 0;
  }
  watcher.destroy(() => undefined);
}
