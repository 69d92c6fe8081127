import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { z } from "zod";
import type { Connection } from "../../src/snowflake/connection.ts";
import { renderRunAfterDeploy } from "../../src/snowflake/run-after-deploy.ts";
import { RUN_AFTER_DEPLOY_TEMPLATE } from "../../src/snowflake/script-files.ts";
import { errorOf } from "./errors.ts";
import { type LocalAccount, openLocalAccount, runScript, setUpSchema } from "./local-account.ts";

setDefaultTimeout(60_000);

let account: LocalAccount;
let connection: Connection;
let endpoint: Bun.Server<undefined>;
let calls: unknown[] = [];
/** What the endpoint answers as the value of the one row; a Response as it is. */
let answer: unknown;
let answerCall: (request: Request) => Promise<Response>;

const TRIGGERED = { ok: true, message: "ECS service triggered successfully" };

beforeAll(async () => {
  account = await openLocalAccount();
  connection = await account.connect("ANN");
  endpoint = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => answerCall(request),
  });
  await setUpSchema(connection, {});
});

afterAll(async () => {
  await account[Symbol.asyncDispose]();
  await endpoint.stop(true);
});

beforeEach(() => {
  calls = [];
  answer = TRIGGERED;
  answerCall = answerPlain;
});

/** The stream is emptied as it is at work: by reading it. */
afterEach(() =>
  runScript(
    connection,
    `INSERT INTO REPORT_TRIGGER_LOG (TRIGGER_ID, CONFIG_ID) SELECT '', CONFIG_ID FROM REPORT_CONFIG_INSERT_STREAM;
     DELETE FROM REPORT_CONFIG; DELETE FROM REPORT_DELIVERY; DELETE FROM WORKER_HEARTBEAT; DELETE FROM REPORT_TRIGGER_LOG`,
  ),
);

async function answerPlain(request: Request): Promise<Response> {
  calls.push(await request.json());
  return answer instanceof Response
    ? new Response(await answer.clone().text(), answer)
    : Response.json({ data: [[0, answer]] });
}

async function call(sql: string): Promise<string> {
  const { rows } = await connection.execute(`CALL ${sql}`);
  return Object.values(rows[0] ?? {})[0] ?? "";
}

async function callForObject(sql: string): Promise<unknown> {
  return JSON.parse(await call(sql));
}

async function read(sql: string): Promise<Record<string, string | null>[]> {
  return (await connection.execute(sql)).rows;
}

async function insert(id: string, columns: Readonly<Record<string, string>> = {}): Promise<void> {
  const all = {
    CONFIG_ID: `'${id}'`,
    REPORT_NAME: "'Sales'",
    REPORT_SQL: "'SELECT 1'",
    ...columns,
  };
  await connection.execute(
    `INSERT INTO REPORT_CONFIG (${Object.keys(all).join(", ")}) SELECT ${Object.values(all).join(", ")}`,
  );
}

const inStream = (): Promise<Record<string, string | null>[]> =>
  read("SELECT CONFIG_ID FROM REPORT_CONFIG_INSERT_STREAM ORDER BY 1");

describe("before run_after_deploy.sql", () => {
  test("SEND_ECS_TRIGGER says what is missing, and the rows stay in the stream", async () => {
    await insert("a");
    const error = await errorOf(call("SEND_ECS_TRIGGER()"));
    expect(error.message).toContain("TRIGGER_ECS_SERVICE is missing");
    expect(error.message).toContain("run_after_deploy.sql");
    expect(await inStream()).toEqual([{ CONFIG_ID: "a" }]);
    expect(await read("SELECT * FROM REPORT_TRIGGER_LOG")).toEqual([]);
  });

  test("without a row it needs no function", async () => {
    expect(await callForObject("SEND_ECS_TRIGGER()")).toMatchObject({
      consumed: 0,
      triggered: false,
    });
  });

  test("RETRY_REPORT says when the report is made although no worker could be told", async () => {
    await insert("a", { STATUS: "'FAILED'" });
    expect(await call("RETRY_REPORT('a')")).toMatch(
      /^Asked for again: it is made within 30 minutes/,
    );
    expect(await read("SELECT STATUS FROM REPORT_CONFIG")).toEqual([{ STATUS: "PENDING" }]);
  });
});

