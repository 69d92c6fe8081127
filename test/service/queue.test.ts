import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import PostalMime from "postal-mime";
import {
  addReport,
  cancelReport,
  findReport,
  readHistory,
  retryReport,
} from "../../src/snowflake/reports.ts";
import { ENDLESS_SQL, eventually, shareService } from "./service.ts";

/** The queue's promises, kept by real worker processes over the wire protocol. */

const service = await shareService();

const QUICK = { LEASE_DURATION: "3s", HEARTBEAT_INTERVAL: "300ms", POLL_INTERVAL: "500ms" };

async function statusOf(configId: string): Promise<string> {
  return (await findReport(service.connection, configId)).status;
}

async function runsOf(configId: string): Promise<Record<string, string | null>[]> {
  const { rows } = await service.connection.execute(
    "SELECT OUTCOME, ERROR_CODE, FENCE, QUERY_ID, RUN_ID FROM REPORT_RUN WHERE CONFIG_ID = ? ORDER BY FENCE",
    [configId],
  );
  return rows;
}

/** A report that keeps its worker busy for some seconds. */
const LARGE = {
  REPORT_NAME: "large",
  REPORT_SQL: "SELECT SEQ8() AS N, SHA2(SEQ8()) AS HASH FROM TABLE(GENERATOR(ROWCOUNT => 600000))",
  OUTPUT_FORMAT: "EXCEL",
};

const ENDLESS = {
  REPORT_NAME: "endless",
  REPORT_SQL: ENDLESS_SQL,
  OUTPUT_FORMAT: "CSV",
};

