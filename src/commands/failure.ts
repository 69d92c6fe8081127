import { type ErrorCode, ReportError } from "../report/errors.ts";

/** EX_CONFIG of sysexits.h: started wrongly, so starting again will not help. */
const EXIT_CONFIGURATION = 78;
const EXIT_USAGE = 2;
const EXIT_FAILURE = 1;

const EXIT_CODES: Partial<Record<ErrorCode, number>> = {
  configuration: EXIT_CONFIGURATION,
  invalid_report: EXIT_USAGE,
  statement_refused: EXIT_USAGE,
};

/** What a command line program says of what ended it: a line for what is known, a stack for a defect. */
export function describeFailure(thrown: unknown): { text: string; exitCode: number } {
  if (isUsageError(thrown)) {
    return { text: `${stripColours(thrown.message)} (see --help)`, exitCode: EXIT_USAGE };
  }
  if (!(thrown instanceof ReportError) || thrown.code === "internal") {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return { text: `a defect of this program: ${text}`, exitCode: EXIT_FAILURE };
  }
  const query = thrown.warehouse.queryId;
  const text = query === undefined ? thrown.message : `${thrown.message} (query ${query})`;
  return { text, exitCode: EXIT_CODES[thrown.code] ?? EXIT_FAILURE };
}

/** citty does not export the class of its errors. */
function isUsageError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name === "CLIError";
}

function stripColours(text: string): string {
  return Bun.stripANSI(text);
}
