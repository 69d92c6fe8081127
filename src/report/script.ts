import { ReportError } from "./errors.ts";
import { describeOpen, isOperator, isSignificant, readTokens, type Token } from "./sql-tokens.ts";

/** A statement of a script, without its `;` and without the comments around it. */
export interface ScriptStatement {
  readonly text: string;
  /** 1-based line of its first word. */
  readonly line: number;
}

/**
 * The statements of a script, split on `;` outside of strings, $$...$$, quoted identifiers and comments.
 * A scripting block (BEGIN ... END) must be inside $$, as in EXECUTE IMMEDIATE $$...$$ and AS $$...$$: a bare one
 * would be split at its inner `;`. Throws ReportError `configuration` for an unclosed quote or comment.
 */
export function splitStatements(script: string): ScriptStatement[] {
  const statements: ScriptStatement[] = [];
  let pending: Token[] = [];
  for (const token of [...readTokens(script), END]) {
    if (!token.closed) {
      throw new ReportError(
        "configuration",
        `line ${token.line}: a ${describeOpen(token)} is not closed`,
      );
    }
    if (!isOperator(token, ";")) {
      pending.push(token);
      continue;
    }
    const statement = trim(pending);
    if (statement !== undefined) statements.push(statement);
    pending = [];
  }
  return statements;
}

const END: Token = { kind: "operator", text: ";", line: 0, closed: true };

function trim(tokens: readonly Token[]): ScriptStatement | undefined {
  const first = tokens.findIndex(isSignificant);
  const last = tokens.findLastIndex(isSignificant);
  const head = tokens[first];
  if (head === undefined) return undefined;
  const text = tokens.slice(first, last + 1).map((token) => token.text);
  return { text: text.join(""), line: head.line };
}
