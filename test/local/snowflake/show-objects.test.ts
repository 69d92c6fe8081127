import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { EngineSession } from "../../../src/local/snowflake/engine.ts";
import { openTestEngine, query, type TestEngine } from "./engine-sessions.ts";

/** What tools such as those over JDBC read to draw their trees. */

let engine: TestEngine;
let session: EngineSession;

beforeEach(async () => {
  ({ engine, session } = await openTestEngine());
});

afterEach(() => engine.close());

describe("SHOW for tools", () => {
  test("OBJECTS are tables and views", async () => {
    await query(
      session,
      "CREATE TABLE report_one (n NUMBER(10, 2) NOT NULL, s VARCHAR(64), d DATE) COMMENT = 'first'",
    );
    await query(session, "CREATE VIEW report_two AS SELECT n FROM report_one");
    await query(session, "CREATE TABLE other (n NUMBER)");
    const rows = await query(session, "show /* tool */ objects like 'REPORT%'");
    expect(rows.map((row) => [row[1], row[4], row[5]])).toEqual([
      ["REPORT_ONE", "TABLE", "first"],
      ["REPORT_TWO", "VIEW", ""],
    ]);
    expect(await query(session, "SHOW TERSE OBJECTS LIKE 'OTHER'")).toHaveLength(1);
  });

  test("COLUMNS have their types as JSON, in the places that drivers read", async () => {
    await query(
      session,
      "CREATE TABLE t (n NUMBER(10, 2) NOT NULL, s VARCHAR(64) COMMENT 'text', d DATE, k TIMESTAMP_NTZ)",
    );
    const rows = await query(session, "SHOW COLUMNS IN TABLE t");
    expect(rows.map((row) => JSON.parse(row[3] ?? ""))).toEqual([
      { type: "FIXED", precision: 10, scale: 2, nullable: false },
      { type: "TEXT", length: 64, byteLength: 256, nullable: true },
      { type: "DATE", nullable: true },
      { type: "TIMESTAMP_NTZ", precision: 0, scale: 9, nullable: true },
    ]);
    expect(rows[1]?.[2]).toBe("S");
    expect(rows[1]?.[8]).toBe("text");
    expect(rows[1]?.[9]).toBe("D");
  });
});
