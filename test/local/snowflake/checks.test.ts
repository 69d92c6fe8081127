import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** CHECK constraints and added columns, as the real driver sees them. */

let server: LocalSnowflake;
let connection: Connection;

beforeEach(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 0 });
  connection = await connect(server);
  await run("CREATE DATABASE D");
});
afterEach(() => server[Symbol.asyncDispose]());

async function run(sql: string): Promise<readonly unknown[]> {
  return (await execute(connection, sql)).rows;
}

async function refusal(sql: string): Promise<string> {
  const { code, sqlState, message } = await failureOf(run(sql));
  return `${code} ${sqlState} ${message}`;
}

describe("CHECK constraints", () => {
  beforeEach(async () => {
    await run(`CREATE TABLE T (ID NUMBER, KIND VARCHAR CONSTRAINT KNOWN CHECK (KIND IN ('a', 'b')),
      CONSTRAINT "Positive" CHECK (ID > 0))`);
    await run("INSERT INTO T VALUES (1, 'a'), (2, NULL)");
  });

  test("an INSERT that breaks one fails with its name, and nothing is inserted", async () => {
    const message = await refusal("INSERT INTO T VALUES (3, 'a'), (4, 'x')");
    expect(message).toContain("100535 23514 CHECK constraint failed on table D.PUBLIC.T: KNOWN");
    expect(await refusal("INSERT INTO T (ID) SELECT -1")).toContain('"Positive" CHECK (ID > 0)');
    expect(await run("SELECT COUNT(*) FROM T")).toEqual([[2]]);
  });

  test("an UPDATE and a MERGE are held to it, and count their rows as ever", async () => {
    expect(await refusal("UPDATE T SET ID = -ID")).toContain('"Positive"');
    expect(await run("UPDATE T SET ID = ID + 10 WHERE KIND = 'a'")).toEqual([[1, 0]]);
    const merge = (id: number, kind: string): string =>
      `MERGE INTO T USING (SELECT ${id} AS I, '${kind}' AS K) S ON T.ID = S.I
       WHEN MATCHED AND S.K = 'gone' THEN DELETE WHEN MATCHED THEN UPDATE SET KIND = S.K
       WHEN NOT MATCHED THEN INSERT (ID, KIND) VALUES (S.I, S.K)`;
    expect(await refusal(merge(2, "x"))).toContain("KNOWN");
    expect(await refusal(merge(-5, "a"))).toContain('"Positive"');
    expect(await run(merge(2, "gone"))).toEqual([[0, 0, 1]]);
  });

  test("a NULL passes, and CREATE TABLE AS is held to it too", async () => {
    expect(await run("INSERT INTO T VALUES (NULL, NULL)")).toEqual([[1]]);
    expect(await refusal("CREATE TABLE C (N NUMBER CHECK (N < 2)) AS SELECT ID FROM T")).toContain(
      "CHECK (N < 2)",
    );
    expect(await refusal("SELECT * FROM C")).toContain("002003");
  });

  test("one over a column that is not there is refused at once", async () => {
    expect(await refusal("CREATE TABLE C (N NUMBER, CHECK (M > 1))")).toContain("000904");
    expect(await refusal("ALTER TABLE T ADD CHECK (M > 1)")).toContain("000904");
  });

  test("ADD CONSTRAINT tries the rows that are there, but for NOVALIDATE", async () => {
    expect(await refusal("ALTER TABLE T ADD CONSTRAINT BIG CHECK (ID > 1)")).toContain("BIG");
    expect(await run("INSERT INTO T VALUES (1, 'a')")).toEqual([[1]]);
    await run("ALTER TABLE T ADD CONSTRAINT BIG CHECK (ID > 1) ENABLE NOVALIDATE");
    expect(await refusal("INSERT INTO T VALUES (1, 'a')")).toContain("BIG CHECK (ID > 1)");
    expect(await run("UPDATE T SET KIND = 'b' WHERE ID = 2")).toEqual([[1, 0]]);
    expect(await refusal("UPDATE T SET KIND = 'b' WHERE ID = 1")).toContain("BIG");
    expect(await refusal("ALTER TABLE T ADD CONSTRAINT BIG CHECK (ID > 2)")).toContain("exists");
    await run("ALTER TABLE T DROP CONSTRAINT BIG");
    expect(await run("INSERT INTO T VALUES (1, 'a')")).toEqual([[1]]);
  });

  test("a renamed column is still checked, and one that is checked is not dropped", async () => {
    await run("ALTER TABLE T RENAME COLUMN ID TO NUMBER_ID");
    expect(await refusal("INSERT INTO T VALUES (-1, 'a')")).toContain('CHECK ("NUMBER_ID" > 0)');
    expect(await refusal("ALTER TABLE T DROP COLUMN KIND")).toContain("KNOWN");
  });

  test("rows of a stream on the table are held to it", async () => {
    await run("CREATE STREAM S ON TABLE T APPEND_ONLY = TRUE");
    expect(await refusal("INSERT INTO T VALUES (-1, 'a')")).toContain('"Positive"');
    expect(await run("INSERT INTO T VALUES (7, 'b')")).toEqual([[1]]);
    expect(await run("SELECT ID, KIND FROM S")).toEqual([[7, "b"]]);
  });
});

describe("ALTER TABLE ADD COLUMN", () => {
  beforeEach(async () => {
    await run("CREATE TABLE T (ID NUMBER)");
    await run("CREATE STREAM S ON TABLE T APPEND_ONLY = TRUE");
    await run("INSERT INTO T VALUES (1)");
  });

  test("IF NOT EXISTS does nothing for a column that is there, and adds several at once", async () => {
    await run("ALTER TABLE T ADD COLUMN IF NOT EXISTS A VARCHAR(5), IF NOT EXISTS B NUMBER");
    const again = await run(
      "ALTER TABLE T ADD COLUMN IF NOT EXISTS ID NUMBER, IF NOT EXISTS C DATE",
    );
    expect(again).toEqual([["Statement executed successfully."]]);
    expect(await run("SELECT * FROM T")).toEqual([[1, null, null, null]]);
    expect(await refusal("ALTER TABLE T ADD COLUMN A VARCHAR")).toContain(
      "001430 42601 SQL compilation error:\ncolumn 'A' already exists",
    );
    expect(await refusal("ALTER TABLE T ADD COLUMN IF NOT EXISTS Z NUMBER DEFAULT 1")).toContain(
      "IF NOT EXISTS cannot be given with DEFAULT",
    );
  });

  test("a default fills the rows that are there, also those of a stream, and goes with NOT NULL", async () => {
    await run("ALTER TABLE T ADD COLUMN A VARCHAR DEFAULT 'x' NOT NULL, B NUMBER CHECK (B > 1)");
    await run("INSERT INTO T (ID, B) VALUES (2, 2)");
    expect(await run("SELECT * FROM T ORDER BY ID")).toEqual([
      [1, "x", null],
      [2, "x", 2],
    ]);
    expect(await run("SELECT ID, A FROM S ORDER BY ID")).toEqual([
      [1, "x"],
      [2, "x"],
    ]);
    expect(await refusal("INSERT INTO T (ID, A) VALUES (3, NULL)")).toContain("100072");
    expect(await refusal("INSERT INTO T (ID, B) VALUES (3, 1)")).toContain("CHECK (B > 1)");
  });
});
