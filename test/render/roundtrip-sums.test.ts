import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { join } from "node:path";
import { z } from "zod";
import { createCsvRenderer } from "../../src/render/csv.ts";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import type { CreateRenderer } from "../../src/render/renderer.ts";
import { createXlsxRenderer } from "../../src/render/xlsx/renderer.ts";
import type { Row } from "../../src/report/table.ts";
import { repeatLine, seed, TIME_MAX_MS } from "./arbitrary-runs.ts";
import { inFolder, readInOffice, runReader, whyLacking } from "./readers.ts";
import { column, render } from "./rendering.ts";

/** One table in the three formats, each read by another program: CSV by csv-parse, EXCEL by LibreOffice, PDF by poppler. */
const ROWS = 3_000;
const columns = [
  column("LINE", "fixed"),
  column("AMOUNT", "fixed", 2),
  column("RATE", "fixed", 4),
  column("QUANTITY", "fixed"),
];

const row: fc.Arbitrary<Row> = fc
  .tuple(
    fc.integer({ min: -(10 ** 12), max: 10 ** 12 }),
    fc.integer({ min: -99_999_999, max: 99_999_999 }),
    fc.option(fc.integer({ min: -1_000_000, max: 1_000_000 }), { freq: 9 }),
  )
  .map(([cents, parts, quantity]) => [
    decimal(cents, 2),
    decimal(parts, 4),
    quantity === null ? null : String(quantity),
  ]);

/** The wire's text of `units` / 10 ** scale. */
function decimal(units: number, scale: number): string {
  const digits = String(Math.abs(units)).padStart(scale + 1, "0");
  return `${units < 0 ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** How many rows there are and, for each column, the sum in units of its last decimal. */
interface Totals {
  readonly rows: number;
  readonly sums: readonly bigint[];
}

/** Cells are empty or plain numbers with all decimals of their column. */
function addUp(rows: readonly (readonly string[])[]): Totals {
  const sums = columns.map(({ scale }, at) =>
    rows.reduce((sum, cells) => sum + toUnits(cells[at] ?? "", scale), 0n),
  );
  return { rows: rows.length, sums };
}

function toUnits(text: string, scale: number): bigint {
  if (text === "") return 0n;
  expect(text).toMatch(/^-?\d+(\.\d+)?$/);
  expect(text.split(".")[1]?.length ?? 0).toBe(scale);
  return BigInt(text.replace(".", ""));
}

async function makeFile(createRenderer: CreateRenderer, rows: readonly Row[]): Promise<Uint8Array> {
  const { bytes, summary } = await render(createRenderer, columns, rows);
  expect(summary).toEqual({ rowCount: rows.length, warnings: [] });
  return bytes;
}

const records = z.array(z.array(z.string()));

function readCsv(bytes: Uint8Array): string[][] {
  return records.parse(parse(Buffer.from(bytes), { record_delimiter: "\r\n", from: 2 }));
}

async function readXlsx(bytes: Uint8Array): Promise<string[][]> {
  const [sheet] = await readInOffice([bytes]);
  return (sheet?.records ?? []).slice(1).map((cells) => cells.map(({ text }) => text));
}

/** The lines of four numbers; of a NULL the dash. */
async function readPdf(bytes: Uint8Array): Promise<string[][]> {
  const text = await inFolder(async (folder) => {
    await Bun.write(join(folder, "report.pdf"), bytes);
    return await runReader(["pdftotext", "-layout", join(folder, "report.pdf"), "-"]);
  });
  return [...text.matchAll(/^ *([\d,]+) +(-?[\d,]+\.\d+) +(-?[\d,]+\.\d+) +(-?[\d,]+|–)$/gm)].map(
    ([, ...cells]) => cells.map((cell) => cell.replaceAll(",", "").replace("–", "")),
  );
}

const lacking = whyLacking("soffice", "pdftotext");

test.skipIf(lacking !== "")(
  `the three formats of one table of ${ROWS} generated rows have the same rows and sums, those of the warehouse${lacking}`,
  async () => {
    const cells = fc.sample(row, { numRuns: ROWS, seed });
    const rows = cells.map((each, at): Row => [String(at + 1), ...each]);
    const expected = addUp(rows.map((each) => each.map((cell) => cell ?? "")));
    expect(expected.rows).toBe(ROWS);
    const found = {
      CSV: addUp(readCsv(await makeFile(createCsvRenderer, rows))),
      EXCEL: addUp(await readXlsx(await makeFile(createXlsxRenderer, rows))),
      PDF: addUp(await readPdf(await makeFile(createPdfRenderer, rows))),
    };
    expect(found, repeatLine("roundtrip-sums.test.ts")).toEqual({
      CSV: expected,
      EXCEL: expected,
      PDF: expected,
    });
  },
  TIME_MAX_MS,
);
