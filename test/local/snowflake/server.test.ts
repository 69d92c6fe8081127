import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** The whole local Snowflake: real driver, wire, engine and sample data. */

const SAMPLE = { database: "SNOWFLAKE_SAMPLE_DATA", schema: "TPCH_SF1" };
/** Runs for minutes unless it is stopped. */
const ENDLESS =
  "SELECT COUNT(*) FROM LINEITEM A, LINEITEM B, LINEITEM C WHERE A.L_COMMENT < B.L_COMMENT || C.L_COMMENT";

let server: LocalSnowflake;

beforeAll(async () => {
  server = await startLocalSnowflake({ holdSeconds: 0.2 });
});
afterAll(() => server[Symbol.asyncDispose]());

describe("sample data", () => {
  test("is there as in every account", async () => {
    const connection = await connect(server);
    const { rows, statement } = await execute(
      connection,
      `SELECT L_RETURNFLAG, SUM(L_QUANTITY) AS QUANTITY, COUNT(*) AS LINES FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM
       GROUP BY L_RETURNFLAG ORDER BY L_RETURNFLAG`,
    );
    expect(rows).toHaveLength(3);
    expect(statement.getColumns()?.map((column) => column.getName())).toEqual([
      "L_RETURNFLAG",
      "QUANTITY",
      "LINES",
    ]);
  });

  test("all 60,000 line items arrive in order, in chunks", async () => {
    const connection = await connect(server, SAMPLE);
    const { statement } = await execute(
      connection,
      "SELECT * FROM LINEITEM ORDER BY L_ORDERKEY, L_LINENUMBER",
      {
        streamResult: true,
      },
    );
    let count = 0;
    let last = 0;
    for await (const row of statement.streamRows()) {
      const key = Number(row[0]) * 8 + Number(row[3]);
      if (key <= last) throw new Error(`Row ${count} is out of order.`);
      last = key;
      count += 1;
    }
    expect(count).toBe(60_000);
    expect(statement.getNumRows()).toBe(60_000);
  });
});

describe("statements", () => {
  test("what is inserted with bulk binds is selected again", async () => {
    const connection = await connect(server);
    await execute(connection, "CREATE DATABASE WIRE_TEST");
    await execute(connection, "CREATE TABLE T (ID NUMBER(38,0), NAME VARCHAR(20))");
    const binds = [
      [1, "one"],
      [2, null],
      [3, "NULL"],
    ];
    const inserted = await execute(connection, "INSERT INTO T VALUES (?, ?)", { binds });
    expect(inserted.statement.getNumUpdatedRows()).toBe(3);
    const { rows } = await execute(connection, "SELECT * FROM T WHERE ID >= ? ORDER BY ID", {
      binds: [1],
    });
    expect(rows).toEqual(binds);
  });

  test("an error has Snowflake's code and state", async () => {
    const connection = await connect(server, SAMPLE);
    expect(await failureOf(execute(connection, "SELECT * FROM NO_SUCH_TABLE"))).toMatchObject({
      code: "002003",
      sqlState: "42S02",
    });
    expect(await failureOf(execute(connection, "SELECT 1 FROM WHERE"))).toMatchObject({
      code: "001003",
      sqlState: "42000",
    });
  });

  test("describeOnly runs nothing", async () => {
    const connection = await connect(server, SAMPLE);
    const { statement, rows } = await execute(connection, ENDLESS, { describeOnly: true });
    expect(rows).toEqual([]);
    expect(statement.getColumns()?.map((column) => column.getType())).toEqual(["fixed"]);
  });

  test("session parameters change and are echoed", async () => {
    const connection = await connect(server);
    await execute(connection, "ALTER SESSION SET TIMEZONE = 'Europe/Berlin'");
    const { rows } = await execute(
      connection,
      "SELECT '2026-07-01 12:00:00 +0000'::TIMESTAMP_LTZ",
      {
        fetchAsString: ["Date"],
      },
    );
    expect(String(rows[0])).toContain("14:00:00");
  });
});

describe("queries that take long", () => {
  test("a running query is cancelled in the database, and its session goes on", async () => {
    const connection = await connect(server, SAMPLE);
    const ended = Promise.withResolvers<Error | undefined>();
    const statement = connection.execute({
      sqlText: ENDLESS,
      complete: (error) => ended.resolve(error),
    });
    // After the first 333333 answer the driver knows the query's id, and cancels by that.
    while (statement.getQueryId() === undefined) await Bun.sleep(10);
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      statement.cancel((error) => (error ? reject(error) : resolve()));
    });
    expect(await ended.promise).toMatchObject({ code: "000604", sqlState: "57014" });
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect((await execute(connection, "SELECT 1")).rows).toEqual([[1]]);
  });

  test("a statement timeout ends the query", async () => {
    const connection = await connect(server, SAMPLE);
    const parameters = { STATEMENT_TIMEOUT_IN_SECONDS: 1 };
    expect(await failureOf(execute(connection, ENDLESS, { parameters }))).toMatchObject({
      code: "000630",
    });
  });

  test("an async query is followed and read by its id", async () => {
    const connection = await connect(server, SAMPLE);
    const { statement } = await execute(connection, "SELECT COUNT(*) AS N FROM LINEITEM", {
      asyncExec: true,
    });
    const result = await connection.getResultsFromQueryId({
      queryId: statement.getQueryId(),
      sqlText: "",
    });
    const rows = [];
    for await (const row of result.streamRows()) rows.push(row);
    expect(rows).toEqual([{ N: 60_000 }]);
  });

  test("destroying a connection stops what runs in it", async () => {
    const connection = await connect(server, SAMPLE);
    const { statement } = await execute(connection, ENDLESS, { asyncExec: true });
    const other = await connect(server, SAMPLE);
    expect(await other.getQueryStatus(statement.getQueryId())).toBe("RUNNING");
    await new Promise<void>((resolve, reject) => {
      connection.destroy((error) => (error ? reject(error) : resolve()));
    });
    expect(await other.getQueryStatus(statement.getQueryId())).toBe("NO_QUERY_DATA");
    expect((await execute(other, "SELECT COUNT(*) FROM REGION")).rows).toEqual([[5]]);
  });
});

describe("sessions", () => {
  test("a session that expires keeps its context and its transaction", async () => {
    const connection = await connect(server, SAMPLE);
    await execute(connection, "CREATE DATABASE IF NOT EXISTS EXPIRY_TEST");
    await execute(connection, "CREATE TABLE COUNTED (N NUMBER)");
    await execute(connection, "BEGIN");
    await execute(connection, "INSERT INTO COUNTED VALUES (1)");
    server.expireSessions();
    expect((await execute(connection, "SELECT COUNT(*) FROM COUNTED")).rows).toEqual([[1]]);
    await execute(connection, "ROLLBACK");
    expect((await execute(connection, "SELECT COUNT(*) FROM COUNTED")).rows).toEqual([[0]]);
  });

  test("a terminated session rolls back", async () => {
    const connection = await connect(server);
    await execute(connection, "CREATE DATABASE IF NOT EXISTS TERMINATION_TEST");
    await execute(connection, "CREATE TABLE COUNTED (N NUMBER)");
    await execute(connection, "BEGIN");
    await execute(connection, "INSERT INTO COUNTED VALUES (1)");
    server.terminateSessions();
    expect(Number((await failureOf(execute(connection, "COMMIT"))).code)).toBe(407002);
    const after = await connect(server);
    expect(
      (await execute(after, "SELECT COUNT(*) FROM TERMINATION_TEST.PUBLIC.COUNTED")).rows,
    ).toEqual([[0]]);
  });
});
