import { describe, expect, test } from "bun:test";
import exceljs from "exceljs";
import * as fc from "fast-check";
import type { RenderSummary } from "../../src/render/renderer.ts";
import { createXlsxRenderer } from "../../src/render/xlsx/renderer.ts";
import type { Column, ColumnType } from "../../src/report/table.ts";
import { exactNumber, isoText, shownWallTime, significantDigits } from "./arbitrary-meaning.ts";
import { holdsForAll, repeatLine, seed, TIME_MAX_MS } from "./arbitrary-runs.ts";
import {
  arbitraryTable,
  columnOptions,
  numberRows,
  shownColumns,
  type ArbitraryTable,
} from "./arbitrary-table.ts";
import { readInOffice, whyLacking, type OfficeCell, type OfficeSheet } from "./readers.ts";
import { options, render } from "./rendering.ts";

/**
 * A case is a generated row of any columns and cells. They are packed into workbooks, for a workbook takes 40 ms to
 * make and to read whatever it holds: 2,000 rows for exceljs in 50 workbooks, other 2,000 for LibreOffice in 10.
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

/** What a reader finds in a cell. */
type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "time"; readonly iso: string };

type Changes = Record<string, number>;

function count(changes: Changes, code: string): void {
  changes[code] = (changes[code] ?? 0) + 1;
}

const CUT_MARK = /… \[cut\]$/;
/** What XML 1.0 cannot hold, and CR, which it can but a parser turns into LF. */
const NOT_IN_XML = /[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** What a reader does to what a cell holds, so that it can be compared. */
interface Reader {
  /** What of a text can be compared. */
  showText(text: string): string;
  checkValue(value: number, column: Column, cell: string): void;
  checkMoment(found: string, expected: Temporal.PlainDateTime): void;
}

function checkText(found: string, given: string, reader: Reader, changes: Changes): void {
  let kept = given;
  let shown = found;
  if (given.length > 32_767) {
    expect(found).toMatch(CUT_MARK);
    expect(found.length).toBeLessThanOrEqual(32_767);
    shown = found.replace(CUT_MARK, "");
    kept = given.slice(0, shown.length);
    expect(kept.length).toBeGreaterThan(32_700);
    count(changes, "cell_truncated");
  }
  expect(reader.showText(shown)).toBe(reader.showText(kept.toWellFormed()));
  if (!kept.isWellFormed()) count(changes, "lone_surrogate");
  if (NOT_IN_XML.test(kept.toWellFormed())) count(changes, "control_character");
}

function checkNumber(
  found: Found,
  column: Column,
  cell: string,
  reader: Reader,
  changes: Changes,
): void {
  if (found.kind === "number") return reader.checkValue(found.value, column, cell);
  expect(found).toEqual({ kind: "text", text: cell });
  count(changes, "number_as_text");
  expect(fitsSheet(column.type, cell)).toBe(false);
}

/** Numbers that must be numbers in a sheet: 15 digits, and a power of ten within those of a double. */
function fitsSheet(type: ColumnType, cell: string): boolean {
  const size = Math.abs(Number(cell));
  if (type === "real") return size === 0 || (size > 1e-307 && size < 1e307);
  return significantDigits(cell) <= 15 && size < 1e15;
}

/** A date, a time or a timestamp: a point on the sheet's time line, or else its ISO text. */
function checkTime(
  found: Found,
  column: Column,
  given: { cell: string; timezone: string },
  reader: Reader,
  changes: Changes,
): void {
  const iso = isoText(column, given.cell, given.timezone);
  if (found.kind !== "time") {
    expect(found).toEqual({ kind: "text", text: iso });
    count(changes, "date_as_text");
    expect(/^(19[1-9]\d|[2-9]\d{3})-/.test(iso)).toBe(false);
    return;
  }
  const shown = shownWallTime(column, given.cell, given.timezone);
  const cut = shown.round({ smallestUnit: "millisecond", roundingMode: "floor" });
  reader.checkMoment(found.iso, cut);
  if (!cut.equals(shown)) count(changes, "fraction_cut");
}

function checkCell(
  found: Found,
  column: Column,
  given: { cell: string | null; timezone: string },
  reader: Reader,
  changes: Changes,
): void {
  const { cell, timezone } = given;
  // Both readers take an empty text for an empty cell.
  if (cell === null || cell === "") return expect(found).toEqual({ kind: "nothing" });
  switch (column.type) {
    case "fixed":
    case "real":
      return checkNumber(found, column, cell, reader, changes);
    case "boolean":
      return expect(found).toEqual({
        kind: "boolean",
        value: isoText(column, cell, timezone) === "true",
      });
    case "date":
    case "time":
    case "timestamp_ntz":
    case "timestamp_ltz":
      return checkTime(found, column, { cell, timezone }, reader, changes);
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
    case "timestamp_tz":
      expect(found.kind).toBe("text");
      if (found.kind === "text")
        checkText(found.text, isoText(column, cell, timezone), reader, changes);
  }
}

function checkSheet(
  table: ArbitraryTable,
  summary: RenderSummary,
  reader: Reader,
  find: (rowAt: number, at: number) => Found,
): void {
  const changes: Changes = {};
  for (const [rowAt, row] of table.rows.entries()) {
    for (const [at, { column, index }] of shownColumns(table).entries()) {
      checkCell(
        find(rowAt, at),
        column,
        { cell: row[index] ?? null, timezone: table.timezone },
        reader,
        changes,
      );
    }
  }
  for (const { label } of shownColumns(table)) {
    if (!label.isWellFormed()) count(changes, "label_changed");
  }
  expect(changes).toEqual(
    Object.fromEntries(summary.warnings.map(({ code, count }) => [code, count])),
  );
  expect(summary.rowCount).toBe(table.rows.length);
}

/** exceljs gives what the file holds. */
const EXACT: Reader = {
  showText: (text) => text,
  checkValue(value, { type }, cell) {
    // A sheet has one zero.
    if (type === "real") expect(value || 0).toBe(Number(cell) || 0);
    else expect(exactNumber(value.toPrecision(15))).toBe(exactNumber(cell));
  },
  checkMoment(found, expected) {
    expect(found).toBe(expected.toString({ smallestUnit: "millisecond" }));
  },
};

/** As Excel reads a text: ECMA-376 part 1, 22.9.2.19, which exceljs leaves to its caller. */
function unescapeText(text: string): string {
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
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
