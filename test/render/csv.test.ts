import { describe, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { createCsvRenderer } from "../../src/render/csv.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Cell, Column, Row } from "../../src/report/table.ts";
import type { RenderContext } from "../../src/render/renderer.ts";
import { column, context, failureOf, options, render, rowsOf } from "./rendering.ts";

const text = [column("NAME", "text")];

async function renderText(
  columns: readonly Column[],
  rows: readonly Row[],
  csv: object = {},
  facts: Partial<RenderContext> = {},
) {
  const { bytes, summary } = await render(createCsvRenderer, columns, rows, {
    options: options({ csv }),
    ...facts,
  });
  return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes), summary };
}

const records = z.array(z.array(z.string().nullable()));

/** Cells as csv-parse reads them; a cell that was not quoted and is `nullText` is null. */
function read(file: string, { delimiter = ",", nullText = "", recordEnd = "\r\n" } = {}): Cell[][] {
  return records.parse(
    parse(file, {
      delimiter,
      record_delimiter: recordEnd,
      cast: (value, { quoting }) => (!quoting && value === nullText ? null : value),
    }),
  );
}

describe("the file", () => {
  test("has a header, fields by comma and lines by CR LF", async () => {
    const columns = [column("A", "fixed"), column("B", "text")];
    const { text } = await renderText(columns, [
      ["1", "x"],
      ["2", "y"],
    ]);
    expect(text).toBe("A,B\r\n1,x\r\n2,y\r\n");
  });
  test("of no rows is the header alone", async () => {
    expect((await renderText(text, [])).text).toBe("NAME\r\n");
  });
  test("has no header, a byte order mark and line feeds when they are asked for", async () => {
    const csv = { header: false, bom: true, lineEnd: "lf" };
    expect((await renderText(text, rowsOf("x"), csv)).text).toBe("\uFEFFx\n");
  });
  test("is one gzip file when asked for, the same bytes each time", async () => {
    const rows = rowsOf(...Array.from({ length: 60_000 }, (_, index) => `name ${index}`));
    const plain = await render(createCsvRenderer, text, rows);
    const facts = { options: options({ csv: { gzip: true } }) };
    const zipped = await render(createCsvRenderer, text, rows, facts);
    const again = await render(createCsvRenderer, text, rows, facts, 7);
    expect(gunzipSync(zipped.bytes).equals(plain.bytes)).toBe(true);
    expect(zipped.bytes.length).toBeLessThan(plain.bytes.length / 2);
    expect(Bun.hash(again.bytes)).toBe(Bun.hash(zipped.bytes));
  });
  test("of no rows and no header is an empty gzip file", async () => {
    const facts = { options: options({ csv: { gzip: true, header: false } }) };
    const { bytes } = await render(createCsvRenderer, text, [], facts);
    expect(gunzipSync(bytes).length).toBe(0);
  });
  test("leaves hidden columns out and shows labels", async () => {
    const columns = [column("A", "fixed"), column("B", "fixed"), column("C", "fixed")];
    const { text } = await renderText(
      columns,
      [["1", "2", "3"]],
      {},
      {
        options: options({ columns: { a: { hidden: true }, C: { label: "The, C" } } }),
      },
    );
    expect(text).toBe('B,"The, C"\r\n2,3\r\n');
  });
  test("tells of options for a column that is not there", async () => {
    const facts = { options: options({ columns: { NOPE: { hidden: true } } }) };
    const { summary } = await renderText(text, [], {}, facts);
    expect(summary.warnings.map(({ code, count }) => [code, count])).toEqual([
      ["unknown_column", 1],
    ]);
  });
  test("gives a slow sink bytes that stay as they are until it has taken them", async () => {
    const rows = rowsOf(...Array.from({ length: 40_000 }, (_, index) => `name ${index}`));
    const pieces: Uint8Array[] = [];
    const renderer = createCsvRenderer(context({ rowCount: rows.length }), {
      async write(bytes) {
        await setImmediate();
        pieces.push(bytes.slice());
      },
    });
    await renderer.begin(text);
    await renderer.rows(rows);
    await renderer.finish();
    const lines = Buffer.concat(pieces).toString().trimEnd().split("\r\n");
    expect(lines).toEqual(["NAME", ...rows.map(([cell]) => cell ?? "")]);
  });
  test("waits for a slow sink instead of gathering bytes", async () => {
    let held = 0;
    let heldMax = 0;
    const renderer = createCsvRenderer(context({ rowCount: 100_000 }), {
      async write(bytes) {
        held += bytes.length;
        heldMax = Math.max(heldMax, held);
        await Promise.resolve();
        held -= bytes.length;
      },
    });
    await renderer.begin(text);
    await renderer.rows(rowsOf(...Array.from({ length: 100_000 }, () => "x".repeat(50))));
    expect((await renderer.finish()).rowCount).toBe(100_000);
    expect(heldMax).toBeLessThan(300_000);
    expect(heldMax).toBeGreaterThan(0);
  });
});

