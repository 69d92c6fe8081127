import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import PostalMime from "postal-mime";
import {
  addReport,
  findReport,
  type NewReport,
  readHistory,
  retryReport,
} from "../../src/snowflake/reports.ts";
import { eventually, shareService } from "./service.ts";

/** Reports that go to each recipient with their own rows only, by real worker processes over the wire protocol. */

const service = await shareService();

const RECIPIENTS = 200;
const ROWS = 6_000;

const keys = Array.from({ length: RECIPIENTS }, (_, index) => `K${index}`);

/** Each key has the rows whose number it is, modulo. */
const SALES = `SELECT 'K' || MOD(SEQ8(), ${RECIPIENTS}) AS SALES_KEY, SEQ8() AS N, SHA2(SEQ8()) AS HASH
  FROM TABLE(GENERATOR(ROWCOUNT => ${ROWS})) ORDER BY N`;

/** Seven of the recipients live in a domain of their own. */
const WHO = `SELECT 'K' || SEQ4() AS KEY,
    'reader' || SEQ4() || IFF(MOD(SEQ4(), 30) = 3, '@elsewhere.example', '@example.com') AS EMAIL
  FROM TABLE(GENERATOR(ROWCOUNT => ${RECIPIENTS}))`;

function splitReport(name: string, changes: NewReport = {}): NewReport {
  return {
    REPORT_NAME: name,
    REPORT_SQL: SALES,
    OUTPUT_FORMAT: "CSV",
    OWNER_EMAIL: "owner@example.com",
    OPTIONS: JSON.stringify({ burst: { sql: WHO, splitBy: "sales_key" } }),
    ...changes,
  };
}

interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly rows: readonly Readonly<Record<string, string>>[] | null;
}

/** Every mail whose subject begins with the report's name, read by parsers that are not ours. */
async function readMails(reportName: string): Promise<Mail[]> {
  const folder = join(service.folder, "out/outbox");
  const mails: Mail[] = [];
  for (const name of await readdir(folder)) {
    // One that is being written has another name.
    if (!name.endsWith(".eml")) continue;
    const mail = await PostalMime.parse(await Bun.file(join(folder, name)).arrayBuffer());
    if (!mail.subject?.startsWith(`${reportName} (`)) continue;
    const csv = mail.attachments.find(({ mimeType }) => mimeType === "text/csv");
    mails.push({
      to: mail.to?.[0]?.address ?? "",
      subject: mail.subject,
      text: mail.text ?? "",
      rows: csv === undefined ? null : readCsv(csv.content),
    });
  }
  return mails;
}

function readCsv(content: ArrayBuffer | Uint8Array | string): Mail["rows"] {
  const text = typeof content === "string" ? content : new TextDecoder().decode(content);
  return parse(text, { columns: true, bom: true });
}

function numberOf(address: string): number {
  return Number(/\d+/.exec(address)?.[0]);
}

function expectOwnRows(mail: Mail): void {
  const number = numberOf(mail.to);
  const expected = Array.from({ length: ROWS / RECIPIENTS }, (_, index) =>
    String(number + index * RECIPIENTS),
  );
  expect(mail.rows?.map((row) => row["N"])).toEqual(expected);
  expect(new Set(mail.rows?.map((row) => row["SALES_KEY"]))).toEqual(new Set([`K${number}`]));
  // Nobody sees another's key, also not in the text around the file.
  const shown = new Set(mail.text.match(/\bK\d+\b/g));
  expect([...shown].filter((key) => key !== `K${number}`)).toEqual([]);
}

describe("200 recipients of whom 7 fail", () => {
  test("193 are sent to once, the 7 are retried, none twice, and each has their own rows", async () => {
    const configId = await addReport(service.connection, splitReport("territory"));
    await service.runAll({ RECIPIENT_DOMAINS: "example.com" });
    const first = await readMails("territory");
    expect(first).toHaveLength(193);
    for (const mail of first) expectOwnRows(mail);
    const { runs, deliveries } = await readHistory(service.connection, configId, 5);
    expect(runs[0]).toMatchObject({ outcome: "COMPLETED", rowCount: ROWS });
    expect(runs[0]?.artifacts.reduce((total, { rowCount }) => total + rowCount, 0)).toBe(ROWS);
    expect(new Set(deliveries.map(({ recipientKey }) => recipientKey))).toEqual(new Set(keys));
    const refused = deliveries.filter(({ state }) => state === "FAILED");
    expect(refused).toHaveLength(7);
    for (const { error } of refused) expect(error).toContain("recipient_refused");

    const shown = (await service.start(["show", configId]).ended).output;
    expect(shown).toContain("193 SENT, 7 FAILED");
    expect(shown).toContain("reader33@elsewhere.example");
    expect(shown).not.toContain("reader34@example.com");

    expect(await retryReport(service.connection, configId)).toBe(true);
    await service.runAll();
    const all = await readMails("territory");
    expect(all).toHaveLength(200);
    expect(new Set(all.map(({ to }) => to)).size).toBe(200);
    for (const mail of all) expectOwnRows(mail);
    expect((await findReport(service.connection, configId)).lastReason).toBe(
      "7 of 200 recipients; 193 had it already",
    );

    await retryReport(service.connection, configId);
    await service.runAll();
    expect(await findReport(service.connection, configId)).toMatchObject({
      status: "COMPLETED",
      lastOutcome: "SKIPPED",
      lastReason: "every recipient has it",
    });
    expect(await readMails("territory")).toHaveLength(200);
  }, 120_000);
});

