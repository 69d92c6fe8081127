import { describe, expect, test } from "bun:test";
import exceljs from "exceljs";
import * as fc from "fast-check";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RenderSummary } from "../../src/render/renderer.ts";
import { createXlsxRenderer } from "../../src/render/xlsx/renderer.ts";
import type { Column, ColumnType } from "../../src/report/table.ts";
import { holdsForAll, repeatLine, seed, TIME_MAX_MS } from "./arbitrary-runs.ts";
import {
  arbitraryTable,
  columnOptions,
  numberRows,
  shownColumns,
  type ArbitraryTable,
} from "./arbitrary-table.ts";
import {
  inFolder,
  readInOffice,
  runReader,
  whyLacking,
  type OfficeCell,
  type OfficeSheet,
} from "./readers.ts";
import { column, options, render } from "./rendering.ts";
import {
  checkSheet,
  EXACT,
  type Found,
  foundWorkbooks,
  type Reader,
  unescapeText,
} from "./sheet-checking.ts";

/**
 * A case is a generated row of any columns and cells. They are packed into workbooks, for a workbook takes 40 ms to
 * make and to read whatever it holds: 2,000 rows for exceljs in 50 workbooks, other 2,000 for LibreOffice and openpyxl in 10.
 */
const FILE = "roundtrip-xlsx.test.ts";
const EXCELJS = { workbooks: 50, rows: 40 };
const OFFICE = { workbooks: 10, rows: 200 };

function tablesOf(rows: number): fc.Arbitrary<ArbitraryTable> {
  const extent = { columnsMax: 8, rowsMin: rows, rowsMax: rows, longTexts: true };
  return arbitraryTable(extent).map(numberRows);
}

async function renderTable(
  table: ArbitraryTable,
): Promise<{ bytes: Uint8Array; summary: RenderSummary }> {
  return await render(
    createXlsxRenderer,
    table.columns.map(({ column }) => column),
    table.rows,
    {
      timezone: table.timezone,
      options: options({ title: "Data", columns: columnOptions(table) }),
    },
    17,
  );
}

function findWithExceljs(cell: exceljs.Cell, { type }: Column): Found {
  const { value } = cell;
  if (value === null || value === "") return { kind: "nothing" };
  if (typeof value === "number") return { kind: "number", value };
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (value instanceof Date) {
    // A time alone is counted from 1899-12-30.
    const since = type === "time" ? new Date(value.getTime() - Date.UTC(1899, 11, 30)) : value;
    return { kind: "time", iso: since.toISOString().slice(0, -1) };
  }
  if (typeof value !== "string") throw new Error(`exceljs found ${JSON.stringify(value)}`);
  return { kind: "text", text: unescapeText(value) };
}

describe("a workbook of any columns and cells", () => {
  test(
    `is read back by exceljs, ${EXCELJS.workbooks * EXCELJS.rows} generated rows: every row, every cell, and every change counted and told in About`,
    async () => {
      await holdsForAll(FILE, EXCELJS.workbooks, tablesOf(EXCELJS.rows), async (table) => {
        const { bytes, summary } = await renderTable(table);
        const workbook = new exceljs.Workbook();
        await workbook.xlsx.load(new Uint8Array(bytes).buffer);
        const [sheet, about] = workbook.worksheets;
        if (sheet === undefined || about === undefined) throw new Error("A sheet lacks");
        const shown = shownColumns(table);
        expect(sheet.rowCount).toBe(table.rows.length + 1);
        expect(sheet.columnCount).toBe(shown.length);
        for (const [at, { label }] of shown.entries()) {
          // Labels are shared strings, which exceljs unescapes itself.
          expect(sheet.getCell(1, at + 1).text).toBe(label.toWellFormed());
        }
        checkSheet(table, summary, EXACT, (rowAt, at) =>
          findWithExceljs(sheet.getCell(rowAt + 2, at + 1), shown[at]!.column),
        );
        const told = about.getSheetValues().flatMap((row) => (Array.isArray(row) ? [row[2]] : []));
        for (const { message } of summary.warnings) expect(told).toContain(message);
      });
    },
    TIME_MAX_MS,
  );
});

const lacking = whyLacking("soffice");

/** Types that a sheet holds as a point in time, shown by their number format. */
const TIME_TYPES = new Set<ColumnType>(["date", "time", "timestamp_ntz", "timestamp_ltz"]);

const SHOWN_DECIMALS = 20;

/** LibreOffice shows 15 digits and 20 decimals, and ends of lines as it likes. */
const SHOWN: Reader = {
  showText: (text) => text.replaceAll(/[\r\n]+/g, "\n"),
  checkValue(value, { scale }, cell) {
    const least = scale > SHOWN_DECIMALS ? 10 ** -SHOWN_DECIMALS : 0;
    const tolerance = Math.max(Math.abs(Number(cell)) * 1e-14, least);
    expect(Math.abs(value - Number(cell))).toBeLessThanOrEqual(tolerance);
  },
  checkMoment: (found, expected) => EXACT.checkMoment(found, expected),
};

