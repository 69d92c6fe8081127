/** Which characters cannot be drawn one by one from left to right. */

/**
 * Scripts whose letters join, combine or change places, with the tags by which a font says that it knows how
 * (OpenType 1.9, "Script tags"). None: their marks only have to be placed, which is done without the font's help too.
 */
const SHAPED_SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  Arabic: ["arab"],
  Syriac: ["syrc"],
  Nko: ["nko "],
  Mongolian: ["mong"],
  Devanagari: ["dev3", "dev2", "deva"],
  Bengali: ["bng3", "bng2", "beng"],
  Gurmukhi: ["gur3", "gur2", "guru"],
  Gujarati: ["gjr3", "gjr2", "gujr"],
  Oriya: ["ory3", "ory2", "orya"],
  Tamil: ["tml3", "tml2", "taml"],
  Telugu: ["tel3", "tel2", "telu"],
  Kannada: ["knd3", "knd2", "knda"],
  Malayalam: ["mlm3", "mlm2", "mlym"],
  Sinhala: ["sinh"],
  Tibetan: ["tibt"],
  Myanmar: ["mym2", "mymr"],
  Khmer: ["khmr"],
  Hebrew: [],
  Thaana: [],
  Thai: [],
  Lao: [],
};

const PATTERNS = Object.keys(SHAPED_SCRIPTS).map((name): [string, RegExp] => [
  name,
  new RegExp(`\\p{Script=${name}}`, "u"),
]);
const ANY_SHAPED = new RegExp(
  `[${Object.keys(SHAPED_SCRIPTS)
    .map((name) => `\\p{Script=${name}}`)
    .join("")}]`,
  "u",
);

/** Blocks of right-to-left scripts (Unicode 16, DerivedBidiClass), and the controls that ask for that order. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08FF\u200F\u202B\u202E\u2067\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

/** The script that a character must be shaped by; null when it is drawn as it is, or goes with its neighbours. */
export function findShapedScript(character: string): string | null {
  if (!ANY_SHAPED.test(character)) return null;
  return PATTERNS.find(([, pattern]) => pattern.test(character))?.[0] ?? null;
}

export function mayRunRightToLeft(text: string): boolean {
  return RIGHT_TO_LEFT.test(text);
}

/** The tags of which a font needs one to shape a script. */
export function listShapingTags(script: string): readonly string[] {
  return SHAPED_SCRIPTS[script] ?? [];
}