describe("with the function", () => {
  beforeAll(async () => {
    const target = {
      url: `http://127.0.0.1:${endpoint.port}/trigger`,
      roleArn: "arn:aws:iam::000000000000:role/local",
    };
    const script = renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, target);
    await runScript(connection, script);
    // A deploy runs it every time.
    await runScript(connection, script);
  });

  describe("SEND_ECS_TRIGGER", () => {
    test("consumes all rows into the log under one id, and triggers once", async () => {
      await insert("a");
      await insert("b");
      expect(await callForObject("SEND_ECS_TRIGGER()")).toEqual({
        consumed: 2,
        triggered: true,
        message: TRIGGERED.message,
      });
      expect(calls).toEqual([{ data: [[0, "stream"]] }]);
      const log = await read(
        "SELECT TRIGGER_ID, CONFIG_ID, REPORT_NAME FROM REPORT_TRIGGER_LOG ORDER BY CONFIG_ID",
      );
      expect(log.map((row) => row["CONFIG_ID"])).toEqual(["a", "b"]);
      expect(log[0]?.["TRIGGER_ID"]).toBe(log[1]?.["TRIGGER_ID"] ?? "");
      expect(await inStream()).toEqual([]);
      expect(await callForObject("SEND_ECS_TRIGGER()")).toMatchObject({
        consumed: 0,
        triggered: false,
      });
      expect(calls).toHaveLength(1);
    });

    test.each([
      [
        "a refusal",
        { ok: false, message: "the service is being deployed" },
        "the service is being deployed",
      ],
      ["a value without ok", { message: "?" }, "the trigger endpoint refused"],
      ["null", null, "the trigger endpoint refused"],
      ["a status of 403", Response.json({ message: "Forbidden" }, { status: 403 }), "403"],
      ["garbage", new Response("<html>"), ""],
      ["another number of rows", Response.json({ data: [] }), ""],
    ])("%s fails it, and the next run sees the same rows", async (_case, wrong, message) => {
      await insert("a");
      answer = wrong;
      const error = await errorOf(call("SEND_ECS_TRIGGER()"));
      expect(error.code).toBe("query_failed");
      expect(error.message).toContain(message);
      expect(await inStream()).toEqual([{ CONFIG_ID: "a" }]);
      expect(await read("SELECT * FROM REPORT_TRIGGER_LOG")).toEqual([]);
      answer = TRIGGERED;
      expect(await callForObject("SEND_ECS_TRIGGER()")).toMatchObject({
        consumed: 1,
        triggered: true,
      });
      expect(await read("SELECT CONFIG_ID FROM REPORT_TRIGGER_LOG")).toEqual([{ CONFIG_ID: "a" }]);
    });

    test("a report that comes while it runs is for the next run", async () => {
      await insert("a");
      const other = await account.connect("BEA");
      const { promise: called, resolve } = Promise.withResolvers<void>();
      const { promise: answered, resolve: goOn } = Promise.withResolvers<void>();
      answerCall = async (request) => {
        resolve();
        await answered;
        return await answerPlain(request);
      };
      const running = callForObject("SEND_ECS_TRIGGER()");
      await called;
      await other.execute(
        "INSERT INTO REPORTING_DB.CONFIG.REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL) VALUES ('b', 'Late', 'SELECT 1')",
      );
      goOn();
      expect(await running).toMatchObject({ consumed: 1 });
      expect(await inStream()).toEqual([{ CONFIG_ID: "b" }]);
      answerCall = answerPlain;
      expect(await callForObject("SEND_ECS_TRIGGER()")).toMatchObject({ consumed: 1 });
    });
  });

  describe("TRIGGER_IF_DUE", () => {
    const AGO = "DATEADD(minute, -10, SYSDATE())";
    const LATER = "DATEADD(minute, 10, SYSDATE())";
    const PROCESSING = { STATUS: "'PROCESSING'", WORKER_ID: "'w'", CLAIM_TOKEN: "'b00t-1'" };

    test.each([
      ["a waiting report", {}, { due: 1 }],
      ["a retry that is due", { RUN_AFTER: AGO }, { due: 1 }],
      ["a retry that is not", { RUN_AFTER: LATER }, { due: 0 }],
      [
        "a scheduled one that is due",
        { REPORT_TYPE: "' scheduled '", NEXT_RUN_AT: AGO },
        { due: 1 },
      ],
      [
        "a scheduled one that is not",
        { REPORT_TYPE: "'SCHEDULED'", NEXT_RUN_AT: LATER },
        { due: 0 },
      ],
      ["a completed one", { STATUS: "'COMPLETED'" }, { due: 0 }],
      ["one whose lease has run out", { ...PROCESSING, LEASE_UNTIL: AGO }, { expired: 1 }],
      ["one whose lease holds", { ...PROCESSING, LEASE_UNTIL: LATER }, { expired: 0 }],
    ])("%s", async (_case, columns, expected) => {
      await insert("a", columns);
      const count = Object.values(expected)[0] ?? 0;
      expect(await callForObject("TRIGGER_IF_DUE()")).toMatchObject({
        ...expected,
        triggered: count > 0,
      });
    });

    test("beats keep a lease from running out", async () => {
      await insert("a", { ...PROCESSING, LEASE_UNTIL: AGO });
      await connection.execute(
        "INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID) VALUES ('w', 'b00t')",
      );
      expect(await callForObject("TRIGGER_IF_DUE()")).toMatchObject({
        expired: 0,
        triggered: false,
      });
    });

    test("a message that is owed is a reason too", async () => {
      await connection.execute(
        `INSERT INTO REPORT_DELIVERY (DELIVERY_ID, RUN_ID, CONFIG_ID, CHANNEL, TARGET, KIND, STATE, LEASE_UNTIL)
         SELECT 'd1', 'r', 'c', 'EMAIL', 'a', 'RESULT', 'NEW', NULL UNION ALL
         SELECT 'd2', 'r', 'c', 'EMAIL', 'b', 'RESULT', 'SENDING', ${AGO} UNION ALL
         SELECT 'd3', 'r', 'c', 'EMAIL', 'c', 'RESULT', 'SENT', NULL`,
      );
      expect(await callForObject("TRIGGER_IF_DUE()")).toMatchObject({
        undelivered: 2,
        triggered: true,
      });
    });

    test("with nothing to do it does not call", async () => {
      const result = { due: 0, expired: 0, undelivered: 0, triggered: false };
      expect(await callForObject("TRIGGER_IF_DUE()")).toMatchObject(result);
    });
  });

  test("RETRY_REPORT tells a worker", async () => {
    const [ATTEMPT, WAITING_SINCE] = ["5", "SYSDATE()"];
    await insert("a", { STATUS: "'FAILED'", ATTEMPT, LAST_ERROR: "'x'", WAITING_SINCE });
    expect(await call("RETRY_REPORT('a')")).toBe("Asked for again: a worker is told.");
    expect(
      await read("SELECT STATUS, ATTEMPT, LAST_ERROR, WAITING_SINCE FROM REPORT_CONFIG"),
    ).toEqual([{ STATUS: "PENDING", ATTEMPT: "0", LAST_ERROR: null, WAITING_SINCE: null }]);
  });
});

