import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { fileURLToPath } from "node:url";
import { pointTrigger } from "../../src/commands/local-chain.ts";
import { loadConfig } from "../../src/config.ts";
import { findReport, readHistory } from "../../src/snowflake/reports.ts";
import { localSettings } from "../../src/snowflake-access.ts";
import type { ResultRow } from "../../src/snowflake/rows.ts";
import { type Answer, type Gateway, passTo, startGateway } from "./gateway.ts";
import { eventually, type Process, type Service, startService } from "./service.ts";

/**
 * From an INSERT to a file: stream, task, procedure, external function, POST /trigger, worker. The worker is a process that
 * looks for reports by itself every 30 minutes, so that nothing but the chain can wake it; the endpoint in front of it fails
 * as the tests say.
 */
const TICK_MS = 50;
const TASK = "ECS_TRIGGER_TASK";
const SAFETY_TASK = "REPORT_SAFETY_TASK";
const STREAM = "REPORT_CONFIG_INSERT_STREAM";

let service: Service;
let gateway: Gateway;
let worker: Process;
let toWorker: Answer;

beforeAll(async () => {
  service = await startService({
    sampleLineItems: 0,
    taskTickMs: TICK_MS,
    externalCalls: { requestTimeoutMs: 2_500, retryTotalMs: 100, retryDelayMs: 20 },
  });
  gateway = startGateway();
  const config = loadConfig({});
  await pointTrigger(localSettings(config, service.snowflake.url), config, gateway.url);
  // Only the test of the safety task wants a second way.
  await execute(`ALTER TASK ${SAFETY_TASK} SUSPEND`);
  // One lane, so that its last line tells whether the worker sleeps.
  worker = service.start(["worker"], { WORKER_CONCURRENCY: "1", LOG_LEVEL: "DEBUG" });
  const url = await eventually("the worker", async () =>
    /POST (http:\S+\/trigger)/.exec(worker.written())?.at(1),
  );
  toWorker = passTo(url);
}, 60_000);

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

beforeEach(async () => {
  gateway.answer(toWorker);
  await eventually("the worker to sleep", async () =>
    worker.written().trimEnd().split("\n").at(-1)?.includes("looking again in 1800 s"),
  );
});

async function execute(sql: string, binds: readonly string[] = []): Promise<ResultRow[]> {
  return (await service.connection.execute(sql, binds)).rows;
}

let inserted = 0;

/** Asks for a report as anybody would, and gives its CONFIG_ID. */
async function insertReport(): Promise<string> {
  inserted += 1;
  const configId = `chain-${inserted}`;
  await execute(
    "INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT) VALUES (?, ?, ?, 'CSV')",
    [configId, `report ${inserted}`, `SELECT ${inserted} AS N, 'ü' AS T`],
  );
  return configId;
}

/** Waits until the report is done, reads its file with a parser that is not ours, and gives its rows. */
async function readFileOf(configId: string): Promise<Record<string, string>[]> {
  await eventually(`${configId} to be completed`, async () => {
    const { status } = await findReport(service.connection, configId);
    expect(status).not.toBe("FAILED");
    return status === "COMPLETED";
  });
  const { runs } = await readHistory(service.connection, configId, 10);
  expect(runs).toHaveLength(1);
  const [artifact] = runs[0]?.artifacts ?? [];
  const text = await Bun.file(fileURLToPath(artifact?.uri ?? "")).text();
  return parse(text, { columns: true });
}

async function expectMade(...configIds: string[]): Promise<void> {
  for (const configId of configIds) {
    expect(await readFileOf(configId)).toEqual([{ N: configId.replace("chain-", ""), T: "ü" }]);
  }
}

/** The triggers that told of a report: one, unless something was lost or doubled. */
async function triggersOf(configId: string): Promise<string[]> {
  const rows = await execute("SELECT TRIGGER_ID FROM REPORT_TRIGGER_LOG WHERE CONFIG_ID = ?", [
    configId,
  ]);
  return rows.map((row) => row["TRIGGER_ID"] ?? "");
}

async function waitingInStream(): Promise<string[]> {
  const rows = await execute(`SELECT CONFIG_ID FROM ${STREAM} ORDER BY CONFIG_ID`);
  return rows.map((row) => row["CONFIG_ID"] ?? "");
}

