import { describe, expect, test } from "bun:test";
import { describeMissingGrant } from "../../src/snowflake/missing-grant.ts";
import type { Scene } from "../../src/snowflake/refused-statement.ts";

const SCENE = {
  role: "R",
  user: "U",
  database: "D",
  schema: "S",
  warehouse: "W",
} as const satisfies Omit<Scene, "sql">;

function explain(code: string, message: string, sql = "", scene: Partial<Scene> = {}) {
  return describeMissingGrant({ code, message }, { ...SCENE, sql, ...scene });
}

const insufficient = (kind: string, name: string): string =>
  `SQL access control error:\nInsufficient privileges to operate on ${kind} '${name}'.`;
const unseen = (kind: string, name: string): string =>
  `SQL compilation error:\n${kind} '${name}' does not exist or not authorized.`;

describe("what may not be done", () => {
  test.each([
    ["SELECT * FROM T", "table", "T", "SELECT ON TABLE D.S.T"],
    ["insert into t select * from x", "table", "T", "INSERT ON TABLE D.S.T"],
    ["INSERT INTO X SELECT * FROM E.F.T", "table", "T", "SELECT ON TABLE E.F.T"],
    ["UPDATE F.T SET A = 1", "table", "T", "UPDATE ON TABLE D.F.T"],
    ["DELETE FROM T WHERE A = 'FROM X'", "table", "T", "DELETE ON TABLE D.S.T"],
    [
      "MERGE INTO T USING X ON T.A = X.A WHEN MATCHED THEN DELETE",
      "table",
      "T",
      "SELECT, INSERT, UPDATE, DELETE ON TABLE D.S.T",
    ],
    ["-- a remark\nTRUNCATE TABLE IF EXISTS T", "table", "T", "TRUNCATE ON TABLE D.S.T"],
    ["ALTER TABLE T ADD COLUMN A INT", "table", "T", "OWNERSHIP ON TABLE D.S.T"],
    ["GRANT SELECT ON TABLE T TO ROLE Q", "table", "T", "OWNERSHIP ON TABLE D.S.T"],
    ["ALTER TASK K RESUME", "task", "K", "OPERATE ON TASK D.S.K"],
    ["EXECUTE TASK K", "task", "K", "OPERATE ON TASK D.S.K"],
    ["DROP TASK K", "task", "K", "OWNERSHIP ON TASK D.S.K"],
    ["CREATE TABLE T (A INT)", "schema", "S", "CREATE TABLE ON SCHEMA D.S"],
    ["CREATE OR REPLACE VIEW E.F.V AS SELECT 1", "schema", "F", "CREATE VIEW ON SCHEMA E.F"],
    ["CREATE SCHEMA IF NOT EXISTS E.F", "database", "E", "CREATE SCHEMA ON DATABASE E"],
    ["CREATE DATABASE E", "account", "ACME", "CREATE DATABASE ON ACCOUNT"],
    ["CREATE API INTEGRATION I ENABLED = TRUE", "account", "ACME", "CREATE INTEGRATION ON ACCOUNT"],
    ["CREATE STREAM X ON TABLE T", "table", "T", "SELECT ON TABLE D.S.T"],
    [
      "CREATE EXTERNAL FUNCTION F() API_INTEGRATION = I",
      "integration",
      "I",
      "USAGE ON INTEGRATION I",
    ],
    ["COPY INTO @G/a FROM (SELECT 1)", "stage", "G", "WRITE ON STAGE D.S.G"],
    ["LIST @G", "stage", "G", "READ ON STAGE D.S.G"],
    ["CALL P()", "procedure", "P", "USAGE ON PROCEDURE D.S.P"],
    ["ALTER WAREHOUSE W SUSPEND", "warehouse", "W", "OPERATE ON WAREHOUSE W"],
  ])("%s", (sql, kind, name, grant) => {
    expect(explain("003001", insufficient(kind, name), sql)).toBe(
      `missing: GRANT ${grant} TO ROLE R;`,
    );
  });

  test("is taken from Snowflake where it says so itself", () => {
    const advice =
      "Insufficient privileges to operate on schema 'ANALYTICS'.\n\nYour primary role SALES_ANALYST must have CREATE TABLE granted\non SCHEMA SALES_DB.ANALYTICS.";
    expect(explain("003001", advice)).toBe(
      "missing: GRANT CREATE TABLE ON SCHEMA SALES_DB.ANALYTICS TO ROLE SALES_ANALYST;",
    );
  });
});

