import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import type { Connection } from "../../src/snowflake/connection.ts";
import type { ObjectChange } from "../../src/snowflake/script-run.ts";
import { renderScript, type ScriptNames } from "../../src/snowflake/scripts.ts";
import firstVersion from "./first-version.sql" with { type: "text" };
import { errorOf } from "./errors.ts";
import { type LocalAccount, openLocalAccount, runScript, setUpSchema } from "./local-account.ts";

/** Setting up a schema twice is some 300 statements. */
setDefaultTimeout(60_000);

/** Each test in a database of its own. */
let account: LocalAccount;
let connection: Connection;
let names: ScriptNames & { readonly database: string };
let count = 0;

beforeAll(async () => {
  account = await openLocalAccount();
  connection = await account.connect("ANN");
});

beforeEach(() => {
  count += 1;
  names = { database: `DB_${count}` };
});

afterAll(() => account[Symbol.asyncDispose]());

const setUp = (): ReturnType<typeof setUpSchema> => setUpSchema(connection, names);
const run = (script: string): Promise<void> => runScript(connection, script);

function statusesOf(changes: readonly ObjectChange[]): Record<string, string> {
  return Object.fromEntries(
    changes.map(({ kind, name, status }) => [`${kind} ${name.split(".").at(-1)}`, status]),
  );
}

async function read(sql: string): Promise<Record<string, string | null>[]> {
  return (await connection.execute(sql)).rows;
}

test("an empty account gets every object, nothing a second time, and then what was dropped", async () => {
  const first = await setUp();
  expect(first.findings).toEqual([]);
  const made = Object.entries(statusesOf(first.changes)).filter(
    ([name]) => !name.startsWith("GRANTS"),
  );
  expect(new Set(made.map(([, status]) => status))).toEqual(new Set(["created"]));
  expect(made.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      "STAGE REPORT_STAGE",
      "STREAM REPORT_CONFIG_INSERT_STREAM",
      "PROCEDURE SEND_ECS_TRIGGER",
      "TASK ECS_TRIGGER_TASK",
      "ROLE REPORT_WORKER_ROLE",
    ]),
  );
  const second = await setUp();
  expect(second.findings).toEqual([]);
  expect(statusesOf(second.changes)).toEqual(
    Object.fromEntries(Object.keys(statusesOf(first.changes)).map((name) => [name, "unchanged"])),
  );
  await run(
    "DROP VIEW REPORT_COST; DROP PROCEDURE RETRY_REPORT(VARCHAR); DROP STREAM REPORT_CONFIG_INSERT_STREAM",
  );
  const third = await setUp();
  expect(third.findings).toEqual([
    "a part of the schema is there already: REPORT_COST, REPORT_CONFIG_INSERT_STREAM, RETRY_REPORT will be added",
  ]);
  const different = Object.entries(statusesOf(third.changes)).filter(
    ([, status]) => status !== "unchanged",
  );
  expect(Object.fromEntries(different)).toEqual({
    "VIEW REPORT_COST": "created",
    "STREAM REPORT_CONFIG_INSERT_STREAM": "created",
    "PROCEDURE RETRY_REPORT": "created",
    "GRANTS ROLE REPORT_TASK_ROLE": "changed",
    "GRANTS ROLE REPORT_USER_ROLE": "changed",
    "GRANTS ROLE REPORT_WORKER_ROLE": "changed",
  });
});