async function failuresSince(time: string): Promise<string[]> {
  const rows = await execute(
    `SELECT ERROR_MESSAGE FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '${TASK}', RESULT_LIMIT => 1000))
     WHERE STATE LIKE 'FAILED%' AND QUERY_START_TIME >= ?::TIMESTAMP_LTZ`,
    [time],
  );
  return rows.map((row) => row["ERROR_MESSAGE"] ?? "");
}

async function readTime(): Promise<string> {
  const [row] = await execute(
    "SELECT TO_VARCHAR(CURRENT_TIMESTAMP(), 'YYYY-MM-DD HH24:MI:SS.FF3') AS NOW",
  );
  return row?.["NOW"] ?? "";
}

/** Calls of a task since there were `before`. */
function callsSince(before: number, reason: string): number {
  return gateway.reasons.slice(before).filter((given) => given === reason).length;
}

describe("the chain", () => {
  test("makes a file of an INSERT, with one trigger", async () => {
    const before = gateway.reasons.length;
    const configId = await insertReport();
    await expectMade(configId);
    expect(await triggersOf(configId)).toHaveLength(1);
    expect(callsSince(before, "stream")).toBe(1);
  }, 30_000);

  test("makes both reports of two INSERTs between two ticks, with one trigger", async () => {
    const before = gateway.reasons.length;
    await execute(`ALTER TASK ${TASK} SUSPEND`);
    const configIds = [await insertReport(), await insertReport()];
    await execute(`ALTER TASK ${TASK} RESUME`);
    await expectMade(...configIds);
    const triggers = await Promise.all(configIds.map(triggersOf));
    expect(new Set(triggers.flat()).size).toBe(1);
    expect(triggers.flat()).toHaveLength(2);
    expect(callsSince(before, "stream")).toBe(1);
  }, 30_000);

  test("leaves a row that is inserted during the procedure to the next run", async () => {
    const before = gateway.reasons.length;
    const released = Promise.withResolvers<void>();
    gateway.answer(async (headers, body) => {
      await released.promise;
      return await toWorker(headers, body);
    });
    const first = await insertReport();
    await eventually("the call", async () => callsSince(before, "stream") === 1);
    const second = await insertReport();
    released.resolve();
    await expectMade(first, second);
    const triggers = [...(await triggersOf(first)), ...(await triggersOf(second))];
    expect(new Set(triggers).size).toBe(2);
    expect(triggers).toHaveLength(2);
    expect(callsSince(before, "stream")).toBe(2);
  }, 30_000);
});

describe("an endpoint that is down", () => {
  test("costs nothing but time: after three failed runs one trigger makes both reports, once", async () => {
    await gateway.stop();
    const startedAt = await readTime();
    const configIds = [await insertReport(), await insertReport()];
    const failures = await eventually("three failed runs", async () => {
      const found = await failuresSince(startedAt);
      return found.length >= 3 && found;
    });
    expect(failures[0]).toContain("TRIGGER_ECS_SERVICE");
    expect(failures[0]).toContain("cannot be reached");
    expect(await waitingInStream()).toEqual(configIds);
    for (const configId of configIds) {
      expect(await triggersOf(configId)).toEqual([]);
      expect((await findReport(service.connection, configId)).status).toBe("PENDING");
    }
    const before = gateway.reasons.length;
    gateway.start();
    await expectMade(...configIds);
    const triggers = (await Promise.all(configIds.map(triggersOf))).flat();
    expect(triggers).toHaveLength(2);
    expect(new Set(triggers).size).toBe(1);
    expect(callsSince(before, "stream")).toBe(1);
    expect(await waitingInStream()).toEqual([]);
  }, 30_000);
});

