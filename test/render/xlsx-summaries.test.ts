import { describe, expect, test } from "bun:test";
import type { Worksheet, Workbook } from "exceljs";
import * as fc from "fast-check";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { createZipWriter } from "../../src/render/xlsx/zip.ts";
import type { Column, Row } from "../../src/report/table.ts";
import { convertSheets, inFolder, whyLacking } from "./readers.ts";
import { column, failureOf, rowsOf } from "./rendering.ts";
import { renderSheet } from "./xlsx-reading.ts";

const columns: Column[] = [
  column("REGION", "text"),
  column("NATION", "text"),
  column("AMOUNT", "fixed", 2),
];
const rows: Row[] = [
  ["AFRICA", "KENYA", "1.10"],
  ["ASIA", "CHINA", "2.20"],
  ["ASIA", "CHINA", null],
  ["ASIA", "JAPAN", "-0.30"],
];
const number = [column("N", "fixed", 2)];

/** What exceljs reads of a cell: its value, and its formula when it has one. */
function read(sheet: Worksheet, at: string): { value: unknown; formula: string | undefined } {
  const cell = sheet.getCell(at);
  return cell.formula === undefined
    ? { value: cell.value, formula: undefined }
    : { value: cell.result, formula: cell.formula };
}

function readRow(sheet: Worksheet, row: number): unknown[] {
  return Array.from({ length: sheet.columnCount }, (_, index) => {
    const { value, formula } = read(sheet, sheet.getCell(row, index + 1).address);
    return formula === undefined ? value : [formula, value];
  });
}

const MEANINGS: Record<string, (values: number[]) => number> = {
  "1": (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  "3": (values) => values.length,
  "4": (values) => Math.max(...values),
  "5": (values) => Math.min(...values),
  "9": (values) => values.reduce((sum, value) => sum + value, 0),
};

/** What a spreadsheet makes of a SUBTOTAL, over the cells that are no formulas. */
function calculate(workbook: Workbook, sheet: Worksheet, formula: string): number {
  const [, code = "", references = ""] = /^SUBTOTAL\((?:10)?(\d),(.*)\)$/.exec(formula) ?? [];
  const values = [
    ...references.matchAll(/(?:'((?:[^']|'')+)'!)?([A-Z]+)(\d+):[A-Z]+(\d+)/g),
  ].flatMap(([, name, letters, first, last]) => {
    const target = name === undefined ? sheet : workbook.getWorksheet(name.replaceAll("''", "'"));
    if (target === undefined) throw new Error(`${formula} names no sheet`);
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, offset) =>
      target.getCell(`${letters}${Number(first) + offset}`),
    );
  });
  const constants = values.filter((cell) => cell.formula === undefined && cell.value !== null);
  const counted =
    code === "3" ? constants : constants.filter(({ value }) => typeof value === "number");
  return MEANINGS[code]?.(counted.map(({ value }) => Number(value))) ?? Number.NaN;
}

