import { ReportError } from "./errors.ts";
import { isOperator, isSignificant, readTokens, type Token } from "./sql-tokens.ts";

export type ParameterValue = string | number | boolean | null;

/**
 * Turns each `:name` into `?` and lists the values in that order; a name may occur many times. Never pasted into
 * the text, so no value can change what the statement does. Which colons are parameters: see findParameters.
 * Throws ReportError `invalid_report` that names PARAMETERS and the name when one is missing or not used,
 * and for `?` and `:1`, which have no name.
 */
export function bindParameters(
  sql: string,
  parameters: Readonly<Record<string, ParameterValue>>,
): { sql: string; binds: ParameterValue[] } {
  const tokens = readTokens(sql);
  const binds: ParameterValue[] = [];
  const texts = tokens.map((token) => token.text);
  const unnamed = tokens.find((token) => isOperator(token, "?"));
  if (unnamed !== undefined) refuseUnnamed("?", unnamed);
  const used = new Set<string>();
  for (const { colon, name } of findParameters(tokens)) {
    if (name.kind === "number") refuseUnnamed(`:${name.text}`, name);
    binds.push(valueOf(name, parameters));
    used.add(name.text);
    texts[colon] = "?";
    texts[colon + 1] = "";
  }
  checkAllUsed(used, parameters);
  return { sql: texts.join(""), binds };
}

function refuseUnnamed(text: string, token: Token): never {
  throw new ReportError(
    "invalid_report",
    `REPORT_SQL, line ${token.line}: ${text} has no name; write :name and give the value in PARAMETERS`,
  );
}

function valueOf(
  name: Token,
  parameters: Readonly<Record<string, ParameterValue>>,
): ParameterValue {
  const value = Object.hasOwn(parameters, name.text) ? parameters[name.text] : undefined;
  if (value !== undefined) return value;
  throw new ReportError(
    "invalid_report",
    `PARAMETERS has no value for :${name.text} (REPORT_SQL, line ${name.line})`,
  );
}

function checkAllUsed(used: ReadonlySet<string>, parameters: object): void {
  const superfluous = Object.keys(parameters).filter((name) => !used.has(name));
  if (superfluous.length === 0) return;
  throw new ReportError(
    "invalid_report",
    `PARAMETERS has ${superfluous.map((name) => `"${name}"`).join(", ")}, which REPORT_SQL does not use`,
  );
}

/** Reserved words after which a value must follow: no column can have these names unquoted. */
const RESERVED_BEFORE_VALUE: ReadonlySet<string> = new Set(
  (
    "SELECT DISTINCT ALL WHERE AND OR NOT HAVING QUALIFY ON BY IN LIKE ILIKE RLIKE REGEXP BETWEEN " +
    "WHEN THEN ELSE CASE VALUES SET FROM ANY SOME"
  ).split(" "),
);

/** Words after which a value follows, but which may also be columns. */
const WORDS_BEFORE_VALUE: ReadonlySet<string> = new Set(
  "TOP LIMIT OFFSET FETCH FIRST NEXT SAMPLE TABLESAMPLE INTERVAL ESCAPE START PRIOR SEED REPEATABLE IS".split(
    " ",
  ),
);

/**
 * The parameters of a statement (`:name`, `:1`): where the colon is, and the token behind it.
 *
 * `:` also opens a path into a VARIANT (`src:customer.name`, `f(x):a`, `$1:a`) and separates the key of an
 * object literal (`{'a': 1}`). The rule: after the end of a value a colon is one of those; where a value has to
 * begin it is a parameter. The end of a value is a quoted identifier, a string, a number, a $variable, `)`, `]`, `}`
 * or a word, but not a word like WHERE or AND, which cannot be a column; and not a word like LIMIT, which can,
 * when a space stands between it and the colon. A word after `.` or `:` is always a name.
 */
function findParameters(tokens: readonly Token[]): { colon: number; name: Token }[] {
  const found: { colon: number; name: Token }[] = [];
  let previous: Token | undefined;
  let previousIsName = false;
  let spaced = false;
  for (const [index, token] of tokens.entries()) {
    if (!isSignificant(token)) {
      spaced = true;
      continue;
    }
    const name = tokens[index + 1];
    if (isOperator(token, ":") && !endsValue(previous, previousIsName, spaced)) {
      if (name?.kind === "word" || name?.kind === "number") found.push({ colon: index, name });
    }
    previousIsName = isOperator(previous, ".", ":");
    previous = token;
    spaced = false;
  }
  return found;
}

function endsValue(token: Token | undefined, isName: boolean, spaced: boolean): boolean {
  if (token === undefined) return false;
  if (token.kind === "operator") return [")", "]", "}"].includes(token.text);
  if (token.kind !== "word" || isName) return true;
  const word = token.text.toUpperCase();
  if (RESERVED_BEFORE_VALUE.has(word)) return false;
  return !(spaced && WORDS_BEFORE_VALUE.has(word));
}
