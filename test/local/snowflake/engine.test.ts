import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { EngineSession } from "../../../src/local/snowflake/engine.ts";
import {
  binds,
  cell,
  failure,
  openSecond,
  openTestEngine,
  query,
  readRows,
  statement,
  type TestEngine,
  wireTypes,
} from "./engine-sessions.ts";

let engine: TestEngine;
let session: EngineSession;

beforeEach(async () => {
  ({ engine, session } = await openTestEngine());
});

afterEach(() => engine.close());

function run(sql: string, on = session): Promise<(string | null)[][]> {
  return query(on, sql);
}

describe("types", () => {
  const TABLE = `CREATE TABLE types (n NUMBER, d NUMBER(38,10), f FLOAT, s VARCHAR(5), b BOOLEAN, day DATE, t TIME,
    ntz TIMESTAMP_NTZ, ltz TIMESTAMP_LTZ, tz TIMESTAMP_TZ, bin BINARY, v VARIANT)`;

  test("every type keeps its values and has its name on the wire", async () => {
    await run(TABLE);
    await run(`INSERT INTO types SELECT 99999999999999999999999999999999999999, -1234567890123456789012345678.0123456789, 1e300, 'äöü€x',
      TRUE, '0001-01-01', '23:59:59.999999999', '1969-12-31 23:59:59.999999999', '2024-07-01 12:00:00 +0200',
      '2024-01-01 00:00:00.000000001 -0330', 'c0ffee', PARSE_JSON('{"k":[null,1]}')`);
    await run("INSERT INTO types (n) VALUES (NULL)");
    const result = await session.execute(statement("SELECT * FROM types ORDER BY n"));
    expect(wireTypes(result)).toEqual([
      "fixed 0",
      "fixed 10",
      "real",
      "text",
      "boolean",
      "date",
      "time",
      "timestamp_ntz",
      "timestamp_ltz",
      "timestamp_tz",
      "binary",
      "variant",
    ]);
    const [row, nulls] = await readRows(result);
    expect(row).toEqual([
      "99999999999999999999999999999999999999",
      "-1234567890123456789012345678.0123456789",
      "1e+300",
      "äöü€x",
      "1",
      "-719162",
      "86399.999999999",
      "-0.000000001",
      `${Date.parse("2024-07-01T10:00:00Z") / 1000}.000000000`,
      `${Date.parse("2024-01-01T03:30:00Z") / 1000}.000000001 1230`,
      "C0FFEE",
      '{"k":[null,1]}',
    ]);
    expect(nulls).toEqual(Array.from({ length: 12 }, () => null));
    expect(result.columns.find(({ name }) => name === "S")?.length).toBe(16_777_216);
  });

  test("sums and counts are NUMBER(38)", async () => {
    const result = await session.execute(
      statement("SELECT SUM(a), COUNT(*), SUM(b) FROM VALUES (1, 1.25) AS v(a, b)"),
    );
    expect(result.columns.map(({ type, precision, scale }) => [type, precision, scale])).toEqual([
      ["fixed", 38, 0],
      ["fixed", 38, 0],
      ["fixed", 38, 2],
    ]);
  });

  test("the session's time zone decides what day an instant is", async () => {
    await run("ALTER SESSION SET TIMEZONE = 'Asia/Tokyo'");
    const sql =
      "SELECT '2024-01-01 20:00:00 +0000'::TIMESTAMP_LTZ::DATE::VARCHAR, '2024-01-02 00:00:00'::TIMESTAMP_LTZ = '2024-01-01 15:00:00 +0000'::TIMESTAMP_LTZ";
    expect(await run(sql)).toEqual([["2024-01-02", "1"]]);
  });

  test("an empty result still has its columns, and describing runs nothing", async () => {
    await run("CREATE TABLE t (a INT, s VARCHAR)");
    const empty = await session.execute(statement("SELECT a, s || 'x' AS sx FROM t"));
    expect(wireTypes(empty)).toEqual(["fixed 0", "text"]);
    expect(await readRows(empty)).toEqual([]);
    const described = await session.execute(
      statement("INSERT INTO t VALUES (1, 'x')", { describeOnly: true }),
    );
    expect(described.columns.map(({ name }) => name)).toEqual(["number of rows inserted"]);
    expect(await cell(session, "SELECT COUNT(*) FROM t")).toBe("0");
  });

  test("large results come in batches, in order", async () => {
    const result = await session.execute(
      statement("SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 100000)) ORDER BY n"),
    );
    let batches = 0;
    let next = 0;
    for await (const rows of result.batches) {
      batches++;
      for (const [value] of rows)
        if (value !== String(next++)) throw new Error(`${value} is not ${next - 1}`);
    }
    expect(next).toBe(100_000);
    expect(batches).toBeGreaterThan(10);
  });
});