describe("a field", () => {
  test("with the delimiter, a quote or a line end is quoted, and its quotes are doubled", async () => {
    const { text: file } = await renderText(text, rowsOf('a"b', "a,b", "a\nb", "a\rb", "a;b"));
    expect(file).toBe('NAME\r\n"a""b"\r\n"a,b"\r\n"a\nb"\r\n"a\rb"\r\na;b\r\n');
  });
  test("of another delimiter is quoted for that one", async () => {
    const { text: file } = await renderText(text, rowsOf("a;b", "a,b"), { delimiter: ";" });
    expect(file).toBe('NAME\r\n"a;b"\r\na,b\r\n');
  });
  test("that is null is empty, and an empty text is quoted", async () => {
    const { text: file } = await renderText(
      [...text, column("N", "fixed")],
      [
        [null, null],
        ["", "1"],
      ],
    );
    expect(file).toBe('NAME,N\r\n,\r\n"",1\r\n');
  });
  test("that reads like the text for null is quoted, in a column of numbers too", async () => {
    const { text: file } = await renderText(
      [...text, column("N", "fixed")],
      [
        [null, null],
        ["0", "0"],
        ["", "1"],
      ],
      { nullText: "0" },
    );
    expect(file).toBe('NAME,N\r\n0,0\r\n"0","0"\r\n"",1\r\n');
  });
  test("is always quoted when asked for, but for a null", async () => {
    const columns = [...text, column("N", "fixed"), column("B", "boolean")];
    const { text: file } = await renderText(columns, [["x", "1", null]], { quote: "all" });
    expect(file).toBe('"NAME","N","B"\r\n"x","1",\r\n');
  });
  test("of a number or a date is quoted when the delimiter is one of its characters", async () => {
    const columns = [column("N", "fixed"), column("D", "date"), column("R", "real")];
    const { text: file } = await renderText(columns, [["-1", "0", "2.5"]], { delimiter: "-" });
    expect(read(file, { delimiter: "-" })[1]).toEqual(["-1", "1970-01-01", "2.5"]);
  });
  test("shows each type exactly", async () => {
    const cells: [Column, string, string][] = [
      [
        column("F", "fixed", 4),
        "-12345678901234567890123456789012.3400",
        "-12345678901234567890123456789012.3400",
      ],
      [column("R", "real"), "1e+300", "1e+300"],
      [column("R", "real"), "NaN", "NaN"],
      [column("B", "boolean"), "1", "true"],
      [column("B", "boolean"), "FALSE", "false"],
      [column("D", "date"), "-1", "1969-12-31"],
      [column("T", "time", 9), "3723.000000000", "01:02:03"],
      [column("N", "timestamp_ntz"), "1700000000.120000000", "2023-11-14 22:13:20.120"],
      [column("L", "timestamp_ltz"), "1700000000", "2023-11-15 07:13:20+09:00"],
      [column("Z", "timestamp_tz"), "1700000000 1770", "2023-11-15 03:43:20+05:30"],
      [column("X", "binary"), "DEAD00", "DEAD00"],
      [column("O", "object"), '{"a":1}', '{"a":1}'],
    ];
    const { text: file } = await renderText(
      cells.map(([shape]) => shape),
      [cells.map(([, cell]) => cell)],
      {},
      { timezone: "Asia/Tokyo" },
    );
    expect(read(file)[1]).toEqual(cells.map(([, , shown]) => shown));
  });
  test("with half a character has it replaced and counted once a cell", async () => {
    const { text: file, summary } = await renderText(text, rowsOf("a\uD800b\uDC00", "\u{1F600}"));
    expect(file).toBe("NAME\r\na\uFFFDb\uFFFD\r\n\u{1F600}\r\n");
    expect(summary.warnings).toEqual([
      {
        code: "lone_surrogate",
        count: 1,
        message: "Cells with half of a character, which was replaced by \uFFFD: 1.",
      },
    ]);
  });
});

