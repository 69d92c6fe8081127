/**
 * The fonts that come with the program. Reports are set in Source Sans 3 (SIL Open Font License 1.1), regular and
 * semibold: its digits share one width, so columns of numbers align; it covers Latin with Vietnamese, Greek,
 * Cyrillic, currency signs, arrows and common symbols. It is read and parsed when the first report is printed, then
 * kept (4 ms). DejaVu Sans (Bitstream Vera license, changes in the public domain), regular and bold, has what Source
 * Sans lacks: Hebrew, Arabic, Armenian, Georgian, box drawing, more symbols. It is read when a text needs it (1 ms).
 */
import { readFileSync } from "node:fs";
import boldPath from "@expo-google-fonts/source-sans-3/600SemiBold/SourceSans3_600SemiBold.ttf" with { type: "file" };
import regularPath from "@expo-google-fonts/source-sans-3/400Regular/SourceSans3_400Regular.ttf" with { type: "file" };
import wideBoldPath from "dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf" with { type: "file" };
import wideRegularPath from "dejavu-fonts-ttf/ttf/DejaVuSans.ttf" with { type: "file" };
import type { CharacterMap } from "./font-cmap.ts";
import { readFonts } from "./font-reader.ts";

export type FontWeight = "regular" | "bold";

/** Lengths in units of the font. */
export interface FontMetrics {
  /** How many units are the font's size. */
  readonly unitsPerEm: number;
  /** Around all glyphs: left, bottom, right, top. */
  readonly box: readonly number[];
  readonly ascent: number;
  /** Below the baseline, so negative. */
  readonly descent: number;
  readonly capHeight: number;
}

export interface FontFile extends FontMetrics, CharacterMap {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** Which font of a collection (.ttc) it is; 0 for a file of one font. */
  readonly index: number;
  readonly outlines: "truetype" | "cff";
  /** Its PostScript name, of letters, digits and hyphens. */
  readonly name: string;
  readonly glyphCount: number;
  /** How far a glyph reaches, in units of the font. */
  readonly advanceOf: (glyphId: number) => number;
  /** Tags of the scripts that it can substitute glyphs for (OpenType 1.9, GSUB). */
  readonly scripts: ReadonlySet<string>;
}

export interface FontFamily {
  readonly regular: FontFile;
  readonly bold: FontFile;
  /** The font with wide coverage; read from its file at the first call. */
  readonly openWide: (weight: FontWeight) => FontFile;
}

const WIDE_PATHS = { regular: wideRegularPath, bold: wideBoldPath };

let family: Promise<FontFamily> | undefined;

export function loadFontFamily(): Promise<FontFamily> {
  family ??= readFontFamily();
  return family;
}

async function readFontFamily(): Promise<FontFamily> {
  const [regular, bold] = await Promise.all([
    Bun.file(regularPath).bytes(),
    Bun.file(boldPath).bytes(),
  ]);
  const wide = new Map<FontWeight, FontFile>();
  return {
    regular: onlyFont(readFonts(regular)),
    bold: onlyFont(readFonts(bold)),
    openWide(weight) {
      const file = wide.get(weight) ?? onlyFont(readFonts(readFileSync(WIDE_PATHS[weight])));
      wide.set(weight, file);
      return file;
    },
  };
}

function onlyFont(fonts: readonly FontFile[]): FontFile {
  const [font] = fonts;
  if (font === undefined) throw new Error("The font file has no font");
  return font;
}
