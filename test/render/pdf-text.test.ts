import { describe, expect, test } from "bun:test";
import { create } from "@pdf-lib/fontkit";
import * as fc from "fast-check";
import { loadFontFamily } from "../../src/render/pdf/font-files.ts";
import { subsetTrueType } from "../../src/render/pdf/font-subset.ts";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import type { Cell } from "../../src/report/table.ts";
import { findFaults, lacksReaders, readText, whySkipped } from "./pdf-reading.ts";
import { column, options, render, rowsOf } from "./rendering.ts";

async function printTexts(
  ...cells: Cell[]
): Promise<{ bytes: Uint8Array; text: string; counts: Record<string, number> }> {
  const columns = [column("SAMPLE", "text")];
  const { bytes, summary } = await render(createPdfRenderer, columns, rowsOf(...cells));
  const counts = Object.fromEntries(summary.warnings.map(({ code, count }) => [code, count]));
  return { bytes, text: await readText(bytes), counts };
}

describe.skipIf(lacksReaders)(`text in a PDF${whySkipped}`, () => {
  test("of every supported script reads back exactly", async () => {
    const samples = [
      "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία, Άρτεμις",
      "Съешь же ещё этих мягких французских булок, Ђорђе",
      "Tiếng Việt: đặc biệt, người, những, Ế ộ ữ",
      "Příliš žluťoučký kůň, Łódź, ığdır, Þór, Œuvre",
      "„Übergröße“ – Straße 12 € ‘quoted’ “quoted” «да» … №",
      "€ £ ¥ ₹ ₺ ₽ ± ≤ ≥ ≠ √ ∞ → ← ✓ ™ © ® ° ½",
      "Қазақстан Республикасы әғқңөұүһі",
    ];
    const { text, counts, bytes } = await printTexts(...samples);
    for (const sample of samples) expect(text).toContain(sample);
    expect(counts).toEqual({});
    expect(await findFaults(bytes)).toBe("");
  });

  test("with combining marks reads back as it came", async () => {
    const decomposed = "Tiếng Việt".normalize("NFD");
    const { text, counts } = await printTexts(decomposed);
    expect(text).toContain(decomposed);
    expect(counts).toEqual({});
  });

  test("keeps characters apart that share a glyph", async () => {
    const { text } = await printTexts("ohm \u2126 omega \u03A9 micro \u00B5 mu \u03BC");
    expect(text).toContain("ohm \u2126 omega \u03A9 micro \u00B5 mu \u03BC");
  });

  test("that the font lacks is counted, and still reads back", async () => {
    const { text, counts } = await printTexts("日本語", "ok 日");
    expect(counts).toEqual({ missing_glyph: 4 });
    expect(text).toContain("日本語");
    expect(text).toContain("4 characters are not in the font of this document");
  });

  test("with control characters or halves of surrogate pairs is shown and counted", async () => {
    const { text, counts } = await printTexts("a\u0000b\u001Bc", "x\uD800y\uDC00");
    expect(counts).toEqual({ control_character: 2, lone_surrogate: 2 });
    expect(text).toContain("a\uFFFDb\uFFFDc");
    expect(text).toContain("x\uFFFDy\uFFFD");
  });

  test("breaks at line ends and spreads tabs", async () => {
    const { text, counts } = await printTexts("one\ntwo\r\nthree\rfour\tfive");
    expect(text).toMatch(/one\ntwo\nthree\nfour +five/);
    expect(counts).toEqual({});
  });

  test("that is NULL is a dash, and empty text is empty", async () => {
    const { text } = await printTexts(null, "", "end");
    expect(text).toMatch(/SAMPLE\n–\nend/);
  });

  test("that is repeated in headers and footers is counted once", async () => {
    const rows = rowsOf(...Array.from({ length: 200 }, (_, at) => String(at)));
    const { summary } = await render(createPdfRenderer, [column("列", "text")], rows);
    expect(summary.warnings.map(({ count }) => count)).toEqual([1]);
  });

  test("of 70,000 different characters is more than a font has codes for, and still prints", async () => {
    const all = Array.from({ length: 0x12000 }, (_, at) =>
      at >= 0xd800 && at <= 0xdfff ? "" : String.fromCodePoint(at),
    ).join("");
    const { counts, bytes } = await printTexts(all);
    expect(counts["missing_glyph"]).toBeGreaterThan(60_000);
    expect(await findFaults(bytes)).toBe("");
  });
});

