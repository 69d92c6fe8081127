/**
 * Excel's rules: 1 to 31 UTF-16 units, none of []:*?/\, no apostrophe at an end, not "History". Apostrophes become
 * typographic ones everywhere, because the names stand between apostrophes in the references to them.
 */
const LENGTH_MAX = 31;
export const ABOUT_SHEET = "About";
const RESERVED: ReadonlySet<string> = new Set(["history", ABOUT_SHEET.toLowerCase()]);
const FALLBACK = "Data";

/** Names of the data sheets: "Orders", "Orders 2", "Orders 3". */
export function nameSheets(title: string, count: number): string[] {
  const base = cleanName(title);
  return Array.from({ length: count }, (_, index) =>
    index === 0 ? base : numberName(base, ` ${index + 1}`),
  );
}

function cleanName(title: string): string {
  const text = title
    .toWellFormed()
    .replace(/[[\]:*?/\\\p{Cc}\uFFFE\uFFFF]+/gu, " ")
    .replaceAll("'", "\u2019")
    .replace(/\s+/g, " ");
  const name = cutName(text.trimStart(), LENGTH_MAX);
  return name === "" || RESERVED.has(name.toLowerCase()) ? FALLBACK : name;
}

function numberName(base: string, suffix: string): string {
  return cutName(base, LENGTH_MAX - suffix.length) + suffix;
}

/** Whole characters only. */
function cutName(text: string, lengthMax: number): string {
  let name = "";
  for (const character of text) {
    if (name.length + character.length > lengthMax) break;
    name += character;
  }
  return name.trimEnd();
}
