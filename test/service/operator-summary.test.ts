import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import PostalMime, { type Email } from "postal-mime";
import { setUp } from "../../src/commands/control.ts";
import { loadConfig } from "../../src/config.ts";
import {
  addReport,
  cancelReport,
  type NewReport,
  retryReport,
} from "../../src/snowflake/reports.ts";
import type { ObjectChange } from "../../src/snowflake/script-run.ts";
import { localSettings } from "../../src/snowflake-access.ts";
import { runReader, whyLacking } from "../render/readers.ts";
import { REPORT_SERVICE, shareService, startProcess } from "./service.ts";

/** The daily summary as an operator gets it: made by `setup`, sent by real workers under the roles of an installation. */

setDefaultTimeout(30_000);

const service = await shareService();

const SUMMARY = "operator-summary";
const OPERATOR = "o'neil@example.com";
const SETTINGS = { OPERATOR_EMAIL: OPERATOR, RECIPIENT_DOMAINS: "example.com" };
const AS_INSTALLED = {
  ...SETTINGS,
  SNOWFLAKE_USER: "REPORT_SERVICE_USER",
  SNOWFLAKE_ROLE: "REPORT_WORKER_ROLE",
  SNOWFLAKE_READER_ROLE: "REPORT_READER_ROLE",
};

/** What the command line shows. */
async function runSetup(): Promise<string> {
  const { exitCode, output } = await service.start(["setup"], SETTINGS).ended;
  expect(exitCode, output).toBe(0);
  return output;
}

/** The same without a process of its own: what changed, and what was found. */
async function setUpAgain(operatorEmail: string | null): Promise<string[]> {
  const said: string[] = [];
  const listener = {
    onFinding: (finding: string) => void said.push(finding),
    onChange: ({ status, kind, name }: ObjectChange) =>
      status === "unchanged" ? undefined : said.push(`${status} ${kind} ${name}`),
  };
  const settings = localSettings(loadConfig({}), service.snowflake.url);
  await setUp({ settings }, { operatorEmail, listener });
  return said;
}

async function execute(sql: string): Promise<Record<string, string | null>[]> {
  return (await service.connection.execute(sql)).rows;
}

async function add(report: NewReport): Promise<string> {
  return await addReport(service.connection, { OUTPUT_FORMAT: "CSV", ...report });
}

/** The summary of the 24 hours that end now. */
async function runSummary(): Promise<void> {
  expect(await retryReport(service.connection, SUMMARY)).toBe(true);
  await service.runAll(AS_INSTALLED);
}

async function summaryMails(): Promise<Email[]> {
  const outbox = join(service.folder, "out/outbox");
  const names = await readdir(outbox).catch(() => []);
  const mails = await Promise.all(
    names
      .toSorted((a, b) => a.localeCompare(b))
      .map(
        async (name) => await PostalMime.parse(await Bun.file(join(outbox, name)).arrayBuffer()),
      ),
  );
  return mails.filter(({ subject }) => subject?.includes("daily summary"));
}

type Line = Readonly<Record<string, string>>;

/** By report, from the CSV file of the newest run. */
async function readFigures(configId = SUMMARY): Promise<Map<string, Line>> {
  const [run] = await service.runsOf(configId);
  expect(run).toMatchObject({ outcome: "COMPLETED", errorMessage: null });
  const { uri = "" } = run?.artifacts.find(({ format }) => format === "CSV") ?? {};
  const lines: Line[] = parse(await Bun.file(fileURLToPath(uri)).text(), { columns: true });
  return new Map(lines.map((line) => [line["Report"] ?? "", line]));
}

/** Moves everything that was done out of the last day, and ends what waits. */
async function forgetTheDay(): Promise<void> {
  await execute(
    `UPDATE REPORT_RUN SET STARTED_AT = DATEADD(hour, -30, STARTED_AT), FINISHED_AT = DATEADD(hour, -30, FINISHED_AT)
     WHERE CONFIG_ID <> '${SUMMARY}'`,
  );
  await execute(
    `UPDATE REPORT_DELIVERY SET CREATED_AT = DATEADD(hour, -30, CREATED_AT), SENT_AT = DATEADD(hour, -30, SENT_AT)
     WHERE CONFIG_ID <> '${SUMMARY}'`,
  );
  await execute(`UPDATE REPORT_CONFIG SET STATUS = 'CANCELLED' WHERE CONFIG_ID <> '${SUMMARY}'`);
}

