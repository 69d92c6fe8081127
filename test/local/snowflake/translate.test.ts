import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { EngineSession } from "../../../src/local/snowflake/engine.ts";
import { binds, openTestEngine, query, type TestEngine } from "./engine-sessions.ts";

let engine: TestEngine;
let session: EngineSession;

beforeAll(async () => {
  ({ engine, session } = await openTestEngine());
  await query(
    session,
    `CREATE TABLE sales (id INT, region VARCHAR, amount NUMBER(12,2), sold DATE, at TIMESTAMP_NTZ, details VARIANT)`,
  );
  await query(
    session,
    `INSERT INTO sales
     SELECT 1, 'north', 10.50, '2024-01-31', '2024-01-31 08:09:10.123456789', PARSE_JSON('{"tags":["a","b"],"who":{"name":"Ann"}}')
     UNION ALL SELECT 2, 'north', 4.00, '2024-02-29', '2024-02-29 23:59:59.999999999', PARSE_JSON('{"tags":[],"who":{"name":"Bob"}}')
     UNION ALL SELECT 3, 'south', 0.25, '2023-12-31', '2023-12-31 00:00:00', NULL
     UNION ALL SELECT 4, 'south', NULL, NULL, NULL, NULL`,
  );
});

afterAll(() => engine.close());

/** Seconds since the epoch of a wall time in UTC, as the wire has it. */
function wire(time: string, nanoseconds = "000000000"): string {
  return `${Date.parse(`${time}Z`) / 1000}.${nanoseconds}`;
}

function days(date: string): string {
  return String(Date.parse(`${date}T00:00:00Z`) / 86_400_000);
}

type Case = readonly [sql: string, ...row: readonly (string | null)[]];

function check(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    for (const [sql, ...row] of cases) {
      test(sql, async () => {
        expect(await query(session, sql)).toEqual([row]);
      });
    }
  });
}

check("numbers", [
  ["SELECT 1 / 3", "0.333333"],
  ["SELECT 2 / 3, -2 / 3", "0.666667", "-0.666667"],
  ["SELECT 10.00::NUMBER(10,2) / 3", "3.33333333"],
  ["SELECT 123456789012345678.99::NUMBER(38,2) / 7", "17636684144620811.28428571"],
  ["SELECT 1::FLOAT / 3", "0.3333333333333333"],
  ["SELECT 7 % 3, MOD(-7, 3), 7.5 % 2", "1", "-1", "1.5"],
  ["SELECT 99999999999999999999999999999999999999", "99999999999999999999999999999999999999"],
  ["SELECT 2.5::INT, -2.5::INT, 2.345::NUMBER(10,2)", "3", "-3", "2.35"],
  ["SELECT '12.50'::NUMBER(10,2), TO_NUMBER('1,234.5', '9,999.0', 10, 1)", "12.50", "1234.5"],
  ["SELECT TRY_TO_NUMBER('x'), TRY_CAST('7' AS INT), TRY_CAST('x' AS INT)", null, "7", null],
  ["SELECT ROUND(2.345, 2), TRUNC(2.349, 2), CEIL(1.2), FLOOR(-1.2)", "2.35", "2.34", "2", "-2"],
  [
    "SELECT DIV0(1, 0), DIV0(6, 3), ZEROIFNULL(NULL), NULLIFZERO(0)",
    "0.000000",
    "2.000000",
    "0",
    null,
  ],
  ["SELECT 1e3, 1.5::FLOAT, 'NaN'::FLOAT, 'inf'::FLOAT", "1000", "1.5", "NaN", "inf"],
  [
    "SELECT AVG(amount), SUM(amount), COUNT(amount), COUNT(*) FROM sales",
    "4.91666667",
    "14.75",
    "3",
    "4",
  ],
  ["SELECT AVG(id) FROM sales", "2.500000"],
  [
    "SELECT MEDIAN(id), PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY id) FROM sales",
    "2.500",
    "1.750",
  ],
  ["SELECT TO_CHAR(1234567.891, '9,999,999.00'), TO_CHAR(-5, 'FM000')", " 1,234,567.89", "-005"],
  ["SELECT '5' + 1, '5' = 5, 5 || 'x'", "6", "1", "5x"],
]);

