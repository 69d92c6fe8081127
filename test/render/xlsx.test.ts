import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { setImmediate } from "node:timers/promises";
import type { Cell, ColumnType, Row } from "../../src/report/table.ts";
import { createXlsxRenderer } from "../../src/render/xlsx/renderer.ts";
import { createZipWriter } from "../../src/render/xlsx/zip.ts";
import { column, context, failureOf, render, rowsOf } from "./rendering.ts";
import { readParts, renderSheet } from "./xlsx-reading.ts";

const name = [column("NAME", "text")];

/** Value and number format of the cells of one column, as exceljs reads them. */
async function readColumn(type: ColumnType, cells: readonly Cell[], timezone = "UTC", scale = 0) {
  const columns = [column("C", type, scale)];
  const { sheet, counts } = await renderSheet(columns, rowsOf(...cells), {}, { timezone });
  const read = cells.map((_, index) => sheet.getCell(index + 2, 1));
  return {
    values: read.map(({ value }) => (value instanceof Date ? value.toISOString() : value)),
    formats: read.map(({ numFmt }) => numFmt),
    counts,
  };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** As Excel reads a text: ECMA-376 part 1, 22.9.2.19. */
function unescapeText(text: string): string {
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

describe("a cell", () => {
  test("of decimals is a number with the column's decimals", async () => {
    const { values, formats, counts } = await readColumn(
      "fixed",
      ["-12.50", "0.00", null],
      "UTC",
      2,
    );
    expect(values).toEqual([-12.5, 0, null]);
    expect(formats.slice(0, 2)).toEqual(["0.00", "0.00"]);
    expect(counts).toEqual({});
  });
  test("of a number with more than 15 digits that count stays text, digit for digit", async () => {
    const cells = [
      "123456789012345",
      "1234567890123456",
      "-1234567890.123456",
      "1.100000000000000000",
    ];
    const { values, counts } = await readColumn("fixed", [...cells, "0.000000000000000000123"]);
    expect(values).toEqual([
      123456789012345,
      "1234567890123456",
      "-1234567890.123456",
      1.1,
      1.23e-19,
    ]);
    expect(counts).toEqual({ number_as_text: 2 });
  });
  test("of a float is a number, and text when a spreadsheet has no such number", async () => {
    const cells = ["1.5", "1e+300", "0.1", "NaN", "inf", "-inf", "1.7e308", "5e-324", "0"];
    const { values, counts } = await readColumn("real", cells);
    expect(values).toEqual([1.5, 1e300, 0.1, "NaN", "inf", "-inf", "1.7e308", "5e-324", 0]);
    expect(counts).toEqual({ number_as_text: 5 });
  });
  test("of an id in a text column stays text with its zeros", async () => {
    const { values, formats } = await readColumn("text", ["00042", "=1+1", "1e5"]);
    expect(values).toEqual(["00042", "=1+1", "1e5"]);
    expect(formats).toEqual(["@", "@", "@"]);
  });
  test("of a boolean is a boolean, with the format without which LibreOffice shows 1 and 0", async () => {
    const { values, formats } = await readColumn("boolean", ["1", "false"]);
    expect(values).toEqual([true, false]);
    expect(new Set(formats)).toEqual(new Set(['"TRUE";"TRUE";"FALSE"']));
  });
  test("of a date is a date from 1900-03-01 to 9999-12-31, else ISO text", async () => {
    const { values, formats, counts } = await readColumn("date", [
      "-25508",
      "2932896",
      "-25509",
      "2932897",
    ]);
    expect(values).toEqual([
      "1900-03-01T00:00:00.000Z",
      "9999-12-31T00:00:00.000Z",
      "1900-02-28",
      "+010000-01-01",
    ]);
    expect(formats).toEqual(["yyyy-mm-dd", "yyyy-mm-dd", "@", "@"]);
    expect(counts).toEqual({ date_as_text: 2 });
  });
  test("of a time is a part of a day, cut to milliseconds", async () => {
    const { sheet, counts } = await renderSheet(
      [column("T", "time", 9)],
      rowsOf("43200", "86399.999999999"),
    );
    expect(sheet.getCell("A2").numFmt).toBe("hh:mm:ss");
    expect(sheet.getCell("A3").numFmt).toBe("hh:mm:ss.000");
    const [noon, late] = ["A2", "A3"].map((at) =>
      new Date(textOf(sheet.getCell(at).value)).toISOString(),
    );
    expect(noon?.slice(11)).toBe("12:00:00.000Z");
    expect(late?.slice(11)).toBe("23:59:59.999Z");
    expect(counts).toEqual({ fraction_cut: 1 });
  });
  test("of a timestamp is a date with time, in the report's zone when it is an instant", async () => {
    const ntz = await readColumn(
      "timestamp_ntz",
      ["1700000000.250000000", "1700000000"],
      "Asia/Tokyo",
    );
    expect(ntz.values).toEqual(["2023-11-14T22:13:20.250Z", "2023-11-14T22:13:20.000Z"]);
    expect(ntz.formats).toEqual(["yyyy-mm-dd hh:mm:ss.000", "yyyy-mm-dd hh:mm:ss"]);
    const ltz = await readColumn("timestamp_ltz", ["1774745999", "1774746000"], "Europe/Berlin");
    expect(ltz.values).toEqual(["2026-03-29T01:59:59.000Z", "2026-03-29T03:00:00.000Z"]);
    const old = await readColumn("timestamp_ntz", ["-62135596800"]);
    expect([old.values, old.counts]).toEqual([["0001-01-01 00:00:00"], { date_as_text: 1 }]);
  });
  test("of a timestamp with its own offset is text with that offset", async () => {
    const { values, counts } = await readColumn(
      "timestamp_tz",
      ["1700000000.5 1770"],
      "Asia/Tokyo",
    );
    expect([values, counts]).toEqual([["2023-11-15 03:43:20.500+05:30"], {}]);
  });
  test("that is null is not there, and an empty text is", async () => {
    const { parts } = await renderSheet([...name, column("B", "text")], [[null, ""]]);
    const row = /<row r="2">(.*?)<\/row>/.exec(parts.get("xl/worksheets/sheet1.xml") ?? "")?.[1];
    expect(row).toMatch(/^<c r="B2" s="\d+" t="inlineStr"><is><t><\/t><\/is><\/c>$/);
  });
  test("of more than 32,767 units is cut with a mark, never through a character, and counted", async () => {
    const longest = "x".repeat(32_767);
    const { values, counts } = await readColumn("text", [
      longest,
      `${longest}y`,
      "😀".repeat(20_000),
    ]);
    const [kept, cut, faces] = values.map(String);
    expect(kept).toBe(longest);
    expect([cut?.length, cut?.endsWith("x… [cut]")]).toEqual([32_767, true]);
    expect(faces?.isWellFormed()).toBe(true);
    expect(faces?.endsWith("😀… [cut]")).toBe(true);
    expect(counts).toEqual({ cell_truncated: 2 });
  });
  test("of control characters is escaped, and a text that reads like an escape survives", async () => {
    const texts = [
      "a\u0000b",
      "a\r\nb",
      "_x0041_",
      "_x0041_x0042_",
      "_x0041\u0001",
      "_xyz",
      "\uFFFF",
    ];
    const { values, counts } = await readColumn("text", texts);
    expect(values.map((value) => unescapeText(textOf(value)))).toEqual(texts);
    expect(values[0]).toBe("a_x0000_b");
    expect(counts).toEqual({ control_character: 4 });
  });
  test("with half a character has it replaced and counted", async () => {
    const { values, counts } = await readColumn("text", ["a\uDC00b"]);
    expect([values, counts]).toEqual([["a\uFFFDb"], { lone_surrogate: 1 }]);
  });
  test("of any text is read back as it was", async () => {
    const hard = fc.constantFrom(
      "_",
      "x",
      "0",
      "4",
      "1",
      "A",
      " ",
      "\n",
      "\r",
      "\t",
      "&",
      "<",
      "]]>",
      "\u0001",
    );
    const cell = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: hard, maxLength: 30 }));
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 200, maxLength: 400 }), async (texts) => {
        const { values } = await readColumn("text", texts);
        const expected = texts.map((text) => (text === "" ? null : text.toWellFormed()));
        expect(values.map((value) => value && unescapeText(textOf(value)))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
  test("of any decimal is the same number, or the same text", async () => {
    const digits = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
    await fc.assert(
      fc.asyncProperty(fc.array(digits, { minLength: 300, maxLength: 300 }), async (numbers) => {
        const cells = numbers.map((number, index) => {
          const short = String(number / 10n ** BigInt(index % 21));
          return index % 2 === 0 ? short : `${short}.${String(index).padStart(3, "0")}`;
        });
        const { values } = await readColumn("fixed", cells);
        for (const [index, value] of values.entries()) {
          const cell = cells[index] ?? "";
          expect(value).toBe(typeof value === "number" ? Number(cell) : cell);
          if (typeof value === "number") expect(Number(value.toPrecision(15))).toBe(Number(cell));
        }
      }),
      { numRuns: 5 },
    );
  });
});

describe("a sheet", () => {
  const columns = [column("ID", "fixed"), column("AMOUNT", "fixed", 2), column("NOTE", "text")];
  const rows: Row[] = [
    ["1", "2.50", "a note that is a little longer than its label"],
    ["2", "0.05", "b"],
  ];

  test("has a bold frozen header, a filter over all rows and widths from the data", async () => {
    const { sheet, parts } = await renderSheet(columns, rows);
    expect(["A1", "B1", "C1"].map((at) => sheet.getCell(at).value)).toEqual([
      "ID",
      "AMOUNT",
      "NOTE",
    ]);
    expect(sheet.getCell("A1").font.bold).toBe(true);
    expect(sheet.views[0]).toMatchObject({ state: "frozen", ySplit: 1 });
    expect(sheet.autoFilter).toBe("A1:C3");
    expect(sheet.getColumn(3).width).toBe(47);
    expect(parts.get("xl/worksheets/sheet1.xml")).toContain('<dimension ref="A1:C3"/>');
  });
  test("follows the label, the format, the width, the alignment and hidden of the options", async () => {
    const { sheet } = await renderSheet(columns, rows, {
      columns: {
        id: { hidden: true },
        amount: { label: "Share", format: "0.0%", width: 33, align: "center" },
      },
    });
    expect(["A1", "B1", "C1"].map((at) => sheet.getCell(at).value)).toEqual([
      "Share",
      "NOTE",
      null,
    ]);
    const cell = sheet.getCell("A2");
    expect([cell.value, cell.numFmt, cell.alignment.horizontal]).toEqual([2.5, "0.0%", "center"]);
    expect(sheet.getColumn(1).width).toBe(33);
  });
  test("is named by the title within Excel's rules", async () => {
    const named = async (title: string) => (await renderSheet(name, [], { title })).sheet.name;
    expect(await named("Q1/2026: [all] orders?")).toBe("Q1 2026 all orders");
    expect(await named("x".repeat(40))).toBe("x".repeat(31));
    expect(await named("'History'")).toBe("\u2019History\u2019");
    expect(await named("history")).toBe("Data");
    expect(await named("About")).toBe("Data");
    expect(await named("[]")).toBe("Data");
    expect(await named(`${"x".repeat(30)}😀`)).toBe("x".repeat(30));
  });
  test("of no rows has its header", async () => {
    const { sheet, summary } = await renderSheet(columns, []);
    expect([sheet.rowCount, sheet.getCell("C1").value, summary.rowCount]).toEqual([1, "NOTE", 0]);
  });
  test("with half a character in a label or the title has it replaced, counted and named", async () => {
    const { sheet, summary, workbook } = await renderSheet(
      [column("a\uD800", "text"), column("ok", "text")],
      [["x", "y"]],
      { title: "Sales \uDC00", columns: { OK: { label: "fine" } } },
      { parameters: { "p\uD800": 1, q: "\uDFFF", r: "r" } },
    );
    expect(sheet.getCell("A1").value).toBe("a\uFFFD");
    expect(workbook.title).toBe("Sales \uFFFD");
    expect(summary.warnings).toEqual([
      {
        code: "label_changed",
        count: 4,
        message:
          'Labels and titles with half of a character, which was replaced by \uFFFD, or cut to 32,767 characters: 4 (title, column "a\uFFFD", parameter "p\uFFFD", parameter "q").',
      },
    ]);
  });
  test("with hard labels opens", async () => {
    const label = 'a<b>&"c" _x0041_ \u0001\u007F';
    const { sheet } = await renderSheet([column(label, "text")], rowsOf("x"));
    expect(sheet.getCell("A1").value).toBe(label);
  });
  test("keeps Excel from marking digits in text columns", async () => {
    const { parts } = await renderSheet(columns, rows);
    expect(parts.get("xl/worksheets/sheet1.xml")).toEndWith(
      '<ignoredErrors><ignoredError sqref="C1:C3" numberStoredAsText="1"/></ignoredErrors></worksheet>',
    );
  });
});

describe("the workbook", () => {
  test("tells in About what it is and what was changed, although that is known last", async () => {
    const { workbook, sheet } = await renderSheet(
      [...name, column("AT", "timestamp_ltz")],
      [["a\u0001", "0"]],
      { title: "All orders", subtitle: "of the year" },
      { parameters: { region: "EU", year: 2026, nothing: null }, timezone: "Europe/Berlin" },
    );
    const about = workbook.getWorksheet("About");
    const lines = about
      ?.getSheetValues()
      .flatMap((row) => (Array.isArray(row) ? [row.slice(1)] : []));
    expect(workbook.worksheets.map(({ name }) => name)).toEqual([sheet.name, "About"]);
    for (const line of [
      ["All orders"],
      ["of the year"],
      ["Report", "Orders"],
      ["Run", "run-1"],
      ["Query id", "01b2-query"],
      ["Rows", 1],
      ["Generated at", "2026-11-22 09:30:00+01:00"],
      ["Data as of", "2026-11-22 09:00:00+01:00"],
      ["region", "EU"],
      ["year", 2026],
      ["nothing", "NULL"],
      ["control_character", "Cells with control characters, which were written as _xHHHH_: 1."],
      ["Times in Europe/Berlin", "AT"],
    ]) {
      expect(lines).toContainEqual(line);
    }
    expect(workbook.title).toBe("All orders");
  });
  test("is the same bytes for the same input, however the rows are batched", async () => {
    const rows = rowsOf(...Array.from({ length: 20_000 }, (_, index) => `name ${index}`));
    const first = await render(createXlsxRenderer, name, rows, {}, 5000);
    const second = await render(createXlsxRenderer, name, rows, {}, 1700);
    expect(Bun.hash(second.bytes)).toBe(Bun.hash(first.bytes));
  });
  test("is the same however long its sink takes: rows are not written over those that wait", async () => {
    const rows = rowsOf(...Array.from({ length: 40_000 }, (_, index) => `name ${index}`));
    const { bytes } = await render(createXlsxRenderer, name, rows, {}, 5000);
    const pieces: Uint8Array[] = [];
    const renderer = createXlsxRenderer(context({ rowCount: rows.length }), {
      async write(piece) {
        await setImmediate();
        pieces.push(piece.slice());
      },
    });
    await renderer.begin(name);
    await renderer.rows(rows);
    await renderer.finish();
    expect(Bun.hash(Buffer.concat(pieces))).toBe(Bun.hash(bytes));
    const sheet = readParts(bytes).get("xl/worksheets/sheet1.xml") ?? "";
    const written = [...sheet.matchAll(/<t>(name \d+)<\/t>/g)].map(([, text]) => text);
    expect(written).toEqual(rows.map(([text]) => text ?? ""));
  });
  test("continues on a new sheet, with the header again, after 1,048,575 rows", async () => {
    const rowCount = 1_048_575 + 10;
    const batch = rowsOf(...Array.from({ length: 10_485 }, (_, index) => String(index)));
    const pieces: Uint8Array[] = [];
    const renderer = createXlsxRenderer(context({ rowCount }), {
      write: (bytes) => void pieces.push(bytes),
    });
    await renderer.begin([column("ID", "fixed")]);
    for (let left = rowCount; left > 0; left -= batch.length) {
      await renderer.rows(left < batch.length ? batch.slice(0, left) : batch);
    }
    expect((await renderer.finish()).rowCount).toBe(rowCount);
    const parts = readParts(new Uint8Array(Buffer.concat(pieces)));
    const [first = "", second = ""] = [1, 2].map((n) => parts.get(`xl/worksheets/sheet${n}.xml`));
    expect(first.split("<row ").length - 1).toBe(1_048_576);
    expect(first).toContain('<row r="1048576"><c r="A1048576"');
    expect(second.split("<row ").length - 1).toBe(11);
    expect(second).toContain('<autoFilter ref="A1:A11"/>');
    expect(second.match(/<row r="1".*?<\/row>/)?.[0]).toBe(
      first.match(/<row r="1".*?<\/row>/)?.[0],
    );
    expect(parts.get("xl/workbook.xml")).toContain('name="Orders 2"');
  }, 20_000);
  test("that gets another number of rows than the warehouse reported is refused", async () => {
    const missing = render(createXlsxRenderer, name, rowsOf("a"), { rowCount: 2 });
    expect(await failureOf(missing)).toMatchObject({ code: "rows_missing" });
    const extra = render(createXlsxRenderer, name, rowsOf("a", "b"), { rowCount: 1 });
    expect(await failureOf(extra)).toMatchObject({ code: "rows_missing" });
  });
  test("with a number format that Excel would call damaged is refused by name", async () => {
    for (const format of ['0.00 "x', "0 EUR", "0;0;0;0;0", "[Red", "0\u0001"]) {
      const failure = await failureOf(renderSheet(name, [], { columns: { NAME: { format } } }));
      expect(failure).toMatchObject({ code: "invalid_report" });
      expect(String(failure)).toContain("columns.NAME.format");
    }
  });
  test("has no number format but those of its cells, for Excel reads those too that no cell has", async () => {
    const types = ["fixed", "real", "boolean", "text", "date", "time", "timestamp_ntz"] as const;
    const columns = types.map((type) => column(type, type));
    const { parts } = await renderSheet(columns, [], { totals: { fixed: "count" } });
    const codes = (parts.get("xl/styles.xml") ?? "").matchAll(/formatCode="([^"]*)"/g);
    expect(Array.from(codes, ([, code = ""]) => code).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      [
        "&quot;TRUE&quot;;&quot;TRUE&quot;;&quot;FALSE&quot;",
        "hh:mm:ss",
        "hh:mm:ss.000",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh:mm:ss",
        "yyyy-mm-dd hh:mm:ss.000",
      ],
    );
  });
  test("takes the number formats that people write", async () => {
    const formats = [
      "#,##0.00",
      "0.0%",
      '#,##0.00 "EUR"',
      "[$€-407] #,##0.00;[Red]-#,##0.00",
      "dd.mm.yyyy hh:mm AM/PM",
    ];
    for (const format of [...formats, "0.00E+00", "# ?/?", "_-* #,##0_-"]) {
      const { sheet } = await renderSheet([column("N", "fixed")], rowsOf("1"), {
        columns: { N: { format } },
      });
      expect(sheet.getCell("A2").numFmt).toBe(format);
    }
  });
  test("keeps a backslash in a number format, which exceljs drops when it reads", async () => {
    const json = { columns: { NAME: { format: "0\\x" } } };
    const { parts } = await renderSheet(name, [], json);
    expect(parts.get("xl/styles.xml")).toContain('formatCode="0\\x"');
  });
  test("with more columns than a sheet has is refused", async () => {
    const columns = Array.from({ length: 16_385 }, (_, index) => column(`C${index}`, "fixed"));
    expect(await failureOf(renderSheet(columns, []))).toMatchObject({ code: "too_many_rows" });
  });
});

test("a zip that would pass its limit is an error, not a damaged file", async () => {
  const zip = createZipWriter({ write() {} }, 1000);
  const entry = await zip.open("a.xml");
  await entry.write(new Uint8Array(900));
  expect(await failureOf(entry.write(new Uint8Array(200)))).toMatchObject({
    code: "too_many_rows",
  });
});