const utc = (instant: Date): string => instant.toISOString().slice(0, -1);
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);

/** A minute ago or more, so that it is over for a schedule. */
const dailyAt = (instant: Date): string =>
  `${instant.getUTCMinutes()} ${instant.getUTCHours()} * * *`;

test("without OPERATOR_EMAIL there is no summary, and nothing of the queue for report SQL", async () => {
  expect(await setUpAgain(null)).toEqual([]);
  expect(await execute("SELECT * FROM REPORT_CONFIG")).toEqual([]);
  const grants = await execute("SHOW GRANTS TO ROLE REPORT_READER_ROLE");
  expect(grants.filter(({ name }) => name?.includes("REPORTING_DB"))).toEqual([]);
});

test("setup makes it once, for six o'clock UTC", async () => {
  expect(await runSetup()).toMatch(/^created +REPORT +operator-summary +operator_summary/m);
  expect(await setUpAgain(OPERATOR)).toEqual([]);
  expect(
    await execute("SELECT CONFIG_ID, EMAIL_RECIPIENTS, OWNER_EMAIL, STATUS FROM REPORT_CONFIG"),
  ).toEqual([
    { CONFIG_ID: SUMMARY, EMAIL_RECIPIENTS: OPERATOR, OWNER_EMAIL: OPERATOR, STATUS: "PENDING" },
  ]);
  await service.runAll(AS_INSTALLED);
  const [planned] = await execute(
    "SELECT TO_VARCHAR(NEXT_RUN_AT, 'HH24:MI') AS TIME, NEXT_RUN_AT > SYSDATE() AS IS_AHEAD FROM REPORT_CONFIG",
  );
  expect(planned).toEqual({ TIME: "06:00", IS_AHEAD: "true" });
});

test("a day on which nothing ran and nothing waits has no mail", async () => {
  await runSummary();
  const [run] = await service.runsOf(SUMMARY);
  expect(run?.outcome).toBe("SKIPPED");
  expect(await summaryMails()).toEqual([]);
});

