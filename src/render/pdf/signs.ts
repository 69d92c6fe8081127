/**
 * The characters that a document uses of one font. Every distinct character gets a code (CID) of its own when it is
 * first met, in ascending order: streams can be written long before the set of glyphs is known, and two characters
 * that share a glyph, or have none, still read back as themselves.
 */
import type { FontFile } from "./font-files.ts";

/** A character, a base with its combining marks for which the font has one glyph, or a glyph that shaping chose. */
export interface Sign {
  /** What it reads back as; empty when another sign beside it says that. */
  readonly text: string;
  readonly glyphId: number;
  /** Thousandths of the font size. */
  readonly width: number;
  /** The code, as four hexadecimal digits. */
  readonly hex: string;
  readonly isMissing: boolean;
}

export interface SignTable {
  /** By code; the first has code 1, for code 0 stands for "not defined". */
  readonly signs: readonly Sign[];
  /** Whether the font draws a character, or need not: a space, a character without a picture. */
  draws(character: string): boolean;
  signOf(character: string): Sign;
  /** Joins a base and its marks when the font has the composed character: "e\u0301" is drawn as "é". */
  signsOf(cluster: string): readonly Sign[];
  /**
   * A glyph of the font that reads back as `text`; -1 is a blank. `width` is how far a reader is told that it
   * reaches, unless the font is one in which that belongs to the glyph (CFF).
   */
  glyphSign(glyphId: number, text: string, width?: number): Sign;
}

/** Codes have 16 bits; a document with more distinct characters shows the rest as missing. */
const SIGNS_MAX = 60_000;

const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{Cf}]$/u;
const SPACE = /^\p{Zs}$/u;

export function createSignTable(file: FontFile): SignTable {
  const { outlines } = file;
  const signs: Sign[] = [];
  const byKey = new Map<string, Sign>();
  const replacement = addSign("\uFFFD", "\uFFFD", findGlyph(file, "\uFFFD"));

  function addSign(key: string, text: string, glyph: Omit<Sign, "text" | "hex">): Sign {
    if (signs.length >= SIGNS_MAX) return { ...replacement, isMissing: true };
    const sign = { text, hex: (signs.length + 1).toString(16).padStart(4, "0"), ...glyph };
    signs.push(sign);
    byKey.set(key, sign);
    return sign;
  }

  function signOf(character: string): Sign {
    return byKey.get(character) ?? addSign(character, character, findGlyph(file, character));
  }

  return {
    signs,
    draws: (character) => isDrawn(file, character),
    signOf,
    signsOf(cluster) {
      const known = byKey.get(cluster);
      if (known !== undefined) return [known];
      const characters = Array.from(cluster);
      if (characters.length === 1) return [signOf(cluster)];
      const [composed = "", ...rest] = Array.from(cluster.normalize("NFC"));
      if (rest.length === 0 && file.glyphOf(composed.codePointAt(0) ?? 0) !== 0) {
        return [addSign(cluster, cluster, findGlyph(file, composed))];
      }
      return characters.map(signOf);
    },
    glyphSign(glyphId, text, width) {
      // A NUL keeps glyphs apart from characters: no text that is printed has one.
      const key = `\0${glyphId} ${width ?? ""} ${text}`;
      const known = byKey.get(key);
      if (known !== undefined) return known;
      const chosen = glyphId < 0 ? file.glyphOf(0x20) : glyphId;
      // A font may name glyphs that it does not have.
      const drawn = chosen < file.glyphCount ? chosen : 0;
      const own = toThousandths(file, file.advanceOf(drawn));
      const told = outlines === "cff" ? own : (width ?? own);
      return addSign(key, text, { glyphId: drawn, width: told, isMissing: false });
    },
  };
}

/** Units of the font as thousandths of its size. */
export function toThousandths({ unitsPerEm }: FontFile, units: number): number {
  return Math.round((units * 1000) / unitsPerEm);
}

function isDrawn(file: FontFile, character: string): boolean {
  return (
    file.glyphOf(character.codePointAt(0) ?? 0) !== 0 ||
    SPACE.test(character) ||
    INVISIBLE.test(character)
  );
}

function findGlyph(file: FontFile, character: string): Omit<Sign, "text" | "hex"> {
  const codePoint = character.codePointAt(0) ?? 0;
  if (INVISIBLE.test(character)) {
    return { glyphId: file.glyphOf(0x20), width: 0, isMissing: false };
  }
  const own = file.glyphOf(codePoint);
  const drawn = own !== 0 || SPACE.test(character);
  const found = drawn && own === 0 ? file.glyphOf(0x20) : own;
  const glyphId = found < file.glyphCount ? found : 0;
  return {
    glyphId,
    width: toThousandths(file, file.advanceOf(glyphId)),
    // U+FFFD stands for a character that was counted when it was replaced: its box is no new problem.
    isMissing: !drawn && character !== "\uFFFD",
  };
}
