import { describe, expect, test } from "bun:test";
import { create } from "@pdf-lib/fontkit";
import { type FontFile, loadFontFamily } from "../../src/render/pdf/font-files.ts";
import { readFonts } from "../../src/render/pdf/font-reader.ts";

async function loadFonts(): Promise<FontFile[]> {
  const { regular, bold, openWide } = await loadFontFamily();
  return [regular, bold, openWide("regular"), openWide("bold")];
}

describe("a font of the program", () => {
  test("has the name and the measures that another reader finds", async () => {
    for (const font of await loadFonts()) {
      const other = create(font.bytes);
      const { minX, minY, maxX, maxY } = other.bbox;
      expect(font).toMatchObject({
        name: other.postscriptName ?? "",
        unitsPerEm: other.unitsPerEm,
        ascent: other.ascent,
        descent: other.descent,
        capHeight: other.capHeight || other.ascent,
        box: [minX, minY, maxX, maxY],
      });
    }
  });

  test("has the characters and glyphs that another reader finds", async () => {
    for (const font of await loadFonts()) {
      const other = create(font.bytes);
      const found = other.characterSet.filter((code) => other.hasGlyphForCodePoint(code));
      expect(font.listCodePoints()).toEqual(found.toSorted((one, next) => one - next));
      const glyphIds = found.map((code) => other.glyphForCodePoint(code).id);
      expect(found.map((code) => font.glyphOf(code))).toEqual(glyphIds);
    }
  });
});

describe("a file that is not a font", () => {
  test("is refused", () => {
    expect(() => readFonts(Buffer.from("%PDF-1.7 and so on"))).toThrow("not a font");
    expect(() => readFonts(new Uint8Array(0))).toThrow("not a font");
  });

  test("is refused when it is cut short anywhere", async () => {
    const { regular } = await loadFontFamily();
    for (const size of [4, 13, 200, 1000, regular.bytes.length - 1000]) {
      expect(() => readFonts(regular.bytes.slice(0, size))).toThrow();
    }
  });
});
