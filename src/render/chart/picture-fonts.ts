/** The fonts of a picture, which has no document to take them from. */
import { type FontFile, type FontWeight, loadFontFamily } from "../pdf/font-files.ts";
import type { Measure } from "./drawings.ts";

export interface PictureFonts {
  readonly measure: Measure;
  /** The font files that the texts measured until now need. */
  listFiles(): Uint8Array[];
}

/** How the main font's files call themselves. */
export const PICTURE_FONT = "Source Sans 3";

/** A character that the main font lacks is taken from the font with wide coverage, here as in resvg. */
export async function openPictureFonts(): Promise<PictureFonts> {
  const family = await loadFontFamily();
  const wide = new Set<FontFile>();

  function findFont(codePoint: number, weight: FontWeight): FontFile["font"] {
    const { font } = family[weight];
    if (font.hasGlyphForCodePoint(codePoint)) return font;
    const file = family.openWide(weight);
    wide.add(file);
    return file.font;
  }

  /** Without kerning, which resvg does: texts come out at most a few hundredths narrower than this. */
  function measure(text: string, size: number, isBold: boolean): number {
    let width = 0;
    for (const character of text) {
      const codePoint = character.codePointAt(0) ?? 0;
      const font = findFont(codePoint, isBold ? "bold" : "regular");
      width += font.glyphForCodePoint(codePoint).advanceWidth / font.unitsPerEm;
    }
    return width * size;
  }

  return {
    measure,
    listFiles: () => [family.regular, family.bold, ...wide].map((file) => file.bytes),
  };
}
