/** Text that runs from right to left: the Unicode bidirectional algorithm (UAX #9), by bidi-js. */
import createBidi, { type Bidi } from "bidi-js";
import { mayRunRightToLeft } from "./shape-scripts.ts";

/** A mark that takes no space and says which way a line runs whose first letter would say otherwise. */
const MARKS = { leftToRight: "\u200E", rightToLeft: "\u200F" } as const;

let bidi: Bidi | undefined;

/** Builds its tables (3 ms) when the first text from right to left is met. */
function openBidi(): Bidi {
  bidi ??= createBidi();
  return bidi;
}

/**
 * The level of each UTF-16 unit of a line: odd ones run from right to left. Null, at hardly any cost, when nothing
 * does.
 */
export function findLevels(line: string): Uint8Array | null {
  return mayRunRightToLeft(line) ? openBidi().getEmbeddingLevels(line).levels : null;
}

/** Letters and marks of a direction, and beginnings and ends of isolated parts, which do not count. */
const STRONG = new Set(["L", "R", "AL"]);
const ISOLATES = new Set(["LRI", "RLI", "FSI"]);

/** Whether a paragraph begins at the right: by its first letter, or a mark before it (UAX #9, P2 and P3). */
export function isRightToLeft(paragraph: string): boolean {
  if (!mayRunRightToLeft(paragraph)) return false;
  let depth = 0;
  for (const character of paragraph) {
    const type = openBidi().getBidiCharTypeName(character);
    if (ISOLATES.has(type)) depth++;
    else if (type === "PDI") depth = Math.max(0, depth - 1);
    else if (depth === 0 && STRONG.has(type)) return type !== "L";
  }
  return false;
}

/** A part of a paragraph as a line of its own that runs the way the paragraph does. */
export function keepDirection(line: string, isParagraphRightToLeft: boolean): string {
  if (line === "" || isRightToLeft(line) === isParagraphRightToLeft) return line;
  return (isParagraphRightToLeft ? MARKS.rightToLeft : MARKS.leftToRight) + line;
}

/** Items in the order of their characters, as they stand from left to right (UAX #9, L2). */
export function orderVisually<Item extends { readonly level: number }>(
  items: readonly Item[],
): Item[] {
  const ordered = [...items];
  const highest = ordered.reduce((most, { level }) => Math.max(most, level), 0);
  for (let level = highest; level > 0; level--) {
    for (let start = 0; start < ordered.length; start++) {
      let end = start;
      while ((ordered[end]?.level ?? -1) >= level) end++;
      if (end - start > 1) {
        ordered.splice(start, end - start, ...ordered.slice(start, end).toReversed());
      }
      start = Math.max(start, end - 1);
    }
  }
  return ordered;
}
