/** What had to be changed or could not be shown, counted over the document, and said in a sentence. */
import { listNames } from "../../report/short-text.ts";
import type { RenderWarning } from "../renderer.ts";

const MESSAGES = {
  missing_glyph: (count: number) =>
    `${characters(count)} not in the font of this document and shown as a box.`,
  unshaped_script: (count: number) =>
    `${characters(count)} of a script whose letters join or change places, which the font found for them cannot do; they are shown one by one.`,
  control_character: (count: number) =>
    `${characters(count)} not printable (control characters) and shown as a box.`,
  lone_surrogate: (count: number) =>
    `${characters(count)} not valid Unicode (half of a surrogate pair) and shown as a box.`,
} satisfies Record<string, (count: number) => string>;

const NAMED_MESSAGES = {
  font_unreadable: (names: readonly string[]) =>
    `Fonts that could not be read were passed over: ${listNames(names)}.`,
  label_cut: (names: readonly string[]) =>
    `Column labels longer than ${LABEL_LINES_MAX} lines are cut: ${listNames(names)}.`,
} satisfies Record<string, (names: readonly string[]) => string>;

/** Longer labels of columns end with "…", so that the table has room on the page. */
export const LABEL_LINES_MAX = 6;

type TextProblem = keyof typeof MESSAGES;
type NamedProblem = keyof typeof NAMED_MESSAGES;

export interface TextProblems {
  count(problem: TextProblem, times?: number): void;
  /** Something that has a name and is counted once, however often it is met. */
  name(problem: NamedProblem, name: string): void;
  toWarnings(): RenderWarning[];
}

export function createTextProblems(): TextProblems {
  const counts = new Map<TextProblem, number>();
  const named = new Map<NamedProblem, Set<string>>();
  return {
    count(problem, times = 1) {
      counts.set(problem, (counts.get(problem) ?? 0) + times);
    },
    name(problem, name) {
      named.set(problem, (named.get(problem) ?? new Set()).add(name));
    },
    toWarnings: () => [
      ...[...counts].map(([code, count]) => ({ code, count, message: MESSAGES[code](count) })),
      ...[...named].map(([code, names]) => ({
        code,
        count: names.size,
        message: NAMED_MESSAGES[code]([...names]),
      })),
    ],
  };
}

function characters(count: number): string {
  return count === 1 ? "1 character is" : `${count.toLocaleString("en-US")} characters are`;
}

/** Control characters but TAB, LF, CR and NEL, which are white space or ends of lines. */
const CONTROL = /(?![\t\n\r\u0085])\p{Cc}/gu;

/**
 * The text as it can be printed: control characters and lone surrogates as U+FFFD (counted when `problems` is
 * given), a TAB as four spaces, each end of line as LF.
 */
export function makePrintable(text: string, problems?: TextProblems): string {
  let printable = text;
  if (!text.isWellFormed()) {
    const wellFormed = text.toWellFormed();
    problems?.count("lone_surrogate", countDifferences(text, wellFormed));
    printable = wellFormed;
  }
  const controls = printable.match(CONTROL);
  if (controls !== null) {
    problems?.count("control_character", controls.length);
    printable = printable.replaceAll(CONTROL, "\uFFFD");
  }
  return printable.replaceAll("\t", "    ").replaceAll(/\r\n|[\r\u0085\u2028\u2029]/g, "\n");
}

function countDifferences(one: string, other: string): number {
  let count = 0;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) count++;
  return count;
}
