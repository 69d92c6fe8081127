import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { readNumberLocale } from "../../src/render/pdf/number-locale.ts";
import { parseNumberPattern } from "../../src/render/pdf/number-pattern.ts";
import { createNumberText } from "../../src/render/pdf/number-text.ts";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import type { Column } from "../../src/report/table.ts";
import { lacksReaders, readText, readWords, whySkipped, type Word } from "./pdf-reading.ts";
import { column, options, render, rowsOf } from "./rendering.ts";

const LOCALES = ["en-US", "de-DE", "fr-FR", "en-IN", "pl", "es", "de-CH", "sv", "ja", "el"];

function show(cell: string, format?: string, locale = "en-US", isGrouped = true): string {
  const pattern = format === undefined ? null : parseNumberPattern(format);
  return createNumberText(readNumberLocale(locale), pattern, { scale: 0, isGrouped }).format(cell);
}

describe("a number", () => {
  test("is grouped and separated as Intl does it, in every locale", () => {
    const integers = fc.integer({ min: -2_000_000_000, max: 2_000_000_000 });
    for (const locale of LOCALES) {
      const oracle = new Intl.NumberFormat(locale, { minimumFractionDigits: 2 });
      fc.assert(
        fc.property(integers, (cents) => {
          const cell = (cents / 100).toFixed(2);
          expect(show(cell, undefined, locale)).toBe(oracle.format(Number(cell)));
        }),
        { numRuns: 200 },
      );
    }
  });

  test("keeps 38 digits", () => {
    expect(show("-12345678901234567890123456789012345.678")).toBe(
      "-12,345,678,901,234,567,890,123,456,789,012,345.678",
    );
  });

  test("is rounded as Intl does it, halves away from zero", () => {
    fc.assert(
      fc.property(fc.integer({ min: -99_999_999, max: 99_999_999 }), (thousandths) => {
        const cell = (thousandths / 1000).toFixed(3);
        const rounded = BigInt(Math.round(Math.abs(thousandths) / 10));
        const sign = thousandths < 0 && rounded > 0n ? "-" : "";
        const digits = rounded.toString().padStart(3, "0");
        expect(show(cell, "0.00")).toBe(`${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`);
      }),
    );
    expect(show("0.125", "0.00")).toBe("0.13");
    expect(show("-2.5", "0")).toBe("-3");
    expect(show("9.999", "#,##0.00")).toBe("10.00");
    expect(show("-0.001", "0.00")).toBe("0.00");
  });

  test("follows decimals, grouping, percent and text of its format", () => {
    expect(show("1234.5", "0.00")).toBe("1234.50");
    expect(show("1234.5", "#,##0.0##")).toBe("1,234.5");
    expect(show("0.1234", "0.0%")).toBe("12.3%");
    expect(show("0.5", "0%", "de-DE")).toBe("50\u00A0%");
    expect(show("1234.5", '#,##0.00 "kg"')).toBe("1,234.50 kg");
    expect(show("-1234.5", "[$€-407] #,##0.00;[Red](0)")).toBe("-€ 1,234.50");
    expect(show("1234567", '#,##0.0,,"M"')).toBe("1.2M");
  });

  test("with a format that shows no plain digits is shown as it is", () => {
    for (const format of ["General", "@", "yyyy-mm-dd", "0.00E+00"]) {
      expect(show("1234.5", format)).toBe("1,234.5");
    }
  });

  test("of floating point keeps its digits, and its power of ten when it is far from 1", () => {
    expect(show("0.30000000000000004")).toBe("0.30000000000000004");
    expect(show("1.5e-05")).toBe("0.000015");
    expect(show("1.234e+3")).toBe("1,234");
    expect(show("1.5e+300", undefined, "de-DE")).toBe("1,5E300");
    expect(show("4.9e-324", "0.00")).toBe("4.9E-324");
    expect([show("NaN"), show("inf"), show("-inf")]).toEqual(["NaN", "∞", "-∞"]);
  });

  test("that is no number is shown as it came", () => {
    for (const cell of ["", "-", ".", "abc", "1.2.3", "--1"]) expect(show(cell)).toBe(cell);
  });
});