describe("a database of the first version", () => {
  beforeEach(async () => {
    await run(renderScript(firstVersion, names));
    await run(`
      INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OPTIONS, STATUS)
        VALUES ('c1', 'Sales', 'SELECT 1', '{"title": "a"}', 'COMPLETED'), ('c2', 'Stock', 'SELECT 2', NULL, 'PENDING');
      INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, FENCE, ATTEMPT, OUTCOME) VALUES ('r1', 'c1', 1, 1, 'COMPLETED');
      INSERT INTO REPORT_DELIVERY (DELIVERY_ID, RUN_ID, CONFIG_ID, CHANNEL, TARGET, KIND, STATE)
        VALUES ('d1', 'r1', 'c1', 'EMAIL', 'a@example.com', 'RESULT', 'SENT');
      INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID) VALUES ('w1', 'b1');
      INSERT INTO REPORT_TRIGGER_LOG (TRIGGER_ID, CONFIG_ID) VALUES ('t1', 'c1')`);
  });

  const TABLES = [
    "REPORT_CONFIG",
    "REPORT_RUN",
    "REPORT_DELIVERY",
    "WORKER_HEARTBEAT",
    "REPORT_TRIGGER_LOG",
  ];

  test("is upgraded without losing a row, and says so beforehand", async () => {
    const before = await Promise.all(
      TABLES.map((table) => read(`SELECT * FROM ${table} ORDER BY 1`)),
    );
    const { changes, findings } = await setUp();
    expect(findings.slice(0, 3)).toEqual([
      "REPORT_CONFIG is of an older version: it gets AS_OF, RERUN_OF, WAITING_SINCE; its rows stay as they are",
      expect.stringContaining("REPORT_RUN is of an older version: it gets REASON, SQL_SHA256"),
      expect.stringContaining("REPORT_DELIVERY is of an older version: it gets RECIPIENT_KEY"),
    ]);
    expect(findings.at(-1)).toContain("REPORT_CONFIG_INSERT_STREAM, SEND_ECS_TRIGGER");
    expect(statusesOf(changes)).toMatchObject({
      "TABLE REPORT_CONFIG": "changed",
      "TABLE REPORT_RUN": "changed",
      "TABLE WORKER_HEARTBEAT": "unchanged",
      "VIEW REPORT_STATUS": "changed",
      "STREAM REPORT_CONFIG_INSERT_STREAM": "created",
    });
    for (const [index, table] of TABLES.entries()) {
      const after = await read(`SELECT * FROM ${table} ORDER BY 1`);
      expect(after).toMatchObject(before[index] ?? []);
      expect(after).toHaveLength(before[index]?.length ?? 0);
    }
    // The reports that were asked for before there was a stream are its first rows.
    expect(await read("SELECT CONFIG_ID FROM REPORT_CONFIG_INSERT_STREAM ORDER BY 1")).toEqual([
      { CONFIG_ID: "c1" },
      { CONFIG_ID: "c2" },
    ]);
    const again = await setUp();
    expect(new Set(Object.values(statusesOf(again.changes)))).toEqual(new Set(["unchanged"]));
  });
});

test("of a stream that is stale it is said so, and what its table lost with it is granted again", async () => {
  await setUp();
  await run("CREATE OR REPLACE TABLE REPORT_CONFIG CLONE REPORT_CONFIG");
  const { findings, changes } = await setUp();
  expect(findings).toEqual([
    "REPORT_CONFIG_INSERT_STREAM is stale; report-service doctor shows the statement that mends it",
  ]);
  expect(statusesOf(changes)).toMatchObject({ "GRANTS ROLE REPORT_TASK_ROLE": "changed" });
});

describe("a schema that somebody else uses", () => {
  const inSchema = (script: string): Promise<void> =>
    run(`CREATE DATABASE ${names.database}; CREATE SCHEMA ${names.database}.CONFIG; ${script}`);

  test.each([
    [
      "a REPORT_CONFIG of another shape",
      "CREATE TABLE REPORT_CONFIG (CONFIG_ID NUMBER, REPORT_NAME VARCHAR, REPORT_SQL VARCHAR, TENANT VARCHAR NOT NULL)",
      /table REPORT_CONFIG: it has no REPORT_TYPE, .*; CONFIG_ID is NUMBER, not TEXT; it wants a value in TENANT/,
    ],
    [
      "a view in the place of a table",
      "CREATE VIEW REPORT_RUN AS SELECT 1 AS A",
      /table REPORT_RUN: there is a view of that name/,
    ],
    [
      "a view that is not ours",
      "CREATE VIEW REPORT_STATUS COMMENT = 'of the sales team' AS SELECT 1 AS A",
      /view REPORT_STATUS: somebody else made it/,
    ],
    [
      "a procedure that is not ours",
      "CREATE PROCEDURE SEND_ECS_TRIGGER() RETURNS VARCHAR LANGUAGE JAVASCRIPT AS 'return 1;'",
      /procedure SEND_ECS_TRIGGER: somebody else made it/,
    ],
    [
      "a stream on another table",
      "CREATE TABLE T (A INT); CREATE STREAM REPORT_CONFIG_INSERT_STREAM ON TABLE T APPEND_ONLY = TRUE",
      /stream REPORT_CONFIG_INSERT_STREAM: it is not an append-only stream on REPORT_CONFIG/,
    ],
  ])("%s is explained, and nothing is changed", async (_case, script, problem) => {
    await inSchema(script);
    const listed = await read(`SHOW TABLES IN DATABASE ${names.database}`);
    const error = await errorOf(setUp());
    expect(error.code).toBe("configuration");
    expect(error.message).toMatch(problem);
    expect(error.message).toContain("nothing has been changed");
    expect(error.message).toContain("SNOWFLAKE_SCHEMA");
    expect(await read(`SHOW TABLES IN DATABASE ${names.database}`)).toEqual(listed);
  });
});
