import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import PostalMime from "postal-mime";
import type { Artifact } from "../../src/report/artifact.ts";
import {
  addReport,
  cancelReport,
  findReport,
  type NewReport,
  readHistory,
  retryReport,
} from "../../src/snowflake/reports.ts";
import { eventually, shareService } from "./service.ts";

/** Files that Snowflake itself writes, for reports of real worker processes over the wire protocol. */

const service = await shareService();

const ROWS = 3_000;
const LINES = `SELECT SEQ8() AS N, 'line, ' || SEQ8() AS TEXT, (SEQ8() / 4)::NUMBER(12, 2) AS AMOUNT,
    DATEADD(SECOND, SEQ8(), '2026-03-01 00:00:00 +0000'::TIMESTAMP_TZ)::TIMESTAMP_LTZ AS AT
  FROM TABLE(GENERATOR(ROWCOUNT => ${ROWS})) ORDER BY 1 DESC`;

interface Ran {
  readonly configId: string;
  readonly output: string;
  readonly artifacts: readonly Artifact[];
  /** Of the warnings. */
  readonly codes: readonly string[];
}

async function runReport(
  report: NewReport,
  environment: Record<string, string> = {},
): Promise<Ran> {
  const [ran] = await runReports([report], environment);
  if (ran === undefined) throw new Error("nothing ran");
  return ran;
}

/** By one worker process. */
async function runReports(
  reports: readonly NewReport[],
  environment: Record<string, string> = {},
): Promise<Ran[]> {
  const configIds: string[] = [];
  for (const report of reports) {
    const preset = { OUTPUT_FORMAT: "CSV", TIMEZONE: "Europe/Zurich" };
    configIds.push(await addReport(service.connection, { ...preset, ...report }));
  }
  const settings = { PUSH_DOWN_ROWS: "1000", LOG_LEVEL: "DEBUG", ...environment };
  const output = await service.runAll(settings);
  const ran: Ran[] = [];
  for (const configId of configIds) {
    const [run] = (await readHistory(service.connection, configId, 1)).runs;
    const codes = (run?.warnings ?? []).map(({ code }) => code);
    ran.push({ configId, output, artifacts: run?.artifacts ?? [], codes });
  }
  return ran;
}

async function readStaged({ uri }: Artifact): Promise<ArrayBuffer> {
  const [, stage, path] = /^snowflake:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  const { rows } = await service.connection.execute(
    `SELECT GET_PRESIGNED_URL(@${stage}, '${path}') AS URL`,
  );
  const response = await fetch(rows[0]?.["URL"] ?? "");
  expect(response.status).toBe(200);
  return await response.arrayBuffer();
}

async function listStage(configId: string): Promise<string[]> {
  const { rows } = await service.connection.execute("LIST @REPORT_STAGE");
  return rows.map(({ name }) => name ?? "").filter((name) => name.includes(configId));
}

async function readMail(subject: string) {
  const folder = join(service.folder, "out/outbox");
  for (const name of await readdir(folder)) {
    const mail = await PostalMime.parse(await Bun.file(join(folder, name)).arrayBuffer());
    if (mail.subject?.startsWith(subject) === true) return mail;
  }
  throw new Error(`no mail of ${subject}`);
}

