/**
 * Breaks text of scripts whose letters join, which have no spaces between words, or which run from right to left.
 * Where words end is known to the runtime's dictionaries (Intl.Segmenter), also of Thai, Chinese and Japanese.
 */
import { isRightToLeft, keepDirection } from "./bidi-order.ts";
import type { Face } from "./face.ts";

/** From Hebrew to Mongolian without Georgian and Ethiopic, then East Asian, and forms and planes of these. */
const NEEDS_WORDS =
  /[\u0590-\u109F\u1780-\u18AF\u200F\u202B\u202E\u2067\u2E80-\uABFF\uFB1D-\uFDFF\uFE30-\uFEFF\uFF00-\uFFEF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}\u{20000}-\u{3FFFF}]/u;
const ENDS_WITH_SPACE = /[^\S\u00A0\u202F]$/u;
/** A line does not end after these. */
const GLUES_NEXT = /[\p{Ps}\p{Pi}\u00A0\u202F\u2060]$/u;

const words = new Intl.Segmenter("und", { granularity: "word" });
const letters = new Intl.Segmenter("und", { granularity: "grapheme" });

/** Asked for every paragraph that is wrapped: 1 µs for 1,000 letters. */
export function needsWords(paragraph: string): boolean {
  return NEEDS_WORDS.test(paragraph);
}

/** Adds the lines of a paragraph; each runs the way the whole paragraph does. */
export function wrapWords(face: Face, paragraph: string, limit: number, lines: string[]): void {
  const isReversed = isRightToLeft(paragraph);
  let line = "";
  let width = 0;
  const endLine = (): void => {
    lines.push(keepDirection(line.trimEnd(), isReversed));
    line = "";
    width = 0;
  };
  for (const piece of cutPieces(face, paragraph, limit)) {
    if (line !== "" && width + piece.width > limit) endLine();
    line += piece.text;
    width += piece.width;
  }
  endLine();
}

interface Piece {
  readonly text: string;
  /** Thousandths of the font size, with the spaces at its end. */
  readonly width: number;
}

/** What a line is not broken within: words, but letters of a word that is wider than a line. */
function cutPieces(face: Face, paragraph: string, limit: number): Piece[] {
  const pieces: string[] = [];
  let piece = "";
  for (const { segment, isWordLike } of words.segment(paragraph)) {
    if (piece !== "" && mayBreak(piece, segment, isWordLike === true)) {
      pieces.push(piece);
      piece = "";
    }
    piece += segment;
  }
  if (piece !== "") pieces.push(piece);
  const measure = (text: string): Piece => ({ text, width: face.measure(text) });
  return pieces.flatMap((text) => {
    const whole = measure(text);
    if (whole.width <= limit || face.measure(text.trimEnd()) <= limit) return [whole];
    return Array.from(letters.segment(text), ({ segment }) => measure(segment));
  });
}

/** Punctuation stays with the word before it, an opening bracket with the word behind it. */
function mayBreak(before: string, segment: string, isWord: boolean): boolean {
  if (/^\s/u.test(segment) || GLUES_NEXT.test(before)) return false;
  if (ENDS_WITH_SPACE.test(before)) return true;
  const isPunctuationBefore = !/[\p{L}\p{N}\p{M}]$/u.test(before);
  const begins = isWord && !/^[\p{Pe}\p{Pf}]/u.test(segment);
  // "-5" and "#7" begin a piece that way: the sign belongs to what follows it.
  if (begins && isPunctuationBefore) return /[\p{L}\p{N}\p{M}]/u.test(before);
  return begins || GLUES_NEXT.test(segment);
}
