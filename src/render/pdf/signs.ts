/**
 * The characters that a document uses in one weight. Every distinct character gets a code (CID) of its own when it
 * is first met, in ascending order: streams can be written long before the set of glyphs is known, and two
 * characters that share a glyph, or have none, still read back as themselves.
 */
import type { Font } from "@pdf-lib/fontkit";

/** A character, or a base with its combining marks for which the font has one composed glyph. */
export interface Sign {
  readonly text: string;
  readonly glyphId: number;
  /** Thousandths of the font size. */
  readonly width: number;
  /** The code, as four hexadecimal digits. */
  readonly hex: string;
  readonly isMissing: boolean;
  /** Of a script that needs joining, reordering or right-to-left order, which is not done here. */
  readonly isUnshaped: boolean;
}

export interface SignTable {
  /** By code; the first has code 1, for code 0 stands for "not defined". */
  readonly signs: readonly Sign[];
  signOf(character: string): Sign;
  /** Joins a base and its marks when the font has the composed character: "e\u0301" is drawn as "é". */
  signsOf(cluster: string): readonly Sign[];
}

/** Codes have 16 bits; a document with more distinct characters shows the rest as missing. */
const SIGNS_MAX = 60_000;

const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{Cf}]$/u;
const SPACE = /^\p{Zs}$/u;
const COMPLEX_SCRIPTS = [
  ..."Arabic Hebrew Syriac Thaana Nko Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu".split(
    " ",
  ),
  ..."Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Khmer Mongolian".split(" "),
];
const COMPLEX = new RegExp(
  `[${COMPLEX_SCRIPTS.map((script) => `\\p{Script=${script}}`).join("")}]`,
  "u",
);

export function createSignTable(font: Font): SignTable {
  const signs: Sign[] = [];
  const byText = new Map<string, Sign>();
  const replacement = addSign("\uFFFD", "\uFFFD");

  function addSign(text: string, drawn: string): Sign {
    if (signs.length >= SIGNS_MAX) return { ...replacement, isMissing: true };
    const sign = {
      text,
      hex: (signs.length + 1).toString(16).padStart(4, "0"),
      ...findGlyph(font, drawn),
    };
    signs.push(sign);
    byText.set(text, sign);
    return sign;
  }

  function signOf(character: string): Sign {
    return byText.get(character) ?? addSign(character, character);
  }

  return {
    signs,
    signOf,
    signsOf(cluster) {
      const known = byText.get(cluster);
      if (known !== undefined) return [known];
      const characters = Array.from(cluster);
      if (characters.length === 1) return [signOf(cluster)];
      const [composed = "", ...rest] = Array.from(cluster.normalize("NFC"));
      if (rest.length === 0 && font.hasGlyphForCodePoint(composed.codePointAt(0) ?? 0)) {
        return [addSign(cluster, composed)];
      }
      return characters.map(signOf);
    },
  };
}

function findGlyph(font: Font, character: string): Omit<Sign, "text" | "hex"> {
  const codePoint = character.codePointAt(0) ?? 0;
  const isUnshaped = COMPLEX.test(character);
  if (INVISIBLE.test(character)) {
    return { glyphId: font.glyphForCodePoint(0x20).id, width: 0, isMissing: false, isUnshaped };
  }
  const has = font.hasGlyphForCodePoint(codePoint);
  const isDrawn = has || SPACE.test(character);
  const glyph = isDrawn ? font.glyphForCodePoint(has ? codePoint : 0x20) : font.getGlyph(0);
  return {
    glyphId: glyph.id,
    width: Math.round((glyph.advanceWidth * 1000) / font.unitsPerEm),
    // U+FFFD stands for a character that was counted when it was replaced: its box is no new problem.
    isMissing: !isDrawn && character !== "\uFFFD",
    isUnshaped,
  };
}
