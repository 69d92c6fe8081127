import { listNames } from "../report/short-text.ts";
import type { RenderWarning } from "./renderer.ts";

/** What was changed, for the reader of the file. The count stands after it. */
const MESSAGES = {
  formula_guarded: "Texts that a spreadsheet would run as a formula, given a leading apostrophe",
  lone_surrogate: "Cells with half of a character, which was replaced by \uFFFD",
  control_character: "Cells with control characters, which were written as _xHHHH_",
  cell_truncated: "Cells longer than 32,767 characters, which were cut; the cut is marked",
  number_as_text: "Numbers that a spreadsheet cannot hold exactly, written as text",
  date_as_text: "Dates outside 1900-03-01 to 9999-12-31, written as text",
  fraction_cut:
    "Times with more digits after the second than a spreadsheet shows, cut to milliseconds",
  total_as_text: "Totals that a spreadsheet cannot compute exactly, written as text",
  label_changed:
    "Labels and titles with half of a character, which was replaced by \uFFFD, or cut to 32,767 characters",
  unknown_column: "Column names in the options that the result does not have",
} as const;

export type WarningCode = keyof typeof MESSAGES;

/** Counts of what was changed, by code. */
export type WarningTally = Record<WarningCode, number>;

/** In the order in which they are listed. */
const CODES = [
  "formula_guarded",
  "lone_surrogate",
  "control_character",
  "cell_truncated",
  "number_as_text",
  "date_as_text",
  "fraction_cut",
  "total_as_text",
  "label_changed",
  "unknown_column",
] as const satisfies readonly WarningCode[];

export function createTally(): WarningTally {
  return {
    formula_guarded: 0,
    lone_surrogate: 0,
    control_character: 0,
    cell_truncated: 0,
    number_as_text: 0,
    date_as_text: 0,
    fraction_cut: 0,
    total_as_text: 0,
    label_changed: 0,
    unknown_column: 0,
  };
}

/** The warnings that happened, with the names of what was changed where they are known. */
export function listWarnings(
  tally: WarningTally,
  names: Partial<Record<WarningCode, readonly string[]>> = {},
): RenderWarning[] {
  return CODES.filter((code) => tally[code] > 0).map((code) => ({
    code,
    count: tally[code],
    message: `${MESSAGES[code]}: ${tally[code]}${inBrackets(listNames(names[code] ?? []))}.`,
  }));
}

function inBrackets(text: string): string {
  return text === "" ? "" : ` (${text})`;
}
