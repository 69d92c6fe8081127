/**
 * One weight of the family in one document: how wide texts are, and what they are in a content stream. Characters
 * that the family lacks are taken from other fonts; texts that join letters or run from right to left are shaped.
 *
 * Measured with 10 columns on 2 cores: 98,000-112,000 Latin rows a second, as such texts never get beyond the first of
 * the two paths below. With an Arabic name in every row it is 63,000 when names are repeated, and 15,000 when each is
 * new.
 */
import { isRightToLeft } from "./bidi-order.ts";
import { createFontChain } from "./font-chain.ts";
import type { FontFamily, FontFile, FontWeight } from "./font-files.ts";
import { createFontUses, type FontUse, type FontUses } from "./font-uses.ts";
import { shapeLine, type ShapedLine } from "./shape-line.ts";
import { findShapedScript, mayRunRightToLeft } from "./shape-scripts.ts";
import type { Sign } from "./signs.ts";
import type { TextProblems } from "./text-problems.ts";

export interface Face {
  /** The resource name in content streams. */
  readonly name: string;
  readonly file: FontFile;
  readonly signs: readonly Sign[];
  /** The width in thousandths of the font size, or -1 when the text needs `measure` and `encode`. */
  measureSimple(text: string): number;
  /**
   * Writes a text that measureSimple accepted as the bytes of a literal string (ISO 32000-1 §7.3.4.2), and returns
   * where they end. There must be room for LITERAL_BYTES_MAX bytes a character.
   */
  writeSimple(bytes: Uint8Array, at: number, text: string): number;
  /** The width of a line of printable text in thousandths of the font size. */
  measure(text: string): number;
  /**
   * A line of printable text for `Canvas.showText`: hexadecimal codes, with operators between them where the font
   * changes. Counts what no font has when `problems` is given.
   */
  encode(text: string, problems?: TextProblems): string;
  /** Counts what no font has in a line of printable text, for whoever draws it more than once. */
  countProblems(text: string, problems: TextProblems): void;
  /** The width of one code point, in thousandths of the font size. */
  widthOf(codePoint: number): number;
  /** Whether a line is read from right to left, and so begins at the right. */
  isRightToLeft(text: string): boolean;
}

export interface DocumentFaces {
  readonly regular: Face;
  readonly bold: Face;
  readonly uses: FontUses;
}

/** Code points below this are looked up in arrays: Latin, Greek, Cyrillic, punctuation, currencies, arrows. */
const SIMPLE_LIMIT = 0x2600;
/** Of one code in a literal string: each of its two bytes may need a backslash before it. */
export const LITERAL_BYTES_MAX = 4;
const NEVER_SIMPLE = /[\p{Cc}\p{M}]/u;
/** DejaVu Sans beside Source Sans 3: its small letters are 0.547 of its size high, those of Source Sans 0.486. */
const WIDE_SCALE = 0.89;
/** Lines whose composition is kept: each is measured, aligned and drawn. */
const KEPT_LINES_MAX = 4096;
const KEPT_LENGTH_MAX = 1000;

/** The faces of one document; `fontsFolder` may have further fonts. */
export function createFaces(family: FontFamily, fontsFolder: string | null): DocumentFaces {
  const uses = createFontUses();
  const create = (weight: FontWeight): Face => {
    const primary = uses.of(family[weight], weight);
    const fallback = createFallback(family, fontsFolder, weight, uses);
    const simple = createSimplePath(primary, fallback);
    return {
      name: primary.name,
      file: primary.file,
      signs: primary.signs,
      isRightToLeft,
      ...simple,
      ...createFullPath(primary, fallback, simple),
    };
  };
  return { regular: create("regular"), bold: create("bold"), uses };
}

interface Fallback {
  /** Null when no other font has the character. */
  find(codePoint: number): FontUse | null;
  listUnreadable(): readonly string[];
}

function createFallback(
  family: FontFamily,
  folder: string | null,
  weight: FontWeight,
  uses: FontUses,
): Fallback {
  const chain = createFontChain(family, folder, weight);
  return {
    find(codePoint) {
      const found = chain.find(codePoint);
      return found && uses.of(found.file, weight, found.isEmbedded ? WIDE_SCALE : 1);
    },
    listUnreadable: () => chain.listUnreadable(),
  };
}

interface SimplePath extends Pick<Face, "measureSimple" | "writeSimple" | "widthOf"> {
  /** Hexadecimal codes of a text that measureSimple accepted. */
  encodeSimple(text: string): string;
}