describe("a day of work", () => {
  const ids: Record<string, string> = {};

  test("becomes one mail to the operator", async () => {
    // What a person changed stays; the figures are easiest to read from CSV.
    await execute(
      `UPDATE REPORT_CONFIG SET OUTPUT_FORMAT = 'PDF,EXCEL,CSV' WHERE CONFIG_ID = '${SUMMARY}'`,
    );
    ids["sales"] = await add({
      REPORT_NAME: "Sales",
      REPORT_SQL: "SELECT R_NAME FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.REGION",
      EMAIL_RECIPIENTS: "ann@example.com, bob@example.com",
    });
    ids["orders"] = await add({
      REPORT_NAME: "Orders",
      REPORT_SQL: "SELECT N_NAME FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.NATION",
      EMAIL_RECIPIENTS: "ann@elsewhere.test, bob@example.com",
    });
    ids["margins"] = await add({
      REPORT_NAME: "Margins",
      REPORT_SQL: "SELECT A FROM NO_SUCH_TABLE",
      OWNER_EMAIL: "ann@example.com",
    });
    ids["refused"] = await add({ REPORT_NAME: "Refused", REPORT_SQL: "DELETE FROM SALES" });
    ids["quiet"] = await add({
      REPORT_NAME: "Quiet",
      REPORT_SQL: "SELECT 1 AS ONE WHERE FALSE",
      OPTIONS: '{"sendWhen": "rows"}',
    });
    ids["late"] = await add({
      REPORT_NAME: "Late",
      REPORT_SQL: "SELECT 1 AS ONE",
      SCHEDULE_CRON: dailyAt(hoursAgo(3)),
      REPORT_TYPE: "SCHEDULED",
      NEXT_RUN_AT: utc(hoursAgo(3)),
    });
    ids["missed"] = await add({
      REPORT_NAME: "Missed",
      REPORT_SQL: "SELECT 1 AS ONE",
      SCHEDULE_CRON: dailyAt(hoursAgo(3)),
      REPORT_TYPE: "SCHEDULED",
      NEXT_RUN_AT: utc(hoursAgo(3)),
      MISFIRE_POLICY: "SKIP",
    });
    ids["data"] = await add({
      REPORT_NAME: "No data",
      REPORT_SQL: "SELECT 1 AS ONE",
      OPTIONS: '{"readyWhen": {"sql": "SELECT FALSE", "deadlineMinutes": 1000}}',
    });
    await service.runAll(SETTINGS);
    await execute(
      `UPDATE REPORT_CONFIG SET WAITING_SINCE = DATEADD(hour, -2, SYSDATE()) WHERE CONFIG_ID = '${ids["data"]}'`,
    );
    ids["stuck"] = await add({ REPORT_NAME: "Stuck", REPORT_SQL: "SELECT 1 AS ONE" });
    await execute(
      `UPDATE REPORT_CONFIG SET STATUS = 'PROCESSING', LEASE_UNTIL = DATEADD(hour, 1, SYSDATE()),
         UPDATED_AT = '2026-01-05 10:30:00'::TIMESTAMP_NTZ WHERE CONFIG_ID = '${ids["stuck"]}'`,
    );
    await execute(
      `UPDATE REPORT_DELIVERY SET STATE = 'UNKNOWN', SENT_AT = NULL
       WHERE CONFIG_ID = '${ids["sales"]}' AND TARGET = 'bob@example.com'`,
    );
    await runSummary();
    const mails = await summaryMails();
    expect(mails).toHaveLength(1);
    const [mail] = mails;
    expect(mail?.to?.map(({ address }) => address)).toEqual([OPERATOR]);
    expect(mail?.attachments.map(({ filename }) => filename?.split(".").at(-1))).toEqual([
      "pdf",
      "xlsx",
      "csv",
    ]);
    expect(mail?.text).toMatch(/^ {2}All reports +6 +3 +2 +2 +1 {2}6 of 9 reports/m);
    expect(mail?.text).toMatch(/^ {2}Stuck +0 .* is still being made +2026-01-05 10:30$/m);
    expect(mail?.html).toContain("query_failed: SQL compilation");
  });

  test("is counted for all reports, and its seconds are those of its runs", async () => {
    const all = (await readFigures()).get("All reports");
    const runs = await execute(
      `SELECT DATEDIFF(millisecond, STARTED_AT, FINISHED_AT) AS MS FROM REPORT_RUN
       WHERE CONFIG_ID <> '${SUMMARY}' AND OUTCOME NOT IN ('MISSED', 'WAITING')`,
    );
    const seconds = runs.map((run) => Number(run["MS"]) / 1_000).toSorted((a, b) => a - b);
    expect(seconds).toHaveLength(6);
    const place = 0.95 * (seconds.length - 1);
    const [below = 0, above = 0] = seconds.slice(Math.floor(place));
    const p95 = below + (above - below) * (place % 1);
    const average = seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
    expect(all).toMatchObject({
      Runs: "6",
      Completed: "3",
      Failed: "2",
      Skipped: "1",
      Late: "2",
      Sent: "4",
      "Not sent": "1",
      "Maybe sent": "1",
      Rows: String(5 + 25 + 1),
      "Waiting since": "2026-01-05 10:30",
      "What is wrong": "6 of 9 reports to look at",
    });
    expect(Math.abs(Number(all?.["Average seconds"]) - average)).toBeLessThanOrEqual(0.051);
    expect(Math.abs(Number(all?.["p95 seconds"]) - p95)).toBeLessThanOrEqual(0.051);
  });

  test("says of each report what is wrong, since when, and what to do, the worst first", async () => {
    const figures = await readFigures();
    const said = [...figures].map(([name, line]) => [
      name,
      line["What is wrong"],
      line["What to do"],
    ]);
    expect(said.slice(0, 3).map(([name]) => name)).toEqual(["All reports", "Refused", "Margins"]);
    expect(Object.fromEntries(said.map(([name, ...rest]) => [name, rest]))).toMatchObject({
      Refused: [
        expect.stringMatching(/^statement_refused: REPORT_SQL, line 1/),
        `Correct the row in REPORT_CONFIG, then: report-service retry ${ids["refused"]}`,
      ],
      Margins: [
        expect.stringMatching(/^query_failed: .*NO_SUCH_TABLE/),
        `When the cause is gone: report-service retry ${ids["margins"]}`,
      ],
      Stuck: ["is still being made", `Wait, or stop it: report-service cancel ${ids["stuck"]}`],
      "No data": ["waits for its data", `report-service show ${ids["data"]}`],
      Orders: ["a message by EMAIL was not sent", `report-service show ${ids["orders"]} says why`],
      Sales: [
        "nobody can tell whether a message by EMAIL was sent",
        `report-service show ${ids["sales"]} says why`,
      ],
      Late: ["late: it began over an hour behind its time", `report-service show ${ids["late"]}`],
      Missed: [
        "missed: a time was left out by its MISFIRE_POLICY",
        `report-service show ${ids["missed"]}`,
      ],
      Quiet: ["", ""],
    });
    expect([...figures.values()].some((line) => JSON.stringify(line).includes("elsewhere"))).toBe(
      false,
    );
  });

  const lacking = whyLacking("pdftotext");
  test.skipIf(lacking !== "")(`has all its columns on the pages of the PDF${lacking}`, async () => {
    const [run] = await service.runsOf(SUMMARY);
    const { uri = "" } = run?.artifacts.find(({ format }) => format === "PDF") ?? {};
    const text = await runReader(["pdftotext", "-layout", fileURLToPath(uri), "-"]);
    expect(text).toMatch(
      /All reports +6 +3 +2 +2 +1 +6 of 9 reports to look at +2026-01-05 10:30 .* 1 +0 +4 +1 +31 /,
    );
    expect(text).not.toContain("Columns 1");
  });

  test("done again is the same day, whatever happened since", async () => {
    const before = await readFigures();
    await add({ REPORT_NAME: "Since then", REPORT_SQL: "SELECT 1 AS ONE" });
    await service.runAll(SETTINGS);
    const [run] = await service.runsOf(SUMMARY);
    const rerun = await service.start(["rerun", run?.runId ?? "", "--json"], AS_INSTALLED).ended;
    expect(rerun.exitCode, rerun.output).toBe(0);
    await service.runAll(AS_INSTALLED);
    const [made] = await execute(
      `SELECT CONFIG_ID FROM REPORT_CONFIG WHERE RERUN_OF = '${run?.runId}'`,
    );
    const after = await readFigures(made?.["CONFIG_ID"] ?? "");
    expect([...after]).toEqual([...before]);
  });

  test("is told no more a day later, and the summary's own runs are not told at all", async () => {
    await forgetTheDay();
    const before = await summaryMails();
    await runSummary();
    const [run] = await service.runsOf(SUMMARY);
    expect(run).toMatchObject({ outcome: "SKIPPED", errorMessage: null });
    expect(await summaryMails()).toHaveLength(before.length);
  });
});