describe("workers and the queue", () => {
  test("two workers complete each of 200 reports exactly once", async () => {
    await service.connection.execute(
      `INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT)
       SELECT 'race-' || SEQ4(), 'race ' || SEQ4(), 'SELECT 1 AS ONE', 'CSV' FROM TABLE(GENERATOR(ROWCOUNT => 200))`,
    );
    // They all have one owner, and a lane that finds nothing it may take ends here.
    const settings = { WORKER_CONCURRENCY: "3", REPORTS_PER_OWNER_MAX: "6" };
    const workers = [
      service.start(["run"], { WORKER_ID: "first", ...settings }),
      service.start(["run"], { WORKER_ID: "second", ...settings }),
    ];
    for (const worker of workers) {
      const { exitCode, output } = await worker.ended;
      expect(exitCode, output).toBe(0);
    }
    const { rows } = await service.connection.execute(
      `SELECT COUNT(*) AS RUNS, COUNT(DISTINCT CONFIG_ID) AS REPORTS, COUNT_IF(OUTCOME = 'COMPLETED') AS COMPLETED,
         COUNT(DISTINCT WORKER_ID) AS WORKERS
       FROM REPORT_RUN WHERE STARTSWITH(CONFIG_ID, 'race-')`,
    );
    expect(rows).toEqual([{ RUNS: "200", REPORTS: "200", COMPLETED: "200", WORKERS: "2" }]);
    const { rows: left } = await service.connection.execute(
      "SELECT COUNT(*) AS N FROM REPORT_CONFIG WHERE STARTSWITH(CONFIG_ID, 'race-') AND STATUS <> 'COMPLETED'",
    );
    expect(left).toEqual([{ N: "0" }]);
  }, 90_000);

  test("a killed worker's report is taken over and completes once", async () => {
    const configId = await addReport(service.connection, LARGE);
    const killed = service.start(["worker"], { ...QUICK, WORKER_ID: "killed" });
    await eventually("the claim", async () => (await statusOf(configId)) === "PROCESSING");
    killed.child.kill("SIGKILL");
    await killed.ended;
    const heir = service.start(["worker"], { ...QUICK, WORKER_ID: "heir" });
    await eventually("the takeover", async () => (await statusOf(configId)) === "COMPLETED");
    heir.child.kill("SIGTERM");
    expect((await heir.ended).exitCode).toBe(0);
    const runs = await runsOf(configId);
    expect(runs.map((run) => run["OUTCOME"])).toEqual(["LOST", "COMPLETED"]);
    const { rows } = await service.connection.execute(
      "SELECT FENCE, CLAIM_TOKEN FROM REPORT_CONFIG WHERE CONFIG_ID = ?",
      [configId],
    );
    expect(rows).toEqual([{ FENCE: "3", CLAIM_TOKEN: null }]);
  }, 60_000);

  test("a worker that is told to stop gives its report back and ends with exit code 0", async () => {
    const configId = await addReport(service.connection, ENDLESS);
    const worker = service.start(["worker"], { ...QUICK, STOP_GRACE: "200ms" });
    await eventually("the claim", async () => (await statusOf(configId)) === "PROCESSING");
    worker.child.kill("SIGTERM");
    const { exitCode, output } = await worker.ended;
    expect(exitCode, output).toBe(0);
    const { rows } = await service.connection.execute(
      "SELECT STATUS, ATTEMPT, INTERRUPT_COUNT FROM REPORT_CONFIG WHERE CONFIG_ID = ?",
      [configId],
    );
    expect(rows).toEqual([{ STATUS: "PENDING", ATTEMPT: "0", INTERRUPT_COUNT: "1" }]);
    expect(await cancelReport(service.connection, configId)).toBe("cancelled");
  }, 60_000);

  test("cancelling a running report stops its query in the warehouse", async () => {
    const configId = await addReport(service.connection, ENDLESS);
    const worker = service.start(["worker"], QUICK);
    await eventually("the claim", async () => (await statusOf(configId)) === "PROCESSING");
    // By then the query runs; a report that is cancelled sooner has none to stop.
    await Bun.sleep(1_000);
    expect(await cancelReport(service.connection, configId)).toBe("requested");
    await eventually("the end", async () => (await statusOf(configId)) === "CANCELLED");
    worker.child.kill("SIGINT");
    expect((await worker.ended).exitCode).toBe(0);
    const { rows } = await service.connection.execute(
      `SELECT EXECUTION_STATUS, ERROR_CODE FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY
       WHERE CONTAINS(QUERY_TAG, ?) AND CONTAINS(QUERY_TEXT, 'SLOW_SUM')`,
      [configId],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.["ERROR_CODE"]).toMatch(/604$/);
  }, 60_000);

  test("a waiting worker takes a report at once on POST /trigger", async () => {
    const worker = service.start(["worker"], { POLL_INTERVAL: "1h", PORT: "18231" });
    await eventually("the endpoint", () =>
      fetch("http://127.0.0.1:18231/health").then(
        (response) => response.ok,
        () => false,
      ),
    );
    await Bun.sleep(500);
    const configId = await addReport(service.connection, {
      REPORT_NAME: "triggered",
      REPORT_SQL: "SELECT 1 AS ONE",
      OUTPUT_FORMAT: "CSV",
    });
    const trigger = service.start(["trigger"], { TRIGGER_URL: "http://127.0.0.1:18231/trigger" });
    expect((await trigger.ended).exitCode).toBe(0);
    await eventually("the report", async () => (await statusOf(configId)) === "COMPLETED", 5_000);
    worker.child.kill("SIGINT");
    expect((await worker.ended).exitCode).toBe(0);
  }, 60_000);

  test("retry asks for a report again and it runs again", async () => {
    const configId = await addReport(service.connection, {
      REPORT_NAME: "again",
      REPORT_SQL: "SELECT * FROM NO_SUCH_TABLE",
      OUTPUT_FORMAT: "CSV",
    });
    await service.runAll();
    expect(await statusOf(configId)).toBe("FAILED");
    await service.connection.execute(
      "UPDATE REPORT_CONFIG SET REPORT_SQL = 'SELECT 1 AS ONE' WHERE CONFIG_ID = ?",
      [configId],
    );
    expect(await retryReport(service.connection, configId)).toBe(true);
    await service.runAll();
    expect(await statusOf(configId)).toBe("COMPLETED");
    expect((await runsOf(configId)).map((run) => run["OUTCOME"])).toEqual(["FAILED", "COMPLETED"]);
  }, 60_000);
});