describe("what may not be seen", () => {
  test.each([
    ["SELECT * FROM T", "Object", "T", "SELECT ON TABLE D.S.T"],
    ["SELECT * FROM E.F.T", "Object", "E.F.T", "SELECT ON TABLE E.F.T"],
    ["SELECT * FROM REPORT_STATUS", "Object", "REPORT_STATUS", "SELECT ON VIEW D.S.REPORT_STATUS"],
    ["INSERT INTO D.S.T VALUES (1)", "Object", "D.S.T", "INSERT ON TABLE D.S.T"],
    ["DROP VIEW V", "Object", "D.S.V", "OWNERSHIP ON VIEW D.S.V"],
    ["SELECT * FROM E.F.T", "Database", "E", "USAGE ON DATABASE E"],
    ["SELECT * FROM E.F.T", "Schema", "E.F", "USAGE ON SCHEMA E.F"],
    ["DESC TASK K", "Task", "K", "MONITOR ON TASK D.S.K"],
    ["CREATE TASK K WAREHOUSE = V AS SELECT 1", "Warehouse", "V", "USAGE ON WAREHOUSE V"],
  ])("%s: %s", (sql, kind, name, grant) => {
    expect(explain("002003", unseen(kind, name), sql)).toBe(
      `if it exists, this is missing: GRANT ${grant} TO ROLE R;`,
    );
  });

  test("a procedure is named with a place for its types", () => {
    const message = "SQL compilation error:\nUnknown user-defined function D.S.P";
    expect(explain("002141", message, "CALL P(1)")).toBe(
      "if it exists, this is missing: GRANT USAGE ON PROCEDURE D.S.P(<types of its arguments>) TO ROLE R;",
    );
  });
});

describe("what a session is without", () => {
  test.each([
    [
      "000606",
      "No active warehouse selected in the current session.",
      "if it exists, this is missing: GRANT USAGE ON WAREHOUSE W TO ROLE R;",
    ],
    [
      "090105",
      "This session does not have a current database.",
      "if it exists, this is missing: GRANT USAGE ON DATABASE D TO ROLE R;",
    ],
    [
      "090106",
      "This session does not have a current schema.",
      "if it exists, this is missing: GRANT USAGE ON SCHEMA D.S TO ROLE R;",
    ],
    [
      "390186",
      "Role 'Q' specified in the connect string is not granted to this user.",
      "missing: GRANT ROLE Q TO USER U;",
    ],
    [
      "003013",
      "Requested role 'Q' is not assigned to the executing user.",
      "missing: GRANT ROLE Q TO USER U;",
    ],
    [
      "091089",
      "Cannot execute task , EXECUTE TASK privilege must be granted to owner role",
      "missing: GRANT EXECUTE TASK ON ACCOUNT TO ROLE <owner of the task>;",
    ],
    [
      "091089",
      "Cannot execute task, USAGE privilege on the task's warehouse must be granted to owner role",
      "missing: GRANT USAGE ON WAREHOUSE <warehouse of the task> TO ROLE <owner of the task>;",
    ],
  ])("%s", (code, message, expected) => {
    expect(explain(code, message)).toBe(expected);
  });

  test("is left open where the settings do not say it", () => {
    expect(explain("000606", "No active warehouse", "", { warehouse: undefined })).toBeUndefined();
    expect(
      explain("003001", insufficient("table", "T"), "SELECT * FROM T", { role: undefined }),
    ).toBe("missing: GRANT SELECT ON TABLE D.S.T TO ROLE <role of the session>;");
  });
});

test("an error that is about no privilege has no grant", () => {
  expect(explain("000904", "invalid identifier 'A'", "SELECT A FROM T")).toBeUndefined();
  expect(explain("002003", "something that reads otherwise", "SELECT 1")).toBeUndefined();
});
