import { describe, expect, test } from "bun:test";
import { ReportError } from "../../src/report/errors.ts";
import type { Connection, StatementResult } from "../../src/snowflake/connection.ts";
import { objectOf, usedSchema } from "../../src/snowflake/script-objects.ts";
import { applyScripts, type ObjectChange } from "../../src/snowflake/script-run.ts";
import { errorOf } from "./errors.ts";

describe("objectOf", () => {
  test.each([
    ["CREATE TABLE IF NOT EXISTS t (A INT)", "TABLE", "DB.S.T", null],
    ["create or replace view DB2.S2.V copy grants as select 1", "VIEW", "DB2.S2.V", null],
    ["ALTER TABLE T ADD COLUMN IF NOT EXISTS C INT", "TABLE", "DB.S.T", null],
    ["CREATE OR ALTER TASK K AS SELECT 1", "TASK", "DB.S.K", null],
    ["ALTER TASK IF EXISTS K SUSPEND", "TASK", "DB.S.K", null],
    ["CREATE OR REPLACE PROCEDURE P() RETURNS INT AS 'x'", "PROCEDURE", "DB.S.P", "()"],
    [
      "CREATE PROCEDURE P(A VARCHAR, B NUMBER(5, 0), C VARCHAR DEFAULT NULL) RETURNS INT AS 'x'",
      "PROCEDURE",
      "DB.S.P",
      "(VARCHAR, NUMBER, VARCHAR)",
    ],
    ["DROP FUNCTION F(VARCHAR)", "FUNCTION", "DB.S.F", "(VARCHAR)"],
    [
      "CREATE OR REPLACE EXTERNAL FUNCTION F(R VARCHAR) AS 'x'",
      "EXTERNAL FUNCTION",
      "DB.S.F",
      "(VARCHAR)",
    ],
    ["CREATE API INTEGRATION IF NOT EXISTS I ENABLED = TRUE", "API INTEGRATION", "I", null],
    ["CREATE ROLE IF NOT EXISTS R", "ROLE", "R", null],
    ["COMMENT ON TABLE T IS 'x'", "TABLE", "DB.S.T", null],
    ["COMMENT IF EXISTS ON TABLE T IS 'x'", "TABLE", "DB.S.T", null],
    ["GRANT SELECT ON TABLE T TO ROLE R", "GRANTS", "ROLE R", null],
    ["GRANT ROLE A TO USER U", "GRANTS", "USER U", null],
    ["REVOKE SELECT ON TABLE T FROM ROLE R", "GRANTS", "ROLE R", null],
    ["GRANT DATABASE ROLE X.Y TO DATABASE ROLE D.R", "GRANTS", "DATABASE ROLE D.R", null],
  ])("of %s", (sql, kind, name, signature) => {
    expect(objectOf(sql, "DB.S")).toEqual({ kind, name, signature });
  });

  test.each(["USE SCHEMA A.B", "SELECT 1", "INSERT INTO T VALUES (1)", "DESC INTEGRATION I"])(
    "%s makes and changes none",
    (sql) => {
      expect(objectOf(sql, null)).toBeNull();
    },
  );

  test("USE SCHEMA says where the names lie", () => {
    expect(usedSchema("USE SCHEMA Reporting_Db.config")).toBe("REPORTING_DB.CONFIG");
    expect(usedSchema("USE ROLE R")).toBeNull();
  });
});

