import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Connection } from "../../src/snowflake/connection.ts";
import { errorOf } from "./errors.ts";
import { type LocalAccount, openLocalAccount, runScript, setUpSchema } from "./local-account.ts";

setDefaultTimeout(60_000);

let account: LocalAccount;
let connection: Connection;

beforeAll(async () => {
  account = await openLocalAccount();
  connection = await account.connect("ANN");
  await setUpSchema(connection, {});
});

afterAll(() => account[Symbol.asyncDispose]());

async function read(sql: string): Promise<Record<string, string | null>[]> {
  return (await connection.execute(sql)).rows;
}

test("REPORT_STATUS shows why a report was skipped, and since when another waits", async () => {
  await runScript(
    connection,
    `INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, STATUS, LAST_RUN_ID, WAITING_SINCE)
       SELECT 's', 'Skipped', 'SELECT 1', 'COMPLETED', 's1', NULL UNION ALL
       SELECT 'w', 'Waiting', 'SELECT 1', 'PENDING', 'w1', '2026-11-23 06:00:00'::TIMESTAMP_NTZ;
     INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, FENCE, ATTEMPT, OUTCOME, REASON) VALUES
       ('s1', 's', 1, 1, 'SKIPPED', 'no rows'), ('w1', 'w', 1, 1, 'WAITING', 'its data were not ready')`,
  );
  expect(
    await read(
      "SELECT CONFIG_ID, STATUS, LAST_OUTCOME, LAST_REASON, WAITING_SINCE IS NOT NULL AS WAITS FROM REPORT_STATUS ORDER BY 1",
    ),
  ).toEqual([
    {
      CONFIG_ID: "s",
      STATUS: "COMPLETED",
      LAST_OUTCOME: "SKIPPED",
      LAST_REASON: "no rows",
      WAITS: "false",
    },
    {
      CONFIG_ID: "w",
      STATUS: "PENDING",
      LAST_OUTCOME: "WAITING",
      LAST_REASON: "its data were not ready",
      WAITS: "true",
    },
  ]);
});

test("REPORT_METRICS_HOURLY counts neither what was missed nor looks at data that were not ready", async () => {
  const at = "'2026-11-22 10:00:00'::TIMESTAMP_NTZ";
  const outcomes = ["COMPLETED", "COMPLETED", "SKIPPED", "FAILED", "MISSED", "WAITING", "WAITING"];
  const rows = outcomes.map(
    (outcome, index) =>
      `SELECT 'm${index}', 'm', 1, 1, ${at}, DATEADD(second, 10, ${at}), '${outcome}'`,
  );
  await connection.execute(
    `INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, FENCE, ATTEMPT, STARTED_AT, FINISHED_AT, OUTCOME) ${rows.join(" UNION ALL ")}`,
  );
  const [row] = await read(
    `SELECT RUNS, COMPLETED, SKIPPED, FAILED, ERROR_RATE, SECONDS_AVERAGE FROM REPORT_METRICS_HOURLY
     WHERE HOUR = ${at}`,
  );
  expect(row).toMatchObject({ RUNS: "4", COMPLETED: "2", SKIPPED: "1", FAILED: "1" });
  expect(Number(row?.["ERROR_RATE"])).toBe(0.25);
  expect(Number(row?.["SECONDS_AVERAGE"])).toBe(10);
});

test("REPORT_COST counts a run that was done again with the report whose run it was", async () => {
  await runScript(
    connection,
    `INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OWNER_EMAIL, RERUN_OF) SELECT 'c1', 'Costly', 'SELECT 1', 'ann@example.com', NULL
       UNION ALL SELECT 'c2', 'Costly again', 'SELECT 1', 'bea@example.com', 'r1';
     INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, FENCE, ATTEMPT) VALUES ('r1', 'c1', 1, 1), ('r2', 'c2', 1, 1)`,
  );
  for (const [report, run] of [
    ["c1", "r1"],
    ["c1", "r1"],
    ["c2", "r2"],
  ]) {
    const tag = JSON.stringify({ app: "report-service", report, run, attempt: 1 });
    await connection.execute(`ALTER SESSION SET QUERY_TAG = '${tag}'`);
    await connection.execute("SELECT COUNT(*) FROM REPORT_RUN");
  }
  await connection.execute("ALTER SESSION UNSET QUERY_TAG");
  const rows = await read(
    "SELECT CONFIG_ID, REPORT_NAME, OWNER, RUNS, RERUNS FROM REPORT_COST WHERE CONFIG_ID IN ('c1', 'c2')",
  );
  expect(rows).toEqual([
    { CONFIG_ID: "c1", REPORT_NAME: "Costly", OWNER: "ann@example.com", RUNS: "2", RERUNS: "1" },
  ]);
});

test("what the service relies on is checked, what a person writes is not", async () => {
  const insert = (columns: string, values: string): Promise<unknown> =>
    connection.execute(
      `INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL, ${columns}) SELECT 'X', 'SELECT 1', ${values}`,
    );
  for (const [column, value] of [
    ["STATUS", "'pending'"],
    ["ATTEMPT", "-1"],
  ] as const) {
    expect((await errorOf(insert(column, value))).code).toBe("query_failed");
  }
  await insert("REPORT_TYPE, OUTPUT_FORMAT, SCHEDULE_CRON", "'weekly', 'WORD', 'never'");
});