describe("a worker that is killed", () => {
  const quick = { LEASE_DURATION: "3s", HEARTBEAT_INTERVAL: "300ms", POLL_INTERVAL: "500ms" };
  const few = `SELECT * FROM (${WHO}) WHERE EMAIL LIKE 'reader_@%' OR EMAIL LIKE 'reader1_@%'`;

  async function finishElsewhere(name: string, mailsMax: number): Promise<void> {
    const worker = service.start(["worker"], quick);
    await eventually(`${mailsMax} mails`, async () => (await readMails(name)).length >= mailsMax);
    worker.child.kill("SIGTERM");
    expect((await worker.ended).exitCode).toBe(0);
  }

  test("while it sends, has nobody sent to twice and nobody forgotten", async () => {
    const options = JSON.stringify({ burst: { sql: few, splitBy: "SALES_KEY" } });
    const configId = await addReport(
      service.connection,
      splitReport("killed sending", { OPTIONS: options }),
    );
    const { child } = service.start(["worker"], quick);
    await eventually("some mails", async () => (await readMails("killed sending")).length >= 3);
    child.kill("SIGKILL");
    await child.exited;
    expect((await readMails("killed sending")).length).toBeLessThan(20);
    await finishElsewhere("killed sending", 20);
    const mails = await readMails("killed sending");
    expect(mails.map(({ to }) => to).toSorted()).toEqual(
      [...new Set(mails.map(({ to }) => to))].toSorted(),
    );
    expect(mails).toHaveLength(20);
    for (const mail of mails) expectOwnRows(mail);
    expect(await service.runsOf(configId)).toHaveLength(1);
  }, 60_000);
});

describe("a query for each set of parameters", () => {
  test("binds them, makes files as each recipient wants them, and tells the owner who got none", async () => {
    const who = `SELECT * FROM (VALUES
        (1, 'one@example.com', '{"low": {"type": "NUMBER", "value": 2}, "note": "it''s"}', 'CSV', 'First rows', NULL),
        (2, 'two@example.com', '{"low": {"type": "NUMBER", "value": 4}, "note": "x"}', 'CSV, EXCEL', NULL, 'de-DE'),
        (3, 'three@example.com', '{"low": "four", "note": "x"}', NULL, NULL, NULL),
        (4, 'four@example.com', '{"low": 1}', NULL, NULL, NULL),
        (5, 'five', '{"low": 1, "note": "x"}', NULL, NULL, NULL)
      ) AS P (KEY, EMAIL, PARAMETERS, FORMAT, FILE_NAME, LOCALE)`;
    const configId = await addReport(service.connection, {
      REPORT_NAME: "each",
      REPORT_SQL: `SELECT N, :note AS NOTE FROM (SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 6)))
        WHERE N >= :low::NUMBER ORDER BY N`,
      OUTPUT_FORMAT: "CSV",
      OWNER_EMAIL: "owner@example.com",
      OPTIONS: JSON.stringify({ burst: { sql: who } }),
    });
    await service.runAll();
    const [run] = await service.runsOf(configId);
    expect(run).toMatchObject({
      outcome: "COMPLETED",
      reason: "2 of 5 recipients; 3 failed",
      rowCount: 6,
      queryId: null,
    });
    expect(
      run?.artifacts.map(({ recipientKey, fileName }) => [recipientKey, fileName.slice(0, 5)]),
    ).toEqual([
      ["1", "First"],
      ["2", "each-"],
      ["2", "each-"],
    ]);
    const mails = await readMails("each");
    const rows = Object.fromEntries(mails.map((mail) => [mail.to, mail.rows]));
    expect(rows["one@example.com"]).toEqual(["2", "3", "4", "5"].map((N) => ({ N, NOTE: "it's" })));
    expect(rows["two@example.com"]).toEqual(["4", "5"].map((N) => ({ N, NOTE: "x" })));
    expect(mails.map(({ to }) => to).toSorted()).toEqual([
      "one@example.com",
      "owner@example.com",
      "two@example.com",
    ]);
    const summary = mails.find(({ to }) => to === "owner@example.com");
    expect(summary?.subject).toBe("each (2 of 5 recipients; 3 failed)");
    expect(summary?.text).toContain("3, three@example.com: query_failed");
    expect(summary?.text).toContain("PARAMETERS has no value for :note of REPORT_SQL");
    expect(summary?.text).toContain('5, five: recipient_refused: EMAIL: "five" is not an e-mail');
    expect(summary?.rows).toBeNull();
    const shown = (await service.start(["show", configId]).ended).output;
    expect(shown).toMatch(/EMAIL +RESULT +1 +one@example.com +SENT/);
    expect(shown).toMatch(/EMAIL +RESULT +5 +five +FAILED +recipient_refused/);
  }, 30_000);
});
