import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { ReportError } from "../../src/report/errors.ts";
import { isSignificant, readTokens } from "../../src/report/sql-tokens.ts";
import { atTime } from "../../src/report/time-travel.ts";

const TIME = new Date("2026-03-29T01:02:03.456Z");
const CLAUSE = " AT(TIMESTAMP => '2026-03-29T01:02:03.456+00:00'::TIMESTAMP_LTZ)";

/** `#` is where the clause has to be. */
function check(marked: string): void {
  expect(atTime(marked.replaceAll("#", ""), TIME)).toBe(marked.replaceAll("#", CLAUSE));
}

function refusal(sql: string): ReportError {
  try {
    atTime(sql, TIME);
  } catch (error) {
    if (error instanceof ReportError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("the clause stands behind", () => {
  test("a table, with and without an alias, a schema, a database, quotes, a semicolon", () => {
    check("SELECT * FROM t#");
    check("SELECT * FROM db.s.t# AS x WHERE x.a = 1;");
    check('select "from" from "My db"."a.b"."T ""x"""# x order by 1, 2');
    check("SELECT * FROM db..t# t2 LIMIT 5");
    check("SELECT t.from, x:from.join FROM t#\n-- FROM u, v\nGROUP BY a, b");
  });

  test("each table of a join and of a list", () => {
    check("SELECT * FROM a#, b# y, c# AS z WHERE a.i = y.i GROUP BY p, q ORDER BY p, q");
    check(
      "SELECT * FROM a# LEFT JOIN b# ON a.x = b.x AND f(a, b) > 1, c# CROSS JOIN d# USING (x, y)",
    );
    check(
      "SELECT * FROM a# NATURAL FULL OUTER JOIN b# ASOF JOIN c# MATCH_CONDITION (a.t >= c.t) ON a.i = c.i",
    );
    check("SELECT * FROM (a# JOIN (b# JOIN c# ON 1 = 1) ON 2 = 2), d#");
    check("SELECT * FROM ((SELECT 1 FROM a#) s JOIN b# ON TRUE)");
  });

  test("tables of subqueries, wherever they stand", () => {
    check(
      "SELECT (SELECT MAX(x) FROM a#), b FROM (SELECT * FROM c#, d#) s WHERE EXISTS (SELECT 1 FROM e#)",
    );
    check(
      "SELECT * FROM t# WHERE a IN (SELECT b FROM u# UNION SELECT c FROM v#) AND (1, 2) = (3, 4)",
    );
    check("SELECT f(a, (SELECT 1 FROM u#)), CASE WHEN a THEN (SELECT 2 FROM v#) END FROM t#");
    check("SELECT * FROM t#, LATERAL (SELECT * FROM u# WHERE u.i = t.i) l");
  });

  test("tables of each part of a UNION", () => {
    check("SELECT a FROM t# UNION ALL SELECT b FROM u#, v# MINUS (SELECT c FROM w#) ORDER BY 1, 2");
    check("((SELECT a FROM t#) INTERSECT SELECT b FROM u#) EXCEPT SELECT c FROM v#");
    check("SELECT * FROM ((SELECT a FROM t#) UNION SELECT b FROM u#)");
  });

  test("the name, in front of its sample, pivot and pattern", () => {
    check("SELECT * FROM t# SAMPLE (10) SEED (1), u# TABLESAMPLE BERNOULLI (5)");
    check(
      "SELECT * FROM t# PIVOT (SUM(a) FOR b IN (SELECT DISTINCT b FROM u# ORDER BY b)) AS p (x, y), v#",
    );
    check(
      "SELECT * FROM t# MATCH_RECOGNIZE (PARTITION BY a ORDER BY b MEASURES FIRST(c) AS d ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN (x+) DEFINE x AS a > 1) m, u#",
    );
    check("SELECT * FROM t# START WITH a = 1 CONNECT BY PRIOR b = c, PRIOR d = e");
  });
});

describe("nothing is put behind", () => {
  test("common tables, but for a table with a database or of a later WITH's name", () => {
    check(
      "WITH a AS (SELECT * FROM t#), b (x, y) AS (SELECT * FROM a, u#) SELECT * FROM a JOIN b ON 1 = 1, c#",
    );
    check('WITH "a" AS (SELECT 1) SELECT * FROM "a", a#, d.s.a#');
    check("WITH a AS (SELECT * FROM b#), b AS (SELECT 1) SELECT * FROM b");
    check("SELECT * FROM (WITH i AS (SELECT * FROM t#) SELECT * FROM i) x, i#");
    check(
      "WITH o AS (SELECT 1 FROM t#) SELECT (SELECT COUNT(*) FROM o WHERE EXISTS (SELECT 1 FROM o, p#)) FROM O",
    );
    check(
      "WITH RECURSIVE r AS (SELECT 1 AS n FROM t# UNION ALL SELECT n + 1 FROM r, u#) SELECT * FROM r",
    );
    check("WITH m AS MATERIALIZED (SELECT * FROM t#) SELECT * FROM m");
  });

  test("table functions, VALUES, FLATTEN and staged files", () => {
    check(
      "SELECT * FROM TABLE(FLATTEN(INPUT => (SELECT v FROM t#))) f, LATERAL FLATTEN(INPUT => f.value) g, u#",
    );
    check(
      "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())), (VALUES (1, 2), (3, 4)) v (a, b), VALUES (5)",
    );
    check("SELECT $1 FROM @st/a/b-c.csv.gz (FILE_FORMAT => 'f') s, @db.s.st x, '@~/f' y, t#");
    check("SELECT * FROM DIRECTORY(@st) d, SPLIT_TO_TABLE('a', ',') s JOIN t# ON TRUE");
  });

  test("views that have no past, DUAL, and tables that have AT, BEFORE or CHANGES", () => {
    check("SELECT * FROM INFORMATION_SCHEMA.TABLES, db.information_schema.columns c, t#");
    check(
      "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY q, snowflake.organization_usage.x, dual",
    );
    check(
      "SELECT * FROM t AT(OFFSET => -60) a, u BEFORE (STATEMENT => 'x'), v CHANGES(INFORMATION => DEFAULT) AT(OFFSET => -1), at# at",
    );
  });

  test("FROM that names no table", () => {
    check("SELECT EXTRACT(YEAR FROM d), TRIM(BOTH 'x' FROM a), SUBSTRING(a FROM 2 FOR 3) FROM t#");
    check(
      "SELECT a IS DISTINCT FROM b, c IS NOT DISTINCT FROM d FROM t# WHERE a IS DISTINCT FROM b",
    );
    check("SELECT NTH_VALUE(a, 2) FROM FIRST IGNORE NULLS OVER (ORDER BY b), c FROM t#");
    check("SELECT 1");
    check("SELECT 'FROM t', $$ FROM u $$ /* FROM v */");
  });
});

describe("it is refused with its line", () => {
  const cases = [
    ["SELECT *\nFROM IDENTIFIER('t')", 2],
    ["SELECT *\n\nFROM TABLE($name)", 3],
    ["SELECT * FROM TABLE('t')", 1],
    ["SELECT * FROM $t", 1],
    ["SELECT * FROM :t", 1],
    ["SELECT * FROM\nt.", 2],
    ["WITH t AS (\nSELECT * FROM t) SELECT * FROM t", 2],
    ["SELECT * FROM t;\nSELECT 2", 2],
    ["SELECT (1))\nFROM t", 1],
    ["DELETE FROM t", 1],
    ["SELECT * FROM t WHERE\na = 'x", 2],
  ] as const;
  test.each(cases)("%p", (sql, line) => {
    const { code, message } = refusal(sql);
    expect(code).toBe("statement_refused");
    expect(message).toContain(sql.endsWith(".") ? "at the end" : `line ${line}`);
  });
});

test("the tokens without the clauses are the original's, whatever the statement", () => {
  const words = [
    "SELECT",
    "FROM",
    "WITH",
    "AS",
    "JOIN",
    "UNION",
    "WHERE",
    "ORDER BY",
    "LATERAL",
    "TABLE",
    "VALUES",
  ];
  const others = [
    "a",
    "b.c",
    '"d e"',
    "(",
    ")",
    ",",
    "*",
    "1",
    "'x FROM y'",
    "-- FROM z\n",
    "/* , */",
    "@st/p",
    "AT(OFFSET => 1)",
    "IS DISTINCT FROM",
  ];
  const piece = constantFrom(...words, ...others);
  let changed = 0;
  const isKept = property(array(piece, { maxLength: 25 }), (pieces) => {
    const sql = `SELECT * FROM t ${pieces.join(" ")}`;
    let result: string;
    try {
      result = atTime(sql, TIME);
    } catch (error) {
      expect(error).toBeInstanceOf(ReportError);
      return;
    }
    changed += 1;
    expect(result.replaceAll(CLAUSE, "")).toBe(sql);
    const clause = readTokens(CLAUSE).filter(isSignificant).length;
    const added =
      readTokens(result).filter(isSignificant).length -
      readTokens(sql).filter(isSignificant).length;
    expect(added % clause).toBe(0);
    expect(atTime(result, TIME)).toBe(result);
  });
  assert(isKept, { numRuns: 3000 });
  expect(changed).toBeGreaterThan(200);
});