describe("bad input", () => {
  const malformed = {
    "unknown format": [{ OUTPUT_FORMAT: "DOCX" }, /OUTPUT_FORMAT/],
    "bad JSON in OPTIONS": [{ OPTIONS: "{title" }, /OPTIONS: is not JSON/],
    "unknown option": [{ OPTIONS: '{"csv": {"separator": ";"}}' }, /OPTIONS: csv\.separator/],
    "bad cron": [{ REPORT_TYPE: "SCHEDULED", SCHEDULE_CRON: "61 * * * *" }, /SCHEDULE_CRON/],
    "bad zone": [
      { REPORT_TYPE: "SCHEDULED", SCHEDULE_CRON: "0 7 * * *", TIMEZONE: "Mars/Base" },
      /TIMEZONE/,
    ],
    "bad address": [{ EMAIL_RECIPIENTS: "ann@example.com, nobody" }, /EMAIL_RECIPIENTS: "nobody"/],
    "empty SQL": [{ REPORT_SQL: " " }, /REPORT_SQL/],
    "two statements": [{ REPORT_SQL: "SELECT 1; SELECT 2" }, /REPORT_SQL/],
    "no SELECT": [{ REPORT_SQL: "DELETE FROM REPORT_CONFIG" }, /REPORT_SQL/],
    "missing parameter": [{ REPORT_SQL: "SELECT :day AS D" }, /PARAMETERS.*day/],
    "unknown type": [{ REPORT_TYPE: "WEEKLY" }, /REPORT_TYPE/],
  } as const satisfies Record<string, [Record<string, string>, RegExp]>;

  test("each malformed row fails with its column named, an audit row and a notice; the others go on", async () => {
    const base = {
      REPORT_SQL: "SELECT 1 AS ONE",
      OUTPUT_FORMAT: "CSV",
      OWNER_EMAIL: "owner@example.com",
    };
    const ids = new Map<string, string>();
    for (const [name, [columns]] of Object.entries(malformed)) {
      ids.set(
        name,
        await addReport(service.connection, { REPORT_NAME: name, ...base, ...columns }),
      );
    }
    const good = await addReport(service.connection, { REPORT_NAME: "good", ...base });
    const { exitCode, output } = await service.start(["run"]).ended;
    expect(exitCode, output).toBe(0);
    expect(await statusOf(good)).toBe("COMPLETED");
    for (const [name, [, message]] of Object.entries(malformed)) {
      const configId = ids.get(name) ?? "";
      const report = await findReport(service.connection, configId);
      expect(`${name}: ${report.status}`).toBe(`${name}: FAILED`);
      expect(report.lastError).toMatch(message);
      const { runs, deliveries } = await readHistory(service.connection, configId, 5);
      expect(runs.map((run) => run.outcome)).toEqual(["FAILED"]);
      expect(runs[0]?.errorMessage).toMatch(message);
      expect(deliveries).toMatchObject([
        { target: "owner@example.com", kind: "FAILURE", state: "SENT" },
      ]);
      const mail = await PostalMime.parse(
        await Bun.file(
          join(service.folder, "out/outbox", deliveries[0]?.providerId ?? ""),
        ).arrayBuffer(),
      );
      expect(mail.text?.replace(/\s+/g, " ")).toMatch(message);
    }
  }, 60_000);

  test("rows that share a CONFIG_ID fail together, and say so", async () => {
    for (const name of ["twin one", "twin two"]) {
      await addReport(service.connection, {
        CONFIG_ID: "twin",
        REPORT_NAME: name,
        REPORT_SQL: "SELECT 1 AS ONE",
      });
    }
    const { exitCode } = await service.start(["run"]).ended;
    expect(exitCode).toBe(0);
    const { rows } = await service.connection.execute(
      "SELECT STATUS, LAST_ERROR FROM REPORT_CONFIG WHERE CONFIG_ID = 'twin'",
    );
    expect(rows.map((row) => row["STATUS"])).toEqual(["FAILED", "FAILED"]);
    expect(rows[0]?.["LAST_ERROR"]).toContain("2 rows have");
  }, 30_000);
});

