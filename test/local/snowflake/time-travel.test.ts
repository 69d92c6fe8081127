import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { atTime } from "../../../src/report/time-travel.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** The past of tables, as the real driver sees it. */

let server: LocalSnowflake;
let connection: Connection;

beforeAll(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 3000 });
  connection = await connect(server);
  await run("CREATE DATABASE D");
});
afterAll(() => server[Symbol.asyncDispose]());

async function run(sql: string): Promise<readonly unknown[]> {
  return (await execute(connection, sql)).rows;
}

async function queryIdOf(sql: string): Promise<string> {
  return (await execute(connection, sql)).statement.getQueryId();
}

async function refusal(sql: string): Promise<string> {
  const { code, sqlState, message } = await failureOf(run(sql));
  return `${code} ${sqlState} ${message}`;
}

/** A moment with a millisecond before and after it in which nothing happens. */
async function moment(): Promise<Date> {
  await Bun.sleep(3);
  const now = new Date();
  await Bun.sleep(3);
  return now;
}

const at = (time: Date): string => `AT(TIMESTAMP => '${time.toISOString()}'::TIMESTAMP_LTZ)`;

describe("AT and BEFORE", () => {
  test("give each state that was committed, and the present one since nothing has changed", async () => {
    await run("CREATE TABLE T (ID NUMBER, V VARIANT, Z TIMESTAMP_TZ)");
    const empty = await moment();
    await run("INSERT INTO T SELECT 1, PARSE_JSON('{}'), '2026-01-01 00:00:00 +0100'");
    const one = await moment();
    await run("UPDATE T SET ID = 10");
    const ten = await moment();
    await run("ALTER TABLE T ADD COLUMN C NUMBER DEFAULT 5");
    await run("DELETE FROM T");
    const ids = async (time: Date): Promise<readonly unknown[]> =>
      await run(`SELECT ID FROM T ${at(time)} ORDER BY ID`);
    expect(await ids(empty)).toEqual([]);
    expect(await ids(one)).toEqual([[1]]);
    expect(await ids(ten)).toEqual([[10]]);
    expect(await ids(await moment())).toEqual([]);
    expect(
      await run(`SELECT T.*, X.N FROM T ${at(ten)}, (SELECT COUNT(*) AS N FROM T) X`),
    ).toMatchObject([[10, {}, expect.anything(), 0]]);
    expect(
      await run(`SELECT COUNT(*) FROM T AS A JOIN D.PUBLIC.T ${at(one)} AS B ON TRUE`),
    ).toEqual([[0]]);
    expect(await run("SELECT COUNT(*) FROM T AT(OFFSET => -0.000001)")).toEqual([[0]]);
    expect(await run(`INSERT INTO T (ID) SELECT ID FROM T ${at(ten)}`)).toEqual([[1]]);
    await run(`CREATE TABLE COPY_OF_T AS SELECT * FROM T ${at(one)}`);
    expect(await run("SELECT ID FROM COPY_OF_T")).toEqual([[1]]);
  });

  test("a time before the table, or too long ago, is Snowflake's error", async () => {
    await run("CREATE TABLE LATE (ID NUMBER)");
    const message = await refusal("SELECT * FROM LATE AT(OFFSET => -60*5)");
    expect(message).toContain(
      "000707 02000 Time travel data is not available for table LATE. The requested time",
    );
    expect(await refusal("SELECT * FROM LATE AT(OFFSET => 60)")).toContain("OFFSET");
    const before = await moment();
    await run("CREATE OR REPLACE TABLE LATE AS SELECT 1 AS ID");
    expect(await refusal(`SELECT * FROM LATE ${at(before)}`)).toContain("000707");
  });

  test("BEFORE(STATEMENT) is what the statement found, AT(STATEMENT) what it left", async () => {
    await run("CREATE TABLE S (ID NUMBER)");
    const first = await queryIdOf("INSERT INTO S VALUES (1)");
    const second = await queryIdOf("INSERT INTO S VALUES (2)");
    await Bun.sleep(3);
    await run("DELETE FROM S");
    const count = async (clause: string): Promise<readonly unknown[]> =>
      await run(`SELECT COUNT(*) FROM S ${clause}`);
    expect(await count(`BEFORE(STATEMENT => '${first}')`)).toEqual([[0]]);
    expect(await count(`BEFORE(STATEMENT => '${second}')`)).toEqual([[1]]);
    expect(await count(`AT(STATEMENT => '${second}')`)).toEqual([[2]]);
    expect(await refusal("SELECT * FROM S BEFORE(STATEMENT => 'none')")).toContain(
      "Statement none not found",
    );
  });

  test("a transaction is one change, and what was rolled back is none", async () => {
    await run("CREATE TABLE X (ID NUMBER)");
    const start = await moment();
    await run("BEGIN");
    await run("INSERT INTO X VALUES (1)");
    await run("INSERT INTO X VALUES (2)");
    const open = await moment();
    await run("COMMIT");
    await run("BEGIN");
    await run("DELETE FROM X");
    await run("ROLLBACK");
    for (const time of [start, open])
      expect(await run(`SELECT COUNT(*) FROM X ${at(time)}`)).toEqual([[0]]);
    expect(await run(`SELECT COUNT(*) FROM X ${at(await moment())}`)).toEqual([[2]]);
  });

  test("changes of several sessions at once leave every state that there was", async () => {
    await run("CREATE TABLE M (ID NUMBER)");
    const clients = await Promise.all(
      [1, 2, 3].map(() => connect(server, { database: "D", schema: "PUBLIC" })),
    );
    const inserts = clients.flatMap((client, index) =>
      [1, 2].map((n) => execute(client, `INSERT INTO M VALUES (${index * 10 + n})`)),
    );
    const ids = (await Promise.all(inserts)).map(({ statement }) => statement.getQueryId());
    const counts = await Promise.all(
      ids.map((id) => run(`SELECT COUNT(*) FROM M BEFORE(STATEMENT => '${id}')`)),
    );
    expect(
      counts
        .flat(2)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("a view shows its tables as they were, by the name it has", async () => {
    await run("CREATE TABLE BASE (ID NUMBER)");
    await run("CREATE VIEW OVER_BASE AS SELECT ID + 1 AS NEXT FROM BASE");
    await run("INSERT INTO BASE VALUES (1)");
    const time = await moment();
    await run("INSERT INTO BASE VALUES (2)");
    expect(await run(`SELECT OVER_BASE.NEXT FROM OVER_BASE ${at(time)}`)).toEqual([[2]]);
  });

  test("twenty versions are kept, none with a retention of 0 days, none in the queue's schema", async () => {
    await run("CREATE TABLE MANY (ID NUMBER)");
    const start = await moment();
    for (let id = 0; id < 21; id++) await run(`INSERT INTO MANY VALUES (${id})`);
    expect(await refusal(`SELECT * FROM MANY ${at(start)}`)).toContain("000707");
    await run("CREATE TABLE NONE (ID NUMBER) DATA_RETENTION_TIME_IN_DAYS = 0");
    await run("CREATE SCHEMA QUEUE");
    await run("CREATE TABLE REPORT_CONFIG (ID NUMBER)");
    await run("CREATE TABLE KEPT (ID NUMBER) DATA_RETENTION_TIME_IN_DAYS = 1");
    const before = await moment();
    for (const table of ["D.PUBLIC.NONE", "REPORT_CONFIG", "KEPT"])
      await run(`INSERT INTO ${table} VALUES (1)`);
    expect(await refusal(`SELECT * FROM D.PUBLIC.NONE ${at(before)}`)).toContain("000707");
    expect(await refusal(`SELECT * FROM REPORT_CONFIG ${at(before)}`)).toContain("000707");
    expect(await run(`SELECT * FROM KEPT ${at(before)}`)).toEqual([]);
    await run("USE SCHEMA D.PUBLIC");
  });

  test.each(["abc", "-1", "91", "0.5"])("a retention of %s days is refused", async (days) => {
    await run("CREATE TABLE IF NOT EXISTS RETAINED (ID NUMBER)");
    for (const sql of [
      `CREATE TABLE NEVER (ID NUMBER) DATA_RETENTION_TIME_IN_DAYS = ${days}`,
      `ALTER TABLE RETAINED SET DATA_RETENTION_TIME_IN_DAYS = ${days}`,
    ])
      expect(await refusal(sql)).toContain("DATA_RETENTION_TIME_IN_DAYS");
  });

  test("the past of a renamed table goes on", async () => {
    await run("CREATE TABLE OLD_NAME (ID NUMBER)");
    const empty = await moment();
    await run("INSERT INTO OLD_NAME VALUES (1)");
    await run("ALTER TABLE OLD_NAME RENAME TO NEW_NAME");
    expect(await run(`SELECT * FROM NEW_NAME ${at(empty)}`)).toEqual([]);
  });

  test("after a restart the present is known back to the last change of the file, and no further", async () => {
    const folder = await mkdtemp(join(tmpdir(), "time-travel-test-"));
    const file = join(folder, "local.duckdb");
    let during = new Date();
    {
      await using first = await startLocalSnowflake({ file, sampleLineItems: 0 });
      const client = await connect(first);
      await execute(client, "CREATE DATABASE D");
      await execute(client, "CREATE TABLE T AS SELECT 1 AS ID");
      during = await moment();
      await execute(client, "INSERT INTO T VALUES (2)");
    }
    const between = await moment();
    await using second = await startLocalSnowflake({ file, sampleLineItems: 0 });
    const client = await connect(second, { database: "D", schema: "PUBLIC" });
    const ids = await execute(client, `SELECT ID FROM T ${at(between)} ORDER BY ID`);
    expect(ids.rows).toEqual([[1], [2]]);
    expect(await failureOf(execute(client, `SELECT * FROM T ${at(during)}`))).toMatchObject({
      code: "000707",
    });
    await rm(folder, { recursive: true });
  });
});

describe("a report's SQL at a time", () => {
  test("runs with AT behind every table, at every depth", async () => {
    await run("CREATE TABLE A (ID NUMBER, NAME VARCHAR)");
    await run("CREATE TABLE B (ID NUMBER, A_ID NUMBER)");
    await run("INSERT INTO A VALUES (1, 'one'), (2, 'two')");
    await run("INSERT INTO B VALUES (5, 1), (6, 1), (7, 2)");
    const sql = `WITH PER_A AS (SELECT A_ID, COUNT(*) AS N FROM B GROUP BY 1)
      SELECT A.NAME, P.N, F.VALUE::NUMBER AS V, (SELECT MAX(ID) FROM D.PUBLIC.B WHERE B.A_ID = A.ID) AS M
      FROM A, PER_A AS P, LATERAL FLATTEN(INPUT => PARSE_JSON('[1]')) F
      WHERE P.A_ID = A.ID AND EXISTS (SELECT 1 FROM B X JOIN A Y USING (ID) RIGHT JOIN (VALUES (1)) V ON TRUE)
      ORDER BY 1`;
    const then = await run(sql);
    const time = await moment();
    await run("DELETE FROM B");
    await run("UPDATE A SET NAME = 'changed'");
    expect(await run(sql)).not.toEqual(then);
    expect(await run(atTime(sql, time))).toEqual(then);
  });
});