describe("data definition", () => {
  test("defaults, AUTOINCREMENT and NOT NULL", async () => {
    await run(
      "CREATE TABLE t (id NUMBER AUTOINCREMENT START 100 INCREMENT 10, u VARCHAR DEFAULT UUID_STRING(), at TIMESTAMP_NTZ DEFAULT SYSDATE(), s VARCHAR NOT NULL DEFAULT 'new', n INT)",
    );
    expect(await run("INSERT INTO t (n) VALUES (1), (2)")).toEqual([["2"]]);
    await run("INSERT INTO t (s, n) SELECT 'old', 3");
    await run("INSERT INTO t VALUES (DEFAULT, DEFAULT, NULL, DEFAULT, 4)");
    expect(await run("SELECT id, s, n, LENGTH(u), at IS NULL FROM t ORDER BY n")).toEqual([
      ["100", "new", "1", "36", "0"],
      ["110", "new", "2", "36", "0"],
      ["120", "old", "3", "36", "0"],
      ["130", "new", "4", "36", "1"],
    ]);
    expect(await cell(session, "SELECT COUNT(DISTINCT u) FROM t")).toBe("4");
    expect(await failure(run("INSERT INTO t (s) VALUES (NULL)"))).toMatchObject({
      code: "100072",
      sqlState: "22000",
    });
  });

  test("a primary key is not enforced; CHECK and lengths are", async () => {
    await run(
      "CREATE TABLE t (id INT PRIMARY KEY, kind VARCHAR(3), CHECK (kind IN ('a', 'b', 'toolong')))",
    );
    await run("INSERT INTO t VALUES (1, 'a'), (1, 'b')");
    expect(await cell(session, "SELECT COUNT(*) FROM t")).toBe("2");
    expect((await failure(run("INSERT INTO t VALUES (2, 'c')"))).message).toContain(
      "CHECK constraint failed",
    );
    expect(await failure(run("INSERT INTO t VALUES (2, 'toolong')"))).toMatchObject({
      code: "100078",
    });
    expect((await failure(run("UPDATE t SET kind = 'z'"))).message).toContain(
      "CHECK constraint failed",
    );
  });

  test("statuses are Snowflake's", async () => {
    expect(await cell(session, "CREATE TABLE IF NOT EXISTS t (a INT)")).toBe(
      "Table T successfully created.",
    );
    expect(await cell(session, "CREATE TABLE IF NOT EXISTS t (a INT)")).toBe(
      "T already exists, statement succeeded.",
    );
    expect(await failure(run("CREATE TABLE t (a INT)"))).toMatchObject({
      code: "002002",
      sqlState: "42710",
    });
    expect(await cell(session, "CREATE OR REPLACE TABLE t (b INT)")).toBe(
      "Table T successfully created.",
    );
    expect(await cell(session, "DROP TABLE t")).toBe("T successfully dropped.");
    expect(await cell(session, "DROP TABLE IF EXISTS t")).toBe(
      "Drop statement executed successfully (T already dropped).",
    );
    expect(await failure(run("DROP TABLE t"))).toMatchObject({ code: "002003", sqlState: "42S02" });
  });

  test("columns can be added, renamed and dropped, also where a stream waits", async () => {
    await run("CREATE TABLE t (a INT, b INT)");
    await run("CREATE STREAM s ON TABLE t APPEND_ONLY = TRUE");
    await run("INSERT INTO t VALUES (1, 2)");
    await run("ALTER TABLE t ADD COLUMN c VARCHAR(10) DEFAULT 'x'");
    await run("ALTER TABLE t ADD COLUMN IF NOT EXISTS c VARCHAR(10)");
    await run("ALTER TABLE t RENAME COLUMN b TO bb");
    await run("ALTER TABLE t DROP COLUMN a");
    await run("INSERT INTO t (bb) VALUES (3)");
    expect(await run("SELECT * FROM t ORDER BY bb")).toEqual([
      ["2", "x"],
      ["3", "x"],
    ]);
    expect(await run("SELECT bb, c FROM s ORDER BY bb")).toEqual([
      ["2", "x"],
      ["3", "x"],
    ]);
    expect(await failure(run("ALTER TABLE t DROP COLUMN nope"))).toMatchObject({ code: "000904" });
  });

  test("CREATE TABLE AS, LIKE and CLONE", async () => {
    await run("CREATE TABLE a AS SELECT 1 AS n, 'x' AS s, 1.50 AS d UNION ALL SELECT 2, 'y', 2.25");
    await run("CREATE TABLE b CLONE a");
    await run("CREATE TABLE c LIKE a");
    expect(await run("SELECT * FROM b ORDER BY n")).toEqual([
      ["1", "x", "1.50"],
      ["2", "y", "2.25"],
    ]);
    expect(await cell(session, "SELECT COUNT(*) FROM c")).toBe("0");
  });

  test("a view keeps its names, its own schema, and the user who asks", async () => {
    await run("CREATE TABLE t (a INT, b INT)");
    await run(
      "CREATE VIEW v (x COMMENT 'first', who) COMMENT = 'c' AS SELECT a + 1, CURRENT_USER() FROM t",
    );
    await run("CREATE VIEW star AS SELECT * FROM t");
    await run("INSERT INTO t VALUES (1, 2)");
    await run("CREATE SCHEMA other");
    expect(await run("SELECT x, who FROM d.public.v")).toEqual([["2", "ADA"]]);
    expect(await run("SELECT v.x FROM public.v JOIN public.star s ON s.a = v.x - 1")).toEqual([
      ["2"],
    ]);
    const second = await openSecond(engine);
    expect(await run("SELECT who FROM v", second)).toEqual([["BOB"]]);
  });

  test("INFORMATION_SCHEMA, DESCRIBE and SHOW tell what there is", async () => {
    await run(
      "CREATE TABLE t (id VARCHAR(36) NOT NULL COMMENT 'key', n NUMBER(10,2) DEFAULT 1, PRIMARY KEY (id)) COMMENT = 'about'",
    );
    await run("CREATE VIEW v AS SELECT n FROM t");
    expect(
      await run(
        "SELECT table_name, table_type, comment FROM d.information_schema.tables ORDER BY 1",
      ),
    ).toEqual([
      ["T", "BASE TABLE", "about"],
      ["V", "VIEW", null],
    ]);
    expect(
      await run(
        "SELECT column_name, data_type, is_nullable, numeric_scale, comment FROM information_schema.columns WHERE table_name = 'T' ORDER BY ordinal_position",
      ),
    ).toEqual([
      ["ID", "TEXT", "NO", null, "key"],
      ["N", "NUMBER", "YES", "2", null],
    ]);
    expect((await run("DESC TABLE t")).map((row) => row.slice(0, 6))).toEqual([
      ["ID", "VARCHAR(36)", "COLUMN", "N", null, "Y"],
      ["N", "NUMBER(10,2)", "COLUMN", "Y", "1", "N"],
    ]);
    expect((await run("SHOW TABLES LIKE 't' IN SCHEMA d.public")).map((row) => row[1])).toEqual([
      "T",
    ]);
    expect(await failure(run("SELECT * FROM information_schema.nope"))).toMatchObject({
      code: "002003",
    });
  });

  test("a temporary table is its session's alone, and hides the other of its name", async () => {
    await run("CREATE TABLE t AS SELECT 'lasting' AS s");
    await run("CREATE TEMPORARY TABLE t AS SELECT 'mine' AS s");
    const second = await openSecond(engine);
    expect([await cell(session, "SELECT s FROM t"), await cell(second, "SELECT s FROM t")]).toEqual(
      ["mine", "lasting"],
    );
    await run("DROP TABLE t");
    expect(await cell(session, "SELECT s FROM t")).toBe("lasting");
  });
});