/** A warehouse that knows objects by name, and what is to go wrong. */
function fakeWarehouse(fails: (sql: string) => boolean = () => false): {
  connection: Connection;
  objects: Map<string, string>;
  sent: string[];
} {
  const objects = new Map<string, string>();
  const sent: string[] = [];
  const answer = (sql: string): StatementResult["rows"] => {
    const [, ddlOf] = /GET_DDL\('\w+', 'DB\.S\.(\w+)'\)/.exec(sql) ?? [];
    if (ddlOf === undefined) return runStatement(objects, sql);
    const ddl = objects.get(ddlOf);
    if (ddl === undefined) throw new ReportError("query_failed", "Object does not exist.");
    return [{ DDL: ddl }];
  };
  const connection: Connection = {
    async execute(sql) {
      if (fails(sql)) {
        const warehouse = { vendorCode: "001003" };
        throw new ReportError("query_failed", "something is wrong", { warehouse });
      }
      if (!sql.startsWith("SELECT GET_DDL")) sent.push(sql);
      return { rows: answer(sql), rowsAffected: 0, queryId: "q" };
    },
    transaction: () => Promise.reject(new Error("no transaction is needed")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { connection, objects, sent };
}

function runStatement(objects: Map<string, string>, sql: string): StatementResult["rows"] {
  const [, verb, name] =
    /^(CREATE TABLE IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE) (\w+)/.exec(sql) ?? [];
  if (name === undefined) return [{ status: "Statement executed successfully." }];
  const isKept = verb === "CREATE TABLE IF NOT EXISTS" && objects.has(name);
  const known = verb === "ALTER TABLE" ? (objects.get(name) ?? "") : "";
  if (!isKept) objects.set(name, `${known}${sql}`);
  return [{ status: `${name} successfully created.` }];
}

describe("applyScripts", () => {
  const SCRIPTS = [
    {
      name: "01.sql",
      text: "-- first\nUSE SCHEMA DB.S;\nCREATE TABLE IF NOT EXISTS A (\n  X INT\n);\nCREATE OR REPLACE VIEW V AS SELECT 1;",
    },
    {
      name: "02.sql",
      text: "USE SCHEMA DB.S;\nALTER TABLE A ADD COLUMN Y INT;\nCREATE TABLE IF NOT EXISTS B (X INT);",
    },
  ];

  async function apply(
    warehouse: { connection: Connection },
    scripts = SCRIPTS,
  ): Promise<string[]> {
    const changes: ObjectChange[] = [];
    await applyScripts(warehouse.connection, scripts, (change) => changes.push(change));
    return changes.map(
      ({ status, kind, name, script, line }) => `${status} ${kind} ${name} ${script}:${line}`,
    );
  }

  test("statements run in order, and each object is told of once, behind the last script that names it", async () => {
    const warehouse = fakeWarehouse();
    expect(await apply(warehouse)).toEqual([
      "created VIEW DB.S.V 01.sql:6",
      "created TABLE DB.S.A 01.sql:3",
      "created TABLE DB.S.B 02.sql:3",
    ]);
    expect(warehouse.sent.map((sql) => sql.split(" ", 2).join(" "))).toEqual([
      "USE SCHEMA",
      "CREATE TABLE",
      "CREATE OR",
      "USE SCHEMA",
      "ALTER TABLE",
      "CREATE TABLE",
    ]);
  });

  test("what is replaced by the same is unchanged, although the answer says created", async () => {
    const warehouse = fakeWarehouse();
    const scripts = SCRIPTS.slice(0, 1);
    await apply(warehouse, scripts);
    expect(await apply(warehouse, scripts)).toEqual([
      "unchanged TABLE DB.S.A 01.sql:3",
      "unchanged VIEW DB.S.V 01.sql:6",
    ]);
    warehouse.objects.set("V", "somebody's");
    expect(await apply(warehouse, scripts)).toContain("changed VIEW DB.S.V 01.sql:6");
  });

  test("without a listener nothing is looked at", async () => {
    const { connection, sent } = fakeWarehouse((sql) => sql.includes("GET_DDL"));
    await applyScripts(connection, SCRIPTS);
    expect(sent).toHaveLength(6);
  });

  test("the first error ends it, naming script, line and statement, and what was done", async () => {
    const warehouse = fakeWarehouse((sql) => sql.startsWith("CREATE OR REPLACE VIEW"));
    const changes: ObjectChange[] = [];
    const error = await errorOf(
      applyScripts(warehouse.connection, SCRIPTS, (change) => changes.push(change)),
    );
    expect(error.message).toBe(
      "01.sql, line 6, CREATE OR REPLACE VIEW V AS SELECT 1: something is wrong\n" +
        "Done before it: 2 of the 3 statements of 01.sql. Nothing is lost; once that is mended, run it again: what is there stays as it is.",
    );
    expect(error).toMatchObject({ code: "query_failed", warehouse: { vendorCode: "001003" } });
    expect(changes.map(({ name, status }) => `${status} ${name}`)).toEqual(["created DB.S.A"]);
    expect(warehouse.sent).toHaveLength(2);
  });

  test("an object that is not there is not told of when the statement that would have made it fails", async () => {
    const warehouse = fakeWarehouse((sql) => sql.startsWith("CREATE OR ALTER TASK"));
    const text =
      "USE SCHEMA DB.S;\nCREATE TABLE IF NOT EXISTS A (X INT);\nALTER TASK IF EXISTS T SUSPEND;\nCREATE OR ALTER TASK T AS CALL P();";
    const changes: ObjectChange[] = [];
    await errorOf(
      applyScripts(warehouse.connection, [{ name: "04.sql", text }], (change) =>
        changes.push(change),
      ),
    );
    expect(changes.map(({ name, status }) => `${status} ${name}`)).toEqual(["created DB.S.A"]);
  });

  test("an error in a later script says which were applied whole", async () => {
    const warehouse = fakeWarehouse((sql) => sql.startsWith("ALTER TABLE"));
    const error = await errorOf(applyScripts(warehouse.connection, SCRIPTS));
    expect(error.message).toContain("Done before it: 01.sql, 1 of the 3 statements of 02.sql.");
  });

  test("a script that cannot be split runs not at all, nor those before it", async () => {
    const { connection, sent } = fakeWarehouse();
    const scripts = [...SCRIPTS, { name: "03.sql", text: "SELECT 1;\nSELECT 'x" }];
    const error = await errorOf(applyScripts(connection, scripts));
    expect(error.message).toBe("03.sql, line 2: a quote (') is not closed");
    expect(sent).toEqual([]);
  });
});
