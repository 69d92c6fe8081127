import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { Connection } from "../../src/snowflake/connection.ts";
import { findReport, readHistory } from "../../src/snowflake/reports.ts";
import { type Laptop, openLaptop, readWritten } from "./laptop.ts";
import { eventually } from "./service.ts";

/** Local mode as a person starts it; the reports are asked for by another program, over the wire. */

let laptop: Laptop;
beforeAll(async () => {
  laptop = await openLaptop();
});
afterAll(async () => {
  await laptop[Symbol.asyncDispose]();
});

const SNOWFLAKE_URL = /(http:\/\/127\.0\.0\.1:\d+)[ :]+account local/;
const TRIGGER_URL = /at once on POST (http:\S+\/trigger)/;

async function insertReport(connection: Connection, configId: string): Promise<void> {
  await connection.execute(
    "INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT) VALUES (?, 'local', 'SELECT 42 AS N', 'CSV')",
    [configId],
  );
}

async function readFileOf(connection: Connection, configId: string): Promise<string> {
  await eventually(
    `${configId} to be completed`,
    async () => (await findReport(connection, configId)).status === "COMPLETED",
  );
  const { runs } = await readHistory(connection, configId, 1);
  return await Bun.file(fileURLToPath(runs[0]?.artifacts[0]?.uri ?? "")).text();
}

describe("a worker without a Snowflake", () => {
  test("makes a file of an INSERT by any client, woken by the chain alone", async () => {
    const worker = laptop.start(["worker"]);
    const url = await readWritten(worker, SNOWFLAKE_URL);
    const trigger = await readWritten(worker, TRIGGER_URL);
    const connection = await laptop.connect(url);
    await insertReport(connection, "alone");
    expect(await readFileOf(connection, "alone")).toBe("N\r\n42\r\n");
    const { rows } = await connection.execute(
      "SELECT COUNT(*) AS N FROM REPORT_TRIGGER_LOG WHERE CONFIG_ID = 'alone'",
    );
    expect(rows).toEqual([{ N: "1" }]);
    expect(worker.written()).toContain('"message":"triggered"');
    expect(worker.written()).not.toContain('"level":"warn"');

    const { exitCode, output } = await laptop.start(["trigger"], { TRIGGER_URL: trigger }).ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ message: "Worker triggered successfully" });
  }, 60_000);
});

describe("the local Snowflake alone", () => {
  test("says once that nobody answers, keeps the rows, and hands them to a worker that starts later", async () => {
    // Nothing listens there.
    const local = laptop.start(["local", "--port", "0"], {
      TRIGGER_URL: "http://localhost:9/trigger",
    });
    const url = await readWritten(local, SNOWFLAKE_URL);
    const connection = await laptop.connect(url);
    await insertReport(connection, "early");
    const warning = await readWritten(local, /(task ECS_TRIGGER_TASK failed: [^"]*)/);
    expect(warning).toContain("Remote service cannot be reached");
    expect(warning).toContain("nothing is lost, its next run tries again");
    await eventually("another failure", async () => {
      const { rows } = await connection.execute(
        "SELECT COUNT(*) AS N FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'ECS_TRIGGER_TASK')) WHERE STATE = 'FAILED'",
      );
      return Number(rows[0]?.["N"]) > 1;
    });
    expect(local.written().split("ECS_TRIGGER_TASK failed")).toHaveLength(2);
    expect((await findReport(connection, "early")).status).toBe("PENDING");

    const worker = laptop.start(["worker"], { LOCAL_SNOWFLAKE_PORT: new URL(url).port });
    expect(await readFileOf(connection, "early")).toBe("N\r\n42\r\n");
    await readWritten(local, /(task ECS_TRIGGER_TASK succeeds again)/);
    await readWritten(worker, TRIGGER_URL);
    await insertReport(connection, "later");
    expect(await readFileOf(connection, "later")).toBe("N\r\n42\r\n");
  }, 60_000);
});
