import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { checkTables } from "../../src/commands/doctor-tables.ts";
import { judgeChain, type Onlooker } from "../../src/commands/doctor-chain.ts";
import type { Finding } from "../../src/commands/findings.ts";
import { type Chain, PROCEDURES, readChain, TASKS } from "../../src/snowflake/chain.ts";
import type { Connection } from "../../src/snowflake/connection.ts";
import { DEFAULT_NAMES } from "../../src/snowflake/scripts.ts";
import { type LocalAccount, openLocalAccount, setUpSchema } from "./local-account.ts";

setDefaultTimeout(60_000);

const SCHEMA = "REPORTING_DB.CONFIG";
const SUCCEEDED = { state: "SUCCEEDED", at: "2026-11-23 10:00:00", error: "" };
const FAILED = {
  state: "FAILED",
  at: "2026-11-23 10:02:00",
  error: "the trigger\n  endpoint refused",
};

const WHOLE: Chain = {
  schema: SCHEMA,
  stream: { isStale: false, staleAfter: "2026-12-07 10:00:00" },
  tasks: TASKS.map((name) => ({
    name,
    state: "started",
    suspendedBecause: null,
    lastRun: SUCCEEDED,
    lastFailure: null,
  })),
  procedures: PROCEDURES,
  hasFunction: true,
};

const ADMINISTRATOR: Onlooker = { role: "CORTEX_USER_ROLE", names: DEFAULT_NAMES, isLocal: false };
const WORKER: Onlooker = { ...ADMINISTRATOR, role: "REPORT_WORKER_ROLE" };

function wrongOf(chain: Partial<Chain>, onlooker = ADMINISTRATOR): Finding[] {
  return judgeChain({ ...WHOLE, ...chain }, onlooker).filter(({ isOk }) => !isOk);
}

function withTask(change: Partial<Chain["tasks"][number]>): Partial<Chain> {
  return { tasks: WHOLE.tasks.map((task, index) => (index === 0 ? { ...task, ...change } : task)) };
}

describe("the chain is judged", () => {
  test("whole: nothing is wrong", () => {
    expect(wrongOf({})).toEqual([]);
    expect(wrongOf(withTask({ lastRun: null }))).toEqual([]);
  });

  test("a stale stream, with what becomes of its rows and the statement that mends it", () => {
    const [finding] = wrongOf({ stream: { isStale: true, staleAfter: null } });
    expect(finding?.text).toContain("No report is lost");
    expect(finding?.text).toContain("every 30 minutes");
    expect(finding?.advice).toStartWith(
      `CREATE OR REPLACE STREAM ${SCHEMA}.REPORT_CONFIG_INSERT_STREAM COPY GRANTS ON TABLE ${SCHEMA}.REPORT_CONFIG APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE;`,
    );
  });

  test("a missing stream, procedure, task", () => {
    expect(wrongOf({ stream: null })[0]?.advice).toStartWith("run report-service setup;");
    expect(wrongOf({ procedures: PROCEDURES.slice(1) })[0]?.text).toStartWith(
      "SEND_ECS_TRIGGER missing",
    );
    expect(wrongOf(withTask({ state: null }))[0]?.text).toStartWith("ECS_TRIGGER_TASK is missing");
  });

  test("a missing function, but locally before the worker has made it", () => {
    expect(wrongOf({ hasFunction: false })[0]?.advice).toContain("run_after_deploy.sql");
    expect(wrongOf({ hasFunction: false }, { ...ADMINISTRATOR, isLocal: true })).toEqual([]);
  });

  test("with the worker's role, which must not see stream, procedures and function: says who does", () => {
    const unseen = { stream: null, procedures: [], hasFunction: false };
    expect(wrongOf(unseen)).toHaveLength(3);
    expect(wrongOf(unseen, WORKER)).toEqual([]);
    const texts = judgeChain({ ...WHOLE, ...unseen }, WORKER).map(({ text }) => text);
    for (const text of texts.slice(0, 3)) {
      expect(text).toStartWith("not checked: ");
      expect(text).toEndWith("not visible to REPORT_WORKER_ROLE; run doctor as CORTEX_USER_ROLE");
    }
  });

  test("with the worker's role: what it sees, and should see, is judged all the same", () => {
    const stale = { stream: { isStale: true, staleAfter: null } };
    expect(wrongOf(stale, WORKER)).toEqual(wrongOf(stale));
    expect(wrongOf(withTask({ state: null }), WORKER)[0]?.text).toContain("is missing");
  });

  test("with roles of other names", () => {
    const names = { role: "OPS", workerRole: "my_worker", taskRole: "MY_TASKS" };
    const unseen = wrongOf({ stream: null }, { ...WORKER, names });
    expect(unseen[0]?.advice).toEndWith("such as OPS");
    expect(wrongOf({ stream: null }, { ...WORKER, names, role: "MY_WORKER" })).toEqual([]);
    const [suspended] = wrongOf(withTask({ state: "suspended" }), { ...ADMINISTRATOR, names });
    expect(suspended?.advice).toEndWith("as OPS, or another role that has MY_TASKS, which owns it");
  });

  test("a suspended task, with its last failure and the statement that mends it", () => {
    const [finding] = wrongOf(
      withTask({
        state: "suspended",
        suspendedBecause: "USER_SUSPENDED",
        lastRun: SUCCEEDED,
        lastFailure: FAILED,
      }),
    );
    expect(finding).toEqual({
      check: "task",
      isOk: false,
      text: "ECS_TRIGGER_TASK is suspended (USER_SUSPENDED); failed at 2026-11-23 10:02:00 UTC: the trigger endpoint refused",
      advice: `ALTER TASK ${SCHEMA}.ECS_TRIGGER_TASK RESUME; as CORTEX_USER_ROLE, or another role that has REPORT_TASK_ROLE, which owns it`,
    });
  });

  test("a task whose newest run failed, but not one that has succeeded since", () => {
    expect(wrongOf(withTask({ lastRun: FAILED, lastFailure: FAILED }))[0]?.text).toContain(
      "the trigger endpoint refused",
    );
    expect(wrongOf(withTask({ lastRun: SUCCEEDED, lastFailure: FAILED }))).toEqual([]);
  });
});