const anyUnit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: anyUnit, maxLength: 60 }),
  fc.string({ unit: fc.constantFrom("\n", "\r", " ", "a", "\t", "\u0301"), maxLength: 300 }),
);
const anyNumber: fc.Arbitrary<string> = fc.oneof(
  fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }).map(String),
  fc.double().map(String),
  fc.constantFrom("-0", "NaN", "inf", "-inf", "1e+300", "4.9e-324", ""),
);
const seconds = fc.integer({ min: -62_000_000_000, max: 253_000_000_000 }).map(String);
const anyRow = fc.tuple(
  fc.option(anyText),
  fc.option(anyNumber),
  fc.option(anyNumber),
  fc.option(fc.integer({ min: -700_000, max: 2_900_000 }).map(String)),
  fc.option(seconds.map((text) => `${text}.000000001 1560`)),
  fc.option(seconds),
  fc.option(fc.constantFrom("1", "0", "TRUE")),
  fc.option(anyText),
);

describe.skipIf(lacksReaders)(`any cells in a PDF${whySkipped}`, () => {
  const columns = [
    column("TEXT", "text"),
    column("FIXED", "fixed", 3),
    column("REAL", "real"),
    column("DATE", "date"),
    column("TZ", "timestamp_tz"),
    column("LTZ", "timestamp_ltz"),
    column("FLAG", "boolean"),
    column("JSON", "variant"),
  ];

  test("give a sound file that counts every row", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { maxLength: 12 }),
        fc.constantFrom("en-US", "de-DE", "en-IN", "ar-EG", "pl"),
        fc.constantFrom("#,##0.0#", "0%", "General", "[$€-407] 0.00,"),
        async (rows, locale, format) => {
          const { bytes, summary } = await render(createPdfRenderer, columns, rows, {
            options: options({ locale, columns: { FIXED: { format }, REAL: { format } } }),
          });
          expect(summary.rowCount).toBe(rows.length);
          expect(await findFaults(bytes)).toBe("");
        },
      ),
      { numRuns: 60 },
    );
  });

  test("that are words of the font's letters read back in order", async () => {
    const letters = Array.from("abcXYZäßłőệαωДжё€09“”–→½µΩ");
    const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 60 }), async (words) => {
        const cell = words.join(" ");
        const { text } = await printTexts(cell);
        const body = text.slice(text.indexOf("SAMPLE\n") + 7, text.lastIndexOf("\nOrders"));
        expect(body.replaceAll(/\s/g, "")).toBe(cell.replaceAll(" ", ""));
      }),
      { numRuns: 40 },
    );
  });
});

describe("the subset of a font", () => {
  test("has the outlines and widths of the glyphs that were asked for", async () => {
    const { regular } = await loadFontFamily();
    const whole = create(regular.bytes);
    const characters = Array.from("AgéỆ€Жω½→");
    const glyphs = characters.map((character) =>
      whole.glyphForCodePoint(character.codePointAt(0) ?? 0),
    );
    const file = subsetTrueType(regular, [0, ...glyphs.map((glyph) => glyph.id)]);
    const subset = create(file);
    expect(file.length).toBeLessThan(10_000);
    glyphs.forEach((glyph, at) => {
      const copy = subset.getGlyph(at + 1);
      expect(glyph.path.toSVG().length).toBeGreaterThan(10);
      expect(copy.path.toSVG()).toBe(glyph.path.toSVG());
      expect(copy.advanceWidth).toBe(glyph.advanceWidth);
    });
  });
});