/** Characters one by one: 3 times as fast as by clusters, and enough for nearly all texts. */
function createSimplePath({ table }: FontUse, fallback: Fallback): SimplePath {
  const widths = new Int16Array(SIMPLE_LIMIT).fill(-1);
  const hexes: string[] = Array.from({ length: SIMPLE_LIMIT }, () => "");
  /** The bytes of each code in a literal string, the first in the lowest byte, and how many they are. */
  const literals = new Uint32Array(SIMPLE_LIMIT);
  const literalSizes = new Uint8Array(SIMPLE_LIMIT);

  /** The width of a character that is met for the first time, or -1 when it is not simple. */
  function admit(code: number): number {
    const character = String.fromCharCode(code);
    if (code >= SIMPLE_LIMIT || NEVER_SIMPLE.test(character)) return -1;
    if (findShapedScript(character) !== null || mayRunRightToLeft(character)) return -1;
    if (!table.draws(character)) return -1;
    const sign = table.signOf(character);
    widths[code] = sign.width;
    hexes[code] = sign.hex;
    const literal = escapeLiteral(Buffer.from(sign.hex, "hex"));
    literalSizes[code] = literal.length;
    literal.forEach((byte, at) => (literals[code]! |= byte << (8 * at)));
    return sign.width;
  }

  return {
    measureSimple(text) {
      let width = 0;
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        let advance = widths[code] ?? -1;
        if (advance < 0) advance = admit(code);
        if (advance < 0) return -1;
        width += advance;
      }
      return width;
    },
    encodeSimple(text) {
      let hex = "";
      for (let at = 0; at < text.length; at++) hex += hexes[text.charCodeAt(at)];
      return hex;
    },
    writeSimple(bytes, start, text) {
      let at = start;
      for (let index = 0; index < text.length; index++) {
        const code = text.charCodeAt(index);
        const literal = literals[code]!;
        bytes[at] = literal;
        bytes[at + 1] = literal >>> 8;
        bytes[at + 2] = literal >>> 16;
        bytes[at + 3] = literal >>> 24;
        at += literalSizes[code]!;
      }
      return at;
    },
    widthOf(codePoint) {
      const simple = widths[codePoint] ?? -1;
      if (simple >= 0) return simple;
      const character = String.fromCodePoint(codePoint);
      const other = table.draws(character) ? null : fallback.find(codePoint);
      if (other === null) return table.signOf(character).width;
      return other.table.signOf(character).width * other.scale;
    },
  };
}

const BACKSLASH = 0x5c;
const LETTER_R = 0x72;

/** Parentheses and backslashes get a backslash; a carriage return would be read as a line feed. */
function escapeLiteral(bytes: Uint8Array): number[] {
  return Array.from(bytes).flatMap((byte) => {
    if (byte === 0x0d) return [BACKSLASH, LETTER_R];
    return byte === 0x28 || byte === 0x29 || byte === BACKSLASH ? [BACKSLASH, byte] : [byte];
  });
}

function createFullPath(
  primary: FontUse,
  fallback: Fallback,
  simple: SimplePath,
): Pick<Face, "measure" | "encode" | "countProblems"> {
  const kept = new Map<string, ShapedLine>();

  function chooseFont(cluster: string): FontUse {
    const characters = Array.from(cluster.normalize("NFC"));
    const lacking = characters.find((character) => !primary.table.draws(character));
    const other = lacking === undefined ? null : fallback.find(lacking.codePointAt(0) ?? 0);
    if (other === null) return primary;
    return characters.every((character) => other.table.draws(character)) ? other : primary;
  }

  function shape(text: string): ShapedLine {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const line = shapeLine(text, primary, chooseFont);
    if (kept.size >= KEPT_LINES_MAX) kept.clear();
    if (text.length <= KEPT_LENGTH_MAX) kept.set(text, line);
    return line;
  }

  function countProblems(text: string, problems: TextProblems): void {
    const { missingCount, unshapedCount } = shape(text);
    if (missingCount > 0) problems.count("missing_glyph", missingCount);
    if (unshapedCount > 0) problems.count("unshaped_script", unshapedCount);
    for (const name of fallback.listUnreadable()) problems.name("font_unreadable", name);
  }

  return {
    // The simple path is asked first: 100,000 rows of 10 columns took 3.0 s of CPU time without, 1.9 s with that.
    measure(text) {
      const width = simple.measureSimple(text);
      return width >= 0 ? width : shape(text).width;
    },
    encode(text, problems) {
      if (simple.measureSimple(text) >= 0) return simple.encodeSimple(text);
      if (problems !== undefined) countProblems(text, problems);
      return shape(text).codes;
    },
    countProblems(text, problems) {
      if (simple.measureSimple(text) < 0) countProblems(text, problems);
    },
  };
}