check("dates and times", [
  ["SELECT DATEADD(day, -90, '1998-12-01'::DATE)", days("1998-09-02")],
  ["SELECT DATE '1998-12-01' - INTERVAL '90 DAY'", days("1998-09-02")],
  ["SELECT DATE '2024-01-31' + INTERVAL '1 month, 1 day'", days("2024-03-01")],
  ["SELECT DATEADD('month', 1, '2024-01-31'::DATE)", days("2024-02-29")],
  ["SELECT ADD_MONTHS('2024-02-29'::DATE, 1)", days("2024-03-31")],
  ["SELECT DATEADD(hour, 25, '2024-01-01'::DATE)", wire("2024-01-02T01:00:00")],
  ["SELECT DATEADD(nanosecond, 1, at) FROM sales WHERE id = 2", wire("2024-03-01T00:00:00")],
  ["SELECT DATEADD(year, 1, at) FROM sales WHERE id = 1", wire("2025-01-31T08:09:10", "123456789")],
  [
    "SELECT DATEDIFF(day, '2024-01-01', '2024-03-01'), DATEDIFF('month', '2024-01-31'::DATE, '2024-02-01'::DATE)",
    "60",
    "1",
  ],
  [
    "SELECT DATEDIFF(year, '2023-12-31'::DATE, '2024-01-01'::DATE), DATEDIFF(second, at, '2024-01-31 08:09:12') FROM sales WHERE id = 1",
    "1",
    "2",
  ],
  [
    "SELECT DATE_TRUNC('month', sold), DATE_TRUNC(hour, at) FROM sales WHERE id = 1",
    days("2024-01-01"),
    wire("2024-01-31T08:00:00"),
  ],
  [
    "SELECT YEAR(at), MONTH(at), DAY(at), HOUR(at), DAYOFWEEK(at), EXTRACT(quarter FROM at) FROM sales WHERE id = 1",
    "2024",
    "1",
    "31",
    "8",
    "3",
    "1",
  ],
  [
    "SELECT DATE_PART(epoch_millisecond, at), DATE_PART(epoch_second, at), DATE_PART(nanosecond, at) FROM sales WHERE id = 1",
    "1706688550123",
    "1706688550",
    "123456789",
  ],
  [
    "SELECT LAST_DAY('2024-02-03'::DATE), DAYNAME('2024-02-29'::DATE), MONTHNAME('2024-02-29'::DATE)",
    days("2024-02-29"),
    "Thu",
    "Feb",
  ],
  [
    "SELECT TO_VARCHAR(at, 'YYYY-MM-DD HH24:MI:SS.FF3'), TO_CHAR(sold, 'DD.MM.YY'), at::VARCHAR FROM sales WHERE id = 1",
    "2024-01-31 08:09:10.123",
    "31.01.24",
    "2024-01-31 08:09:10.123",
  ],
  [
    "SELECT TO_DATE('31/01/2024', 'DD/MM/YYYY'), TO_DATE('2024-01-31'), '9999-12-31'::DATE",
    days("2024-01-31"),
    days("2024-01-31"),
    days("9999-12-31"),
  ],
  [
    "SELECT TO_TIMESTAMP_NTZ('2024-01-01 10:00:00.000000001'), TO_TIMESTAMP(1700000000), TO_TIMESTAMP(1700000000123)",
    wire("2024-01-01T10:00:00", "000000001"),
    wire("2023-11-14T22:13:20"),
    wire("2023-11-14T22:13:20", "123000000"),
  ],
  ["SELECT '1969-12-31 23:59:58.5'::TIMESTAMP_NTZ", "-1.500000000"],
  ["SELECT '10:11:12.123456789'::TIME, TIME '00:00:01'", "36672.123456789", "1.000000000"],
  ["SELECT '2024-01-01 10:00:00 +0230'::TIMESTAMP_TZ", `${wire("2024-01-01T07:30:00")} 1590`],
  ["SELECT '2024-01-01 10:00:00 -08:00'::TIMESTAMP_TZ::VARCHAR", "2024-01-01 10:00:00.000 -0800"],
  ["SELECT '2024-01-01 10:00:00 +0200'::TIMESTAMP_LTZ", wire("2024-01-01T08:00:00")],
  [
    "SELECT CONVERT_TIMEZONE('UTC', 'Europe/Berlin', '2024-07-01 12:00:00'::TIMESTAMP_NTZ)",
    wire("2024-07-01T14:00:00"),
  ],
  [
    "SELECT CONVERT_TIMEZONE('America/New_York', '2024-07-01 12:00:00'::TIMESTAMP_LTZ)",
    `${wire("2024-07-01T12:00:00")} ${1440 - 240}`,
  ],
  [
    "SELECT TIME_SLICE('2024-01-01 10:17:00'::TIMESTAMP_NTZ, 15, 'MINUTE')",
    wire("2024-01-01T10:15:00"),
  ],
  [
    "SELECT '2024-03-01'::DATE - '2024-02-28'::DATE, '2024-02-28'::DATE + 2",
    "2",
    days("2024-03-01"),
  ],
  [
    "SELECT MAX(at)::DATE, DATEDIFF(day, MIN(sold), MAX(sold)), MIN(sold)::VARCHAR FROM sales",
    days("2024-02-29"),
    "60",
    "2023-12-31",
  ],
]);

