import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Laptop, openLaptop, readWritten } from "./laptop.ts";

/**
 * Clients of Snowflake that have nothing to do with this service, against `report-service local` and a worker elsewhere:
 * Snowflake's connector for Python, whose version 5 is written in Rust, and its driver for Go, within ADBC's. Both come
 * from test/requirements.txt.
 */
const python = join(import.meta.dir, "../../.venv/bin/python");
const packages = ["snowflake.connector", "adbc_driver_snowflake", "pyarrow"];

function isInstalled(): boolean {
  if (!existsSync(python)) return false;
  const imports = packages.map((name) => `import ${name}`).join("; ");
  return Bun.spawnSync([python, "-c", imports]).exitCode === 0;
}

const isReady = isInstalled();
const reason = isReady ? "" : " (skipped: pip install -r test/requirements.txt into .venv)";
const describeClients = isReady || process.env["CI"] === "true" ? describe : describe.skip;

let laptop: Laptop;
let port: string;

/** Runs a client's script, and gives what it printed. */
async function runClient(script: string): Promise<unknown> {
  const child = Bun.spawn(
    [python, "-W", "ignore", join(import.meta.dir, "clients", script), port],
    {
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [printed, problems, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect(exitCode, problems).toBe(0);
  return JSON.parse(printed);
}

describeClients(`clients that are not ours${reason}`, () => {
  beforeAll(async () => {
    laptop = await openLaptop();
    const local = laptop.start(["local", "--port", "0"]);
    port = await readWritten(local, /http:\/\/127\.0\.0\.1:(\d+): account local/);
    const worker = laptop.start(["worker"], { LOCAL_SNOWFLAKE_PORT: port });
    await readWritten(worker, /(at once on POST)/);
  }, 60_000);
  afterAll(async () => {
    await laptop[Symbol.asyncDispose]();
  });

  test("Python's connector asks for reports, sees them made, and reads every type", async () => {
    const seen = await runClient("python.py");
    expect(seen).toMatchObject({
      types: [
        "7",
        "Decimal('12.50')",
        "12345678901234567890123456789012345678",
        "datetime.date(2026, 1, 31)",
        "datetime.time(10, 11, 12)",
        "datetime.datetime(2026, 1, 31, 10, 11, 12, 123456)",
        "datetime.datetime(2026, 1, 31, 10, 11, 12, tzinfo=pytz.FixedOffset(120))",
        "True",
        "1.5",
        '"ü\'x"',
        "bytearray(b'\\xff\\x00')",
        expect.stringMatching(/^'\{\s*"a":\s*\[\s*1,\s*null\s*\]\s*\}'$/),
        "None",
      ],
      lineItems: 3_000,
      bound: [2, true],
      formatted: [2, true],
      refused: [2003, "42S02"],
      asynchronous: 5,
      configId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      statuses: [
        ["From Python", "COMPLETED", null],
        ["Inserted by Python", "COMPLETED", null],
      ],
    });
    const { columns } = z.object({ columns: z.array(z.array(z.unknown())) }).parse(seen);
    // Name, type code of the connector's own table, precision, scale.
    expect(columns.slice(0, 4)).toEqual([
      ["N", 0, 38, 0],
      ["MONEY", 0, 10, 2],
      ["BIG", 0, 38, 0],
      ["DAY", 3, null, null],
    ]);
  }, 60_000);

  test("Go's driver asks for a report, sees it made, and binds arrays", async () => {
    expect(await runClient("go.py")).toMatchObject({
      types: [
        "Decimal('7')",
        "Decimal('12.50')",
        "'2026-01-31'",
        "datetime.datetime(2026, 1, 31, 10, 11, 12, 123456, tzinfo=zoneinfo.ZoneInfo(key='UTC'))",
        "True",
        "1.5",
        '"ü\'x"',
        "None",
        "b'\\xff\\x00'",
        expect.stringMatching(/^'\{\s*"a":\s*\[\s*1,\s*null\s*\]\s*\}'$/),
      ],
      columns: ["N", "MONEY", "DAY", "WALL", "YES", "REAL", "TEXT", "NOTHING", "BYTES", "DOCUMENT"],
      lineItems: 3_000,
      bound: [
        [1, "o'x", 1.5, true],
        [2, null, null, false],
      ],
      refused: [2003, "42S02"],
      configId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: ["COMPLETED", null],
    });
  }, 60_000);
});