describe("data manipulation", () => {
  beforeEach(() => run("CREATE TABLE t (id INT, s VARCHAR, n INT)"));

  test("counts are rows of their own", async () => {
    expect(await run("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)")).toEqual([
      ["3"],
    ]);
    const update = await session.execute(statement("UPDATE t SET n = n + 1 WHERE id > 1"));
    expect(update.columns.map(({ name }) => name)).toEqual([
      "number of rows updated",
      "number of multi-joined rows updated",
    ]);
    expect(update.statementTypeId).toBe(12_800);
    expect(await readRows(update)).toEqual([["2", "0"]]);
    expect(
      await run(
        "UPDATE t SET s = x.s, t.n = x.n FROM (SELECT 3 AS id, 'z' AS s, 9 AS n) x WHERE x.id = t.id",
      ),
    ).toEqual([["1", "0"]]);
    expect(await run("DELETE FROM t USING (SELECT 1 AS id) x WHERE t.id = x.id")).toEqual([["1"]]);
    expect(await run("SELECT * FROM t ORDER BY id")).toEqual([
      ["2", "b", "3"],
      ["3", "z", "9"],
    ]);
    await run("UPDATE t SET s = DEFAULT WHERE id = 2");
    expect(await run("SELECT s FROM t ORDER BY id")).toEqual([[null], ["z"]]);
    await run("TRUNCATE TABLE t");
    expect(await run("DELETE FROM t")).toEqual([["0"]]);
  });

  test("MERGE updates, deletes and inserts", async () => {
    await run("INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)");
    const sql = `MERGE INTO t USING (SELECT 1 AS id, 'x' AS s UNION ALL SELECT 2, NULL UNION ALL SELECT 3, 'new') src ON t.id = src.id
      WHEN MATCHED AND src.s IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET t.s = src.s, n = t.n * 10
      WHEN NOT MATCHED THEN INSERT (id, s) VALUES (src.id, src.s)`;
    expect(await run(sql)).toEqual([["1", "1", "1"]]);
    expect(await run("SELECT * FROM t ORDER BY id")).toEqual([
      ["1", "x", "10"],
      ["3", "new", null],
    ]);
  });

  test("bulk binds insert a row for each value", async () => {
    const options = { binds: binds(["FIXED", ["1", "2", null]], ["TEXT", ["a", null, "it's"]]) };
    expect(await query(session, "INSERT INTO t (id, s) VALUES (?, UPPER(?))", options)).toEqual([
      ["3"],
    ]);
    expect(await run("SELECT id, s FROM t ORDER BY id")).toEqual([
      ["1", "A"],
      ["2", null],
      [null, "IT'S"],
    ]);
  });

  test("a list of values of the wrong length, and an unknown column, are refused", async () => {
    expect(await failure(run("INSERT INTO t (id, s) VALUES (1)"))).toMatchObject({
      code: "002020",
      sqlState: "21S01",
    });
    expect(await failure(run("INSERT INTO t (id, nope) VALUES (1, 2)"))).toMatchObject({
      code: "000904",
    });
    expect((await failure(run("INSERT INTO t (id) SELECT 1, 2"))).code).toBe("002020");
    expect((await failure(run("UPDATE t SET nope = 1"))).code).toBe("000904");
  });
});

