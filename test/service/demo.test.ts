import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { parse } from "csv-parse/sync";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import PostalMime, { type Email } from "postal-mime";
import examples from "../../snowflake/examples.sql" with { type: "text" };
import { readParameters } from "../../src/report/parameter-values.ts";
import { bindParameters } from "../../src/report/parameters.ts";
import { eventually, type Service, startService } from "./service.ts";

/**
 * The demo as a newcomer runs it, and then its files read by programs that are not ours, against what the reports' SQL
 * gives through the driver.
 */
const root = join(import.meta.dir, "../..");
const hasReaders = ["pdftotext", "soffice"].every((program) => Bun.which(program) !== null);
const describeRead = hasReaders || process.env["CI"] === "true" ? describe : describe.skip;

let service: Service;
let folder: string;
let output: string;
let exitCode: number;
let seconds: number;

beforeAll(async () => {
  service = await startService({ sampleLineItems: 60_000 });
  folder = await mkdtemp(join(tmpdir(), "report-service-demo-test-"));
  const startedMs = performance.now();
  const demo = Bun.spawn(["bun", join(root, "src/main.ts"), "demo"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(demo.stdout).text(),
    new Response(demo.stderr).text(),
    demo.exited,
  ]);
  output = stdout + stderr;
  exitCode = code;
  seconds = (performance.now() - startedMs) / 1_000;
}, 120_000);

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A file that the demo made, by the beginning of its name and its ending. */
function findFile(beginning: string, ending: string): string {
  const found = [...new Glob(`out/**/${beginning}*.${ending}`).scanSync(folder)];
  expect(found).toHaveLength(1);
  return join(folder, found[0] ?? "");
}

/** What a report's SQL gives, as text by column. */
async function queryReport(name: string): Promise<Record<string, string | null>[]> {
  const insert =
    examples.split("INSERT INTO").find((statement) => statement.includes(`'${name}'`)) ?? "";
  const sql = /\$\$([\s\S]*?)\$\$/.exec(insert)?.[1] ?? /'(SELECT[^']*)'/.exec(insert)?.[1] ?? "";
  const parameters: unknown = JSON.parse(/'(\{"region"[^']*\})'/.exec(insert)?.[1] ?? "{}");
  const read = readParameters(parameters);
  if ("problems" in read) throw new Error(read.problems.join());
  const bound = bindParameters(sql, read.parameters);
  const { rows } = await service.connection.execute(bound.sql, bound.binds);
  return rows;
}

