/** Breaks text into lines that fit a width. */
import type { Face } from "./face.ts";
import { needsWords, wrapWords } from "./shape-wrap.ts";

/** A line may end after these: hyphens, and joints of paths, addresses and column names. */
const BREAKS_AFTER = new Set(Array.from("-\u2010\u2013\u2014/\\_,;:?&|=", (c) => c.charCodeAt(0)));

/**
 * The lines of printable text, none wider than `limit` (thousandths of the font size) unless a single character
 * is. Breaks at spaces, which the break swallows, then after hyphens and the like, then anywhere. Nothing else
 * is lost. An empty text is one empty line.
 */
export function wrapText(face: Face, text: string, limit: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    const wrap = needsWords(paragraph) ? wrapWords : wrapParagraph;
    wrap(face, paragraph, limit, lines);
  }
  return lines;
}

function wrapParagraph(face: Face, text: string, limit: number, lines: string[]): void {
  let start = 0;
  let width = 0;
  let breakAt = 0;
  let widthAtBreak = 0;
  let at = 0;
  while (at < text.length) {
    const codePoint = text.codePointAt(at) ?? 0;
    const next = at + (codePoint > 0xffff ? 2 : 1);
    const advance = face.widthOf(codePoint);
    if (codePoint === 0x20) {
      width += advance;
      breakAt = next;
      widthAtBreak = width;
      at = next;
      continue;
    }
    if (width + advance > limit && at > start && advance > 0) {
      const end = breakAt > start ? breakAt : at;
      lines.push(text.slice(start, end).trimEnd());
      width = breakAt > start ? width - widthAtBreak : 0;
      start = end;
      breakAt = end;
      widthAtBreak = 0;
      continue;
    }
    width += advance;
    at = next;
    if (BREAKS_AFTER.has(codePoint)) {
      breakAt = at;
      widthAtBreak = width;
    }
  }
  lines.push(text.slice(start).trimEnd());
}

/** The widest piece that a line is not broken within, for the narrowest sensible column. */
export function measureLongestWord(face: Face, text: string): number {
  let longest = 0;
  for (const word of text.split(/\s+/u)) {
    for (const piece of splitAtBreaks(word)) longest = Math.max(longest, face.measure(piece));
  }
  return longest;
}

/** The pieces of a word, which lines may be broken between. */
export function splitAtBreaks(word: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = 0; at < word.length; at++) {
    if (!BREAKS_AFTER.has(word.charCodeAt(at))) continue;
    pieces.push(word.slice(start, at + 1));
    start = at + 1;
  }
  if (start < word.length) pieces.push(word.slice(start));
  return pieces;
}