describe("what a run leaves", () => {
  test("files with the hash of the audit, one pass for several formats, and mail with the small ones attached", async () => {
    const configId = await addReport(service.connection, {
      REPORT_NAME: "Nations of the world",
      REPORT_SQL:
        "SELECT N_NATIONKEY, N_NAME FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.NATION ORDER BY N_NATIONKEY",
      OUTPUT_FORMAT: "csv, Excel; PDF",
      EMAIL_RECIPIENTS: "ann@example.com,bob@example.com",
    });
    const { exitCode, output } = await service.start(["run"]).ended;
    expect(exitCode, output).toBe(0);
    const { runs, deliveries } = await readHistory(service.connection, configId, 1);
    const artifacts = runs[0]?.artifacts ?? [];
    expect(artifacts.map((artifact) => artifact.format)).toEqual(["CSV", "EXCEL", "PDF"]);
    for (const artifact of artifacts) {
      const bytes = await Bun.file(fileURLToPath(artifact.uri)).bytes();
      expect(bytes.length).toBe(artifact.sizeBytes);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(artifact.sha256);
      expect(artifact.rowCount).toBe(25);
    }
    expect(deliveries.map((delivery) => delivery.state)).toEqual(["SENT", "SENT"]);
    const mail = await PostalMime.parse(
      await Bun.file(
        join(service.folder, "out/outbox", deliveries[0]?.providerId ?? ""),
      ).arrayBuffer(),
    );
    expect(mail.subject).toBe("Nations of the world (25 rows)");
    expect(mail.attachments.map((attachment) => attachment.filename)).toEqual(
      artifacts.map((artifact) => artifact.fileName),
    );
    const { rows } = await service.connection.execute(
      `SELECT COUNT(*) AS QUERIES FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY
       WHERE CONTAINS(QUERY_TAG, ?) AND EXECUTION_STATUS = 'SUCCESS'`,
      [configId],
    );
    expect(rows).toEqual([{ QUERIES: "1" }]);
  }, 30_000);

  test("a SCHEDULED report is planned, runs at its time, and waits for the next", async () => {
    const configId = await addReport(service.connection, {
      REPORT_NAME: "hourly",
      REPORT_TYPE: "SCHEDULED",
      SCHEDULE_CRON: "0 * * * *",
      REPORT_SQL: "SELECT 1 AS ONE",
      OUTPUT_FORMAT: "CSV",
    });
    await service.runAll();
    const planned = await findReport(service.connection, configId);
    expect(planned.status).toBe("PENDING");
    expect(planned.lastOutcome).toBeNull();
    expect(planned.nextRunAt?.toISOString()).toMatch(/:00:00\.000Z$/);
    await service.connection.execute(
      "UPDATE REPORT_CONFIG SET NEXT_RUN_AT = SYSDATE() WHERE CONFIG_ID = ?",
      [configId],
    );
    await service.runAll();
    const after = await findReport(service.connection, configId);
    expect(after.status).toBe("PENDING");
    expect(after.nextRunAt?.getTime()).toBeGreaterThanOrEqual(
      planned.nextRunAt?.getTime() ?? Infinity,
    );
    expect(after.nextRunAt?.toISOString()).toMatch(/:00:00\.000Z$/);
    const { runs } = await readHistory(service.connection, configId, 5);
    expect(runs.map((run) => run.outcome)).toEqual(["COMPLETED"]);
  }, 30_000);

  test("nothing is left in the scratch folder, and no log file beside the process", async () => {
    const left = [...new Glob("**/*").scanSync(join(service.folder, "scratch"))];
    expect(left).toEqual([]);
    expect([...new Glob("*.log").scanSync(service.folder)]).toEqual([]);
  });
});
