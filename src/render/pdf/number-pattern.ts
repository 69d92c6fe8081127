/** Reads what a PDF can follow of a spreadsheet's number format: decimals, grouping, percent, literal text. */

export interface NumberPattern {
  readonly decimalsMin: number;
  /** More digits than this are rounded away, halves away from zero, as spreadsheets do. */
  readonly decimalsMax: number;
  readonly isGrouped: boolean;
  /** Powers of ten to multiply by: 2 for percent, -3 for each comma after the last digit. */
  readonly shift: number;
  readonly isPercent: boolean;
  readonly prefix: string;
  readonly suffix: string;
}

/** A quoted text, an escaped character, a bracket, padding and filling, or any one character. */
const TOKENS = /"([^"]*)"?|\\(.)|\[([^\]]*)\]|[_*](.)|(.)/gsu;

/**
 * The pattern of a format's first section (negative numbers get a minus sign). Null for a format that shows a
 * number in no plain digits, such as "General", "@", dates or "0.00E+00": the number is then shown as it is.
 */
export function parseNumberPattern(format: string): NumberPattern | null {
  let digits = "";
  let prefix = "";
  let suffix = "";
  let isPercent = false;
  for (const [token, quoted, escaped, bracket, filler] of format.matchAll(TOKENS)) {
    if (token === ";") break;
    if (filler !== undefined) continue;
    const literal = quoted ?? escaped ?? readBracket(bracket);
    if (literal === undefined && /^[0#?.,]$/.test(token)) digits += token;
    else if (literal === undefined && token === "%") isPercent = true;
    else if (literal === undefined && /^[a-zA-Z@]$/.test(token)) return null;
    else if (digits === "") prefix += literal ?? token;
    else suffix += literal ?? token;
  }
  return /[0#?]/.test(digits) ? readDigits(digits, { isPercent, prefix, suffix }) : null;
}

/** "[$€-407]" is a currency sign; "[Red]" and "[>100]" are not text. */
function readBracket(bracket: string | undefined): string | undefined {
  if (bracket === undefined) return undefined;
  return bracket.startsWith("$") ? (bracket.slice(1).split("-")[0] ?? "") : "";
}

function readDigits(
  digits: string,
  texts: { isPercent: boolean; prefix: string; suffix: string },
): NumberPattern {
  const [, kept = "", scaling = ""] = /^(.*?)(,*)$/.exec(digits) ?? [];
  const [integer = "", fraction = ""] = kept.split(".");
  return {
    decimalsMin: fraction.replaceAll(/[^0]/g, "").length,
    decimalsMax: fraction.replaceAll(/[^0#?]/g, "").length,
    isGrouped: integer.includes(","),
    shift: (texts.isPercent ? 2 : 0) - 3 * scaling.length,
    ...texts,
  };
}