describe("a report of more rows than PUSH_DOWN_ROWS", () => {
  test("comes as CSV and PARQUET that Snowflake wrote, with a mail that links to them", async () => {
    const { artifacts, codes, configId, output } = await runReport(
      {
        REPORT_NAME: "lines",
        REPORT_SQL: LINES,
        OUTPUT_FORMAT: "CSV,PARQUET",
        EMAIL_RECIPIENTS: "a@example.com",
      },
      { ATTACHMENT_BYTES_MAX: "1000" },
    );
    expect(artifacts.map(({ format, rowCount }) => [format, rowCount])).toEqual([
      ["CSV", ROWS],
      ["PARQUET", ROWS],
    ]);
    expect(output).toContain("lines: unload 3,000 of 3,000 rows");
    expect(output).not.toContain("lines: render");
    expect(codes).toEqual(["zone_left_out"]);
    for (const artifact of artifacts) {
      const bytes = Buffer.from(await readStaged(artifact));
      expect(bytes.byteLength).toBe(artifact.sizeBytes);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(artifact.sha256);
    }

    const shown = await service.start(["show", configId]).ended;
    const [, sql = ""] = /^a link to a snowflake:\/\/ file: (.*);$/m.exec(shown.output) ?? [];
    const { rows: links } = await service.connection.execute(sql);
    const linked = await fetch(Object.values(links[0] ?? {})[0] ?? "");
    expect(Buffer.from(await readStaged(artifacts[0]!)).equals(await linked.bytes())).toBe(true);

    const [csv, parquet] = artifacts;
    const lines: Record<string, string>[] = parse(Buffer.from(await readStaged(csv!)), {
      columns: true,
    });
    expect(lines).toHaveLength(ROWS);
    expect(lines[0]).toEqual({
      N: "2999",
      TEXT: "line, 2999",
      AMOUNT: "749.75",
      AT: "2026-03-01 01:49:59+01:00",
    });
    const rows = await parquetReadObjects({ file: await readStaged(parquet!) });
    expect(rows).toHaveLength(ROWS);
    expect(rows[0]).toMatchObject({
      TEXT: "line, 2999",
      AMOUNT: 749.75,
      AT: new Date("2026-03-01T01:49:59Z"),
    });

    const { text = "", attachments } = await readMail("lines (3,000 rows)");
    expect(attachments).toEqual([]);
    expect(text).toContain("it is good for 7 days");
    const [, url = ""] = /lines-\S+\.csv, [^:]*: (http\S+)/.exec(text) ?? [];
    expect((await (await fetch(url)).text()).startsWith("N,TEXT,AMOUNT,AT\r\n")).toBe(true);
  }, 60_000);

  test("is rendered beside it in the other formats, from the same query", async () => {
    const { artifacts, configId } = await runReport({
      REPORT_NAME: "both",
      REPORT_SQL: LINES,
      OUTPUT_FORMAT: "CSV,EXCEL",
      EMAIL_RECIPIENTS: "a@example.com",
    });
    expect(artifacts.map(({ format, uri }) => [format, uri.split(":")[0]])).toEqual([
      ["EXCEL", "file"],
      ["CSV", "snowflake"],
    ]);
    const { attachments, text } = await readMail("both (3,000 rows)");
    expect(attachments).toHaveLength(2);
    expect(text).toContain("The first 10 of 3,000 rows.");
    const found = await findReport(service.connection, configId);
    expect(found.status).toBe("COMPLETED");
  }, 60_000);
});

test("a PARQUET file without rows has the columns", async () => {
  const { artifacts } = await runReport({
    REPORT_NAME: "empty",
    REPORT_SQL: `SELECT * FROM (${LINES.replace(" ORDER BY 1 DESC", "")}) WHERE N < 0`,
    OUTPUT_FORMAT: "PARQUET",
  });
  expect(artifacts).toMatchObject([{ format: "PARQUET", rowCount: 0 }]);
  const file = await Bun.file(new URL(artifacts[0]!.uri)).arrayBuffer();
  const { children } = parquetSchema(parquetMetadata(file));
  expect(children.map(({ element }) => element.name)).toEqual(["N", "TEXT", "AMOUNT", "AT"]);
}, 60_000);

