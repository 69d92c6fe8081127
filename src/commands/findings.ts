import { asReportError } from "../report/errors.ts";

/** The result of one check of `doctor`. */
export interface Finding {
  readonly check: string;
  readonly isOk: boolean;
  readonly text: string;
  /** What to do about it. */
  readonly advice: string | null;
}

export type Tell = (finding: Finding) => void;

export function describeFinding({ check, isOk, text, advice }: Finding): string {
  return `${isOk ? "ok  " : "FAIL"}  ${check.padEnd(10)}  ${text}${advice === null ? "" : `\n                  → ${advice}`}`;
}

/** Tells of the result of one check, or of its error with what to do. */
export async function checked<T>(
  tell: Tell,
  check: string,
  advice: string | ((error: unknown) => string),
  work: () => Promise<T>,
  describeResult: (result: T) => string = () => "fine",
): Promise<T | null> {
  try {
    const result = await work();
    tell({ check, isOk: true, text: describeResult(result), advice: null });
    return result;
  } catch (thrown) {
    const { message } = asReportError(thrown);
    const advised = typeof advice === "string" ? advice : advice(thrown);
    // Snowflake breaks its messages into lines; a finding is one, and what to do is in the next.
    tell({ check, isOk: false, text: message.replaceAll(/\s*\n\s*/g, " "), advice: advised });
    return null;
  }
}