test("a failure that was mended since is no cause to look, and one that goes on for good is", async () => {
  const mended = await add({ REPORT_NAME: "Mended", REPORT_SQL: "SELECT A FROM LATER" });
  const stopped = await add({
    REPORT_NAME: "Stopped",
    REPORT_SQL: "DELETE FROM SALES",
    REPORT_TYPE: "SCHEDULED",
    SCHEDULE_CRON: dailyAt(hoursAgo(1)),
    NEXT_RUN_AT: utc(hoursAgo(1)),
  });
  await service.runAll();
  await execute("CREATE TABLE LATER (A INT)");
  await retryReport(service.connection, mended);
  await service.runAll();
  // As one that runs again in this moment.
  await execute(`UPDATE REPORT_CONFIG SET LAST_RUN_ID = 'begun' WHERE CONFIG_ID = '${mended}'`);
  const twoDays = "DATEADD(hour, -48, SYSDATE())";
  await execute(`UPDATE REPORT_CONFIG SET UPDATED_AT = ${twoDays} WHERE CONFIG_ID = '${stopped}'`);
  await execute(`UPDATE REPORT_RUN SET FINISHED_AT = ${twoDays} WHERE CONFIG_ID = '${stopped}'`);
  // Only what was wrong with the summary itself is told.
  await execute(
    `UPDATE REPORT_DELIVERY SET STATE = 'FAILED', SENT_AT = NULL WHERE CONFIG_ID = '${SUMMARY}'`,
  );
  await runSummary();
  const figures = await readFigures();
  expect(figures.get("All reports")?.["What is wrong"]).toBe("2 of 3 reports to look at");
  expect(figures.get("Report service, daily summary")).toMatchObject({
    Runs: "0",
    "Not sent": "1",
    "What is wrong": "a message by EMAIL was not sent",
  });
  expect(figures.get("Mended")).toMatchObject({
    Failed: "1",
    Completed: "1",
    "What to do": "Nothing: a later run went well",
  });
  expect(figures.get("Stopped")?.["What is wrong"]).toStartWith("stopped: statement_refused");
  expect(figures.get("Stopped")?.["What to do"]).toBe(
    `Correct it, then: report-service retry ${stopped}; or end it: report-service cancel ${stopped}`,
  );
});

