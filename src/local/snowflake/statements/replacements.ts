/** Parts of a text that become another. */

/** A part of the text and what stands there instead. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Parts may not overlap. */
export function replaceParts(sql: string, replacements: readonly Replacement[]): string {
  let text = "";
  let position = 0;
  for (const part of replacements.toSorted((a, b) => a.start - b.start)) {
    text += sql.slice(position, part.start) + part.text;
    position = part.end;
  }
  return text + sql.slice(position);
}
