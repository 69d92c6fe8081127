/** The fonts of a picture, which has no document to take them from. */
import { type FontFile, type FontWeight, loadFontFamily } from "../pdf/font-files.ts";
import { createFontChain, type FontChain } from "../pdf/font-chain.ts";
import { listNames } from "../../report/short-text.ts";
import type { RenderWarning } from "../renderer.ts";
import type { Measure } from "./drawings.ts";

export interface PictureFonts {
  readonly measure: Measure;
  /** The font files that the texts measured until now need. */
  listFiles(): Uint8Array[];
  /** "missing_glyph": characters of these texts that no font has; "font_unreadable": files that could not be read. */
  findProblems(texts: readonly string[]): RenderWarning[];
}

/** How the main font's files call themselves. */
export const PICTURE_FONT = "Source Sans 3";

/** What is not drawn, so that no font has to have it. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{White_Space}]/u;

/**
 * A character that the main font lacks is taken from the font with wide coverage or else from those in `folder`, here
 * as in resvg.
 */
export async function openPictureFonts(folder: string | null): Promise<PictureFonts> {
  const family = await loadFontFamily();
  const chains: Readonly<Record<FontWeight, FontChain>> = {
    regular: createFontChain(family, folder, "regular"),
    bold: createFontChain(family, folder, "bold"),
  };
  const further = new Set<FontFile>();

  /** Null when no font has the character: it is shown as the main font's box. */
  function findFont(codePoint: number, weight: FontWeight): FontFile | null {
    if (family[weight].glyphOf(codePoint) !== 0) return family[weight];
    const found = chains[weight].find(codePoint);
    if (found === null) return null;
    further.add(found.file);
    return found.file;
  }

  /** Without kerning, which resvg does: texts come out at most a few hundredths narrower than this. */
  function measure(text: string, size: number, isBold: boolean): number {
    const weight = isBold ? "bold" : "regular";
    let width = 0;
    for (const character of text) {
      const codePoint = character.codePointAt(0) ?? 0;
      const font = findFont(codePoint, weight) ?? family[weight];
      width += font.advanceOf(font.glyphOf(codePoint)) / font.unitsPerEm;
    }
    return width * size;
  }

  function isMissing(character: string): boolean {
    return !UNSEEN.test(character) && findFont(character.codePointAt(0) ?? 0, "regular") === null;
  }
  return {
    measure,
    listFiles: () => [
      ...new Set([family.regular, family.bold, ...further].map(({ bytes }) => bytes)),
    ],
    findProblems(texts) {
      const missing = texts.flatMap((text) => Array.from(text).filter(isMissing));
      const unreadable = new Set(Object.values(chains).flatMap((chain) => chain.listUnreadable()));
      return describeProblems(missing.length, [...unreadable]);
    },
  };
}

function describeProblems(missingCount: number, unreadable: readonly string[]): RenderWarning[] {
  const all: RenderWarning[] = [
    {
      code: "missing_glyph",
      count: missingCount,
      message: `Characters of the chart that no font has, shown as boxes: ${missingCount}.`,
    },
    {
      code: "font_unreadable",
      count: unreadable.length,
      message: `Fonts that could not be read were passed over: ${listNames(unreadable)}.`,
    },
  ];
  return all.filter(({ count }) => count > 0);
}