test("days on which no worker was there are made up for, each by its own summary", async () => {
  await forgetTheDay();
  await execute(`UPDATE REPORT_RUN SET FINISHED_AT = NULL WHERE CONFIG_ID <> '${SUMMARY}'`);
  await execute(
    `UPDATE REPORT_CONFIG SET NEXT_RUN_AT = DATEADD(hour, 6, DATEADD(day, -1, DATE_TRUNC('day', SYSDATE()))),
       SCHEDULE_CRON = '0 0,6 * * *', UPDATED_AT = SYSDATE() WHERE CONFIG_ID = '${SUMMARY}'`,
  );
  await execute(
    `INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, REPORT_NAME, FENCE, ATTEMPT, STARTED_AT, FINISHED_AT, OUTCOME, ROW_COUNT)
     SELECT 'y' || V.VALUE, 'y', 'Yesterday', 1, 1, DATEADD(minute, V.VALUE::INT, DATE_TRUNC('day', SYSDATE())),
       DATEADD(minute, V.VALUE::INT, DATE_TRUNC('day', SYSDATE())), 'COMPLETED', 1
     FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[-1441, -1439, -1081, -1079, -1]'))) V`,
  );
  const before = (await service.runsOf(SUMMARY)).length;
  await service.runAll(AS_INSTALLED);
  const runs = await service.runsOf(SUMMARY);
  const made = runs.slice(0, runs.length - before).toReversed();
  // Yesterday at six, then midnight: three runs were in the day before the first, and four in that before the second.
  expect(made.slice(0, 2).map(({ outcome }) => outcome)).toEqual(["COMPLETED", "COMPLETED"]);
  const rows = await Promise.all(
    made.slice(0, 2).map(async ({ artifacts }) => {
      const { uri = "" } = artifacts.find(({ format }) => format === "CSV") ?? {};
      const [all]: Line[] = parse(await Bun.file(fileURLToPath(uri)).text(), { columns: true });
      return all?.["Runs"];
    }),
  );
  expect(rows).toEqual(["3", "4"]);
});

test("a local Snowflake has it from the start, when OPERATOR_EMAIL is set", async () => {
  const environment = {
    PATH: service.environment["PATH"] ?? "",
    HOME: service.folder,
    LOCAL_SNOWFLAKE_PORT: "0",
    LOCAL_SNOWFLAKE_FILE: "memory",
    LOCAL_SNOWFLAKE_LINE_ITEMS: "0",
    OPERATOR_EMAIL: OPERATOR,
  };
  const command = [...REPORT_SERVICE, "list", "--json"];
  const { exitCode, output } = await startProcess(command, environment, service.folder).ended;
  expect(exitCode, output).toBe(0);
  expect(JSON.parse(output)).toMatchObject([{ configId: SUMMARY, type: "SCHEDULED" }]);
});

describe("setup leaves alone", () => {
  test("what a person changed about the summary, and says to whom it goes", async () => {
    await execute(
      `UPDATE REPORT_CONFIG SET SCHEDULE_CRON = '30 7 * * 1-5', EMAIL_RECIPIENTS = 'team@example.com'
       WHERE CONFIG_ID = '${SUMMARY}'`,
    );
    const before = await execute(`SELECT * FROM REPORT_CONFIG WHERE CONFIG_ID = '${SUMMARY}'`);
    expect(await setUpAgain(OPERATOR)).toEqual([
      `the daily summary goes to team@example.com and not to ${OPERATOR}; EMAIL_RECIPIENTS of ${SUMMARY} says to whom`,
    ]);
    expect(await execute(`SELECT * FROM REPORT_CONFIG WHERE CONFIG_ID = '${SUMMARY}'`)).toEqual(
      before,
    );
  });

  test("a summary that was cancelled", async () => {
    expect(await cancelReport(service.connection, SUMMARY)).toBe("cancelled");
    expect((await setUpAgain(OPERATOR))[0]).toStartWith("the daily summary is cancelled and stays");
    expect(
      await execute(`SELECT STATUS FROM REPORT_CONFIG WHERE CONFIG_ID = '${SUMMARY}'`),
    ).toEqual([{ STATUS: "CANCELLED" }]);
  });
});