const LEFT_OF_DIGIT = 0.497 * 8.5;

async function printColumn(
  shown: Column,
  cells: readonly string[],
  facts: { locale?: string } = {},
): Promise<Word[]> {
  const { bytes } = await render(
    createPdfRenderer,
    [shown, column("END", "text")],
    cells.map((c) => [c, "z"]),
    {
      options: options(facts),
    },
  );
  return readWords(bytes);
}

describe.skipIf(lacksReaders)(`a column of numbers in a PDF${whySkipped}`, () => {
  test("of one scale ends at one edge", async () => {
    const cells = ["1.50", "-22.25", "333333.00", "0.01"];
    const words = await printColumn(column("AMOUNT", "fixed", 2), cells);
    const edges = words.filter((word) => /^-?[\d,]+\.\d\d$/.test(word.text)).map((w) => w.right);
    expect(edges).toHaveLength(4);
    for (const edge of edges) expect(edge).toBeCloseTo(edges[0] ?? NaN, 1);
  });

  test("of different decimals stands on the decimal separator", async () => {
    const words = await printColumn(column("RATE", "real"), ["1.5", "22.25", "333", "7.125"], {
      locale: "de-DE",
    });
    const numbers = words.filter((word) => /^(1,5|22,25|333|7,125)$/.test(word.text));
    expect(numbers).toHaveLength(4);
    const points = numbers.map(({ text, left }) => {
      const digits = (text.split(",")[0] ?? "").length;
      return left + digits * LEFT_OF_DIGIT;
    });
    for (const point of points) expect(point).toBeCloseTo(points[0] ?? NaN, 1);
  });

  test("condenses a number that is wider than those of the first rows", async () => {
    const cells = [...Array.from({ length: 1000 }, () => "1"), "1234567890"];
    const { bytes } = await render(createPdfRenderer, [column("N", "fixed")], rowsOf(...cells));
    const words = await readWords(bytes);
    const number = words.find((word) => word.text === "1,234,567,890");
    const edge = words.find((word) => word.text === "1")?.right ?? NaN;
    expect(number?.right).toBeCloseTo(edge, 0);
    expect(number?.left).toBeGreaterThan(40);
  });

  test("keeps a number that is wider than any of the first rows whole and in its column", async () => {
    const huge = "123456789012345678901234567890";
    const cells = [...Array.from({ length: 1000 }, () => "1"), huge];
    const { bytes } = await render(createPdfRenderer, [column("N", "fixed")], rowsOf(...cells));
    const text = await readText(bytes);
    const body = text.slice(text.lastIndexOf("\n1\n"), text.lastIndexOf("\nOrders"));
    expect(body.replaceAll(/\D/g, "")).toBe(`1${huge}`);
  });

  test("that names things is not grouped", async () => {
    const columns = ["ORDERKEY", "CUSTOMER_ID", "YEAR", "QUANTITY"].map((n) => column(n, "fixed"));
    const { bytes } = await render(createPdfRenderer, columns, [
      ["12345", "67890", "2024", "5678"],
    ]);
    expect(await readText(bytes)).toContain("12345 67890 2024 5,678");
  });
});

describe.skipIf(lacksReaders)(`values of other types in a PDF${whySkipped}`, () => {
  test("are ISO dates, times with their offset, and Yes or No", async () => {
    const columns = [
      column("D", "date"),
      column("T", "time", 3),
      column("NTZ", "timestamp_ntz"),
      column("LTZ", "timestamp_ltz"),
      column("TZ", "timestamp_tz"),
      column("B", "boolean"),
    ];
    const row = ["20000", "3723.5", "1700000000", "1700000000", "1700000000.25 1380", "0"];
    const { bytes } = await render(createPdfRenderer, columns, [row], {
      timezone: "America/New_York",
    });
    expect((await readText(bytes)).replaceAll("\n", " ")).toContain(
      "2024-10-04 01:02:03.500 2023-11-14 22:13:20 2023-11-14 17:13:20-05:00 2023-11-14 21:13:20.250-01:00 No",
    );
  });
});