async function readText(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [text, problems, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect(code, problems).toBe(0);
  return text;
}

/** The first sheet of a workbook, as LibreOffice reads it. */
async function readSheet(path: string): Promise<Record<string, string>[]> {
  const target = await mkdtemp(join(tmpdir(), "report-service-soffice-"));
  try {
    await readText([
      "soffice",
      `-env:UserInstallation=file://${target}/profile`,
      "--headless",
      "--convert-to",
      "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false",
      "--outdir",
      target,
      path,
    ]);
    const text = await Bun.file(join(target, basename(path).replace(/xlsx$/, "csv"))).text();
    return parse(text, { columns: true });
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

/** A number without what a locale adds. */
function plainNumber(text: string | null | undefined): number {
  return Number((text ?? "").replaceAll(",", ""));
}

describe("the demo", () => {
  test("ends with exit code 0 in less than 30 seconds", () => {
    expect(exitCode, output).toBe(0);
    expect(seconds).toBeLessThan(30);
  });

  test("shows each report go PENDING, PROCESSING, COMPLETED", () => {
    for (const name of [
      "Pricing summary",
      "Local supplier volume",
      "Returned items",
      "Line items",
    ]) {
      expect(output).toMatch(new RegExp(`${name} +PENDING\n`));
      expect(output).toMatch(
        new RegExp(`${name} +(PENDING → PROCESSING|PROCESSING → COMPLETED|PENDING → COMPLETED)`),
      );
    }
    expect(output).toMatch(
      /Open orders by priority +(PROCESSING|PENDING) → COMPLETED, next run .* UTC/,
    );
  });

  test("a CSV reader finds the rows that the SQL gives", async () => {
    const expected = await queryReport("Pricing summary");
    const rows: Record<string, string>[] = parse(
      await Bun.file(findFile("pricing-summary", "csv")).text(),
      {
        columns: true,
      },
    );
    expect(rows).toEqual(expected as Record<string, string>[]);
  });

  test("the export has all 60,000 line items, with their total", async () => {
    const rows: Record<string, string>[] = parse(
      await Bun.file(findFile("line-items", "csv")).text(),
      {
        columns: true,
      },
    );
    expect(rows).toHaveLength(60_000);
    const total = rows.reduce(
      (sum, row) => sum + BigInt((row["L_EXTENDEDPRICE"] ?? "").replace(".", "")),
      0n,
    );
    const { rows: expected } = await service.connection.execute(
      "SELECT SUM(L_EXTENDEDPRICE) * 100 AS TOTAL FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM",
    );
    expect(String(total)).toBe((expected[0]?.["TOTAL"] ?? "").replace(/\.0+$/, ""));
  });
});

describeRead("the demo's files in other programs (pdftotext, LibreOffice)", () => {
  test("LibreOffice finds the rows of the workbook that the SQL gives", async () => {
    const expected = await queryReport("Pricing summary");
    const rows = await readSheet(findFile("pricing-summary", "xlsx"));
    expect(rows).toHaveLength(expected.length);
    for (const [index, row] of rows.entries()) {
      expect(row["RETURN_FLAG"]).toBe(expected[index]?.["RETURN_FLAG"] ?? "");
      for (const column of ["QUANTITY", "BASE_PRICE", "CHARGE", "ORDER_COUNT"]) {
        expect(plainNumber(row[column])).toBeCloseTo(Number(expected[index]?.[column]), 2);
      }
    }
  }, 60_000);

  test("LibreOffice finds 60,000 rows in the large workbook", async () => {
    const rows = await readSheet(findFile("line-items", "xlsx"));
    expect(rows).toHaveLength(60_000);
    const total = rows.reduce(
      (sum, row) => sum + Math.round(plainNumber(row["L_EXTENDEDPRICE"]) * 100),
      0,
    );
    const { rows: expected } = await service.connection.execute(
      "SELECT SUM(L_EXTENDEDPRICE) AS TOTAL FROM SNOWFLAKE_SAMPLE_DATA.TPCH_SF1.LINEITEM",
    );
    expect(total).toBe(Math.round(Number(expected[0]?.["TOTAL"]) * 100));
  }, 120_000);

  test("pdftotext finds each row of the SQL in the PDF", async () => {
    const expected = await queryReport("Local supplier volume");
    const text = await readText([
      "pdftotext",
      "-layout",
      findFile("local-supplier-volume", "pdf"),
      "-",
    ]);
    expect(expected.length).toBeGreaterThan(2);
    for (const row of expected) {
      const line = text.split("\n").find((candidate) => candidate.includes(row["NATION"] ?? ""));
      const shown = plainNumber(/([\d,]+\.\d+)\s*$/.exec(line ?? "")?.[1]);
      expect(shown).toBeCloseTo(Number(row["REVENUE"]), 2);
    }
  });
});

describe("the demo's mail", () => {
  async function readMails(): Promise<Email[]> {
    const paths = [...new Glob("out/outbox/*.eml").scanSync(folder)];
    return await Promise.all(
      paths.map(async (path) => PostalMime.parse(await Bun.file(join(folder, path)).arrayBuffer())),
    );
  }

  test("one goes to each recipient, with the files attached", async () => {
    const mails = await readMails();
    expect(mails).toHaveLength(6);
    const pricing = mails.find((mail) => mail.subject?.startsWith("Pricing summary"));
    expect(pricing?.to?.[0]?.address).toBe("finance@example.com");
    expect(pricing?.attachments).toHaveLength(3);
  });

  test("what is too large is a link, with the reason", async () => {
    const mail = await eventually("the mail", async () =>
      (await readMails()).find((candidate) => candidate.subject?.startsWith("Line items")),
    );
    expect(mail.attachments.length).toBeLessThan(2);
    expect(mail.text).toMatch(/file:\/\/\S+line-items-\S+/);
    expect(mail.text).toContain("too large to attach");
  });
});