describe("what Snowflake cannot do", () => {
  test("is rendered as ever, or refused by its name when it was asked for", async () => {
    const bom = { csv: { bom: true } };
    const ran = await runReports([
      { REPORT_NAME: "bom", REPORT_SQL: LINES, OPTIONS: JSON.stringify(bom) },
      { REPORT_NAME: "order", REPORT_SQL: LINES.replace("ORDER BY 1 DESC", "ORDER BY MOD(N, 7)") },
      { REPORT_NAME: "names", REPORT_SQL: LINES.replace("AS TEXT", "AS N") },
      {
        REPORT_NAME: "refused",
        REPORT_SQL: LINES,
        OPTIONS: JSON.stringify({ pushDown: "always", ...bom }),
      },
    ]);
    const refused = ran.pop();
    for (const { artifacts, codes } of ran) {
      expect(artifacts).toMatchObject([{ format: "CSV", rowCount: ROWS }]);
      expect(artifacts[0]?.uri).toStartWith("file:");
      expect(codes).toEqual([]);
    }
    const { status, lastError } = await findReport(service.connection, refused?.configId ?? "");
    expect(status).toBe("FAILED");
    expect(lastError).toContain("csv.bom");
  }, 60_000);

  test("is rendered after all when the stage may not be written to, and the audit says why", async () => {
    const { artifacts, codes } = await runReport(
      { REPORT_NAME: "no stage", REPORT_SQL: LINES },
      { PUSH_DOWN_STAGE: "MISSING_STAGE" },
    );
    expect(artifacts[0]?.uri).toStartWith("file:");
    expect(codes).toContain("not_pushed_down");
  }, 60_000);

  test("fails with the missing grant when nothing else makes the file", async () => {
    const { configId } = await runReport(
      { REPORT_NAME: "no stage", REPORT_SQL: LINES, OUTPUT_FORMAT: "PARQUET", MAX_ATTEMPTS: "1" },
      { PUSH_DOWN_STAGE: "MISSING_STAGE" },
    );
    const { lastError } = await findReport(service.connection, configId);
    expect(lastError).toContain("GRANT WRITE ON STAGE REPORTING_DB.CONFIG.MISSING_STAGE TO ROLE");
  }, 60_000);
});

test("nothing stays in the stage when the result did not change", async () => {
  const report = {
    REPORT_NAME: "changed",
    REPORT_SQL: LINES,
    OPTIONS: JSON.stringify({ sendWhen: "changed" }),
  };
  const { configId } = await runReport(report);
  expect(await listStage(configId)).toHaveLength(1);
  await retryReport(service.connection, configId);
  await service.runAll({ PUSH_DOWN_ROWS: "1000" });
  expect((await findReport(service.connection, configId)).lastOutcome).toBe("SKIPPED");
  expect(await listStage(configId)).toHaveLength(1);
}, 60_000);

test("a report that is cancelled while Snowflake writes stops it and leaves no file", async () => {
  const texts = ["A", "B", "C", "D", "E", "F"].map((name) => `'text ' || SEQ8() AS ${name}`);
  const sql = `SELECT ${texts.join(", ")} FROM TABLE(GENERATOR(ROWCOUNT => 400000))`;
  const configId = await addReport(service.connection, {
    REPORT_NAME: "long",
    REPORT_SQL: sql,
    OUTPUT_FORMAT: "CSV",
  });
  const worker = service.start(["run"], {
    PUSH_DOWN_ROWS: "1000",
    LOG_LEVEL: "DEBUG",
    LEASE_DURATION: "10s",
    HEARTBEAT_INTERVAL: "2s",
  });
  await eventually(
    "the unload",
    () => Promise.resolve(worker.written().includes("long: unload")),
    40_000,
  );
  await cancelReport(service.connection, configId);
  const { output } = await worker.ended;
  expect(output).toContain("long: CANCELLED");
  expect(await listStage(configId)).toEqual([]);
}, 90_000);

test("the role of report SQL needs nothing on the stage", async () => {
  const { artifacts } = await runReport(
    { REPORT_NAME: "roles", REPORT_SQL: LINES, OPTIONS: JSON.stringify({ pushDown: "always" }) },
    {
      SNOWFLAKE_USER: "REPORT_SERVICE_USER",
      SNOWFLAKE_ROLE: "REPORT_WORKER_ROLE",
      SNOWFLAKE_READER_ROLE: "REPORT_READER_ROLE",
    },
  );
  expect(artifacts[0]?.uri).toStartWith("snowflake:");
  const { rows } = await service.connection.execute("SHOW GRANTS ON STAGE REPORT_STAGE");
  expect(rows.map(({ grantee_name: role }) => role)).not.toContain("REPORT_READER_ROLE");
}, 60_000);
