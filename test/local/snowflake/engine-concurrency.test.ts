import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEngine } from "../../../src/local/snowflake/engine/duckdb-engine.ts";
import type { EngineSession } from "../../../src/local/snowflake/engine.ts";
import { ReportError } from "../../../src/report/errors.ts";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  cell,
  failure,
  openSecond,
  openTestEngine,
  query,
  readRows,
  statement,
  type TestEngine,
} from "./engine-sessions.ts";

let engine: TestEngine;
let session: EngineSession;
let second: EngineSession;

beforeEach(async () => {
  ({ engine, session } = await openTestEngine());
  second = await openSecond(engine);
  await query(session, "CREATE TABLE queue (id INT, fence INT, owner VARCHAR)");
  await query(session, "INSERT INTO queue VALUES (1, 0, NULL), (2, 0, NULL)");
});

afterEach(() => engine.close());

function run(sql: string, on = session): Promise<(string | null)[][]> {
  return query(on, sql);
}

function claim(owner: string): string {
  return `UPDATE queue SET owner = '${owner}', fence = fence + 1 WHERE id = 1 AND fence = 0`;
}

/** Settles only after what was started before it had its chance to. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe("transactions and locks", () => {
  test("of two that race for a row, one gets it", async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => openSecond(engine)));
    const results = await Promise.all(sessions.map((each, index) => run(claim(`w${index}`), each)));
    expect(results.map(([row]) => row?.[0]).toSorted((a, b) => Number(a) - Number(b))).toEqual([
      "0",
      "0",
      "0",
      "0",
      "0",
      "0",
      "0",
      "1",
    ]);
    expect(await cell(session, "SELECT fence FROM queue WHERE id = 1")).toBe("1");
  });

  test("an UPDATE waits for the other's transaction and then sees what it left", async () => {
    await run("BEGIN TRANSACTION");
    await run(claim("first"));
    let isDone = false;
    const waiting = run(claim("second"), second).finally(() => (isDone = true));
    await pause(50);
    expect(isDone).toBe(false);
    await run("COMMIT");
    expect(await waiting).toEqual([["0", "0"]]);
    expect(await cell(second, "SELECT owner FROM queue WHERE id = 1")).toBe("first");
  });

  test("after a ROLLBACK the one that waited gets the row", async () => {
    await run("START TRANSACTION");
    await run(claim("first"));
    const waiting = run(claim("second"), second);
    await run("ROLLBACK");
    expect(await waiting).toEqual([["1", "0"]]);
    expect(await cell(session, "SELECT owner FROM queue WHERE id = 1")).toBe("second");
  });

  test("reading and inserting wait for nobody, and see nothing uncommitted", async () => {
    await run("BEGIN");
    await run(claim("first"));
    await run("INSERT INTO queue VALUES (3, 0, NULL)", second);
    expect(await cell(second, "SELECT COUNT(owner) || '/' || COUNT(*) FROM queue")).toBe("0/3");
    expect(await cell(session, "SELECT COUNT(owner) FROM queue")).toBe("1");
    await run("COMMIT");
    expect(await cell(second, "SELECT COUNT(owner) || '/' || COUNT(*) FROM queue")).toBe("1/3");
  });

  test("before its first write a transaction reads what was committed last", async () => {
    await run("BEGIN");
    expect(await cell(session, "SELECT COUNT(*) FROM queue")).toBe("2");
    await run("DELETE FROM queue WHERE id = 2", second);
    expect(await cell(session, "SELECT COUNT(*) FROM queue")).toBe("1");
    expect(await run("UPDATE queue SET owner = 'x'")).toEqual([["1", "0"]]);
    await run("COMMIT");
  });

  test("LOCK_TIMEOUT ends the waiting with 000625", async () => {
    await run("BEGIN");
    await run(claim("first"));
    await run("ALTER SESSION SET LOCK_TIMEOUT = 0", second);
    expect(await failure(run(claim("second"), second))).toMatchObject({
      code: "000625",
      sqlState: "57014",
    });
    await run("ALTER SESSION SET LOCK_TIMEOUT = 1", second);
    const startedAt = performance.now();
    expect((await failure(run(claim("second"), second))).code).toBe("000625");
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  test("the 21st that waits is refused, the 20 before it are served", async () => {
    await run("BEGIN");
    await run(claim("first"));
    const sessions = await Promise.all(Array.from({ length: 21 }, () => openSecond(engine)));
    const results = sessions.map((each) =>
      run("UPDATE queue SET fence = fence + 1 WHERE id = 1", each),
    );
    const refused = await Promise.race(results.map((result) => failure(result)));
    expect(refused.code).toBe("000625");
    expect(refused.message).toContain("20 statements limit");
    await run("COMMIT");
    const settled = await Promise.allSettled(results);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
    expect(await cell(session, "SELECT fence FROM queue WHERE id = 1")).toBe("21");
  });

  test("two that wait for each other are told apart: one is refused", async () => {
    await run("CREATE TABLE other (a INT)");
    await run("INSERT INTO other VALUES (1)");
    await run("BEGIN");
    await run("BEGIN", second);
    await run("UPDATE queue SET fence = 5");
    await run("UPDATE other SET a = 5", second);
    const waiting = run("UPDATE other SET a = 6");
    expect((await failure(run("UPDATE queue SET fence = 6", second))).code).toBe("000625");
    await run("ROLLBACK", second);
    expect(await waiting).toEqual([["1", "0"]]);
  });

  test("DDL commits what is open, and closing a session rolls it back", async () => {
    await run("BEGIN");
    await run("UPDATE queue SET owner = 'ddl' WHERE id = 1");
    await run("CREATE TABLE x (a INT)");
    await run("ROLLBACK");
    expect(await cell(second, "SELECT owner FROM queue WHERE id = 1")).toBe("ddl");
    await run("BEGIN", second);
    await run("UPDATE queue SET owner = 'lost'", second);
    await second.close();
    expect(await run("SELECT owner FROM queue ORDER BY id")).toEqual([["ddl"], [null]]);
    expect(await run("UPDATE queue SET owner = 'free'")).toEqual([["2", "0"]]);
  });

  test("without AUTOCOMMIT a write waits for COMMIT", async () => {
    await run("ALTER SESSION SET AUTOCOMMIT = FALSE");
    await run("INSERT INTO queue VALUES (3, 0, NULL)");
    expect(await cell(second, "SELECT COUNT(*) FROM queue")).toBe("2");
    await run("COMMIT");
    expect(await cell(second, "SELECT COUNT(*) FROM queue")).toBe("3");
  });

  test("a statement that does not compile leaves the transaction as it is", async () => {
    await run("BEGIN");
    await run("UPDATE queue SET owner = 'x'");
    expect((await failure(run("UPDATE queue SET owner = nope"))).code).toBe("000904");
    await run("COMMIT");
    expect(await cell(session, "SELECT COUNT(owner) FROM queue")).toBe("2");
  });

  test("a transaction with a failed statement can only be rolled back, and keeps nothing", async () => {
    await run("BEGIN");
    await run("UPDATE queue SET owner = 'x'");
    expect((await failure(run("INSERT INTO queue SELECT 'abc', 1, 'x'"))).code).toBe("100038");
    expect((await failure(run("COMMIT"))).sqlState).toBe("25000");
    expect(await run("SELECT owner FROM queue")).toEqual([[null], [null]]);
  });
});

describe("streams", () => {
  beforeEach(async () => {
    await run("CREATE STREAM s ON TABLE queue APPEND_ONLY = TRUE");
    await run("CREATE TABLE log (id INT)");
  });

  test("only what is inserted after its creation is shown, with where it comes from", async () => {
    expect(await cell(session, "SELECT SYSTEM$STREAM_HAS_DATA('S')")).toBe("0");
    await run("INSERT INTO queue VALUES (3, 0, NULL)");
    expect(await cell(session, "SELECT SYSTEM$STREAM_HAS_DATA('d.public.s')")).toBe("1");
    expect(await run("SELECT id, metadata$action, metadata$isupdate FROM s")).toEqual([
      ["3", "INSERT", "0"],
    ]);
    const ids = await run("SELECT metadata$row_id FROM s");
    expect(ids[0]?.[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("an UPDATE is no insert, and a deleted row stays in the stream", async () => {
    await run("INSERT INTO queue VALUES (3, 0, NULL), (4, 0, NULL)");
    await run("UPDATE queue SET owner = 'x'");
    await run("DELETE FROM queue WHERE id = 4");
    expect(await run("SELECT id FROM s ORDER BY id")).toEqual([["3"], ["4"]]);
  });

  test("a committed DML moves the offset, whatever its WHERE; SELECT and ROLLBACK do not", async () => {
    await run("INSERT INTO queue VALUES (3, 0, NULL)");
    await run("SELECT * FROM s");
    await run("BEGIN");
    await run("INSERT INTO log SELECT id FROM s");
    await run("ROLLBACK");
    expect(await run("SELECT id FROM s")).toEqual([["3"]]);
    await run("INSERT INTO log SELECT id FROM s WHERE FALSE");
    expect(await run("SELECT id FROM s")).toEqual([]);
    expect(await cell(session, "SELECT SYSTEM$STREAM_HAS_DATA('S')")).toBe("0");
    expect(await cell(session, "SELECT COUNT(*) FROM log")).toBe("0");
  });

  test("what is committed while it is read is for the next reader", async () => {
    await run("INSERT INTO queue VALUES (3, 0, NULL)");
    await run("BEGIN");
    await run("INSERT INTO log SELECT id FROM s");
    await run("INSERT INTO queue VALUES (4, 0, NULL)", second);
    await run("COMMIT");
    expect(await run("SELECT id FROM log")).toEqual([["3"]]);
    expect(await run("SELECT id FROM s")).toEqual([["4"]]);
  });

  test("a row that a long transaction inserted earlier is not lost", async () => {
    await run("BEGIN", second);
    await run("INSERT INTO queue VALUES (3, 0, NULL)", second);
    await run("INSERT INTO queue VALUES (4, 0, NULL)");
    await run("INSERT INTO log SELECT id FROM s");
    await run("COMMIT", second);
    expect(await run("SELECT id FROM log")).toEqual([["4"]]);
    expect(await run("SELECT id FROM s")).toEqual([["3"]]);
  });

  test("MERGE and INSERT with a query feed it, each stream for itself", async () => {
    await run(
      "CREATE STREAM IF NOT EXISTS all_rows ON TABLE queue APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE",
    );
    await run(
      "MERGE INTO queue q USING (SELECT 1 AS id UNION ALL SELECT 9) x ON q.id = x.id WHEN MATCHED THEN UPDATE SET fence = 1 WHEN NOT MATCHED THEN INSERT (id) VALUES (x.id)",
    );
    expect(await run("SELECT id FROM s")).toEqual([["9"]]);
    expect(await run("SELECT id FROM all_rows ORDER BY id")).toEqual([["1"], ["2"], ["9"]]);
    await run("CREATE TABLE taken AS SELECT id FROM s");
    expect(await run("SELECT id FROM s")).toEqual([]);
    expect(await cell(session, "SELECT COUNT(*) FROM all_rows")).toBe("3");
    await run("DROP STREAM all_rows");
    expect((await failure(run("SELECT * FROM all_rows"))).code).toBe("002003");
  });
});

const ENDLESS =
  "SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 100000000)) a, TABLE(GENERATOR(ROWCOUNT => 100000000)) b WHERE a._SEQUENCE + b._SEQUENCE < 0";

describe("stopping", () => {
  test("a running query is cancelled", async () => {
    const slow = statement(ENDLESS);
    const result = session.execute(slow).then(readRows);
    await pause(50);
    session.cancel(slow.queryId);
    expect(await failure(result)).toMatchObject({ code: "000604", sqlState: "57014" });
    expect(await cell(session, "SELECT 1")).toBe("1");
  });

  test("a statement that waits, for time or for a lock, is cancelled", async () => {
    const wait = statement("SELECT SYSTEM$WAIT(60)");
    const result = session.execute(wait);
    session.cancel(wait.queryId);
    expect((await failure(result)).code).toBe("000604");
    await run("BEGIN");
    await run(claim("first"));
    const blocked = statement(claim("second"));
    const blockedResult = second.execute(blocked);
    await pause(10);
    second.cancel(blocked.queryId);
    expect((await failure(blockedResult)).code).toBe("000604");
    await run("COMMIT");
    expect(await run(claim("second"), second)).toEqual([["0", "0"]]);
  });

  test("rows that are being read stop coming", async () => {
    const big = statement("SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 5000000))");
    const result = await session.execute(big);
    const reading = (async () => {
      for await (const _rows of result.batches) session.cancel(big.queryId);
    })();
    expect((await failure(reading)).code).toBe("000604");
  });

  test("a statement that runs longer than its timeout fails with 000630", async () => {
    const slow = statement(ENDLESS, { parameters: { STATEMENT_TIMEOUT_IN_SECONDS: 1 } });
    const startedAt = performance.now();
    expect(await failure(session.execute(slow).then(readRows))).toMatchObject({
      code: "000630",
      sqlState: "57014",
    });
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });

  test("rows that nobody reads do not hold up the next statement, or the end", async () => {
    await session.execute(
      statement("SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 1000000))"),
    );
    expect(await cell(session, "SELECT COUNT(*) FROM queue")).toBe("2");
    await session.close();
  });
});

describe("the data file", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "local-snowflake-"));
  });

  afterEach(() => rm(folder, { recursive: true }));

  test("keeps tables, views, streams, defaults and grants", async () => {
    const file = join(folder, "data.duckdb");
    const first = await openEngine({ file });
    const writer = await first.openSession({ user: "ADA" });
    for (const sql of [
      "CREATE DATABASE p",
      "CREATE TABLE t (id NUMBER AUTOINCREMENT, s VARCHAR(10) DEFAULT 'x' COMMENT 'c', at TIMESTAMP_TZ)",
      "CREATE STREAM s ON TABLE t APPEND_ONLY = TRUE",
      "CREATE VIEW v AS SELECT id * 10 AS ten FROM t",
      "INSERT INTO t (at) VALUES ('2024-01-01 00:00:00 +0100')",
      "CREATE TEMPORARY TABLE gone AS SELECT 1 AS a",
      "CREATE ROLE r",
      "GRANT SELECT ON TABLE t TO ROLE r",
    ]) {
      await query(writer, sql);
    }
    await first.close();
    const again = await openEngine({ file });
    const reader = await again.openSession({ user: "ADA", database: "P", schema: "PUBLIC" });
    await query(reader, "INSERT INTO t (s) VALUES (DEFAULT)");
    expect(await query(reader, "SELECT id, s FROM t ORDER BY id")).toEqual([
      ["1", "x"],
      ["2", "x"],
    ]);
    expect(await query(reader, "SELECT ten FROM v ORDER BY ten")).toEqual([["10"], ["20"]]);
    expect(await query(reader, "SELECT id FROM s ORDER BY id")).toEqual([["1"], ["2"]]);
    expect((await query(reader, "DESC TABLE t")).map((row) => row[9])).toEqual([null, "c", null]);
    expect((await failure(query(reader, "SELECT * FROM gone"))).code).toBe("002003");
    await again.close();
  });

  test("a file that is damaged, or another program's, is named", async () => {
    const damaged = join(folder, "damaged.duckdb");
    await Bun.write(damaged, randomBytes(20_000));
    const foreign = join(folder, "foreign.duckdb");
    const instance = await DuckDBInstance.create(foreign);
    const connection = await instance.connect();
    await connection.run("CREATE TABLE mine (a INT)");
    connection.closeSync();
    instance.closeSync();
    for (const file of [damaged, foreign]) {
      const thrown: unknown = await openEngine({ file }).then(
        (opened) => opened.close(),
        (error: unknown) => error,
      );
      if (!(thrown instanceof ReportError)) throw new Error(`${file} was opened`);
      expect(thrown.code).toBe("configuration");
      expect(thrown.message).toContain(file);
    }
  });
});
