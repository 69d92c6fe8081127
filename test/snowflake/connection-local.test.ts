import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type LocalSnowflake, startLocalSnowflake } from "../../src/local/snowflake/server.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Row, Table } from "../../src/report/table.ts";
import { type Connection, openConnection } from "../../src/snowflake/connection.ts";
import { openReader } from "../../src/snowflake/reader.ts";
import { CONTROL_SESSION, type SnowflakeSettings } from "../../src/snowflake/settings.ts";
import type { Query } from "../../src/worker/ports.ts";
import { errorOf, reasonOf } from "./errors.ts";
import { settingsFor } from "./fake-warehouse.ts";

const LINE_ITEMS = 20_000;

let local: LocalSnowflake;

beforeAll(async () => {
  local = await startLocalSnowflake({ port: 0, account: "local", sampleLineItems: LINE_ITEMS });
});

afterAll(async () => {
  await local[Symbol.asyncDispose]();
});

function settings(changes: Partial<SnowflakeSettings> = {}): SnowflakeSettings {
  return settingsFor(local.url, { account: local.account, ...changes });
}

function connect(): Promise<Connection> {
  return openConnection(settings(), { sessionParameters: CONTROL_SESSION, queryTag: "test" });
}

function queryOf(sql: string, changes: Partial<Query> = {}): Query {
  return { sql, binds: [], timeoutSeconds: 60, tag: {}, timezone: "UTC", ...changes };
}

const never = new AbortController().signal;

async function rowsOf(table: Table): Promise<Row[]> {
  return (await Array.fromAsync(table.batches)).flat();
}

/** Enough work for minutes, which a cancel ends. */
const ENDLESS =
  "SELECT COUNT(*) FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM A, " +
  "SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM B, SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM C " +
  "WHERE A.L_COMMENT || B.L_COMMENT < C.L_COMMENT || '%'";