describe("totals", () => {
  test("are formulas that follow the filter, with their exact value, below the filter", async () => {
    const aggregates = ["sum", "average", "min", "max", "count"] as const;
    const sheets = await Promise.all(
      aggregates.map(async (aggregate) => {
        const { sheet } = await renderSheet(columns, rows, { totals: { amount: aggregate } });
        return [sheet.autoFilter, readRow(sheet, 6)];
      }),
    );
    expect(sheets).toEqual([
      ["A1:C5", ["Total", null, ["SUBTOTAL(109,C2:C5)", 3]]],
      ["A1:C5", ["Total", null, ["SUBTOTAL(101,C2:C5)", 1]]],
      ["A1:C5", ["Total", null, ["SUBTOTAL(105,C2:C5)", -0.3]]],
      ["A1:C5", ["Total", null, ["SUBTOTAL(104,C2:C5)", 2.2]]],
      ["A1:C5", ["Total", null, ["SUBTOTAL(103,C2:C5)", 3]]],
    ]);
  });
  test("are bold, with the column's format; a count has none, an average two decimals at least", async () => {
    const three = [column("A", "fixed", 2), column("B", "fixed"), column("C", "text")];
    const { sheet, parts, summary } = await renderSheet(three, [["1.00", "2", "x"]], {
      totals: { A: "sum", B: "average", C: "count" },
      columns: { A: { format: '#,##0.00 "€"' } },
    });
    const cells = ["A3", "B3", "C3"].map((at) => sheet.getCell(at));
    expect(cells.map(({ font }) => font.bold)).toEqual([true, true, true]);
    expect(cells.map(({ numFmt }) => numFmt)).toEqual(['#,##0.00 "€"', "0.00", "0"]);
    expect(summary.rowCount).toBe(1);
    expect(parts.get("xl/worksheets/sheet1.xml")).toContain('<dimension ref="A1:C3"/>');
  });
  test("are not marked as formulas that omit cells, whether the column is text or not", async () => {
    const { parts } = await renderSheet(columns, rows, {
      totals: { AMOUNT: "sum", NATION: "count" },
    });
    expect(parts.get("xl/worksheets/sheet1.xml")).toContain(
      '<ignoredErrors><ignoredError sqref="A1:A6" numberStoredAsText="1"/>' +
        '<ignoredError sqref="B1:B6" numberStoredAsText="1" formula="1" formulaRange="1"/>' +
        '<ignoredError sqref="C1:C6" formula="1" formulaRange="1"/></ignoredErrors>',
    );
  });
  test("add exactly what doubles would not", async () => {
    const cells = Array.from({ length: 1000 }, () => "0.10");
    const { parts } = await renderSheet(number, rowsOf(...cells), { totals: { N: "sum" } });
    expect(parts.get("xl/worksheets/sheet1.xml")).toContain("<v>100.00</v>");
  });
  test("of dates and times are dates and times", async () => {
    const two = [column("D", "date"), column("T", "timestamp_ltz")];
    const { sheet } = await renderSheet(
      two,
      [
        ["20000", "1700000000"],
        ["20001", "1600000000"],
      ],
      { totals: { D: "max", T: "min" } },
      { timezone: "Asia/Tokyo" },
    );
    expect(readRow(sheet, 4)).toEqual([
      ["SUBTOTAL(104,A2:A3)", new Date("2024-10-05T00:00:00Z")],
      ["SUBTOTAL(105,B2:B3)", new Date("2020-09-13T21:26:40Z")],
    ]);
  });
  test("over numbers that are text in the sheet are the exact value as text, with a warning", async () => {
    const cells = rowsOf("1234567890123456.78", "0.01");
    for (const [aggregate, value] of [
      ["sum", "1234567890123456.79"],
      ["average", "617283945061728.39500000"],
      ["max", "1234567890123456.78"],
    ] as const) {
      const { sheet, counts } = await renderSheet(number, cells, { totals: { N: aggregate } });
      expect(read(sheet, "A4")).toEqual({ value, formula: undefined });
      expect(counts).toEqual({ number_as_text: 1, total_as_text: 1 });
    }
    const { sheet, counts } = await renderSheet(number, cells, { totals: { N: "min" } });
    expect(read(sheet, "A4")).toEqual({ value: 0.01, formula: "SUBTOTAL(105,A2:A3)" });
    expect(counts).toEqual({ number_as_text: 1 });
  });
  test("that need more digits than a spreadsheet has are text, and the sheet About says so", async () => {
    const cells = rowsOf("9999999999999.99", "0.01", "9999999999999.99");
    const { sheet, workbook, counts } = await renderSheet(number, cells, { totals: { N: "sum" } });
    expect(read(sheet, "A5")).toEqual({ value: "19999999999999.99", formula: undefined });
    expect(counts).toEqual({ total_as_text: 1 });
    const about = JSON.stringify(workbook.getWorksheet("About")?.getSheetValues());
    expect(about).toContain(
      "Totals that a spreadsheet cannot compute exactly, written as text: 1.",
    );
  });
  test("leave out NaN as SQL would not have it, and show an infinity as text", async () => {
    const real = [column("R", "real")];
    const nan = await renderSheet(real, rowsOf("NaN", "1.5", "2"), { totals: { R: "sum" } });
    expect(read(nan.sheet, "A5")).toEqual({ value: 3.5, formula: "SUBTOTAL(109,A2:A4)" });
    const infinite = await renderSheet(real, rowsOf("inf", "1.5"), { totals: { R: "sum" } });
    expect(read(infinite.sheet, "A4")).toEqual({ value: "inf", formula: undefined });
    expect(infinite.counts["total_as_text"]).toBe(1);
  });
  test("of texts and booleans are values, for a formula finds no least text", async () => {
    const two = [column("T", "text"), column("B", "boolean")];
    const { sheet, counts } = await renderSheet(
      two,
      [
        ["pear", "0"],
        ["apple", "1"],
      ],
      { totals: { T: "min", B: "max" } },
    );
    expect([readRow(sheet, 4), counts]).toEqual([["apple", true], {}]);
  });
  test("of nothing are empty, and a count of nothing is 0", async () => {
    const empty = await renderSheet(columns, [], { totals: { AMOUNT: "sum", NATION: "count" } });
    expect(readRow(empty.sheet, 2)).toEqual(["Total", 0, null]);
    const nulls = await renderSheet(number, rowsOf(null), { totals: { N: "average" } });
    expect(readRow(nulls.sheet, 3)).toEqual([null]);
  });
  test("that count empty texts are values, for not every spreadsheet counts those", async () => {
    const two = [column("N", "fixed"), column("T", "text")];
    const cells: Row[] = [
      ["1", ""],
      ["1", "x"],
      ["2", "y"],
    ];
    const { sheet, counts } = await renderSheet(two, cells, {
      groupBy: "N",
      subtotals: { T: "count" },
      totals: { T: "count" },
    });
    expect([readRow(sheet, 4), readRow(sheet, 6), readRow(sheet, 7), counts]).toEqual([
      ["Total 1", 2],
      ["Total 2", 1],
      ["Total", 3],
      {},
    ]);
  });
  test("have room: a column is wide enough for the sum of its values in their format", async () => {
    const cells = Array.from({ length: 100 }, () => "9999.99");
    const wide = await renderSheet(number, rowsOf(...cells), {
      totals: { N: "sum" },
      columns: { N: { format: '#,##0.00 "€"' } },
    });
    expect(wide.sheet.getColumn(1).width).toBeGreaterThan("999,999.00 €".length + 1);
  });
});

