import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { createCsvRenderer } from "../../src/render/csv.ts";
import type { RenderSummary } from "../../src/render/renderer.ts";
import type { CsvOptions } from "../../src/report/options.ts";
import type { Cell, Column } from "../../src/report/table.ts";
import { isoText } from "./arbitrary-meaning.ts";
import { holdsForAll, TIME_MAX_MS } from "./arbitrary-runs.ts";
import {
  arbitraryTable,
  columnOptions,
  shownColumns,
  type ArbitraryTable,
} from "./arbitrary-table.ts";
import { column, options, render } from "./rendering.ts";

/** csv-parse reads every file, with none of our code; each case is one generated table in one generated dialect. */
const TABLES = 2_000;

const dialects = fc
  .record({
    delimiter: fc.constantFrom(",", ";", "\t", "|", "§", "-", "1", " ", "."),
    bom: fc.boolean(),
    header: fc.boolean(),
    nullText: fc.constantFrom("", "", "NULL", "\\N", "0", "a"),
    quote: fc.constantFrom("minimal" as const, "minimal" as const, "all" as const),
    lineEnd: fc.constantFrom("crlf" as const, "lf" as const),
    gzip: fc.nat(9).map((dice) => dice === 0),
    formulaGuard: fc.boolean(),
  })
  .filter(({ delimiter, nullText }) => !nullText.includes(delimiter));

const DEFAULT = options({}).csv;

const records = z.array(z.array(z.string().nullable()));

/** As a program reads a CSV: UTF-8 that is valid, a byte order mark dropped, records by the line end. */
function read(bytes: Uint8Array, dialect: CsvOptions): Cell[][] {
  const plain = dialect.gzip ? gunzipSync(bytes) : bytes;
  const text = new TextDecoder("utf-8", { fatal: true }).decode(plain);
  return records.parse(
    parse(text, {
      delimiter: dialect.delimiter,
      record_delimiter: dialect.lineEnd === "crlf" ? "\r\n" : "\n",
      cast: (value, { quoting }) => (!quoting && value === dialect.nullText ? null : value),
    }),
  );
}

/** What the file says where, and what the warehouse had there. */
interface Field {
  readonly found: Cell | undefined;
  readonly given: Cell;
  /** Null for a label. */
  readonly column: Column | null;
}

function pairFields(table: ArbitraryTable, found: Cell[][], hasHeader: boolean): Field[] {
  const shown = shownColumns(table);
  const rows = hasHeader ? found.slice(1) : found;
  const labels = shown.map(({ label }, at): Field => ({
    found: found[0]?.[at],
    given: label,
    column: null,
  }));
  const cells = table.rows.flatMap((row, rowAt) =>
    shown.map(({ column, index }, at): Field => {
      const cell = row[index] ?? null;
      const given = cell === null ? null : isoText(column, cell, table.timezone);
      return { found: rows[rowAt]?.[at], given, column };
    }),
  );
  return hasHeader ? [...labels, ...cells] : cells;
}

const TEXT_TYPES = new Set(["text", "variant", "object", "array"]);

/** What had to be changed, by the rules of the format; throws for any other difference. */
function countChanges(fields: readonly Field[], dialect: CsvOptions): Record<string, number> {
  let guarded = 0;
  let replaced = 0;
  for (const { found, given, column } of fields) {
    if (given === null) {
      expect(found).toBe(null);
      continue;
    }
    const isText = column === null || TEXT_TYPES.has(column.type);
    const whole = given.toWellFormed();
    if (whole !== given) replaced++;
    const isGuarded = isText && dialect.formulaGuard && found === `'${whole}` && found !== whole;
    if (isGuarded) guarded++;
    else expect(found).toBe(whole);
    expect(isGuarded || !runsAsFormula(given, column) || !dialect.formulaGuard).toBe(true);
  }
  return {
    ...(guarded === 0 ? {} : { formula_guarded: guarded }),
    ...(replaced === 0 ? {} : { lone_surrogate: replaced }),
  };
}

/** A number in a variant is data and no formula. */
function runsAsFormula(text: string, column: Column | null): boolean {
  if (column !== null && !TEXT_TYPES.has(column.type)) return false;
  if (column?.type === "variant" && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return false;
  return /^[=+\-@\t\r]/.test(text);
}

function countsOf(summary: RenderSummary): Record<string, number> {
  return Object.fromEntries(summary.warnings.map(({ code, count }) => [code, count]));
}

test(
  `${TABLES} tables of any columns and cells, each in a dialect of its own, are read back by csv-parse: every row, every cell, and every change counted`,
  async () => {
    const tables = arbitraryTable({ columnsMax: 6, rowsMin: 0, rowsMax: 8, longTexts: true });
    await holdsForAll(
      "roundtrip-csv.test.ts",
      TABLES,
      fc.tuple(tables, dialects),
      async ([table, dialect]) => {
        const { bytes, summary } = await render(
          createCsvRenderer,
          table.columns.map(({ column }) => column),
          table.rows,
          {
            timezone: table.timezone,
            options: options({ columns: columnOptions(table), csv: dialect }),
          },
          3,
        );
        const found = read(bytes, dialect);
        expect(found).toHaveLength(table.rows.length + (dialect.header ? 1 : 0));
        for (const record of found) expect(record).toHaveLength(shownColumns(table).length);
        const fields = pairFields(table, found, dialect.header);
        expect(countChanges(fields, dialect)).toEqual(countsOf(summary));
        expect(summary.rowCount).toBe(table.rows.length);
      },
    );
  },
  TIME_MAX_MS,
);

test("a binary without bytes is not read as null", async () => {
  const { bytes } = await render(
    createCsvRenderer,
    [column("A", "binary"), column("B", "binary")],
    [["", null]],
  );
  expect(read(bytes, DEFAULT).at(-1)).toEqual(["", null]);
});

test("U+FEFF at the head of a file is not read as a byte order mark", async () => {
  const { bytes } = await render(createCsvRenderer, [column("\uFEFFA", "text")], [["x"]]);
  expect(read(bytes, DEFAULT)).toEqual([["\uFEFFA"], ["x"]]);
});
