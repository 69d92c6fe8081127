import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import PostalMime from "postal-mime";
import { openQueue } from "../../src/snowflake/queue.ts";
import {
  addReport,
  cancelReport,
  findReport,
  type NewReport,
  readHistory,
  retryReport,
} from "../../src/snowflake/reports.ts";
import type { SettledRun } from "../../src/worker/ports.ts";
import { shareService } from "./service.ts";

/** Parameters, conditions, gates, schedules and reruns, by real worker processes over the wire protocol. */

const service = await shareService();

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

async function add(report: NewReport): Promise<string> {
  return await addReport(service.connection, { OUTPUT_FORMAT: "CSV", ...report });
}

async function cli(...args: string[]): Promise<{ exitCode: number; output: string }> {
  return await service.start(args).ended;
}

async function execute(
  sql: string,
  binds: string[] = [],
): Promise<Record<string, string | null>[]> {
  return (await service.connection.execute(sql, binds)).rows;
}

async function readCsv(run: SettledRun | undefined): Promise<unknown> {
  expect(run).toMatchObject({ outcome: "COMPLETED", errorMessage: null });
  const uri = run?.artifacts[0]?.uri ?? "";
  return parse(await Bun.file(fileURLToPath(uri)).text(), { columns: true, bom: true });
}

async function readMail(configId: string): Promise<string> {
  const { deliveries } = await readHistory(service.connection, configId, 1);
  const path = join(service.folder, "out/outbox", deliveries[0]?.providerId ?? "");
  const { text } = await PostalMime.parse(await Bun.file(path).arrayBuffer());
  return (text ?? "").replace(/\s+/g, " ");
}

describe("parameters", () => {
  test("have their type in the warehouse, built-in ones their value, and the audit all but the secret", async () => {
    const configId = await add({
      REPORT_NAME: "typed",
      REPORT_SQL: `SELECT DATEADD(day, 1, :day) AS NEXT_DAY, :amount * 2 AS DOUBLED, :flag AND TRUE AS FLAG,
          TO_VARCHAR(:at, 'YYYY-MM-DD HH24:MI:SS') AS AT_TIME, LENGTH(:key) AS KEY_LENGTH,
          :run_id AS RUN, :last_run_at AS LAST_RUN, :scheduled_for AS OCCURRENCE, :count + 1 AS MORE`,
      PARAMETERS: JSON.stringify({
        day: { type: "DATE", value: "2024-02-28" },
        amount: { type: "NUMBER", value: "12345678901234567890.25" },
        flag: { type: "BOOLEAN", value: true },
        at: { type: "TIMESTAMP_NTZ", value: "2026-03-02T14:05:00" },
        key: { type: "TEXT", value: "hunter2-secret", secret: true },
        count: 41,
      }),
    });
    await service.runAll();
    const [run] = await service.runsOf(configId);
    expect(run?.outcome).toBe("COMPLETED");
    expect(await readCsv(run)).toEqual([
      {
        NEXT_DAY: "2024-02-29",
        DOUBLED: "24691357802469135780.50",
        FLAG: "true",
        AT_TIME: "2026-03-02 14:05:00",
        KEY_LENGTH: "14",
        RUN: run?.runId,
        LAST_RUN: "",
        OCCURRENCE: "",
        MORE: "42",
      },
    ]);
    const [audit] = await execute("SELECT * FROM REPORT_RUN WHERE CONFIG_ID = ?", [configId]);
    expect(JSON.parse(audit?.["PARAMETERS"] ?? "")).toEqual({
      day: { type: "DATE", value: "2024-02-28" },
      amount: { type: "NUMBER", value: "12345678901234567890.25" },
      flag: { type: "BOOLEAN", value: true },
      at: { type: "TIMESTAMP_NTZ", value: "2026-03-02 14:05:00" },
      count: 41,
      run_id: { type: "TEXT", value: run?.runId },
      last_run_at: { type: "TIMESTAMP_NTZ", value: null },
      scheduled_for: { type: "TIMESTAMP_NTZ", value: null },
    });
    expect(audit?.["SQL_SHA256"]).toHaveLength(64);
    expect(audit?.["DATA_AS_OF"]).not.toBeNull();
    expect(audit?.["RESULT_SHA256"]).toBeNull();
    expect(JSON.stringify(audit)).not.toContain("hunter2");
  }, 30_000);
});