test("PRUNE_WORKER_HEARTBEAT deletes what is older than seven days", async () => {
  await connection.execute(
    `INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID, BEAT_AT)
     SELECT 'old', 'b', DATEADD(hour, -169, SYSDATE()) UNION ALL SELECT 'new', 'b', DATEADD(hour, -167, SYSDATE())`,
  );
  expect(await call("PRUNE_WORKER_HEARTBEAT()")).toBe("1");
  expect(await read("SELECT WORKER_ID FROM WORKER_HEARTBEAT")).toEqual([{ WORKER_ID: "new" }]);
});

describe("for people", () => {
  test("REQUEST_REPORT asks in the name of its caller", async () => {
    const other = await account.connect("BEA");
    const { rows } = await other.execute(
      `CALL REPORTING_DB.CONFIG.REQUEST_REPORT('Sales', 'SELECT 1 AS A', 'PDF,EXCEL', 'ann@example.com', '{"title": "T"}')`,
    );
    const id = z.uuid().parse(Object.values(rows[0] ?? {})[0]);
    expect(
      await read(
        "SELECT CONFIG_ID, REPORT_TYPE, STATUS, OUTPUT_FORMAT, EMAIL_RECIPIENTS, OPTIONS, CREATED_BY FROM REPORT_CONFIG",
      ),
    ).toEqual([
      {
        CONFIG_ID: id,
        REPORT_TYPE: "ADHOC",
        STATUS: "PENDING",
        OUTPUT_FORMAT: "PDF,EXCEL",
        EMAIL_RECIPIENTS: "ann@example.com",
        OPTIONS: '{"title": "T"}',
        CREATED_BY: "BEA",
      },
    ]);
    expect(await inStream()).toEqual([{ CONFIG_ID: id }]);
  });

  test("REQUEST_REPORT does without options, recipients and a format", async () => {
    await call("REQUEST_REPORT('Sales', 'SELECT 1', '', NULL)");
    expect(
      await read("SELECT OUTPUT_FORMAT, EMAIL_RECIPIENTS, OPTIONS FROM REPORT_CONFIG"),
    ).toEqual([{ OUTPUT_FORMAT: "PDF", EMAIL_RECIPIENTS: null, OPTIONS: null }]);
  });

  test.each([
    ["REQUEST_REPORT(' ', 'SELECT 1', 'PDF', '')", "REPORT_NAME is empty"],
    ["REQUEST_REPORT('Sales', NULL, 'PDF', '')", "REPORT_SQL is empty"],
    ["REQUEST_REPORT('Sales', 'SELECT 1', 'PDF', '', '{title}')", "OPTIONS is no JSON"],
    ["REQUEST_REPORT('Sales', 'SELECT 1', 'PDF', '', '[1]')", "OPTIONS is no JSON object"],
    ["CANCEL_REPORT('none')", "there is no report none"],
    ["RETRY_REPORT('none')", "there is no report none"],
  ])("%s: %s", async (statement, message) => {
    expect((await errorOf(call(statement))).message).toContain(message);
    expect(await read("SELECT * FROM REPORT_CONFIG")).toEqual([]);
  });

  test.each([
    ["PENDING", "Cancelled: it was waiting.", "CANCELLED", true],
    ["PROCESSING", "Requested: its worker cancels", "PROCESSING", true],
    ["COMPLETED", "Nothing to cancel: it is COMPLETED.", "COMPLETED", false],
  ])("CANCEL_REPORT of a %s report: %s", async (status, text, after, isRequested) => {
    await insert("a", { STATUS: `'${status}'` });
    expect(await call("CANCEL_REPORT('a')")).toStartWith(text);
    expect(
      await read("SELECT STATUS, CANCEL_REQUESTED_AT IS NOT NULL AS REQUESTED FROM REPORT_CONFIG"),
    ).toEqual([{ STATUS: after, REQUESTED: String(isRequested) }]);
  });

  test("RETRY_REPORT leaves a report to the worker that makes it", async () => {
    await insert("a", { STATUS: "'PROCESSING'" });
    expect(await call("RETRY_REPORT('a')")).toBe("A worker is making it already.");
  });
});