describe("groups", () => {
  const grouped = {
    groupBy: ["REGION", "NATION"],
    subtotals: { AMOUNT: "sum" },
    totals: { AMOUNT: "sum" },
  };

  test("end in a subtotal of each level that counts folded rows, the totals skip them", async () => {
    const { sheet, summary } = await renderSheet(columns, rows, grouped);
    const read = Array.from({ length: sheet.rowCount - 1 }, (_, index) =>
      readRow(sheet, index + 2),
    );
    expect(read).toEqual([
      ["AFRICA", "KENYA", 1.1],
      [null, "Total KENYA", ["SUBTOTAL(9,C2:C2)", 1.1]],
      ["Total AFRICA", null, ["SUBTOTAL(9,C2:C3)", 1.1]],
      ["ASIA", "CHINA", 2.2],
      ["ASIA", "CHINA", null],
      [null, "Total CHINA", ["SUBTOTAL(9,C5:C6)", 2.2]],
      ["ASIA", "JAPAN", -0.3],
      [null, "Total JAPAN", ["SUBTOTAL(9,C8:C8)", -0.3]],
      ["Total ASIA", null, ["SUBTOTAL(9,C5:C9)", 1.9]],
      ["Total", null, ["SUBTOTAL(9,C2:C10)", 3]],
    ]);
    expect(summary.rowCount).toBe(4);
    expect(sheet.autoFilter).toBe("A1:C10");
  });
  test("fold: rows lie deeper than their subtotals, which stand below them", async () => {
    const { sheet, parts } = await renderSheet(columns, rows, grouped);
    const depths = Array.from({ length: 10 }, (_, index) => sheet.getRow(index + 2).outlineLevel);
    expect(depths).toEqual([2, 1, 0, 2, 2, 1, 2, 1, 0, 0]);
    const xml = parts.get("xl/worksheets/sheet1.xml") ?? "";
    expect(xml).toContain(
      '<sheetPr><outlinePr summaryBelow="1"/><pageSetUpPr fitToPage="1"/></sheetPr>',
    );
    expect(xml).toMatch(/<sheetFormatPr [^>]*outlineLevelRow="2"/);
    expect(sheet.getCell("B3").font.bold).toBe(true);
  });
  test("of an outer value end the inner group, even when its value stays", async () => {
    const same: Row[] = [
      ["ASIA", "X", "1.00"],
      ["EUROPE", "X", "2.00"],
    ];
    const { sheet } = await renderSheet(columns, same, grouped);
    expect(readRow(sheet, 3)).toEqual([null, "Total X", ["SUBTOTAL(9,C2:C2)", 1]]);
    expect(readRow(sheet, 6)).toEqual([null, "Total X", ["SUBTOTAL(9,C5:C5)", 2]]);
  });
  test("without subtotals end in their name and size", async () => {
    const { sheet } = await renderSheet(columns, rows, { groupBy: "REGION" });
    expect([readRow(sheet, 3)[0], readRow(sheet, 7)[0]]).toEqual([
      "AFRICA (1 row)",
      "ASIA (3 rows)",
    ]);
    expect(sheet.rowCount).toBe(7);
  });
  test("are named as their cells read, and by a word where these are empty", async () => {
    const days = [column("DAY", "date"), column("N", "fixed")];
    const { sheet } = await renderSheet(
      days,
      [
        [null, "1"],
        ["20000", "2"],
      ],
      { groupBy: "DAY", subtotals: { N: "sum" } },
    );
    expect([sheet.getCell("A3").value, sheet.getCell("A5").value]).toEqual([
      "Total (empty)",
      "Total 2024-10-04",
    ]);
  });
  test("keep their names out of columns that are counted, and of hidden ones", async () => {
    const { sheet } = await renderSheet(columns, rows, {
      groupBy: "REGION",
      subtotals: { REGION: "count" },
      totals: { AMOUNT: "sum", REGION: "count" },
    });
    expect(readRow(sheet, 3)).toEqual([["SUBTOTAL(3,A2:A2)", 1], "Total AFRICA", null]);
    expect(readRow(sheet, 8)[0]).toEqual(["SUBTOTAL(3,A2:A7)", 4]);
    const hidden = await renderSheet(columns, rows, {
      ...grouped,
      groupBy: "REGION",
      columns: { REGION: { hidden: true } },
    });
    expect(readRow(hidden.sheet, 3)[0]).toBe("Total AFRICA");
  });
  test("count no subtotal that is text", async () => {
    const { sheet, workbook } = await renderSheet(columns, rows, {
      groupBy: "REGION",
      subtotals: { NATION: "max" },
      totals: { NATION: "count" },
    });
    expect(readRow(sheet, 3)[1]).toBe("KENYA");
    expect(readRow(sheet, 8)[1]).toBe(4);
    expect(workbook.worksheets).toHaveLength(2);
  });
  test("of any shape, over sheets of any size, have formulas that give their exact values", async () => {
    const key = fc.constantFrom("A", "B", "C");
    const cents = fc.option(fc.integer({ min: -99_999, max: 99_999 }), { freq: 5, nil: null });
    const table = fc.array(fc.tuple(key, key, cents), { maxLength: 40 });
    const shape = {
      subtotals: { AMOUNT: "sum", KEY: "count" },
      totals: { AMOUNT: "sum", KEY: "count" },
    };
    const keyed = [...columns, column("KEY", "text")];
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.integer({ min: 2, max: 9 }),
        fc.integer({ min: 0, max: 2 }),
        async (cells, limit, levels) => {
          const given = cells.map(([a, b, amount]): Row => [
            a,
            b,
            amount === null ? null : (amount / 100).toFixed(2),
            "k",
          ]);
          const groupBy = ["REGION", "NATION"].slice(0, levels);
          const { workbook } = await renderSheet(
            keyed,
            given,
            levels === 0 ? { totals: shape.totals } : { ...shape, groupBy },
            {},
            limit,
          );
          const data: unknown[][] = [];
          const sheets = workbook.worksheets.slice(0, -1);
          for (const [index, sheet] of sheets.entries()) {
            expect(
              sheet.rowCount <= limit && (index === sheets.length - 1 || sheet.rowCount === limit),
            ).toBe(true);
            for (let at = 2; at <= sheet.rowCount; at++) {
              if (sheet.getCell(at, 4).value === "k") data.push(readRow(sheet, at));
              for (const cell of [sheet.getCell(at, 3), sheet.getCell(at, 4)]) {
                if (cell.formula === undefined) continue;
                expect(calculate(workbook, sheet, cell.formula)).toBeCloseTo(
                  Number(cell.result),
                  6,
                );
              }
            }
          }
          expect(data).toEqual(
            given.map(([a, b, n]) => [a, b, n === null ? null : Number(n), "k"]),
          );
          const last = sheets.at(-1);
          const sum = cells.reduce((total, [, , amount]) => total + (amount ?? 0), 0) / 100;
          const hasValues = cells.some(([, , amount]) => amount !== null);
          const total = last?.getCell(last.rowCount, 3);
          expect(total?.result ?? null).toBe(hasValues ? sum : null);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("an option that does not fit the columns is refused by its path", () => {
  const cases: [object, string][] = [
    [{ totals: { NOPE: "sum" } }, "OPTIONS: totals.NOPE: "],
    [{ totals: { region: "sum" } }, "OPTIONS: totals.region: "],
    [{ groupBy: "REGION", subtotals: { REGION: "average" } }, "OPTIONS: subtotals.REGION: "],
    [{ groupBy: "REGION", subtotals: { NOPE: "count" } }, "OPTIONS: subtotals.NOPE: "],
    [{ groupBy: "NOPE" }, "OPTIONS: groupBy: "],
    [{ subtotals: { AMOUNT: "sum" } }, "OPTIONS: subtotals: "],
    [
      { totals: { AMOUNT: "sum" }, columns: { AMOUNT: { hidden: true } } },
      "OPTIONS: totals.AMOUNT: ",
    ],
    [{ totals: { AMOUNT: "sum", amount: "min" } }, "OPTIONS: totals.amount: "],
  ];
  for (const [json, path] of cases) {
    test(JSON.stringify(json), async () => {
      const failure = await failureOf(renderSheet(columns, rows, json));
      expect(failure).toMatchObject({ code: "invalid_report" });
      expect(String(failure)).toContain(path);
    });
  }
});

/** The file without the values of its formulas, so that whoever opens it has to calculate them. */
async function dropValues(parts: ReadonlyMap<string, string>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const zip = createZipWriter({ write: (bytes) => void pieces.push(bytes) });
  for (const [name, text] of parts) {
    const entry = await zip.open(name);
    const bare = text.replace(/<\/f><v>[^<]*<\/v>/g, "</f>");
    await entry.write(new Uint8Array(Buffer.from(bare, name.endsWith(".png") ? "latin1" : "utf8")));
    await entry.close();
  }
  await zip.finish();
  return new Uint8Array(Buffer.concat(pieces));
}

/** The last row of the last data sheet of each workbook, as LibreOffice calculates it. */
async function calculateLastRows(workbooks: readonly Uint8Array[]): Promise<string[][]> {
  return await inFolder(async (folder) => {
    const paths = workbooks.map((_, index) => join(folder, `book${index}.xlsx`));
    for (const [index, path] of paths.entries()) await Bun.write(path, workbooks[index] ?? "");
    const written = await convertSheets(folder, paths);
    return await Promise.all(
      paths.map(async (path) => {
        const last = written.filter((one) => one.workbook === path && one.sheet !== "About").at(-1);
        const records: string[][] = parse(await Bun.file(last?.path ?? "").text());
        return records.at(-1) ?? [];
      }),
    );
  });
}

const lacking = whyLacking("soffice");
describe.skipIf(lacking !== "")(`LibreOffice${lacking}`, () => {
  test("calculates the totals that stand in the file, over groups and over sheets", async () => {
    const amounts = Array.from({ length: 100 }, (_, index) => ((index * 7919) % 10_007) / 100);
    const many = amounts.map((amount, index): Row => [
      `R${Math.floor(index / 40)}`,
      `N${Math.floor(index / 9)}`,
      amount.toFixed(2),
    ]);
    const sum = amounts.reduce((total, amount) => total + Math.round(amount * 100), 0) / 100;
    const aggregates = [
      ["sum", sum.toFixed(2)],
      ["average", (sum / 100).toFixed(2)],
      ["min", Math.min(...amounts).toFixed(2)],
      ["max", Math.max(...amounts).toFixed(2)],
      ["count", "100"],
    ] as const;
    const shapes = [
      { json: {}, limit: 1000 },
      { json: {}, limit: 17 },
      { json: { groupBy: ["REGION", "NATION"], subtotals: { AMOUNT: "sum" } }, limit: 1000 },
      { json: { groupBy: ["REGION", "NATION"], subtotals: { AMOUNT: "sum" } }, limit: 13 },
    ];
    const books: Uint8Array[] = [];
    const expected: string[][] = [];
    for (const { json, limit } of shapes) {
      for (const [aggregate, value] of aggregates) {
        const totals = { AMOUNT: aggregate };
        const facts = { reportName: "It's & <more>" };
        const named = { excel: { sheetName: "It's & <more>" } };
        const { parts } = await renderSheet(
          columns,
          many,
          { ...json, totals, ...named },
          facts,
          limit,
        );
        books.push(await dropValues(parts));
        expected.push(["Total", "", value]);
      }
    }
    expect(await calculateLastRows(books)).toEqual(expected);
  }, 60_000);
});
