import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** What SHOW, DESCRIBE and errors say of streams, and when one goes stale. */

type Row = Record<string, unknown>;

let server: LocalSnowflake;
let connection: Connection;

beforeAll(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 0 });
  connection = await connect(server);
});
afterAll(() => server[Symbol.asyncDispose]());

beforeEach(async () => {
  await run("CREATE OR REPLACE DATABASE D");
  await run("CREATE TABLE T (A NUMBER)");
  await run("CREATE STREAM S ON TABLE T APPEND_ONLY = TRUE COMMENT = 'new rows'");
});

async function run(sql: string, on = connection): Promise<Row[]> {
  const { rows } = await execute(on, sql, { rowMode: "object" });
  return rows as Row[];
}

async function stream(on = connection): Promise<Row> {
  const [row] = await run("SHOW STREAMS LIKE 'S' IN DATABASE D", on);
  if (row === undefined) throw new Error("There is no such stream.");
  return row;
}

const DROPPED = "Base table 'D.PUBLIC.T' dropped, cannot read from stream 'S'";

test("SHOW and DESCRIBE tell what Snowflake tells", async () => {
  const before = Date.now();
  const shown = await stream();
  expect(shown).toMatchObject({
    name: "S",
    database_name: "D",
    schema_name: "PUBLIC",
    comment: "new rows",
    table_name: "D.PUBLIC.T",
    source_type: "Table",
    base_tables: "D.PUBLIC.T",
    type: "DELTA",
    stale: "false",
    mode: "APPEND_ONLY",
    invalid_reason: "N/A",
    owner_role_type: "ROLE",
  });
  const days = (new Date(String(shown["stale_after"])).getTime() - before) / 86_400_000;
  expect(days).toBeCloseTo(14, 2);
  const [described] = await run("DESCRIBE STREAM S");
  expect(Object.keys(described ?? {})).toEqual(Object.keys(shown));
  expect(described?.["table_name"]).toBe("D.PUBLIC.T");
  expect((await failureOf(run("DESC STREAM T"))).code).toBe("002003");
});

describe.each([
  ["dropped", "DROP TABLE T"],
  ["replaced", "CREATE OR REPLACE TABLE T (A NUMBER)"],
  ["replaced by a query", "CREATE OR REPLACE TABLE T AS SELECT 1 AS A"],
])("a stream whose table was %s", (_how, change) => {
  beforeEach(async () => {
    await run("INSERT INTO T VALUES (1)");
    await run(change);
  });

  test("is stale, and says so to all who read it", async () => {
    expect(await stream()).toMatchObject({
      stale: "true",
      table_name: "No privilege or table dropped",
    });
    for (const sql of [
      "SELECT * FROM S",
      "SELECT SYSTEM$STREAM_HAS_DATA('S')",
      "CREATE TABLE U AS SELECT A FROM S",
    ]) {
      const error = await failureOf(run(sql));
      expect([error.code, error.sqlState]).toEqual(["091901", "01000"]);
      expect(error.message).toContain(DROPPED);
    }
  });

  test("is mended by CREATE OR REPLACE STREAM", async () => {
    await run("CREATE TABLE IF NOT EXISTS T (A NUMBER)");
    await run("INSERT INTO T VALUES (2)");
    expect((await failureOf(run("SELECT * FROM S"))).message).toContain(DROPPED);
    await run("CREATE OR REPLACE STREAM S ON TABLE T APPEND_ONLY = TRUE");
    await run("INSERT INTO T VALUES (3)");
    expect(await stream()).toMatchObject({ stale: "false", table_name: "D.PUBLIC.T" });
    expect(await run("SELECT A FROM S")).toEqual([{ A: 3 }]);
  });

  test("can be dropped", async () => {
    await run("DROP STREAM S");
    expect(await run("SHOW STREAMS")).toEqual([]);
  });
});

test("a stream in another schema outlives the schema of its table, stale", async () => {
  await run("CREATE SCHEMA D.OTHER");
  await run("CREATE TABLE D.OTHER.T2 (A NUMBER)");
  await run("CREATE STREAM D.PUBLIC.S2 ON TABLE D.OTHER.T2 APPEND_ONLY = TRUE");
  await run("DROP SCHEMA D.OTHER");
  const [shown] = await run("SHOW STREAMS LIKE 'S2' IN DATABASE D");
  expect(shown?.["stale"]).toBe("true");
});

test("a stream is still stale after a restart", async () => {
  const file = join(tmpdir(), `streams-${crypto.randomUUID()}.duckdb`);
  const first = await startLocalSnowflake({ sampleLineItems: 0, file });
  const session = await connect(first);
  for (const sql of [
    "CREATE DATABASE D",
    "CREATE TABLE T (A NUMBER)",
    "CREATE STREAM S ON TABLE T APPEND_ONLY = TRUE",
    "CREATE OR REPLACE TABLE T (A NUMBER)",
  ])
    await run(sql, session);
  await first[Symbol.asyncDispose]();
  const second = await startLocalSnowflake({ sampleLineItems: 0, file });
  const again = await connect(second, { database: "D", schema: "PUBLIC" });
  expect((await stream(again))["stale"]).toBe("true");
  expect((await failureOf(run("SELECT * FROM S", again))).code).toBe("091901");
  await run("INSERT INTO T VALUES (1)", again);
  await second[Symbol.asyncDispose]();
  await rm(file, { force: true });
});