describe("errors", () => {
  const CASES = [
    ["SELEKT 1", "001003", "42000"],
    ["SELECT 1 +", "001003", "42000"],
    ["SELECT 'open", "001003", "42000"],
    ["SELECT nope FROM (SELECT 1 AS a)", "000904", "42000"],
    ["SELECT * FROM nope", "002003", "42S02"],
    ["SELECT * FROM nodb.public.t", "002003", "02000"],
    ["USE SCHEMA nope", "002003", "02000"],
    ["SELECT 1 / 0", "100051", "22012"],
    ["SELECT 'x'::INT", "100038", "22018"],
    ["SELECT 'x'::DATE", "100040", "22007"],
    ["SELECT PARSE_JSON('{')", "100069", "22P02"],
    ["SELECT FOO(1)", "002140", "42601"],
    ["SELECT 1; SELECT 2", "000008", "0A000"],
    ["  ;  ", "000900", "42601"],
    ["ALTER SESSION SET NOPE = 1", "001008", "22023"],
    ["ALTER SESSION SET TIMEZONE = 'Mars/Base'", "001008", "22023"],
    ["ALTER SESSION SET DATE_INPUT_FORMAT = 'DD.MM.YYYY'", "000002", "0A000"],
  ] as const;

  for (const [sql, code, sqlState] of CASES) {
    test(`${sql} is ${code}`, async () => {
      expect(await failure(run(sql))).toMatchObject({ code, sqlState });
    });
  }

  test("a statement that is not known is named, never done in silence", async () => {
    for (const [sql, name] of [
      ["CREATE SEQUENCE q", "CREATE SEQUENCE"],
      ["COPY INTO t FROM @s", "COPY INTO"],
      ["EXPLAIN SELECT 1", "EXPLAIN SELECT"],
    ] as const) {
      expect((await failure(run(sql))).message).toContain(name);
    }
    expect((await failure(run("CREATE STREAM s ON TABLE t"))).code).toBe("002003");
  });

  test("files of this machine cannot be read", async () => {
    expect((await failure(run("SELECT * FROM read_text('/etc/hostname')"))).message).not.toBe("");
    expect((await failure(run("SELECT * FROM '/etc/hostname'"))).message).not.toBe("");
  });
});

