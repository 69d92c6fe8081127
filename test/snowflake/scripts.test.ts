import { describe, expect, test } from "bun:test";
import { ReportError } from "../../src/report/errors.ts";
import type { Connection, StatementResult } from "../../src/snowflake/connection.ts";
import { applyScripts, renderScript, type ScriptProgress } from "../../src/snowflake/scripts.ts";
import { errorOf } from "./errors.ts";

const NAMES = { database: "DB2", schema: "SCH2", warehouse: "WH$2", role: "R2" };

describe("renderScript", () => {
  test.each([
    ["CREATE DATABASE IF NOT EXISTS REPORTING_DB", "CREATE DATABASE IF NOT EXISTS DB2"],
    ["CREATE SCHEMA IF NOT EXISTS REPORTING_DB.CONFIG", "CREATE SCHEMA IF NOT EXISTS DB2.SCH2"],
    ["USE SCHEMA CONFIG", "USE SCHEMA SCH2"],
    ["create schema if not exists config", "create schema if not exists SCH2"],
    [
      "SELECT * FROM reporting_db . config . REPORT_CONFIG",
      "SELECT * FROM DB2 . SCH2 . REPORT_CONFIG",
    ],
    ["WAREHOUSE = COMPUTE_WH", "WAREHOUSE = WH$2"],
    ["TO ROLE CORTEX_USER_ROLE", "TO ROLE R2"],
    ["SYSTEM$STREAM_HAS_DATA('REPORTING_DB.CONFIG.S')", "SYSTEM$STREAM_HAS_DATA('DB2.SCH2.S')"],
    ["AS $$ var s = 'REPORTING_DB.CONFIG.T'; // x\n$$", "AS $$ var s = 'DB2.SCH2.T'; // x\n$$"],
  ])("%s becomes %s", (text, expected) => {
    expect(renderScript(text, NAMES)).toBe(expected);
  });

  test.each([
    "-- REPORTING_DB.CONFIG is the default\n/* COMPUTE_WH */",
    "SELECT CONFIG FROM REPORT_CONFIG",
    "MY_REPORTING_DB, REPORTING_DB_2, REPORTING_DB$, XCOMPUTE_WH",
  ])("stays as it is: %s", (text) => {
    expect(renderScript(text, NAMES)).toBe(text);
  });

  test("names that are not given keep their default", () => {
    const text = "GRANT USAGE ON DATABASE REPORTING_DB TO ROLE CORTEX_USER_ROLE";
    expect(renderScript(text, {})).toBe(text);
    expect(renderScript(text, { role: "R2" })).toBe(
      "GRANT USAGE ON DATABASE REPORTING_DB TO ROLE R2",
    );
  });

  test.each(["my-db", 'a"b', "", "1a", "a; DROP TABLE t"])(
    "%j is refused as a name",
    (database) => {
      expect(() => renderScript("", { database })).toThrow(ReportError);
    },
  );
});

/** A connection that answers what it is told and keeps what it was sent. */
function fakeConnection(answer: (sql: string) => StatementResult["rows"]): {
  connection: Connection;
  sent: string[];
} {
  const sent: string[] = [];
  const connection: Connection = {
    async execute(sql) {
      sent.push(sql);
      const rows = answer(sql);
      const rowsAffected = Number(rows[0]?.["number of rows inserted"] ?? 0);
      return { rows, rowsAffected, queryId: "q" };
    },
    transaction: () => Promise.reject(new Error("no transaction is needed")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { connection, sent };
}

describe("applyScripts", () => {
  const SCRIPTS = [
    { name: "01.sql", text: "-- first\nCREATE TABLE A (\n  X INT\n);\nUSE SCHEMA S;" },
    { name: "02.sql", text: "INSERT INTO A SELECT 1;\nALTER TABLE A ADD COLUMN Y INT;" },
  ];
  const STATUSES: Record<string, StatementResult["rows"]> = {
    CREATE: [{ status: "Table A successfully created." }],
    USE: [{ status: "Statement executed successfully." }],
    INSERT: [{ "number of rows inserted": "1" }],
    ALTER: [{ status: "Statement executed successfully." }],
  };

  function statusOf(sql: string): StatementResult["rows"] {
    return STATUSES[sql.split(" ", 1).join("")] ?? [];
  }

  test("statements run in order, and each is told of with its status", async () => {
    const { connection, sent } = fakeConnection(statusOf);
    const progress: ScriptProgress[] = [];
    await applyScripts(connection, SCRIPTS, (step) => progress.push(step));
    expect(sent).toEqual([
      "CREATE TABLE A (\n  X INT\n)",
      "USE SCHEMA S",
      "INSERT INTO A SELECT 1",
      "ALTER TABLE A ADD COLUMN Y INT",
    ]);
    expect(progress).toEqual([
      {
        script: "01.sql",
        line: 2,
        statement: "CREATE TABLE A (",
        status: "created",
        message: "Table A successfully created.",
      },
      {
        script: "01.sql",
        line: 5,
        statement: "USE SCHEMA S",
        status: "unchanged",
        message: "Statement executed successfully.",
      },
      {
        script: "02.sql",
        line: 1,
        statement: "INSERT INTO A SELECT 1",
        status: "changed",
        message: "1 rows",
      },
      {
        script: "02.sql",
        line: 2,
        statement: "ALTER TABLE A ADD COLUMN Y INT",
        status: "changed",
        message: "Statement executed successfully.",
      },
    ]);
  });

  test("what exists already is unchanged", async () => {
    const { connection } = fakeConnection(() => [
      { status: "A already exists, statement succeeded." },
    ]);
    const progress: ScriptProgress[] = [];
    await applyScripts(connection, SCRIPTS.slice(0, 1), (step) => progress.push(step));
    expect(progress.map((step) => step.status)).toEqual(["unchanged", "unchanged"]);
  });

  test("the first error ends it, naming script, line and statement", async () => {
    const { connection, sent } = fakeConnection((sql) => {
      if (!sql.startsWith("INSERT")) return statusOf(sql);
      throw new ReportError("query_failed", "Object 'A' does not exist.", {
        warehouse: { vendorCode: "002003" },
      });
    });
    const error = await errorOf(applyScripts(connection, SCRIPTS, () => undefined));
    expect(error.message).toBe(
      "02.sql, line 1, INSERT INTO A SELECT 1: Object 'A' does not exist.",
    );
    expect(error).toMatchObject({ code: "query_failed", warehouse: { vendorCode: "002003" } });
    expect(sent).toHaveLength(3);
  });

  test("a script that cannot be split runs not at all", async () => {
    const { connection, sent } = fakeConnection(statusOf);
    const scripts = [{ name: "03.sql", text: "SELECT 1;\nSELECT 'x" }];
    const error = await errorOf(applyScripts(connection, scripts, () => undefined));
    expect(error.message).toBe("03.sql, line 2: a quote (') is not closed");
    expect(sent).toEqual([]);
  });
});
