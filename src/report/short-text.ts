/** The start of a text, of at most so many UTF-16 units and of whole characters. */
export function cutText(text: string, unitsMax: number): string {
  if (text.length <= unitsMax) return text;
  const isSplit =
    /[\uD800-\uDBFF]/.test(text.charAt(unitsMax - 1)) &&
    /[\uDC00-\uDFFF]/.test(text.charAt(unitsMax));
  return text.slice(0, isSplit ? unitsMax - 1 : unitsMax);
}

/** The text, or its start with "…" for what is left out; of at most so many UTF-16 units. */
export function shortenText(text: string, unitsMax: number): string {
  return text.length <= unitsMax ? text : `${cutText(text, unitsMax - 1)}…`;
}

/** More names are not listed. */
const NAMES_MAX = 5;

/** The first few names, with "…" for the others. */
export function listNames(names: readonly string[]): string {
  return names.slice(0, NAMES_MAX).join(", ") + (names.length > NAMES_MAX ? ", …" : "");
}