describe("an endpoint that answers badly", () => {
  const json =
    (body: unknown, status = 200) =>
    (): Response =>
      Response.json(body, { status });
  const cases: [name: string, answer: Answer, error: RegExp][] = [
    ["500", () => new Response("no task", { status: 500 }), /remote service error: 500 'no task'/],
    ["429", () => new Response("slow down", { status: 429 }), /remote service error: 429/],
    ["403", json({ message: "Forbidden" }, 403), /remote service error: 403 .*Forbidden/],
    ["HTML", () => new Response("<html>login</html>"), /the response is not JSON/],
    ["another row's number", json({ data: [[7, { ok: true }]] }), /row number 0 is expected/],
    [
      "too many rows",
      json({
        data: [
          [0, {}],
          [1, {}],
        ],
      }),
      /expected 1 rows, but received 2/,
    ],
    ["a refusal", json({ data: [[0, { ok: false, message: "no capacity" }]] }), /no capacity/],
    ["nothing at all", () => new Promise<Response>(() => {}), /Timeout was reached/],
  ];
  test.each(cases)(
    "with %s keeps the rows, tells why, and loses nothing",
    async (_name, answer, error) => {
      gateway.answer(answer);
      const startedAt = await readTime();
      const configId = await insertReport();
      const [failure] = await eventually("a failed run", async () => {
        const found = await failuresSince(startedAt);
        return found.length > 0 && found;
      });
      expect(failure).toMatch(error);
      expect(await waitingInStream()).toEqual([configId]);
      expect(await triggersOf(configId)).toEqual([]);
      gateway.answer(toWorker);
      await expectMade(configId);
      expect(await triggersOf(configId)).toHaveLength(1);
    },
    30_000,
  );
});

describe("a task that has failed too often", () => {
  test("is suspended, and doctor says how to go on", async () => {
    await execute(`ALTER TASK ${TASK} SUSPEND`);
    await execute(`ALTER TASK ${TASK} SET SUSPEND_TASK_AFTER_NUM_FAILURES = 2`);
    gateway.answer(() => new Response("no", { status: 500 }));
    const configId = await insertReport();
    await execute(`ALTER TASK ${TASK} RESUME`);
    await eventually("the task to be suspended", async () => {
      const [task] = await execute(`SHOW TASKS LIKE '${TASK}'`);
      return task?.["state"] === "suspended";
    });
    const { exitCode, output } = await service.start(["doctor"]).ended;
    expect(exitCode).toBe(1);
    expect(output).toContain(`${TASK} is suspended (SUSPENDED_DUE_TO_ERRORS)`);
    expect(output).toContain("remote service error: 500");
    const [resume = ""] = /ALTER TASK \S+ RESUME;/.exec(output) ?? [];
    gateway.answer(toWorker);
    await execute(resume.replace(";", ""));
    await expectMade(configId);
    expect((await service.start(["doctor"]).ended).output).toMatch(new RegExp(`${TASK} ran at`));
    await execute(`ALTER TASK ${TASK} SUSPEND`);
    await execute(`ALTER TASK ${TASK} SET SUSPEND_TASK_AFTER_NUM_FAILURES = 0`);
    await execute(`ALTER TASK ${TASK} RESUME`);
  }, 60_000);
});

describe("the safety task", () => {
  test("triggers again for a report whose trigger was lost on the way", async () => {
    gateway.answer(() => Response.json({ data: [[0, { ok: true, message: "lost" }]] }));
    const configId = await insertReport();
    await eventually("the lost trigger", async () => (await triggersOf(configId)).length === 1);
    expect(await waitingInStream()).toEqual([]);
    expect((await findReport(service.connection, configId)).status).toBe("PENDING");
    gateway.answer(toWorker);
    const before = gateway.reasons.length;
    await execute(`EXECUTE TASK ${SAFETY_TASK}`);
    await expectMade(configId);
    expect(callsSince(before, "due")).toBe(1);
    expect(callsSince(before, "stream")).toBe(0);
  }, 30_000);

  test("triggers for a report that the stream never showed", async () => {
    await execute(`ALTER TASK ${TASK} SUSPEND`);
    const configId = await insertReport();
    await execute(
      `CREATE OR REPLACE STREAM ${STREAM} COPY GRANTS ON TABLE REPORT_CONFIG APPEND_ONLY = TRUE`,
    );
    await execute(`ALTER TASK ${TASK} RESUME`);
    await execute(`ALTER TASK ${SAFETY_TASK} RESUME`);
    await expectMade(configId);
    expect(await triggersOf(configId)).toEqual([]);
    await execute(`ALTER TASK ${SAFETY_TASK} SUSPEND`);
  }, 30_000);
});