describe("sessions", () => {
  test("parameters can be set, seen and taken back", async () => {
    await run("ALTER SESSION SET QUERY_TAG = 'it''s', LOCK_TIMEOUT = 5 AUTOCOMMIT = TRUE");
    expect(session.parameters()).toMatchObject({
      QUERY_TAG: "it's",
      LOCK_TIMEOUT: 5,
      TIMEZONE: "UTC",
    });
    expect(
      (await run("SHOW PARAMETERS LIKE 'LOCK_TIMEOUT'")).map((row) => row.slice(0, 4)),
    ).toEqual([["LOCK_TIMEOUT", "5", "43200", "SESSION"]]);
    await run("ALTER SESSION UNSET QUERY_TAG");
    expect(session.parameters()["QUERY_TAG"]).toBe("");
  });

  test("USE changes what names mean", async () => {
    await run("CREATE DATABASE e");
    expect(session.context).toMatchObject({ database: "E", schema: "PUBLIC" });
    await run("CREATE TABLE only_here (a INT)");
    await run("USE DATABASE d");
    expect((await failure(run("SELECT * FROM only_here"))).code).toBe("002003");
    expect(await run("SELECT * FROM e.public.only_here")).toEqual([]);
    await run("USE WAREHOUSE compute_wh");
    await run("USE ROLE useradmin");
    await run("CREATE ROLE IF NOT EXISTS r");
    await run("USE ROLE accountadmin");
    await run("USE ROLE r");
    await run("USE SECONDARY ROLES NONE");
    expect(session.context).toMatchObject({ warehouse: "COMPUTE_WH", role: "R" });
  });

  test("names that do not exist are left out at login", async () => {
    const other = await engine.openSession({ user: "EVE", database: "NOPE", schema: "X" });
    expect(other.context).toMatchObject({ database: null, schema: null });
    expect((await failure(run("SELECT * FROM t", other))).code).toBe("090105");
  });

  test("the history has every statement with its tag, its end and its error", async () => {
    await run("ALTER SESSION SET QUERY_TAG = 'tagged'");
    await run("SELECT 1 UNION ALL SELECT 2");
    await failure(run("SELECT nope"));
    await run("USE ROLE accountadmin");
    const columns =
      "query_type, execution_status, error_code, rows_produced, user_name, database_name";
    const rows = await run(
      `SELECT ${columns} FROM snowflake.account_usage.query_history WHERE query_tag = 'tagged' ORDER BY start_time, query_id`,
    );
    expect(rows.slice(0, 2)).toEqual([
      ["SELECT", "SUCCESS", null, "2", "ADA", "D"],
      ["SELECT", "FAIL", "000904", null, "ADA", "D"],
    ]);
    const credits = await cell(
      session,
      "SELECT COUNT(*) FROM snowflake.account_usage.query_attribution_history WHERE credits_attributed_compute >= 0",
    );
    expect(Number(credits)).toBeGreaterThan(3);
  });
});
