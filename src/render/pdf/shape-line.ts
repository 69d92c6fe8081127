/**
 * A line with characters that need more than the primary font and left-to-right order, as operators of a content
 * stream: from left to right as it is seen, which is the order that readers of PDF files expect, and by which they
 * give a text from right to left back in its own order.
 */
import { orderVisually } from "./bidi-order.ts";
import type { FontUse } from "./font-uses.ts";
import { openShapeEngine, type ShapedGlyph } from "./shape-engine.ts";
import { cutItems, type ChooseFont, type Item } from "./shape-items.ts";
import { listShapingTags } from "./shape-scripts.ts";
import { createStringWriter, type StringWriter } from "./shape-strings.ts";
import { toThousandths } from "./signs.ts";

export interface ShapedLine {
  /** Thousandths of the font size. */
  readonly width: number;
  /** What `Face.encode` returns. */
  readonly codes: string;
  readonly missingCount: number;
  readonly unshapedCount: number;
}

interface Tally {
  missingCount: number;
  unshapedCount: number;
}

export function shapeLine(line: string, primary: FontUse, chooseFont: ChooseFont): ShapedLine {
  const writer = createStringWriter(primary);
  const tally = { missingCount: 0, unshapedCount: 0 };
  for (const item of orderVisually(cutItems(line, chooseFont))) {
    writer.setFont(item.use);
    if (item.script === null && (item.level & 1) === 0) writePlain(writer, item, tally);
    else writeShaped(writer, item, tally);
  }
  return { ...writer.finish(), ...tally };
}

const CLUSTERS = /\P{M}\p{M}*|\p{M}+/gu;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

function writePlain(writer: StringWriter, item: Item, tally: Tally): void {
  // A CFF font has one width for each glyph, so that nothing of no width can borrow the space's.
  const text = item.use.file.outlines === "cff" ? item.text.replaceAll(IGNORABLE, "") : item.text;
  for (const [cluster] of text.matchAll(CLUSTERS)) {
    for (const sign of item.use.table.signsOf(cluster)) {
      writer.show(sign);
      if (sign.isMissing) tally.missingCount++;
    }
  }
}

function writeShaped(writer: StringWriter, item: Item, tally: Tally): void {
  const { use, text } = item;
  const isReversed = (item.level & 1) === 1;
  const direction = isReversed ? "rightToLeft" : "leftToRight";
  const glyphs = openShapeEngine()(use.file, text, direction);
  const clusters = groupByCluster(glyphs, text);
  const groups = isReversed ? joinMarks(clusters) : clusters;
  const isUnshaped = item.script !== null && !knowsScript(use, item.script);
  for (const { part, members: group } of groups) {
    const count = Array.from(part.replaceAll(IGNORABLE, "").trim()).length;
    const members = group.map((glyph) => placeGlyph(use, glyph));
    if (members.some(({ glyphId }) => glyphId === 0)) tally.missingCount += count;
    else if (isUnshaped) tally.unshapedCount += count;
    if (isReversed) writeReversed(writer, use, part, members);
    else writeForward(writer, use, part, members);
  }
}

function writeForward(
  writer: StringWriter,
  use: FontUse,
  part: string,
  glyphs: readonly PlacedGlyph[],
): void {
  if (glyphs.length > 1) writer.beginActualText(part);
  glyphs.forEach((glyph, at) => {
    writer.show(use.table.glyphSign(glyph.glyphId, at === 0 ? part : ""), glyph);
  });
  if (glyphs.length > 1) writer.endActualText();
}

const BLANK = -1;

/**
 * Readers turn what they find from left to right around, letter by letter, also within what one code stands for.
 * So each code stands for one letter: the glyph for the last one, blanks over its other half for those before it.
 * Marks above and below are drawn apart from the letters, so that these stay on one height, and read back as nothing.
 */
function writeReversed(
  writer: StringWriter,
  use: FontUse,
  part: string,
  glyphs: readonly PlacedGlyph[],
): void {
  const { table } = use;
  const [last = "", ...before] = Array.from(part).toReversed();
  const main = glyphs.find(({ advance }) => advance > 0);
  const share = Math.round((main?.advance ?? 0) / (before.length + 1));
  if (main === undefined) writer.show(table.glyphSign(BLANK, last, 0), { advance: 0 });
  for (const glyph of glyphs) {
    const advance = glyph === main ? glyph.advance - share * before.length : glyph.advance;
    if (advance === 0) writer.defer(table.glyphSign(glyph.glyphId, ""), glyph);
    else if (glyph !== main) writer.show(table.glyphSign(glyph.glyphId, ""), glyph);
    else {
      const width = before.length === 0 ? undefined : advance;
      writer.show(table.glyphSign(glyph.glyphId, last, width), { ...glyph, advance });
    }
  }
  for (const letter of before) {
    writer.show(table.glyphSign(BLANK, letter, share), { advance: share });
  }
}

interface PlacedGlyph {
  readonly glyphId: number;
  readonly advance: number;
  readonly x: number;
  readonly y: number;
}

/** In thousandths of the size of the font. */
function placeGlyph(use: FontUse, glyph: ShapedGlyph): PlacedGlyph {
  const scale = (units: number): number => toThousandths(use.file, units);
  const { glyphId, advance, offsetX, offsetY } = glyph;
  return { glyphId, advance: scale(advance), x: scale(offsetX), y: scale(offsetY) };
}

/** Glyphs side by side that show the same characters, with these characters. */
function groupByCluster(glyphs: readonly ShapedGlyph[], text: string): GlyphGroup[] {
  const starts = [...new Set(glyphs.map(({ cluster }) => cluster))].toSorted((a, b) => a - b);
  const ends = new Map(starts.map((start, at) => [start, starts[at + 1] ?? text.length]));
  const groups: { cluster: number; part: string; members: ShapedGlyph[] }[] = [];
  for (const glyph of glyphs) {
    const { cluster } = glyph;
    const last = groups.at(-1);
    if (last?.cluster === cluster) last.members.push(glyph);
    else groups.push({ cluster, part: text.slice(cluster, ends.get(cluster)), members: [glyph] });
  }
  return groups;
}

interface GlyphGroup {
  /** The characters that the glyphs show. */
  readonly part: string;
  readonly members: readonly ShapedGlyph[];
}

/** From right to left a mark comes before its letter: makes one group of both. */
function joinMarks(groups: readonly GlyphGroup[]): GlyphGroup[] {
  const joined: GlyphGroup[] = [];
  let marks: GlyphGroup = { part: "", members: [] };
  for (const { part, members } of groups) {
    const whole = { part: part + marks.part, members: [...marks.members, ...members] };
    if (members.every(({ advance }) => advance === 0)) {
      marks = whole;
    } else {
      joined.push(whole);
      marks = { part: "", members: [] };
    }
  }
  return marks.part === "" ? joined : [...joined, marks];
}

/** Whether the font says how the script is joined and combined. */
function knowsScript({ file }: FontUse, script: string): boolean {
  const tags = listShapingTags(script);
  return tags.length === 0 || tags.some((tag) => file.scripts.has(tag));
}
