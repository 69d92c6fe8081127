import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ReportError } from "../../src/report/errors.ts";
import { splitStatements } from "../../src/report/script.ts";
import { checkStatement } from "../../src/report/statement.ts";

function errorOf(work: () => unknown): ReportError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof ReportError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

describe("checkStatement", () => {
  test.each([
    "SELECT 1",
    "select 1;",
    "SELECT 1 ; -- the end",
    "SELECT 1;;",
    "/* why */ SELECT 1 // done",
    "(SELECT 1)",
    "((SELECT 1) UNION ALL (SELECT 2)) ORDER BY 1",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "WITH a (x, y) AS (SELECT 1, 2), b AS (SELECT * FROM a) SELECT * FROM b",
    "WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 9) SELECT * FROM a",
    'WITH "my set" AS (SELECT 1) (SELECT * FROM "my set")',
    "(WITH a AS (SELECT 1) SELECT * FROM a)",
    "WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM a",
    "SELECT 'DROP TABLE x; CALL p() ->> EXECUTE INTO' AS note",
    "SELECT $$DROP TABLE x; CALL p()$$",
    'SELECT "call", "into", "execute" FROM "delete; from"',
    "SELECT t.call, t.into, src:execute FROM t",
    "SELECT count(*) AS call FROM t",
    "SELECT /* ; DROP TABLE x */ 1 -- ; DROP TABLE y\nFROM t",
    "SELECT 'it''s; fine', 'it\\'s; fine'",
    "SELECT INSERT('abc', 1, 2, 'Z'), REPLACE(a, 'x'), TRUNCATE(1.5)",
    "SELECT SYSTEM$TYPEOF(1)",
    "SELECT called, executed, into_stock, procedure_code FROM t",
    "SELECT update_date FROM t WHERE (delete_flag IS NULL) AND (create IS NULL)",
    "SELECT * FROM t AT(TIMESTAMP => '2026-01-01'::TIMESTAMP)",
    "SELECT $1 FROM @stage/path/file.csv -- a comment",
    "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1",
    "SELECT 1 -- windows line\r\n, 2",
    "SELECT '(' AS a FROM t WHERE x IN (SELECT 1)",
  ])("lets through: %s", (sql) => {
    expect(() => checkStatement(sql)).not.toThrow();
  });

  test.each(["", "  \n ", ";", "-- nothing", "/* nothing */ ;"])("%j is empty", (sql) => {
    const error = errorOf(() => checkStatement(sql));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toBe("REPORT_SQL is empty");
  });

  const attacks = [
    "SELECT 1; DROP TABLE t",
    "SELECT 1; SELECT 2",
    "SELECT 1;; SELECT 2",
    "SELECT 1;/**/DROP TABLE t",
    "SELECT 1 -- x\n; DROP TABLE t",
    "SELECT 1 // x\n; DROP TABLE t",
    "SELECT ''''; DROP TABLE t --'",
    "SELECT '\\''; DROP TABLE t --'",
    "SELECT '\\\\'; DROP TABLE t --'",
    "SELECT '\\\\\\''; DROP TABLE t --'",
    'SELECT ""; DROP TABLE t --"',
    'SELECT "a""b"; DROP TABLE t',
    "SELECT $$ ' $$; DROP TABLE t --'",
    "SELECT $$$$; DROP TABLE t --$$",
    "SELECT /* ' */ 1; DROP TABLE t --'",
    "SELECT '/*'; DROP TABLE t --*/",
    "SELECT /* /* */ 1; DROP TABLE t /* */",
    "SELECT 1 -- \r'\n; DROP TABLE t --'",
    "SELECT 1 -- \u2028; DROP TABLE t",
    "SELECT 1 // \u0085; DROP TABLE t",
    "SELECT 1 -- \u000b; DROP TABLE t",
    "SELECT 1 FROM @stage//x ; DROP TABLE t",
    "SELECT 1 FROM @stage/a--b ; DROP TABLE t",
    "SELECT 1 FROM @stage/a/*b ; DROP TABLE t --*/",
    "SELECT 'abc",
    "SELECT $$abc",
    'SELECT "abc',
    "SELECT 1 /* abc",
    "DROP TABLE t",
    "drop table t",
    "DELETE FROM t",
    "UPDATE t SET a = 1",
    "INSERT INTO t SELECT 1",
    "INSERT OVERWRITE INTO t SELECT 1",
    "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE t",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW v AS SELECT 1",
    "ALTER SESSION SET MULTI_STATEMENT_COUNT = 0",
    "USE ROLE ACCOUNTADMIN",
    "USE SECONDARY ROLES ALL",
    "GRANT ROLE a TO USER b",
    "COPY INTO @stage FROM t",
    "PUT file:///etc/passwd @stage",
    "GET @stage file:///tmp",
    "REMOVE @stage",
    "SHOW TABLES ->> SELECT * FROM $1",
    "SELECT 1 ->> DROP TABLE t",
    "SELECT 1 ->>SELECT * FROM $1",
    "CALL p()",
    "EXECUTE IMMEDIATE 'DROP TABLE t'",
    "EXECUTE IMMEDIATE $$BEGIN DROP TABLE t; END$$",
    "EXECUTE TASK t",
    "BEGIN DROP TABLE t; END",
    "BEGIN",
    "DECLARE x INT; BEGIN RETURN 1; END",
    "COMMIT",
    "SET x = 1",
    "EXPLAIN SELECT 1",
    "DESCRIBE TABLE t",
    "WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ DROP TABLE t $$ CALL p()",
    "WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ x $$ SELECT 1",
    "with p as /* */ procedure () returns int as 'x' call p()",
    "WITH a AS (SELECT 1) CALL p()",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
    "WITH a AS (SELECT 1) DELETE FROM t",
    "WITH a AS (SELECT 1)",
    "WITH",
    "(",
    "(DROP TABLE t)",
    "SELECT * FROM (DELETE FROM t)",
    "SELECT * FROM (UPDATE t SET a = 1)",
    "WITH a AS (DROP TABLE t) SELECT 1",
    "SELECT a INTO :b FROM t",
    "SELECT * FROM TABLE(CALL p())",
    "SELECT * FROM t FOR UPDATE",
    "SELECT SYSTEM$CANCEL_ALL_QUERIES(1)",
    "SELECT system$abort_session(1)",
    'SELECT "SYSTEM$ABORT_SESSION"(1)',
    "SELECT SYSTEM$WAIT(600)",
    "VALUES (1)",
    "\u00a0DROP TABLE t",
    "?",
    "1",
    "'SELECT 1'",
    '"SELECT" 1',
  ];

  test("the corpus of attacks has at least 60 statements", () => {
    expect(new Set(attacks).size).toBeGreaterThanOrEqual(60);
  });

  test.each(attacks)("refuses: %j", (sql) => {
    const error = errorOf(() => checkStatement(sql));
    expect(error.code).toBe("statement_refused");
    expect(error.message).toStartWith("REPORT_SQL");
    expect(error.retryable).toBe(false);
  });

  test("the message names the reason and the line", () => {
    expect(errorOf(() => checkStatement("SELECT 1\n;\nDROP TABLE t")).message).toBe(
      "REPORT_SQL, line 3: there is more than one statement",
    );
    expect(errorOf(() => checkStatement("SELECT\n call FROM t")).message).toBe(
      'REPORT_SQL, line 2: CALL (a column of that name is written "CALL") is not allowed',
    );
  });

  test("nothing that follows a statement and a semicolon gets through, whatever surrounds it", () => {
    const harmless = fc.array(
      fc.constantFrom(
        "'x'",
        "'a;b'",
        '"q"',
        "$$;$$",
        "/*;*/",
        "-- ;\n",
        "a",
        "1",
        ",",
        "+",
        "(",
        ")",
        "\n",
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(harmless, harmless, (before, after) => {
        const sql = `SELECT 1 ${before.join(" ")} ; DROP TABLE t ${after.join(" ")}`;
        expect(errorOf(() => checkStatement(sql)).code).toBe("statement_refused");
      }),
    );
  });
});

describe("splitStatements", () => {
  test("statements come without their semicolons and the comments around them, with their lines", () => {
    const script = [
      "-- the first",
      "CREATE TABLE a (x INT); -- a; b",
      "",
      "/* the; second */ INSERT INTO a VALUES (';');",
      "SELECT 1 /* in; between */ + 1",
      "  -- the end",
    ].join("\n");
    expect(splitStatements(script)).toEqual([
      { text: "CREATE TABLE a (x INT)", line: 2 },
      { text: "INSERT INTO a VALUES (';')", line: 4 },
      { text: "SELECT 1 /* in; between */ + 1", line: 5 },
    ]);
  });

  test("a body in $$ is one statement", () => {
    const body = "CREATE PROCEDURE p() AS\n$$\nBEGIN\n  LET x := 'a';\n  RETURN x;\nEND;\n$$";
    expect(splitStatements(`${body};\nCALL p();`)).toEqual([
      { text: body, line: 1 },
      { text: "CALL p()", line: 8 },
    ]);
  });

  test.each(["", " \n", ";;", "-- nothing;\n;"])("%j has no statement", (script) => {
    expect(splitStatements(script)).toEqual([]);
  });

  test.each([
    ["SELECT 1;\nSELECT 'x", "line 2: a quote (') is not closed"],
    ["\n\nAS $$ x", "line 3: a $$ string is not closed"],
    ["/* x", "line 1: a comment is not closed"],
  ])("%j is refused with its line", (script, message) => {
    const error = errorOf(() => splitStatements(script));
    expect(error.code).toBe("configuration");
    expect(error.message).toBe(message);
  });

  test("joined again, a script splits into the same statements", () => {
    const statement = fc.constantFrom(
      "SELECT ';'",
      "SELECT $$;$$",
      'SELECT ";"',
      "SELECT 1 /*;*/ + 1",
    );
    fc.assert(
      fc.property(fc.array(statement), (statements) => {
        const script = statements.join(";\n-- ; between\n");
        expect(splitStatements(script).map((found) => found.text)).toEqual(statements);
      }),
    );
  });
});