describe("over the wire of the local Snowflake", () => {
  test("types and nulls", async () => {
    await using connection = await connect();
    const { rows } = await connection.execute(
      `SELECT 99999999999999999999999999999999999999::NUMBER(38,0) AS BIG, -1.50::NUMBER(10,2) AS DEC,
         'it''s' AS TXT, TRUE AS T, FALSE AS F, NULL::VARCHAR AS N,
         DATE_PART(epoch_millisecond, '2026-01-02 03:04:05.678'::TIMESTAMP_NTZ) AS MS`,
    );
    expect(rows).toEqual([
      {
        BIG: "99999999999999999999999999999999999999",
        DEC: "-1.50",
        TXT: "it's",
        T: "true",
        F: "false",
        N: null,
        MS: "1767323045678",
      },
    ]);
  });

  test("binds, counts of rows, and what a failed statement says", async () => {
    await using connection = await connect();
    await connection.execute("CREATE DATABASE IF NOT EXISTS BINDS");
    await connection.execute("CREATE OR REPLACE TABLE BINDS.PUBLIC.T (A INT, B VARCHAR)");
    const inserted = await connection.execute("INSERT INTO BINDS.PUBLIC.T VALUES (?, ?), (?, ?)", [
      1,
      "x",
      2,
      null,
    ]);
    expect(inserted.rowsAffected).toBe(2);
    const updated = await connection.execute("UPDATE BINDS.PUBLIC.T SET B = ? WHERE A = ?", [
      "y",
      2,
    ]);
    expect(updated.rowsAffected).toBe(1);
    const { rows } = await connection.execute("SELECT A, B FROM BINDS.PUBLIC.T ORDER BY A");
    expect(rows).toEqual([
      { A: "1", B: "x" },
      { A: "2", B: "y" },
    ]);
    const error = await errorOf(connection.execute("SELECT * FROM BINDS.PUBLIC.MISSING"));
    expect(error).toMatchObject({ code: "query_failed", retryable: false });
    expect(error.warehouse).toMatchObject({ vendorCode: "002003", sqlState: "42S02" });
  });

  test("transactions of lanes do not mix, and a thrown one leaves nothing", async () => {
    await using connection = await connect();
    await connection.execute("CREATE DATABASE IF NOT EXISTS LANES");
    await connection.execute("CREATE OR REPLACE TABLE LANES.PUBLIC.T (LANE INT, STEP INT)");
    const insert = "INSERT INTO LANES.PUBLIC.T VALUES (?, ?)";
    const lanes = [1, 2, 3].map((lane) =>
      connection.transaction(async (transaction) => {
        await transaction.execute(insert, [lane, 1]);
        await transaction.execute(insert, [lane, 2]);
        if (lane === 2) throw new Error("lane 2 fails");
      }),
    );
    const results = await Promise.allSettled(lanes);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const { rows } = await connection.execute(
      "SELECT LANE, COUNT(*) AS N FROM LANES.PUBLIC.T GROUP BY LANE ORDER BY LANE",
    );
    expect(rows).toEqual([
      { LANE: "1", N: "2" },
      { LANE: "3", N: "2" },
    ]);
  });

  test("a wrong account is a refused login", async () => {
    const wrong = settings({ account: "other" });
    const error = await errorOf(openConnection(wrong, { sessionParameters: {} }));
    expect(error).toMatchObject({ code: "login_refused", warehouse: { vendorCode: "390100" } });
  });

  test("an expired session is renewed, a terminated one replaced", async () => {
    await using connection = await connect();
    local.expireSessions();
    expect((await connection.execute("SELECT 1 AS A")).rows).toEqual([{ A: "1" }]);
    local.terminateSessions();
    expect((await connection.execute("SELECT 2 AS A")).rows).toEqual([{ A: "2" }]);
  });

  test("a session that is terminated within a transaction fails it and keeps nothing", async () => {
    await using connection = await connect();
    await connection.execute("CREATE DATABASE IF NOT EXISTS ENDED");
    await connection.execute("CREATE OR REPLACE TABLE ENDED.PUBLIC.T (A INT)");
    const error = await errorOf(
      connection.transaction(async (transaction) => {
        await transaction.execute("INSERT INTO ENDED.PUBLIC.T VALUES (1)");
        local.terminateSessions();
        await transaction.execute("INSERT INTO ENDED.PUBLIC.T VALUES (2)");
      }),
    );
    expect(error).toMatchObject({ code: "warehouse_unavailable", retryable: true });
    const { rows } = await connection.execute("SELECT COUNT(*) AS N FROM ENDED.PUBLIC.T");
    expect(rows).toEqual([{ N: "0" }]);
  });

  test("a result in chunks comes whole and in the query's order, exactly", async () => {
    await using reader = await openReader(settings());
    const { table, degraded } = await reader.query(
      queryOf(
        `SELECT L_ORDERKEY, L_LINENUMBER, L_EXTENDEDPRICE, L_SHIPDATE, L_COMMENT
         FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM ORDER BY L_ORDERKEY, L_LINENUMBER`,
      ),
      never,
    );
    expect(degraded).toBe(false);
    expect(table.columns.map((column) => column.type)).toEqual([
      "fixed",
      "fixed",
      "fixed",
      "date",
      "text",
    ]);
    const rows = await rowsOf(table);
    expect(rows).toHaveLength(table.rowCount);
    const keys = rows.map((row) => Number(row[0]) * 100 + Number(row[1]));
    expect(keys).toEqual(keys.toSorted((a, b) => a - b));
    await using connection = await connect();
    const { rows: totals } = await connection.execute(
      "SELECT COUNT(*) AS N, SUM(L_EXTENDEDPRICE) AS TOTAL FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM",
    );
    const cents = rows.reduce((sum, row) => sum + BigInt((row[2] ?? "").replace(".", "")), 0n);
    expect(totals).toEqual([
      { N: String(rows.length), TOTAL: `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}` },
    ]);
  });

  test("an abort ends the query in the warehouse", async () => {
    await using reader = await openReader(settings());
    const controller = new AbortController();
    const reason = new ReportError("cancelled", "by its owner");
    const running = reader.query(queryOf(ENDLESS), controller.signal);
    setTimeout(() => controller.abort(reason), 300);
    expect(await reasonOf(running)).toBe(reason);
  });

  test("the statement timeout ends the query in the warehouse", async () => {
    await using reader = await openReader(settings());
    const error = await errorOf(reader.query(queryOf(ENDLESS, { timeoutSeconds: 1 }), never));
    expect(error).toMatchObject({ code: "query_timeout", retryable: true });
    expect(error.warehouse).toMatchObject({ vendorCode: "000630" });
  });

  test("one query sends one statement: a second one is refused", async () => {
    await using reader = await openReader(settings());
    const error = await errorOf(reader.query(queryOf("SELECT 1; SELECT 2"), never));
    expect(error.code).toBe("query_failed");
  });
});
