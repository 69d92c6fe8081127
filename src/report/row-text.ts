import { FORMATS, type Format } from "./artifact.ts";
import { ReportError } from "./errors.ts";

/** A list as people write it into one text: separated by commas or semicolons. */
export function splitList(text: string): string[] {
  return text
    .split(/[,;]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Throws ReportError `invalid_report` that names the column. */
export function refuse(column: string, reason: string): never {
  throw new ReportError("invalid_report", `${column}: ${reason}`);
}

/** One of a closed set, in any case. */
export function parseOne<const T extends string>(
  column: string,
  text: string,
  allowed: readonly T[],
): T {
  const found = allowed.find((value) => value === text.trim().toUpperCase());
  return found ?? refuse(column, `"${text}" is not one of ${allowed.join(", ")}`);
}

export function parseFormats(column: string, text: string): Format[] {
  const names = splitList(text);
  if (names.length === 0) refuse(column, `is empty; it may be ${FORMATS.join(", ")}`);
  return [...new Set(names.map((name) => parseOne(column, name, FORMATS)))];
}
