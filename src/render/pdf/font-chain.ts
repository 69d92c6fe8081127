/** Which font has a character that the family of the report lacks. */
import type { FontFamily, FontFile, FontWeight } from "./font-files.ts";
import { openFontFolder, type FontFolder } from "./font-folder.ts";

export interface FoundFont {
  readonly file: FontFile;
  /** Whether it is the font that comes with the program. */
  readonly isEmbedded: boolean;
}

export interface FontChain {
  /** Null when no font has the character. Reads font files when it must. */
  find(codePoint: number): FoundFont | null;
  /** Names of files and folders that could not be read until now. */
  listUnreadable(): readonly string[];
}

/** First the embedded fonts with wide coverage, then those of `folder`. */
export function createFontChain(
  family: FontFamily,
  folder: string | null,
  weight: FontWeight,
): FontChain {
  const found = new Map<number, FoundFont | null>();
  let further: FontFolder | null = null;

  function search(codePoint: number): FoundFont | null {
    for (const wide of weight === "bold"
      ? (["bold", "regular"] as const)
      : (["regular"] as const)) {
      const file = family.openWide(wide);
      if (file.glyphOf(codePoint) !== 0) return { file, isEmbedded: true };
    }
    if (folder === null) return null;
    further ??= openFontFolder(folder);
    const file = further.find(codePoint, weight);
    return file && { file, isEmbedded: false };
  }

  return {
    find(codePoint) {
      const known = found.get(codePoint);
      if (known !== undefined) return known;
      const font = search(codePoint);
      found.set(codePoint, font);
      return font;
    },
    listUnreadable: () => further?.unreadable ?? [],
  };
}