describe("conditions", () => {
  test("skip with their reason, and changed only sends what differs", async () => {
    const none = "SELECT 1 AS ONE FROM (SELECT 1 AS X) WHERE X = 2";
    const mail = { EMAIL_RECIPIENTS: "ann@example.com" };
    const ids = {
      rows: await add({
        REPORT_NAME: "rows",
        REPORT_SQL: none,
        OPTIONS: '{"sendWhen":"rows"}',
        ...mail,
      }),
      empty: await add({
        REPORT_NAME: "empty",
        REPORT_SQL: none,
        OPTIONS: '{"sendWhen":"empty"}',
        ...mail,
      }),
      changed: await add({
        REPORT_NAME: "changed",
        REPORT_SQL: "SELECT COUNT(*) AS N FROM REPORTING_DB.CONFIG.REPORT_TRIGGER_LOG",
        OPTIONS: '{"sendWhen":"changed"}',
        ...mail,
      }),
    };
    await service.runAll();
    expect(await findReport(service.connection, ids.rows)).toMatchObject({
      status: "COMPLETED",
      lastOutcome: "SKIPPED",
      lastReason: "there are no rows, and sendWhen is rows",
    });
    expect((await cli("show", ids.rows)).output).toContain(
      "there are no rows, and sendWhen is rows",
    );
    expect((await findReport(service.connection, ids.empty)).lastOutcome).toBe("COMPLETED");
    await retryReport(service.connection, ids.changed);
    await service.runAll();
    await execute("INSERT INTO REPORT_TRIGGER_LOG (TRIGGER_ID, CONFIG_ID) VALUES ('t', 'c')");
    await retryReport(service.connection, ids.changed);
    await service.runAll();
    const runs = (await service.runsOf(ids.changed)).toReversed();
    expect(runs.map((run) => run.outcome)).toEqual(["COMPLETED", "SKIPPED", "COMPLETED"]);
    expect(runs[1]?.reason).toContain(`the same as that of run ${runs[0]?.runId}`);
    expect(runs[1]?.artifacts).toEqual([]);
    const [sent] = await execute(
      "SELECT COUNT(*) AS N FROM REPORT_DELIVERY WHERE CONFIG_ID IN (?, ?, ?)",
      Object.values(ids),
    );
    expect(sent).toEqual({ N: "3" });
  }, 60_000);
});

describe("a report whose data are not ready", () => {
  const gate = (more: Record<string, unknown> = {}) => ({
    REPORT_SQL: "SELECT 1 AS ONE",
    OPTIONS: JSON.stringify({
      readyWhen: { sql: "SELECT COUNT(*) > 0 FROM REPORTING_DB.CONFIG.LOADS", ...more },
    }),
    EMAIL_RECIPIENTS: "ann@example.com",
    OWNER_EMAIL: "owner@example.com",
  });

  test("waits, can be cancelled, is sent late or fails, and goes on when they are", async () => {
    await execute("CREATE TABLE IF NOT EXISTS LOADS (N NUMBER)");
    const waits = await add({ REPORT_NAME: "waits", ...gate() });
    const cancelled = await add({ REPORT_NAME: "cancelled", ...gate() });
    const late = await add({ REPORT_NAME: "late", ...gate(), OUTPUT_FORMAT: "PDF,EXCEL" });
    const fails = await add({ REPORT_NAME: "fails", ...gate({ late: "fail" }) });
    const broken = await add({
      REPORT_NAME: "broken",
      ...gate({ sql: "SELECT 1 > 0 FROM NO_LOADS" }),
    });
    await execute(
      "UPDATE REPORT_CONFIG SET WAITING_SINCE = DATEADD(hour, -3, SYSDATE()) WHERE CONFIG_ID IN (?, ?)",
      [late, fails],
    );
    await service.runAll();
    expect(await findReport(service.connection, waits)).toMatchObject({
      status: "PENDING",
      attempt: 0,
      lastOutcome: "WAITING",
      lastError: null,
    });
    expect((await cli("show", waits)).output).toContain("waiting for its data since");
    expect(await cancelReport(service.connection, cancelled)).toBe("cancelled");
    expect(await findReport(service.connection, late)).toMatchObject({ status: "COMPLETED" });
    expect(await readMail(late)).toContain("This report is late, and its data were not ready by");
    expect(await findReport(service.connection, fails)).toMatchObject({ status: "FAILED" });
    expect(await readMail(fails)).toContain("data_not_ready");
    expect((await findReport(service.connection, broken)).lastError).toMatch(
      /^query_failed: OPTIONS\.readyWhen\.sql: /,
    );
    await execute("INSERT INTO LOADS VALUES (1)");
    await execute("UPDATE REPORT_CONFIG SET RUN_AFTER = SYSDATE() WHERE CONFIG_ID = ?", [waits]);
    await service.runAll();
    expect((await service.runsOf(waits)).map((run) => run.outcome)).toEqual([
      "COMPLETED",
      "WAITING",
    ]);
    const [state] = await execute(
      "SELECT STATUS, WAITING_SINCE FROM REPORT_CONFIG WHERE CONFIG_ID = ?",
      [waits],
    );
    expect(state).toEqual({ STATUS: "COMPLETED", WAITING_SINCE: null });
    expect((await findReport(service.connection, cancelled)).status).toBe("CANCELLED");
  }, 60_000);
});

