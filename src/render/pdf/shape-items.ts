/** A line cut into items: characters of one font, one script and one direction. */
import { findLevels } from "./bidi-order.ts";
import type { FontUse } from "./font-uses.ts";
import { findShapedScript } from "./shape-scripts.ts";

export interface Item {
  readonly use: FontUse;
  /** Of the bidirectional algorithm: odd from right to left. */
  readonly level: number;
  /** Null when its characters are drawn as they are. */
  readonly script: string | null;
  readonly text: string;
}

/** The font that draws all of a cluster; the primary one, with its box, when none does. */
export type ChooseFont = (cluster: string) => FontUse;

const CLUSTERS = /\P{M}\p{M}*|\p{M}+/gu;
/** Has no picture of its own and must not part the letters around it: joiners, variation selectors, spaces. */
const GOES_ALONG = /^[\p{Default_Ignorable_Code_Point}\p{Zs}]+$/u;
/** Did its work when the line was ordered. */
const DIRECTION_MARK = /^[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]$/u;

export function cutItems(line: string, chooseFont: ChooseFont): Item[] {
  const levels = findLevels(line);
  const items: Item[] = [];
  for (const match of line.matchAll(CLUSTERS)) {
    const [cluster] = match;
    if (levels !== null && DIRECTION_MARK.test(cluster)) continue;
    const last = items.at(-1);
    const level = levels?.[match.index] ?? 0;
    const next = composeItem(cluster, level, last, chooseFont);
    if (last !== undefined && belongTogether(last, next)) {
      items[items.length - 1] = { ...last, text: last.text + cluster };
    } else {
      items.push(next);
    }
  }
  return items;
}

function composeItem(
  cluster: string,
  level: number,
  last: Item | undefined,
  chooseFont: ChooseFont,
): Item {
  // Spaces between shaped words stay with them: the words are then shaped in one go.
  if (last !== undefined && last.script !== null && GOES_ALONG.test(cluster)) {
    return { use: last.use, level, script: last.script, text: cluster };
  }
  return {
    use: chooseFont(cluster),
    level,
    script: findShapedScript(cluster),
    text: cluster,
  };
}

function belongTogether(one: Item, other: Item): boolean {
  return one.use === other.use && one.level === other.level && one.script === other.script;
}
