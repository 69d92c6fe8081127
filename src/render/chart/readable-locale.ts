/** Scripts of the fonts that come with the program (see pdf/font-files.ts). */
const SCRIPTS = ["Latin", "Greek", "Cyrillic", "Hebrew", "Arabic", "Armenian", "Georgian"];
const READABLE = new RegExp(
  `^[${SCRIPTS.map((script) => `\\p{Script=${script}}`).join("")}\\p{Script=Common}\\p{M}]*$`,
  "u",
);

/**
 * The locale, or US English when its names of months are in letters that would print as boxes, such as Devanagari or
 * Chinese. Other words of a report do not depend on the locale.
 */
export function chooseReadableLocale(locale: string): string {
  const month = new Intl.DateTimeFormat(locale, { month: "short", numberingSystem: "latn" });
  return READABLE.test(month.format(0)) ? locale : "en-US";
}
