/** Takes 9 s on a machine with nothing else to do, and LibreOffice's memory, so it is not part of `bun test`: `bun run test:long`. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parse } from "csv-parse";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { createXlsxRenderer } from "../../src/render/xlsx/renderer.ts";
import type { RenderSummary } from "../../src/render/renderer.ts";
import type { Row } from "../../src/report/table.ts";
import { convertSheets, whyLacking } from "../render/readers.ts";
import { column, context, options } from "../render/rendering.ts";

const ROWS = 1_100_000;
/** Source: "Excel specifications and limits", 1,048,576 rows, of which one is the header. */
const SHEET_ROWS = 1_048_575;
const BATCH_ROWS = 10_000;
const columns = [column("ID", "fixed"), column("AMOUNT", "fixed", 2), column("NAME", "text")];
const lacking = whyLacking("soffice");

function rowAt(at: number): Row {
  return [String(at + 1), `${at}.${String(at % 100).padStart(2, "0")}`, `name ${at % 1000}`];
}

async function writeWorkbook(path: string): Promise<RenderSummary> {
  const file = Bun.file(path).writer();
  const facts = context({ rowCount: ROWS, options: options({ title: "Orders" }) });
  const renderer = createXlsxRenderer(facts, {
    async write(bytes) {
      await file.write(bytes);
      await file.flush();
    },
  });
  await renderer.begin(columns);
  for (let from = 0; from < ROWS; from += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, ROWS - from);
    await renderer.rows(Array.from({ length }, (_, at) => rowAt(from + at)));
  }
  const summary = await renderer.finish();
  await file.end();
  return summary;
}

interface SheetFacts {
  readonly header: readonly string[];
  readonly rows: number;
  readonly firstId: number;
  readonly lastId: number;
  /** Whether each id is one more than the last. */
  readonly isConsecutive: boolean;
  readonly cents: bigint;
}

const record = z.array(z.string());

async function readSheet(path: string): Promise<SheetFacts> {
  const facts = { header: [""], rows: 0, firstId: 0, lastId: 0, isConsecutive: true, cents: 0n };
  for await (const value of createReadStream(path).pipe(parse({ record_delimiter: "\n" }))) {
    const cells = record.parse(value);
    if (facts.rows++ === 0) {
      facts.header = cells;
      continue;
    }
    const id = Number(cells[0]);
    facts.isConsecutive &&= facts.rows === 2 || id === facts.lastId + 1;
    if (facts.rows === 2) facts.firstId = id;
    facts.lastId = id;
    facts.cents += BigInt((cells[1] ?? "").replace(".", ""));
  }
  return { ...facts, rows: facts.rows - 1 };
}

describe.skipIf(lacking !== "")(`${ROWS} rows as a workbook${lacking}`, () => {
  let folder: string;
  let summary: RenderSummary;
  const sheets = new Map<string, SheetFacts>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-long-"));
    const workbook = join(folder, "orders.xlsx");
    summary = await writeWorkbook(workbook);
    for (const { sheet, path } of await convertSheets(folder, [workbook])) {
      if (sheet.startsWith("Orders")) sheets.set(sheet, await readSheet(path));
    }
  }, 240_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test("open in LibreOffice as two sheets with the header on each", () => {
    expect([...sheets.keys()]).toEqual(["Orders", "Orders 2"]);
    for (const { header } of sheets.values()) expect(header).toEqual(["ID", "AMOUNT", "NAME"]);
  });

  test("are all there, in order, with their sum", () => {
    expect(summary).toEqual({ rowCount: ROWS, warnings: [] });
    const [first, second] = [...sheets.values()];
    expect(first).toMatchObject({
      rows: SHEET_ROWS,
      firstId: 1,
      lastId: SHEET_ROWS,
      isConsecutive: true,
    });
    expect(second).toMatchObject({
      rows: ROWS - SHEET_ROWS,
      firstId: SHEET_ROWS + 1,
      lastId: ROWS,
      isConsecutive: true,
    });
    let cents = 0n;
    for (let at = 0; at < ROWS; at++) cents += BigInt((rowAt(at)[1] ?? "").replace(".", ""));
    expect((first?.cents ?? 0n) + (second?.cents ?? 0n)).toBe(cents);
  });
});