check("texts", [
  [
    "SELECT UPPER('a'), LENGTH('äb'), SUBSTR('hello', 2, 3), LEFT('abc', 2), LPAD('7', 3, '0')",
    "A",
    "2",
    "ell",
    "ab",
    "007",
  ],
  ["SELECT 'it''s', 'a\\'b\\n', $$raw 'x'$$", "it's", "a'b\n", "raw 'x'"],
  ["SELECT CONCAT('a', 1, NULL), 'a' || 1.50, CONCAT_WS('-', 'a', 'b')", null, "a1.50", "a-b"],
  [
    "SELECT SPLIT_PART('a,b,c', ',', 2), REPLACE('aXa', 'X'), INITCAP('hello wORLD'), TRIM('  x ')",
    "b",
    "aa",
    "Hello World",
    "x",
  ],
  [
    "SELECT STARTSWITH('abc', 'ab'), ENDSWITH('abc', 'bc'), CONTAINS('abc', 'z'), CHARINDEX('c', 'abc')",
    "1",
    "1",
    "0",
    "3",
  ],
  [
    "SELECT REGEXP_LIKE('abc', 'a'), 'abc' RLIKE 'a.*', REGEXP_REPLACE('a1b22', '[0-9]+', '#'), REGEXP_SUBSTR('ab12', '[0-9]+')",
    "0",
    "1",
    "a#b#",
    "12",
  ],
  ["SELECT 'ABC' ILIKE 'a%', 'abc' LIKE ANY ('x%', 'a_c')", "1", "1"],
  ["SELECT SHA2('abc', 256)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["SELECT MD5('abc'), LENGTH(UUID_STRING())", "900150983cd24fb0d6963f7d28e17f72", "36"],
  [
    "SELECT 'abcdef'::VARCHAR(3), 'c3a9'::BINARY, 100::FLOAT::VARCHAR, TRUE::VARCHAR",
    "abc",
    "C3A9",
    "100",
    "true",
  ],
]);

check("conditions", [
  [
    "SELECT IFF(1 > 2, 'a', 'b'), NVL(NULL, 1), NVL2(NULL, 1, 2), COALESCE(NULL, NULL, 3)",
    "b",
    "1",
    "2",
    "3",
  ],
  ["SELECT DECODE(2, 1, 'one', 2, 'two', 'other'), DECODE(NULL, NULL, 'null')", "two", "null"],
  [
    "SELECT EQUAL_NULL(NULL, NULL), 1 IS DISTINCT FROM NULL, GREATEST(1, NULL), LEAST(3, 2)",
    "1",
    "1",
    null,
    "2",
  ],
  ["SELECT TRUE, NOT TRUE, NULL::BOOLEAN, 'yes'::BOOLEAN", "1", "0", null, "1"],
]);

check("variants", [
  [
    "SELECT details:who.name::STRING, details:tags[1]::STRING, details:nope FROM sales WHERE id = 1",
    "Ann",
    "b",
    null,
  ],
  ["SELECT COUNT(*) FROM sales WHERE details:who.name = 'Bob'", "1"],
  ['SELECT PARSE_JSON(\'{"a":{"b":[10,20]}}\'):a.b[1]::INT', "20"],
  [
    "SELECT PARSE_JSON('{\"a\":1}')['a'], GET(PARSE_JSON('[5,6]'), 1), ARRAY_SIZE(PARSE_JSON('[1,2,3]'))",
    "1",
    "6",
    "3",
  ],
  ["SELECT OBJECT_CONSTRUCT('a', 1, 'b', NULL, 'c', 'x')", '{"a":1,"c":"x"}'],
  [
    "SELECT ARRAY_CONSTRUCT(1, 'x', NULL), TRY_PARSE_JSON('{'), TYPEOF(PARSE_JSON('[]'))",
    '[1,"x",null]',
    null,
    "ARRAY",
  ],
  ["SELECT ARRAY_AGG(id) WITHIN GROUP (ORDER BY id DESC) FROM sales", "[4,3,2,1]"],
  ["SELECT LISTAGG(region, '|') WITHIN GROUP (ORDER BY id) FROM sales", "north|north|south|south"],
  ["SELECT LISTAGG(DISTINCT region, ',') WITHIN GROUP (ORDER BY region) FROM sales", "north,south"],
]);

check("constants of a statement", [
  [
    "SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_DATABASE(), CURRENT_SCHEMA(), CURRENT_WAREHOUSE()",
    "ADA",
    "SYSADMIN",
    "D",
    "PUBLIC",
    null,
  ],
  [
    "SELECT CURRENT_TIMESTAMP()::TIMESTAMP_NTZ = SYSDATE(), CURRENT_DATE() = SYSDATE()::DATE, GETDATE() = CURRENT_TIMESTAMP",
    "1",
    "1",
    "1",
  ],
]);

describe("queries", () => {
  test("FLATTEN gives a row for each element, with OUTER one for none", async () => {
    const sql = (outer: boolean): string =>
      `SELECT s.id, f.index, f.value::STRING FROM sales s, LATERAL FLATTEN(INPUT => s.details:tags, OUTER => ${outer}) f
       WHERE s.id < 3 ORDER BY 1, 2`;
    expect(await query(session, sql(false))).toEqual([
      ["1", "0", "a"],
      ["1", "1", "b"],
    ]);
    expect(await query(session, sql(true))).toEqual([
      ["1", "0", "a"],
      ["1", "1", "b"],
      ["2", null, null],
    ]);
  });

  test("GENERATOR counts rows, SEQ4 numbers them", async () => {
    const rows = await query(
      session,
      "SELECT SEQ4() AS n, UNIFORM(3, 3, RANDOM()) FROM TABLE(GENERATOR(ROWCOUNT => 3)) ORDER BY n",
    );
    expect(rows).toEqual([
      ["0", "3"],
      ["1", "3"],
      ["2", "3"],
    ]);
  });

  test("QUALIFY filters by a window", async () => {
    const sql =
      "SELECT id FROM sales QUALIFY ROW_NUMBER() OVER (PARTITION BY region ORDER BY amount DESC NULLS LAST) = 1 ORDER BY id";
    expect(await query(session, sql)).toEqual([["1"], ["3"]]);
  });

  test("nulls are the largest values", async () => {
    expect(await query(session, "SELECT amount FROM sales ORDER BY amount")).toEqual([
      ["0.25"],
      ["4.00"],
      ["10.50"],
      [null],
    ]);
    expect(await query(session, "SELECT amount FROM sales ORDER BY amount DESC LIMIT 1")).toEqual([
      [null],
    ]);
  });

  test("WITH, joins, subqueries and MINUS", async () => {
    const sql = `WITH totals AS (SELECT region, SUM(amount) AS total FROM sales GROUP BY region)
      SELECT s.id, t.total FROM d.public.sales s JOIN totals t USING (region)
      WHERE s.amount = (SELECT MAX(amount) FROM sales x WHERE x.region = s.region) ORDER BY 1`;
    expect(await query(session, sql)).toEqual([
      ["1", "14.50"],
      ["3", "0.25"],
    ]);
    expect(
      await query(session, "SELECT id FROM sales MINUS SELECT id FROM sales WHERE id > 1"),
    ).toEqual([["1"]]);
  });

  test("a window over a group, and a share of a total", async () => {
    const sql =
      "SELECT id, RATIO_TO_REPORT(amount) OVER (PARTITION BY region), AVG(amount) OVER (PARTITION BY region) FROM sales WHERE id < 3 ORDER BY id";
    expect(await query(session, sql)).toEqual([
      ["1", "0.72413793", "7.25000000"],
      ["2", "0.27586207", "7.25000000"],
    ]);
  });

  test("a function of a grouped date goes with a function of an aggregate", async () => {
    const sql = `SELECT DATE_TRUNC('year', sold) AS y, MAX(at)::VARCHAR FROM sales WHERE sold IS NOT NULL
      GROUP BY DATE_TRUNC('year', sold) ORDER BY y`;
    expect(await query(session, sql)).toEqual([
      [days("2023-01-01"), "2023-12-31 00:00:00.000"],
      [days("2024-01-01"), "2024-02-29 23:59:59.999"],
    ]);
  });

  test("VALUES has columns by number", async () => {
    expect(
      await query(session, "SELECT $2, column1 FROM VALUES (1, 'a'), (2, 'b') ORDER BY 2 DESC"),
    ).toEqual([
      ["b", "2"],
      ["a", "1"],
    ]);
    expect(await query(session, "SELECT v.y FROM (VALUES (1, 'a')) AS v(x, y)")).toEqual([["a"]]);
  });

  test("names are upper case unless quoted, and an expression is named by its text", async () => {
    const sql = `SELECT id, amount AS "Amount", Sum(amount) over (), 'x', count(*) OVER (partition by region) c, s.region FROM sales s`;
    const result = await session.execute({
      queryId: "names",
      sql,
      binds: {},
      parameters: {},
      describeOnly: true,
    });
    expect(result.columns.map(({ name }) => name)).toEqual([
      "ID",
      "Amount",
      "SUM(AMOUNT) OVER ()",
      "'X'",
      "C",
      "REGION",
    ]);
  });

  test("binds go by position or number, and take the type that is asked for", async () => {
    const values = binds(
      ["FIXED", "2"],
      ["TEXT", "2024-02-29"],
      ["REAL", "1.5"],
      ["BOOLEAN", "true"],
      ["TEXT", null],
    );
    const options = { binds: values };
    expect(await query(session, "SELECT id FROM sales WHERE id = ? AND sold = ?", options)).toEqual(
      [["2"]],
    );
    expect(
      await query(
        session,
        "SELECT :2::DATE, :1 + :1, :3, :4, :5, '?', DATEADD(day, :1, :2::DATE)",
        options,
      ),
    ).toEqual([[days("2024-02-29"), "4", "1.5", "1", null, "?", days("2024-03-02")]]);
    expect(
      await query(session, "SELECT ?::TIMESTAMP_NTZ, PARSE_JSON(?):a::INT", {
        binds: binds(["TEXT", "2024-01-01 00:00:00"], ["TEXT", '{"a":7}']),
      }),
    ).toEqual([[wire("2024-01-01T00:00:00"), "7"]]);
  });

  test("comments and quotes hide what looks like a bind or a second statement", async () => {
    const sql = "SELECT 'a;?' /* ; ? */ AS x -- ; ?\n;";
    expect(await query(session, sql)).toEqual([["a;?"]]);
  });
});