describe("schedules", () => {
  /** Daily at the minute that was so long ago, and planned three days before that. */
  async function addMissed(name: string, policy: string, lateMs: number): Promise<string> {
    const due = new Date(Math.floor((Date.now() - lateMs) / MINUTE_MS) * MINUTE_MS);
    return await add({
      REPORT_NAME: name,
      REPORT_SQL: "SELECT :scheduled_for AS OCCURRENCE",
      REPORT_TYPE: "SCHEDULED",
      SCHEDULE_CRON: `${due.getUTCMinutes()} ${due.getUTCHours()} * * *`,
      MISFIRE_POLICY: policy,
      NEXT_RUN_AT: new Date(due.getTime() - 3 * DAY_MS).toISOString().slice(0, -1),
    });
  }

  async function outcomesOf(configId: string): Promise<(string | null)[]> {
    const rows = await execute(
      "SELECT OUTCOME FROM REPORT_RUN WHERE CONFIG_ID = ? ORDER BY SCHEDULED_FOR",
      [configId],
    );
    return rows.map((row) => row["OUTCOME"] ?? null);
  }

  test("what was missed is run or recorded as the policy says, and each occurrence once", async () => {
    const once = await addMissed("once", "RUN_ONCE", 10 * MINUTE_MS);
    const tooLate = await addMissed("too late", "RUN_ONCE", 7 * 60 * MINUTE_MS);
    const skipped = await addMissed("skip", "SKIP", 60 * MINUTE_MS);
    const all = await addMissed("all", "RUN_ALL", 10 * MINUTE_MS);
    await service.runAll();
    expect(await outcomesOf(once)).toEqual(["MISSED", "MISSED", "MISSED", "COMPLETED"]);
    expect(await outcomesOf(tooLate)).toEqual(["MISSED", "MISSED", "MISSED", "MISSED"]);
    expect(await outcomesOf(skipped)).toEqual(["MISSED", "MISSED", "MISSED", "MISSED"]);
    expect(await outcomesOf(all)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED"]);
    for (const configId of [once, tooLate, skipped, all]) {
      const { status, nextRunAt } = await findReport(service.connection, configId);
      expect(status).toBe("PENDING");
      expect(nextRunAt?.getTime()).toBeGreaterThan(Date.now());
    }
    const [run] = await service.runsOf(once);
    expect(await readCsv(run)).toEqual([
      { OCCURRENCE: expect.stringContaining(run?.scheduledFor?.toISOString().slice(0, 10) ?? "?") },
    ]);
    const { exitCode, output } = await cli("next", once, "--json");
    expect(exitCode, output).toBe(0);
    const { times } = JSON.parse(output) as { times: string[] };
    const { nextRunAt } = await findReport(service.connection, once);
    expect(times).toEqual(
      [0, 1, 2, 3, 4].map((days) =>
        new Date((nextRunAt?.getTime() ?? 0) + days * DAY_MS).toISOString(),
      ),
    );
  }, 60_000);

  test("next shows the times of a cron text in its zone and in UTC, and refuses what is none", async () => {
    const { exitCode, output } = await cli(
      "next",
      "--cron",
      "30 2 * * *",
      "--timezone",
      "Asia/Kolkata",
    );
    expect(exitCode, output).toBe(0);
    expect(output.match(/02:30:00 \+05:30 +\d{4}-\d\d-\d\d 21:00:00/g)).toHaveLength(5);
    expect((await cli("next", "--cron", "0 9 * * *")).output).toMatch(
      /09:00:00 \+00:00 +\S+ 09:00:00/,
    );
    const refused = await cli("next", "--cron", "61 * * * *");
    expect(refused.exitCode).toBe(2);
    expect(refused.output).toContain("SCHEDULE_CRON");
    expect((await cli("next")).output).toContain("give a CONFIG_ID, or --cron");
  }, 30_000);
});

describe("a run that is done again", () => {
  test("has the values of then, the secrets of now, and no recipients unless asked", async () => {
    const original = await add({
      REPORT_NAME: "original",
      REPORT_SQL: "SELECT :day AS DAY, :key AS KEY, :last_run_at AS LAST_RUN",
      PARAMETERS: `{"day": {"type": "DATE", "value": "2026-03-02"}, "key": {"type": "TEXT", "value": "old-secret", "secret": true}}`,
      OPTIONS: '{"sendWhen": "rows", "title": "Title"}',
      EMAIL_RECIPIENTS: "ann@example.com",
    });
    await service.runAll();
    const [first] = await service.runsOf(original);
    await execute(
      "UPDATE REPORT_CONFIG SET PARAMETERS = REPLACE(REPLACE(PARAMETERS, 'old-secret', 'new-secret'), '2026-03-02', '2026-12-24') WHERE CONFIG_ID = ?",
      [original],
    );
    const again = await cli("rerun", first?.runId.slice(0, 13) ?? "", "--json");
    expect(again.exitCode, again.output).toBe(0);
    const { configId } = JSON.parse(again.output) as { configId: string };
    const [row] = await execute(
      "SELECT REPORT_TYPE, RERUN_OF, EMAIL_RECIPIENTS, OPTIONS, AS_OF FROM REPORT_CONFIG WHERE CONFIG_ID = ?",
      [configId],
    );
    expect(row).toEqual({
      REPORT_TYPE: "ADHOC",
      RERUN_OF: first?.runId ?? null,
      EMAIL_RECIPIENTS: null,
      OPTIONS: '{"title":"Title"}',
      AS_OF: null,
    });
    const sent = await cli("rerun", first?.runId ?? "", "--send", "--json");
    await service.runAll();
    expect(await readCsv((await service.runsOf(configId))[0])).toEqual([
      { DAY: "2026-03-02", KEY: "new-secret", LAST_RUN: "" },
    ]);
    const { configId: sentId } = JSON.parse(sent.output) as { configId: string };
    expect((await readHistory(service.connection, sentId, 1)).deliveries).toHaveLength(1);
    expect((await readHistory(service.connection, configId, 1)).deliveries).toEqual([]);
    expect((await cli("show", configId)).output).toContain(`does run ${first?.runId} again`);
  }, 60_000);

  test("sees the data as of then when asked, and says when those are not kept", async () => {
    await execute("CREATE DATABASE SALES");
    // Snowflake goes into what was created.
    await execute("USE SCHEMA REPORTING_DB.CONFIG");
    await execute("CREATE TABLE SALES.PUBLIC.STOCK (N NUMBER)");
    await execute("INSERT INTO SALES.PUBLIC.STOCK VALUES (1)");
    const report = {
      REPORT_NAME: "stock",
      REPORT_SQL: "SELECT SUM(N) AS TOTAL FROM SALES.PUBLIC.STOCK",
    };
    const configId = await add(report);
    const tooEarly = await add({ ...report, AS_OF: "2020-01-01T00:00:00" });
    await service.runAll();
    const [run] = await service.runsOf(configId);
    await execute("INSERT INTO SALES.PUBLIC.STOCK VALUES (41)");
    const then = await cli("rerun", run?.runId ?? "", "--as-of-then", "--json");
    const now = await cli("rerun", run?.runId ?? "", "--json");
    await service.runAll();
    const totals: unknown[] = [];
    for (const { output } of [then, now]) {
      const again = JSON.parse(output) as { configId: string };
      totals.push(await readCsv((await service.runsOf(again.configId))[0]));
    }
    expect(totals).toEqual([[{ TOTAL: "1" }], [{ TOTAL: "42" }]]);
    const [times] = await execute(
      "SELECT COUNT(DISTINCT R.DATA_AS_OF) AS N FROM REPORT_RUN R WHERE R.RUN_ID = ? OR R.DATA_AS_OF = (SELECT DATA_AS_OF FROM REPORT_RUN WHERE RUN_ID = ?)",
      [run?.runId ?? "", run?.runId ?? ""],
    );
    expect(times).toEqual({ N: "1" });
    expect((await findReport(service.connection, tooEarly)).lastError).toMatch(
      /^query_failed: AS_OF: the data of 2020-01-01T00:00:00.000Z are not kept/,
    );
  }, 60_000);

  test("is refused when its SQL has changed, until that is accepted", async () => {
    const configId = await add({ REPORT_NAME: "edited", REPORT_SQL: "SELECT 1 AS ONE" });
    await service.runAll();
    const [run] = await service.runsOf(configId);
    await execute("UPDATE REPORT_CONFIG SET REPORT_SQL = 'SELECT 2 AS TWO' WHERE CONFIG_ID = ?", [
      configId,
    ]);
    const refused = await cli("rerun", run?.runId ?? "");
    expect(refused.exitCode).toBe(2);
    expect(refused.output).toMatch(/REPORT_SQL is not what run .* ran.*--changed/);
    expect((await cli("rerun", run?.runId ?? "", "--changed")).exitCode).toBe(0);
    expect((await cli("rerun", "no-such-run")).output).toContain(
      'no run begins with "no-such-run"',
    );
  }, 60_000);
});

describe("fairness", () => {
  test("of an owner who has as many running as may be, nothing is offered and nothing claimed", async () => {
    await service.runAll();
    const worker = { workerId: "fair", bootId: "fa1r0001", version: "test" };
    const queue = openQueue(service.connection, worker, { leaseSeconds: 300, perOwnerMax: 2 });
    const base = { REPORT_SQL: "SELECT 1 AS ONE" };
    for (const name of ["a1", "a2", "a3", "a4"]) {
      await add({ ...base, CONFIG_ID: name, REPORT_NAME: name, OWNER_EMAIL: "a@example.com" });
    }
    await add({ ...base, CONFIG_ID: "b1", REPORT_NAME: "b1", OWNER_EMAIL: "b@example.com" });
    await add({ ...base, CONFIG_ID: "c1", REPORT_NAME: "c1" });
    const offered = async (): Promise<string[]> =>
      (await queue.candidates("any", 20)).map(({ configId }) => configId).toSorted();
    expect(await offered()).toEqual(["a1", "a2", "a3", "a4", "b1", "c1"]);
    // What has to wait for others of its owner is no work for another worker.
    const depth = async () => {
      const { pending, heldBack, running } = await queue.depth();
      return { pending, heldBack, running };
    };
    expect(await depth()).toEqual({ pending: 4, heldBack: 2, running: 0 });
    const seen = new Map((await queue.candidates("any", 20)).map((one) => [one.configId, one]));
    const claim = async (id: string) => {
      const candidate = seen.get(id);
      return candidate === undefined ? undefined : await queue.claimIfUnchanged(candidate);
    };
    expect(await claim("a1")).not.toBeNull();
    expect(await offered()).toEqual(["a2", "a3", "a4", "b1", "c1"]);
    expect(await claim("a2")).not.toBeNull();
    expect(await offered()).toEqual(["b1", "c1"]);
    expect(await depth()).toEqual({ pending: 2, heldBack: 2, running: 2 });
    // Seen before the others were claimed, so the claim itself has to refuse it.
    expect(await claim("a3")).toBeNull();
    expect(await claim("b1")).not.toBeNull();
    // What a dead worker holds may be taken over, although its owner has no room.
    await execute(
      "UPDATE REPORT_CONFIG SET LEASE_UNTIL = DATEADD(second, -1, SYSDATE()) WHERE CONFIG_ID = 'a1'",
    );
    expect(await offered()).toEqual(["a1", "c1"]);
    expect(await depth()).toEqual({ pending: 2, heldBack: 2, running: 2 });
    const [expired] = (await queue.candidates("any", 20)).filter(
      ({ configId }) => configId === "a1",
    );
    expect(expired === undefined ? null : await queue.claimIfUnchanged(expired)).toMatchObject({
      configId: "a1",
      takenOver: true,
    });
    await execute("UPDATE REPORT_CONFIG SET STATUS = 'COMPLETED' WHERE CONFIG_ID = 'a2'");
    expect(await offered()).toEqual(["a3", "a4", "c1"]);
  }, 30_000);
});