describe("the formula guard", () => {
  const formulas = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    " =1",
    "\u00A0\u2003=1",
    "\uFEFF@x",
  ];

  test("puts an apostrophe before a text that a spreadsheet would run, and counts it", async () => {
    const { text: file, summary } = await renderText(
      text,
      rowsOf(...formulas, "a=1", "1+1", "'=1"),
    );
    expect(read(file).slice(1).flat()).toEqual([
      ...formulas.map((formula) => `'${formula}`),
      "a=1",
      "1+1",
      "'=1",
    ]);
    expect(summary.warnings[0]).toMatchObject({ code: "formula_guarded", count: formulas.length });
  });
  test("never touches numbers, dates, or a number in a variant", async () => {
    const columns = [column("F", "fixed"), column("D", "date"), column("V", "variant")];
    const { text: file, summary } = await renderText(columns, [["-1", "-800000", "-1.5e3"]]);
    expect(file).toBe("F,D,V\r\n-1,-000221-09-04,-1.5e3\r\n");
    expect(summary.warnings).toEqual([]);
  });
  test("covers the labels, which a pivot makes from data", async () => {
    expect((await renderText([column("=X", "text")], [])).text).toBe("'=X\r\n");
  });
  test("is off when the report says so", async () => {
    const { text: file, summary } = await renderText(text, rowsOf("=1"), { formulaGuard: false });
    expect(file).toBe("NAME\r\n=1\r\n");
    expect(summary.warnings).toEqual([]);
  });
});

describe("what would make the file ambiguous is refused", () => {
  for (const csv of [
    { delimiter: '"' },
    { delimiter: "\n" },
    { delimiter: "\uD800" },
    { nullText: "a,b" },
    { nullText: '"' },
  ]) {
    test(JSON.stringify(csv), () => {
      expect(() =>
        createCsvRenderer(context({ options: options({ csv }) }), { write() {} }),
      ).toThrow(ReportError);
    });
  }
  test("a table of which every column is hidden", async () => {
    const facts = { options: options({ columns: { NAME: { hidden: true } } }) };
    expect(await failureOf(renderText(text, [], {}, facts))).toMatchObject({
      code: "invalid_report",
    });
  });
  test("a row with another number of cells than columns", async () => {
    expect(await failureOf(renderText(text, [["a", "b"]]))).toMatchObject({
      code: "render_failed",
    });
  });
});

test("any table is read back as it was by another parser, whatever the dialect", async () => {
  const cell = fc.option(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({
        unit: fc.constantFrom("a", '"', ",", ";", "\n", "\r", "=", " ", "é", "😀", "\uD800"),
      }),
    ),
    { nil: null },
  );
  const dialect = fc.record({
    delimiter: fc.constantFrom(",", ";", "\t", "|", "§"),
    quote: fc.constantFrom("minimal", "all"),
    lineEnd: fc.constantFrom("crlf", "lf"),
    nullText: fc.constantFrom("", "NULL", "a"),
    formulaGuard: fc.constant(false),
  });
  const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 });
  const columns = [column("A", "text"), column("B", "variant"), column("C", "array")];
  await fc.assert(
    fc.asyncProperty(rows, dialect, async (table, csv) => {
      const { text: file } = await renderText(columns, table, csv);
      const expected = table.map((row) => row.map((value) => value?.toWellFormed() ?? null));
      const recordEnd = csv.lineEnd === "crlf" ? "\r\n" : "\n";
      const parsed = read(file, { ...csv, recordEnd });
      expect(parsed.slice(1)).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});
