import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { EngineSession } from "../../../src/local/snowflake/engine.ts";
import {
  binds,
  openTestEngine,
  query,
  readRows,
  statement,
  type TestEngine,
  wireTypes,
} from "./engine-sessions.ts";

/** Binds as the drivers for Python and Go send them; expected are the moments that they were made from. */

let engine: TestEngine;
let session: EngineSession;

beforeEach(async () => {
  ({ engine, session } = await openTestEngine());
});

afterEach(() => engine.close());

type TypedBind = [type: string, value: string | null];

async function asText(type: string, value: string | null): Promise<string | null | undefined> {
  const [row] = await query(session, "SELECT TO_VARCHAR(?)", { binds: binds([type, value]) });
  return row?.[0];
}

describe("a typed bind", () => {
  const cases: [bind: TypedBind, expected: string | null][] = [
    [["DATE", "1767225600000"], "2026-01-01"],
    [["DATE", "-28684800000"], "1969-02-03"],
    [["DATE", "-62135596800000"], "0001-01-01"],
    [["TIME", "3723000000000"], "01:02:03"],
    [["TIMESTAMP_NTZ", "1767229323000004005"], "2026-01-01 01:02:03.000"],
    [["TIMESTAMP_NTZ", "-315615476999996000"], "1960-01-01 01:02:03.000"],
    [["TIMESTAMP_TZ", "1767229323000000000 1260"], "2025-12-31 22:02:03.000 -0300"],
    [["TIMESTAMP_TZ", "1767229323000000000 1770"], "2026-01-01 06:32:03.000 +0530"],
    [["BINARY", "c0ffee"], "C0FFEE"],
    [["DATE", null], null],
    [["DATE", "2026-01-31"], "2026-01-31"],
  ];
  test.each(cases)("%p is %p", async ([type, value], expected) => {
    expect(await asText(type, value)).toBe(expected);
  });

  test("has its type in the result, with all its digits", async () => {
    const values = [
      ["DATE", "0"],
      ["TIME", "1"],
      ["TIMESTAMP_NTZ", "1"],
      ["TIMESTAMP_LTZ", "1000"],
      ["TIMESTAMP_TZ", "1 1440"],
      ["BINARY", "00"],
    ] as const;
    const options = { binds: binds(...values) };
    const result = await session.execute(statement("SELECT ?, ?, ?, ?, ?, ?", options));
    expect(wireTypes(result).map((type) => type.split("(")[0] ?? "")).toEqual([
      "date",
      "time",
      "timestamp_ntz",
      "timestamp_ltz",
      "timestamp_tz",
      "binary",
    ]);
    expect(await readRows(result)).toEqual([
      ["0", "0.000000001", "0.000000001", "0.000001000", "0.000000001 1440", "00"],
    ]);
  });
});

describe("typed binds in bulk", () => {
  test("are dates, times and decimal fractions of the columns they go to", async () => {
    await query(session, "CREATE TABLE t (d DATE, k TIME, w TIMESTAMP_NTZ, c NUMBER(12, 3))");
    const options = {
      binds: binds(
        ["DATE", ["1767225600000", null]],
        ["TIME", ["3723000000000", null]],
        ["TIMESTAMP_NTZ", ["1767229323000000000", null]],
        ["FIXED", ["1.125", "-2"]],
      ),
    };
    await query(session, "INSERT INTO t VALUES (?, ?, ?, ?)", options);
    expect(
      await query(
        session,
        "SELECT TO_VARCHAR(d), TO_VARCHAR(k), TO_VARCHAR(w), c FROM t ORDER BY c",
      ),
    ).toEqual([
      [null, null, null, "-2.000"],
      ["2026-01-01", "01:02:03", "2026-01-01 01:02:03.000", "1.125"],
    ]);
  });
});

describe("a statement that is only described", () => {
  test("needs no binds", async () => {
    await query(session, "CREATE TABLE t (id NUMBER, s VARCHAR)");
    const insert = statement("INSERT INTO t VALUES (?, UPPER(?))", { describeOnly: true });
    const { columns, bindCount } = await session.execute(insert);
    expect(bindCount).toBe(2);
    expect(columns.map(({ name }) => name)).toEqual(["number of rows inserted"]);
    const select = statement("SELECT id AS n FROM t WHERE id = ? AND s <> '?'", {
      describeOnly: true,
    });
    expect((await session.execute(select)).columns.map(({ name }) => name)).toEqual(["N"]);
    expect(await query(session, "SELECT COUNT(*) FROM t")).toEqual([["0"]]);
  });
});
