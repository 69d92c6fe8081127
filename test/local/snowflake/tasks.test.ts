import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";
import { type FakeClock, fakeClock } from "./task-clock.ts";

/** Tasks through the real driver; their time is the tests'. */

const MINUTE = 60_000;
const START = Date.parse("2026-03-02T10:00:30Z");

let clock: FakeClock;
let server: LocalSnowflake;
let connection: Connection;
let databaseCount = 0;

beforeAll(async () => {
  clock = fakeClock(START);
  server = await startLocalSnowflake({ sampleLineItems: 0, taskClock: clock });
  connection = await connect(server);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Every test has a database of its own, and no task of another test runs beside it. */
beforeEach(async () => {
  if (databaseCount > 0) await run(`DROP DATABASE T${databaseCount}`);
  databaseCount++;
  await run(`CREATE DATABASE T${databaseCount}`);
  await run("CREATE TABLE LOG (AT_RUN NUMBER AUTOINCREMENT, WHAT VARCHAR)");
});

type Row = Record<string, unknown>;

async function rowsOf(sql: string, on = connection): Promise<Row[]> {
  const { rows } = await execute(on, sql, { rowMode: "object" });
  return rows as Row[];
}

async function run(sql: string, on = connection): Promise<string> {
  const [row] = await rowsOf(sql, on);
  return String(row?.["status"]);
}

async function task(name = "T"): Promise<Row> {
  const [row] = await rowsOf(`SHOW TASKS LIKE '${name}'`);
  if (row === undefined) throw new Error("There is no such task.");
  return row;
}

async function logged(): Promise<unknown[]> {
  return (await rowsOf("SELECT WHAT FROM LOG ORDER BY AT_RUN")).map((row) => row["WHAT"]);
}

async function history(args = "TASK_NAME => 'T'"): Promise<Row[]> {
  return await rowsOf(
    `SELECT * FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(${args}))
     WHERE DATABASE_NAME = CURRENT_DATABASE() AND STATE <> 'SCHEDULED'`,
  );
}

const EVERY_TWO = "CREATE TASK T WAREHOUSE = COMPUTE_WH SCHEDULE = '2 MINUTES'";
const NOTE = "AS INSERT INTO LOG (WHAT) SELECT 'ran'";

describe("CREATE TASK", () => {
  test("answers as Snowflake does, and a new task is suspended", async () => {
    expect(await run(`${EVERY_TWO} COMMENT = 'it''s' ${NOTE}`)).toBe(
      "Task T successfully created.",
    );
    expect(await task()).toMatchObject({
      name: "T",
      database_name: `T${databaseCount}`,
      schema_name: "PUBLIC",
      comment: "it's",
      warehouse: "COMPUTE_WH",
      schedule: "2 MINUTES",
      predecessors: "[]",
      state: "suspended",
      definition: "INSERT INTO LOG (WHAT) SELECT 'ran'",
      condition: null,
      allow_overlapping_execution: "false",
      last_committed_on: null,
      last_suspended_on: null,
      last_suspended_reason: null,
      owner_role_type: "ROLE",
    });
  });

  test("fails for a name that is taken, unless it is told what to do", async () => {
    await run(`${EVERY_TWO} ${NOTE}`);
    const error = await failureOf(execute(connection, `${EVERY_TWO} ${NOTE}`));
    expect(error.code).toBe("002002");
    const again = EVERY_TWO.replace("TASK", "TASK IF NOT EXISTS");
    expect(await run(`${again} ${NOTE}`)).toBe("T already exists, statement succeeded.");
  });

  test("a replaced task is suspended", async () => {
    await run(`${EVERY_TWO} ${NOTE}`);
    await run("ALTER TASK T RESUME");
    await run(`${EVERY_TWO.replace("CREATE", "CREATE OR REPLACE")} AS SELECT 2`);
    expect(await task()).toMatchObject({ state: "suspended", definition: "SELECT 2" });
    await clock.advance(10 * MINUTE);
    expect(await history()).toEqual([]);
  });

  test("CREATE OR ALTER needs a suspended task, keeps it, and takes back what it does not name", async () => {
    const orAlter = "CREATE OR ALTER TASK T WAREHOUSE = COMPUTE_WH";
    expect(await run(`${orAlter} SCHEDULE = '1 HOUR' COMMENT = 'c' ${NOTE}`)).toBe(
      "Task T successfully created.",
    );
    const { id } = await task();
    await run("ALTER TASK T RESUME");
    const error = await failureOf(execute(connection, `${orAlter} SCHEDULE = '2 HOURS' ${NOTE}`));
    expect([error.code, error.sqlState]).toEqual(["091421", "22000"]);
    expect(error.message).toContain(
      `Unable to update graph with root task T${databaseCount}.PUBLIC.T since that root task is not suspended.`,
    );
    await run("ALTER TASK T SUSPEND");
    await run(`${orAlter} SCHEDULE = '2 HOURS' ${NOTE}`);
    expect(await task()).toMatchObject({
      id,
      schedule: "2 HOURS",
      comment: "",
      state: "suspended",
    });
  });

  test.each([
    ["CONFIG = '{}'", "CONFIG"],
    ["ERROR_INTEGRATION = MAIL", "ERROR_INTEGRATION"],
    ["ALLOW_OVERLAPPING_EXECUTION = TRUE", "ALLOW_OVERLAPPING_EXECUTION"],
    ["AFTER OTHER", "AFTER"],
    ["FINALIZE = OTHER", "FINALIZE"],
  ])("%s is refused by name", async (option, name) => {
    const error = await failureOf(execute(connection, `CREATE TASK T ${option} ${NOTE}`));
    expect(error.code).toBe("000002");
    expect(error.message).toContain(name);
  });

  test.each([
    ["SCHEDULE = '2 FORTNIGHTS'", "invalid value '2 FORTNIGHTS' for property 'SCHEDULE'"],
    ["SCHEDULE = '5 SECONDS'", "it must be from 10 seconds to 11520 minutes"],
    ["SCHEDULE = '11521 MINUTES'", "it must be from 10 seconds to 11520 minutes"],
    ["SCHEDULE = 'USING CRON 0 25 * * * UTC'", "is not a cron expression"],
    ["SCHEDULE = 'USING CRON 0 9 * * * Mars/Olympus'", "'Mars/Olympus' is no time zone"],
    ["SCHEDULE = 'USING CRON 0 9 * * * * UTC'", "for property 'SCHEDULE'"],
    [
      "SUSPEND_TASK_AFTER_NUM_FAILURES = -1",
      "'-1' for parameter 'SUSPEND_TASK_AFTER_NUM_FAILURES'",
    ],
    ["TASK_AUTO_RETRY_ATTEMPTS = 31", "'31' for parameter 'TASK_AUTO_RETRY_ATTEMPTS'"],
    ["USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 9", "invalid value '9'"],
    ["AUTOCOMMIT = FALSE", "AUTOCOMMIT cannot be set for a task"],
    ["NO_SUCH_PARAMETER = 1", "invalid parameter 'NO_SUCH_PARAMETER'"],
    ["WAREHOUSE = NO_SUCH_WAREHOUSE", "'NO_SUCH_WAREHOUSE' does not exist"],
    ["WHEN 1 = (SELECT 1)", "a query"],
    ["WHEN RANDOM() > 0", "RANDOM"],
    ["WHEN NOT", "syntax error"],
  ])("%s is refused: %s", async (option, reason) => {
    const error = await failureOf(execute(connection, `CREATE TASK T ${option} ${NOTE}`));
    expect(error.message).toContain(reason);
    expect(await rowsOf("SHOW TASKS")).toEqual([]);
  });
});

describe("ALTER TASK", () => {
  beforeEach(() => run(`${EVERY_TWO} ${NOTE}`));

  test("a started task must be suspended before it is changed", async () => {
    await run("ALTER TASK T RESUME");
    for (const change of ["SET SCHEDULE = '3 MINUTES'", "MODIFY AS SELECT 1", "UNSET COMMENT"]) {
      const error = await failureOf(execute(connection, `ALTER TASK T ${change}`));
      expect(error.code).toBe("091421");
    }
  });

  test("SET, UNSET and MODIFY change what they name alone", async () => {
    await run("ALTER TASK T SET SCHEDULE = '3 MINUTES', COMMENT = 'hi' QUERY_TAG = 'x'");
    await run("ALTER TASK T MODIFY WHEN TRUE");
    await run("ALTER TASK T MODIFY AS SELECT 'changed'");
    expect(await task()).toMatchObject({
      schedule: "3 MINUTES",
      comment: "hi",
      condition: "TRUE",
      definition: "SELECT 'changed'",
    });
    await run("ALTER TASK T UNSET SCHEDULE, COMMENT");
    await run("ALTER TASK T REMOVE WHEN");
    expect(await task()).toMatchObject({ schedule: null, comment: "", condition: null });
  });

  test("RESUME needs something to run by", async () => {
    await run("ALTER TASK T UNSET SCHEDULE");
    const error = await failureOf(execute(connection, "ALTER TASK T RESUME"));
    expect(error.message).toContain("no SCHEDULE");
  });

  test("SUSPEND says when and why", async () => {
    await run("ALTER TASK T RESUME");
    expect(await task()).toMatchObject({ state: "started", last_suspended_reason: null });
    expect(await run("ALTER TASK T SUSPEND")).toBe("Statement executed successfully.");
    const { state, last_suspended_reason, last_suspended_on } = await task();
    expect([state, last_suspended_reason]).toEqual(["suspended", "USER_SUSPENDED"]);
    expect(new Date(String(last_suspended_on)).getTime()).toBe(clock.now());
  });

  test("one that is not there fails, unless IF EXISTS says not to", async () => {
    const error = await failureOf(execute(connection, "ALTER TASK X RESUME"));
    expect(error.message).toContain("Task");
    expect(error.code).toBe("002003");
    expect(await run("ALTER TASK IF EXISTS X RESUME")).toBe("Statement executed successfully.");
  });

  test("DESCRIBE shows what SHOW shows, and DROP ends it", async () => {
    await run("COMMENT ON TASK T IS 'described'");
    const [described] = await rowsOf("DESCRIBE TASK T");
    expect(described).toEqual(await task());
    expect(described?.["comment"]).toBe("described");
    expect(await run("DROP TASK T")).toBe("T successfully dropped.");
    expect((await failureOf(execute(connection, "DESC TASK T"))).code).toBe("002003");
    expect(await run("DROP TASK IF EXISTS T")).toContain("already dropped");
  });
});

describe("a schedule", () => {
  test("of minutes counts from the resumption, and a suspended task does not run", async () => {
    await run(`${EVERY_TWO} ${NOTE}`);
    await clock.advance(5 * MINUTE);
    expect(await logged()).toEqual([]);
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE - 1);
    expect(await logged()).toEqual([]);
    await clock.advance(1);
    expect(await logged()).toEqual(["ran"]);
    await clock.advance(4 * MINUTE);
    expect(await logged()).toHaveLength(3);
    await run("ALTER TASK T SUSPEND");
    await clock.advance(10 * MINUTE);
    expect(await logged()).toHaveLength(3);
  });

  test("of cron runs at the zone's times, across the change of the clocks", async () => {
    await run(
      `CREATE TASK T WAREHOUSE = COMPUTE_WH SCHEDULE = 'USING CRON 30 2 * * * Europe/Berlin' ${NOTE}`,
    );
    const from = clock.now();
    await clock.advance(Date.parse("2026-03-27T12:00:00Z") - from);
    await run("ALTER TASK T RESUME");
    await clock.advance(4 * 24 * 60 * MINUTE);
    const times = (await history()).map((row) =>
      new Date(String(row["SCHEDULED_TIME"])).toISOString(),
    );
    expect(times).toEqual([
      "2026-03-31T00:30:00.000Z",
      "2026-03-30T00:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-28T01:30:00.000Z",
    ]);
  });

  test("keeps no timer when nothing is resumed", async () => {
    await run(`${EVERY_TWO} ${NOTE}`);
    expect(clock.timerCount).toBe(0);
    await run("ALTER TASK T RESUME");
    expect(clock.timerCount).toBe(1);
    await run("DROP TASK T");
    expect(clock.timerCount).toBe(0);
  });

  test("the next run is in the history as SCHEDULED", async () => {
    await run(`${EVERY_TWO} ${NOTE}`);
    await run("ALTER TASK T RESUME");
    const [next, ...more] = await rowsOf(
      `SELECT STATE, QUERY_ID, SCHEDULED_TIME FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 't'))
       WHERE DATABASE_NAME = CURRENT_DATABASE()`,
    );
    expect(more).toEqual([]);
    expect(next).toMatchObject({ STATE: "SCHEDULED", QUERY_ID: null });
    expect(new Date(String(next?.["SCHEDULED_TIME"])).getTime()).toBe(clock.now() + 2 * MINUTE);
  });
});

describe("a run", () => {
  test("is told with its query, which is in QUERY_HISTORY", async () => {
    await run(`${EVERY_TWO} QUERY_TAG = 'tagged' ${NOTE}`);
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    const [told] = await history();
    expect(told).toMatchObject({
      NAME: "T",
      SCHEMA_NAME: "PUBLIC",
      QUERY_TEXT: "INSERT INTO LOG (WHAT) SELECT 'ran'",
      STATE: "SUCCEEDED",
      ERROR_CODE: null,
      ERROR_MESSAGE: null,
      ATTEMPT_NUMBER: 1,
      SCHEDULED_FROM: "SCHEDULE",
    });
    const [query] = await rowsOf(
      `SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY WHERE QUERY_ID = '${String(told?.["QUERY_ID"])}'`,
    );
    expect(query).toMatchObject({
      USER_NAME: "SYSTEM",
      WAREHOUSE_NAME: "COMPUTE_WH",
      QUERY_TAG: "tagged",
      SCHEMA_NAME: "PUBLIC",
    });
  });

  test("has the role of the task's owner", async () => {
    await run(
      `${EVERY_TWO} AS INSERT INTO LOG (WHAT) SELECT CURRENT_ROLE() || ' ' || CURRENT_SCHEMA()`,
    );
    const { owner } = await task();
    await run("EXECUTE TASK T");
    await clock.advance(0);
    expect(await logged()).toEqual([`${String(owner)} PUBLIC`]);
  });

  test("EXECUTE TASK runs a suspended task once, and asks its condition", async () => {
    await run("CREATE STREAM S ON TABLE LOG APPEND_ONLY = TRUE");
    await run("CREATE TABLE SEEN (WHAT VARCHAR)");
    await run(
      `${EVERY_TWO} WHEN SYSTEM$STREAM_HAS_DATA('S') AS INSERT INTO SEEN SELECT WHAT FROM S`,
    );
    expect(await run("EXECUTE TASK T")).toBe("Task T is scheduled to run immediately.");
    await clock.advance(0);
    await run("INSERT INTO LOG (WHAT) VALUES ('a')");
    await run("EXECUTE TASK T");
    await clock.advance(0);
    expect(await rowsOf("SELECT * FROM SEEN")).toEqual([{ WHAT: "a" }]);
    const states = (await history()).map((row) => [row["STATE"], row["ERROR_CODE"]]);
    expect(states).toContainEqual(["SKIPPED", "0040003"]);
    expect(states).toContainEqual(["SUCCEEDED", null]);
  });

  test("whose condition is false is SKIPPED, in Snowflake's words", async () => {
    await run("CREATE STREAM S ON TABLE LOG APPEND_ONLY = TRUE");
    await run(`${EVERY_TWO} WHEN SYSTEM$STREAM_HAS_DATA('S') AS DELETE FROM LOG`);
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    expect(await history()).toMatchObject([
      {
        STATE: "SKIPPED",
        QUERY_ID: null,
        QUERY_START_TIME: null,
        CONDITION_TEXT: "SYSTEM$STREAM_HAS_DATA('S')",
        ERROR_CODE: "0040003",
        ERROR_MESSAGE: "Conditional expression for task evaluated to false.",
      },
    ]);
  });

  test("of which one is under way lets the times that pass go by", async () => {
    await run(`${EVERY_TWO} AS UPDATE LOG SET WHAT = WHAT`);
    await run("INSERT INTO LOG (WHAT) VALUES ('held')");
    const holder = await connect(server, { database: `T${databaseCount}`, schema: "PUBLIC" });
    await run("BEGIN", holder);
    await run("UPDATE LOG SET WHAT = 'mine'", holder);
    await run("ALTER TASK T RESUME");
    const first = clock.advance(2 * MINUTE);
    while ((await history()).length === 0) await Bun.sleep(5);
    await clock.advance(6 * MINUTE);
    expect(await history()).toMatchObject([{ STATE: "EXECUTING", COMPLETED_TIME: null }]);
    await run("COMMIT", holder);
    await first;
    expect((await history()).map((row) => row["STATE"])).toEqual(["SUCCEEDED"]);
  });

  test("that takes longer than USER_TASK_TIMEOUT_MS is cancelled and FAILED", async () => {
    await run(`${EVERY_TWO} USER_TASK_TIMEOUT_MS = 5000 AS CALL SYSTEM$WAIT(10, 'MINUTES')`);
    await run("ALTER TASK T RESUME");
    const whole = clock.advance(2 * MINUTE);
    while ((await history()).length === 0) await Bun.sleep(5);
    await clock.advance(5000);
    await whole;
    const [told] = await history();
    expect(told).toMatchObject({ STATE: "FAILED", ERROR_CODE: "000630" });
    expect(String(told?.["ERROR_MESSAGE"])).toContain("timeout of 5 second(s)");
  });
});

describe("a procedure that a task calls", () => {
  test("runs in the task's session, and its error is the run's", async () => {
    await run(
      `CREATE PROCEDURE P(WHAT VARCHAR) RETURNS VARCHAR LANGUAGE JAVASCRIPT EXECUTE AS OWNER AS $$
         if (WHAT === "bad") throw new Error("no such thing");
         snowflake.execute({ sqlText: "INSERT INTO LOG (WHAT) VALUES (?)", binds: [WHAT] });
         return WHAT;
       $$`,
    );
    await run(`${EVERY_TWO} AS CALL P('good')`);
    await run(`${EVERY_TWO.replace("T WA", "BAD WA")} AS CALL P('bad')`);
    await run("ALTER TASK T RESUME");
    await run("ALTER TASK BAD RESUME");
    await clock.advance(2 * MINUTE);
    expect(await logged()).toEqual(["good"]);
    expect(await history()).toMatchObject([{ STATE: "SUCCEEDED", QUERY_TEXT: "CALL P('good')" }]);
    const [failed] = await history("TASK_NAME => 'BAD'");
    expect(failed?.["STATE"]).toBe("FAILED");
    expect(String(failed?.["ERROR_MESSAGE"])).toContain("no such thing");
  });
});

describe("failures", () => {
  const FAILING = "AS INSERT INTO NO_SUCH_TABLE SELECT 1";

  test("suspend the task when there are too many in a row", async () => {
    await run(`${EVERY_TWO} SUSPEND_TASK_AFTER_NUM_FAILURES = 3 ${FAILING}`);
    await run("ALTER TASK T RESUME");
    await clock.advance(20 * MINUTE);
    const told = await history();
    expect(told.map((row) => row["STATE"])).toEqual([
      "FAILED_AND_AUTO_SUSPENDED",
      "FAILED",
      "FAILED",
    ]);
    expect(told[0]?.["ERROR_CODE"]).toBe("002003");
    expect(String(told[0]?.["ERROR_MESSAGE"])).toContain("NO_SUCH_TABLE");
    expect(await task()).toMatchObject({
      state: "suspended",
      last_suspended_reason: "SUSPENDED_DUE_TO_ERRORS",
    });
  });

  test("are ten by default, and any number when that is 0", async () => {
    await run(`${EVERY_TWO} ${FAILING}`);
    await run(
      `${EVERY_TWO.replace("T WA", "U WA")} SUSPEND_TASK_AFTER_NUM_FAILURES = 0 ${FAILING}`,
    );
    await run("ALTER TASK T RESUME");
    await run("ALTER TASK U RESUME");
    await clock.advance(18 * MINUTE);
    expect((await task())["state"]).toBe("started");
    await clock.advance(8 * MINUTE);
    expect((await task())["state"]).toBe("suspended");
    expect((await task("U"))["state"]).toBe("started");
    expect(await history()).toHaveLength(10);
    expect(await history("TASK_NAME => 'U'")).toHaveLength(13);
  });

  test("are counted anew after a success", async () => {
    await run(`${EVERY_TWO} SUSPEND_TASK_AFTER_NUM_FAILURES = 2 ${FAILING}`);
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    await run("CREATE TABLE NO_SUCH_TABLE (A NUMBER)");
    await clock.advance(2 * MINUTE);
    await run("DROP TABLE NO_SUCH_TABLE");
    await clock.advance(2 * MINUTE);
    expect((await task())["state"]).toBe("started");
    await clock.advance(2 * MINUTE);
    expect((await task())["state"]).toBe("suspended");
  });

  test("are tried again as often as TASK_AUTO_RETRY_ATTEMPTS says, and count once", async () => {
    await run(
      `${EVERY_TWO} TASK_AUTO_RETRY_ATTEMPTS = 2 SUSPEND_TASK_AFTER_NUM_FAILURES = 2 ${FAILING}`,
    );
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    const told = await history();
    expect(told.map((row) => [row["ATTEMPT_NUMBER"], row["STATE"]])).toEqual([
      [3, "FAILED"],
      [2, "FAILED"],
      [1, "FAILED"],
    ]);
    expect((await task())["state"]).toBe("started");
  });

  test("roll back what the run had done", async () => {
    await run(`${EVERY_TWO} AS INSERT INTO LOG (WHAT) SELECT 'a' UNION ALL SELECT 1 / 0`);
    await run("EXECUTE TASK T");
    await clock.advance(0);
    expect(await history()).toMatchObject([{ STATE: "FAILED" }]);
    expect(await logged()).toEqual([]);
  });
});

describe("a triggered task", () => {
  beforeEach(async () => {
    await run("CREATE STREAM S ON TABLE LOG APPEND_ONLY = TRUE");
    await run("CREATE TABLE SEEN (WHAT VARCHAR)");
    await run(
      `CREATE TASK T WAREHOUSE = COMPUTE_WH WHEN SYSTEM$STREAM_HAS_DATA('S')
       AS INSERT INTO SEEN SELECT WHAT FROM S`,
    );
    await run("ALTER TASK T RESUME");
  });

  test("runs when its stream has rows, and leaves no trace while it has none", async () => {
    await clock.advance(5 * MINUTE);
    expect(await history()).toEqual([]);
    await run("INSERT INTO LOG (WHAT) VALUES ('a'), ('b')");
    await clock.advance(MINUTE);
    expect(await history()).toMatchObject([{ STATE: "SUCCEEDED", SCHEDULED_FROM: "TRIGGER" }]);
    expect(await rowsOf("SELECT WHAT FROM SEEN ORDER BY 1")).toHaveLength(2);
  });

  test("waits the minimum interval between two runs", async () => {
    await run("INSERT INTO LOG (WHAT) VALUES ('a')");
    await clock.advance(10_000);
    expect(await history()).toHaveLength(1);
    await run("INSERT INTO LOG (WHAT) VALUES ('b')");
    await clock.advance(29_000);
    expect(await history()).toHaveLength(1);
    await clock.advance(1_000);
    expect(await history()).toHaveLength(2);
  });

  test("fails once its stream is stale", async () => {
    await run("CREATE OR REPLACE TABLE LOG (AT_RUN NUMBER AUTOINCREMENT, WHAT VARCHAR)");
    await clock.advance(10_000);
    expect(await history()).toMatchObject([{ STATE: "FAILED", ERROR_CODE: "091901" }]);
  });

  test("without a warehouse needs a target completion interval", async () => {
    const sql = "CREATE TASK U WHEN SYSTEM$STREAM_HAS_DATA('S') AS DELETE FROM SEEN";
    const error = await failureOf(execute(connection, sql));
    expect(error.message).toContain("TARGET_COMPLETION_INTERVAL");
    await run(sql.replace("WHEN", "TARGET_COMPLETION_INTERVAL = '1 MINUTES' WHEN"));
    expect((await task("U"))["target_completion_interval"]).toBe("1 MINUTES");
  });
});

describe("TASK_HISTORY", () => {
  test("is an ACCOUNT_USAGE view of the runs that have ended, too", async () => {
    await run(`${EVERY_TWO} ${NOTE}`);
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    const sql = `SELECT STATE FROM SNOWFLAKE.ACCOUNT_USAGE.TASK_HISTORY WHERE DATABASE_NAME = CURRENT_DATABASE()`;
    expect(await rowsOf(sql)).toEqual([{ STATE: "SUCCEEDED" }]);
  });

  test("takes a range, a limit and only errors", async () => {
    await run(`${EVERY_TWO} AS INSERT INTO LOG (WHAT) SELECT 1`);
    await run("ALTER TASK T RESUME");
    await clock.advance(6 * MINUTE);
    await run("DROP TABLE LOG");
    await clock.advance(2 * MINUTE);
    const at = new Date(clock.now() - 4 * MINUTE).toISOString();
    const range = `TASK_NAME => 'T', SCHEDULED_TIME_RANGE_START => '${at}'::TIMESTAMP_LTZ`;
    expect(await history(range)).toHaveLength(3);
    const end = `SCHEDULED_TIME_RANGE_END => '${at}'::TIMESTAMP_LTZ`;
    expect(await history(`TASK_NAME => 'T', ${end}`)).toHaveLength(2);
    expect(await history("TASK_NAME => 'T', ERROR_ONLY => TRUE")).toMatchObject([
      { STATE: "FAILED" },
    ]);
    const limited = `SELECT COUNT(*) AS N FROM TABLE(T${databaseCount}.INFORMATION_SCHEMA.TASK_HISTORY(RESULT_LIMIT => 2))`;
    expect(await rowsOf(limited)).toEqual([{ N: 2 }]);
    const error = await failureOf(
      execute(connection, limited.replace("RESULT_LIMIT", "ROOT_TASK_ID")),
    );
    expect(error.message).toContain("ROOT_TASK_ID");
  });
});

describe("the server", () => {
  test("runs a schedule of n minutes every n ticks", async () => {
    const ticking = fakeClock(START);
    const own = await startLocalSnowflake({
      sampleLineItems: 0,
      taskClock: ticking,
      taskTickMs: 100,
    });
    const session = await connect(own);
    await run("CREATE DATABASE D", session);
    await run("CREATE TABLE LOG (WHAT VARCHAR)", session);
    await run(`${EVERY_TWO} ${NOTE}`, session);
    await run("ALTER TASK T RESUME", session);
    await ticking.advance(1_000);
    expect(await rowsOf("SELECT COUNT(*) AS N FROM LOG", session)).toEqual([{ N: 5 }]);
    await own[Symbol.asyncDispose]();
  });

  test("keeps a task, its state and its failures over a restart", async () => {
    const file = join(tmpdir(), `tasks-${crypto.randomUUID()}.duckdb`);
    const before = fakeClock(START);
    const first = await startLocalSnowflake({ sampleLineItems: 0, file, taskClock: before });
    let session = await connect(first);
    await run("CREATE DATABASE D", session);
    await run(`${EVERY_TWO} SUSPEND_TASK_AFTER_NUM_FAILURES = 2 AS DELETE FROM MISSING`, session);
    await run("ALTER TASK T RESUME", session);
    await before.advance(2 * MINUTE);
    await first[Symbol.asyncDispose]();

    const after = fakeClock(before.now() + 30_000);
    const second = await startLocalSnowflake({ sampleLineItems: 0, file, taskClock: after });
    session = await connect(second, { database: "D", schema: "PUBLIC" });
    expect(await rowsOf("SHOW TASKS", session)).toMatchObject([{ name: "T", state: "started" }]);
    await after.advance(90_000);
    expect(await rowsOf("SHOW TASKS", session)).toMatchObject([
      { state: "suspended", last_suspended_reason: "SUSPENDED_DUE_TO_ERRORS" },
    ]);
    await second[Symbol.asyncDispose]();
    await rm(file, { force: true });
  });

  test("lets its process end, whatever is resumed", async () => {
    const engine = join(import.meta.dir, "../../../src/local/snowflake/engine/duckdb-engine.ts");
    const script = `
      const { openEngine } = await import(${JSON.stringify(engine)});
      const session = await (await openEngine()).openSession({ user: "ADA" });
      const run = async (sql) => {
        const statement = { queryId: sql, sql, binds: {}, parameters: {}, describeOnly: false };
        for await (const _ of (await session.execute(statement)).batches);
      };
      await run("CREATE DATABASE D");
      await run("CREATE TASK T WAREHOUSE = COMPUTE_WH SCHEDULE = '1 MINUTE' AS SELECT 1");
      await run("ALTER TASK T RESUME");`;
    const child = Bun.spawn([process.execPath, "-e", script], { stderr: "pipe", timeout: 20_000 });
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stderr).text()).toBe("");
  });

  test("cancels the run under way when it is closed", async () => {
    const own = await startLocalSnowflake({ sampleLineItems: 0, taskTickMs: 60 });
    const session = await connect(own);
    await run("CREATE DATABASE D", session);
    await run(
      "CREATE TASK T WAREHOUSE = COMPUTE_WH SCHEDULE = '1 MINUTE' AS CALL SYSTEM$WAIT(10, 'MINUTES')",
      session,
    );
    await run("ALTER TASK T RESUME", session);
    const states =
      "SELECT STATE FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY()) WHERE STATE = 'EXECUTING'";
    while ((await rowsOf(states, session)).length === 0) await Bun.sleep(5);
    const startedAt = performance.now();
    await own[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("the owner", () => {
  beforeEach(async () => {
    await run("CREATE ROLE IF NOT EXISTS TASK_OWNER");
    await run("CREATE WAREHOUSE IF NOT EXISTS TASK_WH");
    await run(`GRANT USAGE, CREATE SCHEMA ON DATABASE T${databaseCount} TO ROLE TASK_OWNER`);
    await run("GRANT USAGE, CREATE TASK ON SCHEMA PUBLIC TO ROLE TASK_OWNER");
    await run("GRANT USAGE ON WAREHOUSE TASK_WH TO ROLE TASK_OWNER");
    await run("USE ROLE TASK_OWNER");
    await run(`CREATE TASK T WAREHOUSE = TASK_WH SCHEDULE = '2 MINUTES' ${NOTE}`);
  });
  afterEach(async () => {
    await run("USE ROLE ACCOUNTADMIN");
    await run("DROP ROLE TASK_OWNER");
    await run("DROP WAREHOUSE TASK_WH");
  });

  test("needs EXECUTE TASK, when the task is resumed and when it runs", async () => {
    const error = await failureOf(execute(connection, "ALTER TASK T RESUME"));
    expect([error.code, error.sqlState]).toEqual(["091089", "23001"]);
    expect(error.message).toContain(
      "Cannot execute task, EXECUTE TASK privilege must be granted to owner role",
    );
    await run("USE ROLE ACCOUNTADMIN");
    await run("GRANT EXECUTE TASK ON ACCOUNT TO ROLE TASK_OWNER");
    await run("ALTER TASK T RESUME");
    await run("REVOKE EXECUTE TASK ON ACCOUNT FROM ROLE TASK_OWNER");
    await clock.advance(2 * MINUTE);
    expect(await history()).toMatchObject([{ STATE: "FAILED", ERROR_CODE: "091089" }]);
  });

  test("needs what the statement needs, whatever the one who resumes it may do", async () => {
    await run("USE ROLE ACCOUNTADMIN");
    await run("GRANT EXECUTE TASK ON ACCOUNT TO ROLE TASK_OWNER");
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    expect(await history()).toMatchObject([{ STATE: "FAILED", ERROR_CODE: "002003" }]);
    await run("GRANT SELECT, INSERT ON TABLE LOG TO ROLE TASK_OWNER");
    await clock.advance(2 * MINUTE);
    expect((await history())[0]).toMatchObject({ STATE: "SUCCEEDED", ERROR_CODE: null });
    expect(await logged()).toEqual(["ran"]);
  });

  test("needs the warehouse, or EXECUTE MANAGED TASK without one", async () => {
    await run("USE ROLE ACCOUNTADMIN");
    await run("GRANT EXECUTE TASK ON ACCOUNT TO ROLE TASK_OWNER");
    await run("REVOKE USAGE ON WAREHOUSE TASK_WH FROM ROLE TASK_OWNER");
    const error = await failureOf(execute(connection, "EXECUTE TASK T"));
    expect(error.message).toContain("USAGE privilege on the task's warehouse");
    await run("ALTER TASK T UNSET WAREHOUSE");
    const managed = await failureOf(execute(connection, "EXECUTE TASK T"));
    expect(managed.message).toContain("EXECUTE MANAGED TASK privilege");
  });

  test("needs SELECT on the stream that WHEN asks for", async () => {
    await run("USE ROLE ACCOUNTADMIN");
    await run("CREATE STREAM S ON TABLE LOG APPEND_ONLY = TRUE");
    await run("GRANT EXECUTE TASK ON ACCOUNT TO ROLE TASK_OWNER");
    await run("ALTER TASK T MODIFY WHEN SYSTEM$STREAM_HAS_DATA('S')");
    await run("ALTER TASK T RESUME");
    await clock.advance(2 * MINUTE);
    await run("GRANT SELECT ON STREAM S TO ROLE TASK_OWNER");
    await run("GRANT SELECT ON TABLE LOG TO ROLE TASK_OWNER");
    await clock.advance(2 * MINUTE);
    const states = (await history()).map((row) => [row["STATE"], row["ERROR_CODE"]]);
    expect(states).toEqual([
      ["SKIPPED", "0040003"],
      ["FAILED", "002003"],
    ]);
  });

  test("can be another, and then somebody has to resume it again", async () => {
    await run("USE ROLE ACCOUNTADMIN");
    await run("GRANT EXECUTE TASK ON ACCOUNT TO ROLE TASK_OWNER");
    await run("ALTER TASK T RESUME");
    await run("GRANT OWNERSHIP ON TASK T TO ROLE SYSADMIN");
    expect(await task()).toMatchObject({
      owner: "SYSADMIN",
      state: "suspended",
      last_suspended_reason: "GRANT_OWNERSHIP",
    });
    expect(clock.timerCount).toBe(0);
  });

  test("alone sees the task, and its text", async () => {
    await run("USE ROLE ACCOUNTADMIN");
    await run("GRANT USAGE ON WAREHOUSE TASK_WH TO ROLE PUBLIC");
    await run("USE ROLE PUBLIC");
    expect(await rowsOf("SHOW TASKS IN ACCOUNT")).toEqual([]);
    const runs = `SELECT * FROM TABLE(T${databaseCount}.INFORMATION_SCHEMA.TASK_HISTORY())`;
    expect(await rowsOf(runs)).toEqual([]);
    const name = `T${databaseCount}.PUBLIC.T`;
    for (const sql of [`SELECT GET_DDL('TASK', '${name}')`, `EXECUTE TASK ${name}`])
      expect((await failureOf(execute(connection, sql))).code).toBe("002003");
  });
});
