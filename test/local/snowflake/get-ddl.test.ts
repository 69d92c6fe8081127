import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

let server: LocalSnowflake;
let connection: Connection;

beforeAll(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 0 });
  connection = await connect(server);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => run("CREATE OR REPLACE DATABASE D"));

async function run(sql: string, binds: string[] = []): Promise<string> {
  const { rows } = await execute(connection, sql, { binds });
  return String((rows as unknown[][])[0]?.[0]);
}

async function ddl(kind: string, name: string): Promise<string> {
  return await run("SELECT GET_DDL(?, ?)", [kind, name]);
}

const TABLE = `create or replace TABLE T (
	A NUMBER(38,0) NOT NULL,
	B VARCHAR(10) DEFAULT 'it''s' COMMENT 'what''s said',
	"c d" TIMESTAMP_NTZ(9),
	primary key (A)
) COMMENT='a table';`;
const VIEW = `create or replace view V(
	X,
	Y COMMENT 'why'
) COMMENT='a view' as SELECT A, B FROM T;`;
const STREAM = "create or replace stream S on table T append_only = true COMMENT='a stream';";
const TASK = `create or replace task K
	warehouse=COMPUTE_WH
	schedule='USING CRON 0 9 * * 1-5 Europe/Berlin'
	SUSPEND_TASK_AFTER_NUM_FAILURES=3
	USER_TASK_TIMEOUT_MS=1000
	QUERY_TAG='{"app": "x"}'
	comment='a task'
	when SYSTEM$STREAM_HAS_DATA('S')
	as INSERT INTO T (A) SELECT A FROM S;`;

async function createAll(): Promise<void> {
  await run(
    `CREATE TABLE T (A INT PRIMARY KEY, B VARCHAR(10) DEFAULT 'it''s' COMMENT 'what''s said',
     "c d" TIMESTAMP_NTZ) COMMENT = 'a table'`,
  );
  await run("CREATE VIEW V (X, Y COMMENT 'why') COMMENT = 'a view' AS SELECT A, B FROM T");
  await run("CREATE STREAM S ON TABLE T APPEND_ONLY = TRUE COMMENT = 'a stream'");
  await run(
    `CREATE TASK K COMMENT = 'a task', QUERY_TAG = '{"app": "x"}' USER_TASK_TIMEOUT_MS = 1000
     SUSPEND_TASK_AFTER_NUM_FAILURES = 3 SCHEDULE = 'USING CRON 0 9 * * 1-5 Europe/Berlin'
     WAREHOUSE = compute_wh
     WHEN SYSTEM$STREAM_HAS_DATA('S') AS INSERT INTO T (A) SELECT A FROM S`,
  );
}

describe("GET_DDL", () => {
  test("gives the statement that makes each kind of object", async () => {
    await createAll();
    expect(await ddl("TABLE", "T")).toBe(TABLE);
    expect(await ddl("view", "D.PUBLIC.V")).toBe(VIEW);
    expect(await ddl("STREAM", "s")).toBe(STREAM);
    expect(await ddl("TASK", "PUBLIC.K")).toBe(TASK);
  });

  test("gives text that makes the same object again", async () => {
    await createAll();
    for (const [kind, name] of [
      ["TASK", "K"],
      ["VIEW", "V"],
      ["STREAM", "S"],
      ["TABLE", "T"],
    ] as const) {
      const text = await ddl(kind, name);
      await run(text);
      expect(await ddl(kind, name)).toBe(text);
    }
  });

  test("gives text for columns that number themselves, and for API integrations and their functions", async () => {
    await run("CREATE TABLE N (ID NUMBER AUTOINCREMENT, M NUMBER DEFAULT 3 + 4 NOT NULL)");
    await run(
      `CREATE OR REPLACE API INTEGRATION GATE API_PROVIDER = aws_api_gateway
       API_AWS_ROLE_ARN = 'arn:aws:iam::1:role/r' API_ALLOWED_PREFIXES = ('https://x.test/prod/')
       ENABLED = TRUE COMMENT = 'the gate'`,
    );
    await run(
      `CREATE EXTERNAL FUNCTION F(REASON VARCHAR) RETURNS VARIANT VOLATILE API_INTEGRATION = GATE
       HEADERS = ('k' = 'v') MAX_BATCH_ROWS = 1 COMPRESSION = NONE AS 'https://x.test/prod/trigger'`,
    );
    for (const [kind, name] of [
      ["TABLE", "N"],
      ["INTEGRATION", "GATE"],
      ["FUNCTION", "F(VARCHAR)"],
    ] as const) {
      const text = await ddl(kind, name);
      await run(text);
      expect(await ddl(kind, name)).toBe(text);
    }
    expect(await ddl("INTEGRATION", "gate")).toContain("('https://x.test/prod/')");
    await run("DROP INTEGRATION GATE");
  });

  test("changes with the object, and not when a statement changed nothing", async () => {
    await createAll();
    await run("CREATE TABLE IF NOT EXISTS T (Z INT)");
    await run("ALTER TASK K RESUME");
    expect(await ddl("TABLE", "T")).toBe(TABLE);
    expect(await ddl("TASK", "K")).toBe(TASK);
    await run("ALTER TABLE T ADD COLUMN E FLOAT");
    expect(await ddl("TABLE", "T")).toContain("\tE FLOAT,\n");
  });

  test("shows CHECK constraints", async () => {
    await run("CREATE TABLE C (A INT, CONSTRAINT POSITIVE CHECK (A > 0))");
    expect(await ddl("TABLE", "C")).toContain("\tconstraint POSITIVE check (A > 0)\n)");
  });

  test("writes all three names when it is asked to", async () => {
    await createAll();
    expect(await run("SELECT GET_DDL('STREAM', 'S', TRUE)")).toBe(
      "create or replace stream D.PUBLIC.S on table D.PUBLIC.T append_only = true COMMENT='a stream';",
    );
  });

  test("fails for what is not there, and names a kind that it does not know", async () => {
    await createAll();
    for (const [kind, name] of [
      ["TABLE", "MISSING"],
      ["STREAM", "T"],
      ["TASK", "T"],
      ["PROCEDURE", "P()"],
      ["FUNCTION", "F(VARCHAR)"],
    ] as const) {
      expect((await failureOf(ddl(kind, name))).code).toBe("002003");
    }
    const error = await failureOf(ddl("POLICY", "X"));
    expect(error.code).toBe("000002");
    expect(error.message).toContain("GET_DDL of a POLICY");
  });

  test("tells of a procedure by its signature", async () => {
    await run(
      `CREATE PROCEDURE P(A VARCHAR, B FLOAT) RETURNS VARIANT LANGUAGE JAVASCRIPT COMMENT = 'c'
       EXECUTE AS OWNER AS $$ return A + '\\n'; $$`,
    );
    const text = await ddl("PROCEDURE", "P(VARCHAR, FLOAT)");
    expect(text).toStartWith("CREATE OR REPLACE PROCEDURE P(A VARCHAR");
    await run(text);
    expect(await ddl("PROCEDURE", "P(VARCHAR, FLOAT)")).toBe(text);
  });
});