describe("the chain of a local Snowflake is read", () => {
  let account: LocalAccount;
  let connection: Connection;

  beforeAll(async () => {
    account = await openLocalAccount();
    connection = await account.connect("ANN");
    await setUpSchema(connection, {});
  });

  afterAll(() => account[Symbol.asyncDispose]());

  async function findWrong(): Promise<string[]> {
    const onlooker = { ...ADMINISTRATOR, isLocal: true };
    const findings = judgeChain(await readChain(connection, SCHEMA), onlooker);
    return findings.flatMap(({ isOk, text }) => (isOk ? [] : [text]));
  }

  test("nothing is wrong after setup", async () => {
    expect(await findWrong()).toEqual([]);
    const { stream } = await readChain(connection, SCHEMA);
    expect(stream?.staleAfter).toMatch(/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  test("a failed run is found, and then the task that was suspended", async () => {
    await connection.execute(
      "INSERT INTO REPORT_CONFIG (REPORT_NAME, REPORT_SQL) VALUES ('Sales', 'SELECT 1')",
    );
    await connection.execute("EXECUTE TASK ECS_TRIGGER_TASK");
    const failed = await untilWrong();
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(
      /^ECS_TRIGGER_TASK; failed at .* UTC: .*TRIGGER_ECS_SERVICE is missing/,
    );
    await connection.execute("ALTER TASK ECS_TRIGGER_TASK SUSPEND");
    expect((await findWrong())[0]).toMatch(
      /^ECS_TRIGGER_TASK is suspended.*TRIGGER_ECS_SERVICE is missing/,
    );
    await connection.execute("ALTER TASK ECS_TRIGGER_TASK RESUME");
  });

  /** A task runs beside the session that asked for it. */
  async function untilWrong(): Promise<string[]> {
    for (;;) {
      const wrong = await findWrong();
      if (wrong.length > 0) return wrong;
      await Bun.sleep(20);
    }
  }

  test("what was dropped is missing", async () => {
    await connection.execute("DROP PROCEDURE TRIGGER_IF_DUE()");
    await connection.execute("DROP TASK REPORT_PRUNE_TASK");
    const wrong = await findWrong();
    expect(wrong.join()).toContain("TRIGGER_IF_DUE missing");
    expect(wrong.join()).toContain("REPORT_PRUNE_TASK is missing");
  });

  test("a table of an older version is found", async () => {
    await connection.execute("ALTER TABLE REPORT_DELIVERY DROP COLUMN RECIPIENT_KEY");
    const findings: Finding[] = [];
    await checkTables((finding) => void findings.push(finding), connection, SCHEMA, "ACCOUNTADMIN");
    const [wrong] = findings.filter(({ isOk }) => !isOk);
    expect(wrong?.text).toStartWith("REPORT_DELIVERY: ");
    expect(wrong?.text).toContain("RECIPIENT_KEY");
    expect(wrong?.advice).toStartWith("run report-service setup");
    await setUpSchema(connection, {});
  });

  test("a role without a privilege is told which GRANT is missing", async () => {
    await connection.execute("REVOKE UPDATE ON TABLE REPORT_RUN FROM ROLE REPORT_WORKER_ROLE");
    const worker = await account.connect("WORKER");
    await worker.execute("USE ROLE REPORT_WORKER_ROLE");
    await worker.execute("USE SECONDARY ROLES NONE");
    await worker.execute(`USE SCHEMA ${SCHEMA}`);
    const findings: Finding[] = [];
    const tell = (finding: Finding): void => void findings.push(finding);
    await checkTables(tell, worker, SCHEMA, "REPORT_WORKER_ROLE");
    expect(findings.filter(({ isOk }) => !isOk)).toMatchObject([
      {
        advice: expect.stringContaining(
          `GRANT SELECT, INSERT, UPDATE ON TABLE ${SCHEMA}.REPORT_RUN TO ROLE REPORT_WORKER_ROLE;`,
        ),
      },
    ]);
  });
});