function findInOffice({ text, isText }: OfficeCell, { type }: Column): Found {
  if (text === "") return { kind: "nothing" };
  if (isText) return { kind: "text", text };
  if (type === "boolean") return { kind: "boolean", value: text === "TRUE" };
  if (!TIME_TYPES.has(type)) return { kind: "number", value: Number(text) };
  const [day, clock = "00:00:00"] = type === "time" ? ["1970-01-01", text] : text.split(" ");
  return { kind: "time", iso: `${day}T${clock}${clock.includes(".") ? "" : ".000"}` };
}

function checkOfficeSheet(
  table: ArbitraryTable,
  { records }: OfficeSheet,
  summary: RenderSummary,
): void {
  const shown = shownColumns(table);
  expect(records).toHaveLength(table.rows.length + 1);
  expect(records[0]?.map(({ text }) => SHOWN.showText(text))).toEqual(
    shown.map(({ label }) => SHOWN.showText(label.toWellFormed())),
  );
  checkSheet(table, summary, SHOWN, (rowAt, at) =>
    findInOffice(records[rowAt + 1]![at]!, shown[at]!.column),
  );
}

describe.skipIf(lacking !== "")(`a workbook of any columns and cells${lacking}`, () => {
  test(
    `is read back by LibreOffice, ${OFFICE.workbooks * OFFICE.rows} generated rows: every row, every cell, and every change counted`,
    async () => {
      const tables = fc.sample(tablesOf(OFFICE.rows), { numRuns: OFFICE.workbooks, seed });
      const files = await Promise.all(tables.map(renderTable));
      const sheets = await readInOffice(files.map(({ bytes }) => bytes));
      for (const [index, table] of tables.entries()) {
        try {
          checkOfficeSheet(table, sheets[index]!, files[index]!.summary);
        } catch (cause) {
          throw new Error(`In workbook ${index}. ${repeatLine(FILE)}`, { cause });
        }
      }
    },
    TIME_MAX_MS,
  );
});

const PYTHON = join(import.meta.dir, "../../.venv/bin/python");

function whyNoOpenpyxl(): string {
  const isThere = existsSync(PYTHON) && Bun.spawnSync([PYTHON, "-c", "import openpyxl"]).success;
  return isThere || process.env["CI"] === "true"
    ? ""
    : " (skipped: pip install -r test/requirements.txt into .venv)";
}

const lackingOpenpyxl = whyNoOpenpyxl();

async function readInOpenpyxl(workbooks: readonly Uint8Array[]) {
  return await inFolder(async (folder) => {
    const paths = workbooks.map((_, index) => join(folder, `book${index}.xlsx`));
    for (const [index, path] of paths.entries()) await Bun.write(path, workbooks[index] ?? "");
    const script = join(import.meta.dir, "read_workbooks.py");
    return foundWorkbooks.parse(JSON.parse(await runReader([PYTHON, script, ...paths])));
  });
}

describe.skipIf(lackingOpenpyxl !== "")(
  `a workbook of any columns and cells${lackingOpenpyxl}`,
  () => {
    test(
      `is read back by openpyxl without a warning, ${OFFICE.workbooks * OFFICE.rows} generated rows: every row, every cell, and every change counted`,
      async () => {
        const tables = fc.sample(tablesOf(OFFICE.rows), { numRuns: OFFICE.workbooks, seed });
        const files = await Promise.all(tables.map(renderTable));
        const workbooks = await readInOpenpyxl(files.map(({ bytes }) => bytes));
        for (const [index, table] of tables.entries()) {
          const { cells } = workbooks[index]!;
          expect(cells).toHaveLength(table.rows.length + 1);
          try {
            checkSheet(table, files[index]!.summary, EXACT, (rowAt, at) =>
              readFound(cells[rowAt + 1]![at]!),
            );
          } catch (cause) {
            throw new Error(`In workbook ${index}. ${repeatLine(FILE)}`, { cause });
          }
        }
      },
      TIME_MAX_MS,
    );

    test("with groups, results and a chart is read by openpyxl without a warning", async () => {
      const columns = [column("REGION", "text"), column("AMOUNT", "fixed", 2)];
      const rows = ["ASIA", "ASIA", "EUROPE"].map((region, at) => [region, `${at + 1}.50`]);
      const { bytes } = await render(createXlsxRenderer, columns, rows, {
        options: options({
          groupBy: ["REGION"],
          subtotals: { AMOUNT: "sum" },
          totals: { AMOUNT: "average" },
          chart: { type: "pie", x: "REGION", y: "AMOUNT" },
        }),
      });
      const [workbook] = await readInOpenpyxl([bytes]);
      expect(workbook).toMatchObject({
        names: ["Orders", "Chart", "About"],
        frozenAt: "A2",
        filtered: "A1:B6",
      });
      const texts = workbook?.cells.flat().map((cell) => (cell.kind === "text" ? cell.text : ""));
      expect(texts?.filter((text) => text.startsWith("="))).toHaveLength(3);
    });
  },
);

/** openpyxl tells an empty text from an empty cell, and leaves escapes to its caller, as exceljs does. */
function readFound(found: Found): Found {
  if (found.kind !== "text") return found;
  return found.text === "" ? { kind: "nothing" } : { kind: "text", text: unescapeText(found.text) };
}
