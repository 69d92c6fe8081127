import { ReportError } from "./errors.ts";
import type { Parameter, Parameters, ParameterValue } from "./parameter-values.ts";
import { isOperator, isSignificant, readTokens, type Token } from "./sql-tokens.ts";

/** Parameters that the SQL may use without PARAMETERS giving them; a value of that name in PARAMETERS wins. */
export const BUILT_INS = ["scheduled_for", "last_run_at", "run_id"] as const;
export type BuiltIn = (typeof BUILT_INS)[number];

/** A statement of a row, by the name that a message calls it. */
export interface NamedStatement {
  readonly name: string;
  readonly sql: string;
  /** A name that has no value here gets it later, from each recipient of a burst. */
  readonly isOpen?: boolean;
}

/**
 * Turns each `:name` into `?`, in the cast that makes its type true in the warehouse, and lists the values in that
 * order; a name may occur many times. Never pasted into the text, so no value can change what the statement does.
 * Which colons are parameters: see findParameters. Every name must have a value: checkParameters saw to that.
 */
export function bindParameters(
  sql: string,
  parameters: Parameters,
): { sql: string; binds: ParameterValue[] } {
  const tokens = readTokens(sql);
  const binds: ParameterValue[] = [];
  const texts = tokens.map((token) => token.text);
  for (const { colon, name } of findParameters(tokens)) {
    const parameter = Object.hasOwn(parameters, name.text) ? parameters[name.text] : undefined;
    if (parameter === undefined) throw new Error(`:${name.text} was not checked`);
    binds.push(bindValue(parameter));
    texts[colon] = `?${castOf(parameter)}`;
    texts[colon + 1] = "";
  }
  return { sql: texts.join(""), binds };
}

/** A whole number that JavaScript holds exactly is bound as one, so that it may stand behind LIMIT. */
function bindValue({ type, value }: Parameter): ParameterValue {
  return type === "NUMBER" && isWholeNumber(value) ? Number(value) : value;
}

function castOf({ type, value }: Parameter): string {
  if (type === null) return "";
  if (type === "TEXT" && value !== null) return "";
  if (type === "BOOLEAN" && value !== null) return "";
  if (type === "TEXT") return "::VARCHAR";
  if (type !== "NUMBER") return `::${type}`;
  if (isWholeNumber(value)) return "";
  const [, fraction = ""] = String(value ?? "").split(".");
  return `::NUMBER(38, ${fraction.length})`;
}

function isWholeNumber(value: ParameterValue): boolean {
  return value !== null && /^[+-]?\d+$/.test(String(value)) && Number.isSafeInteger(Number(value));
}

/**
 * Throws ReportError `invalid_report` that names PARAMETERS and the name, when one is missing in a statement or used in
 * none, and for `?` and `:1`, which have no name. Gives back the built-in ones that the statements use and that
 * PARAMETERS does not give.
 */
export function checkParameters(
  statements: readonly NamedStatement[],
  parameters: Parameters,
): BuiltIn[] {
  const used = new Set<string>();
  const builtIns = new Set<BuiltIn>();
  for (const statement of statements) {
    for (const name of findNames(statement)) {
      used.add(name.text);
      if (Object.hasOwn(parameters, name.text)) continue;
      const builtIn = BUILT_INS.find((known) => known === name.text);
      if (builtIn !== undefined) builtIns.add(builtIn);
      else if (statement.isOpen !== true) refuseMissing(statement, name);
    }
  }
  checkAllUsed(used, statements, parameters);
  return [...builtIns];
}

/** The names of the parameters of a statement that was checked. */
export function usedNames(sql: string): ReadonlySet<string> {
  return new Set(findParameters(readTokens(sql)).map(({ name }) => name.text));
}

function findNames(statement: NamedStatement): Token[] {
  const tokens = readTokens(statement.sql);
  const unnamed = tokens.find((token) => isOperator(token, "?"));
  if (unnamed !== undefined) refuseUnnamed(statement, "?", unnamed);
  return findParameters(tokens).map(({ name }) => {
    if (name.kind === "number") refuseUnnamed(statement, `:${name.text}`, name);
    return name;
  });
}

function refuseUnnamed({ name }: NamedStatement, text: string, token: Token): never {
  throw new ReportError(
    "invalid_report",
    `${name}, line ${token.line}: ${text} has no name; write :name and give the value in PARAMETERS`,
  );
}

function refuseMissing(statement: NamedStatement, name: Token): never {
  throw new ReportError(
    "invalid_report",
    `PARAMETERS has no value for :${name.text} (${statement.name}, line ${name.line})`,
  );
}

function checkAllUsed(
  used: ReadonlySet<string>,
  statements: readonly NamedStatement[],
  parameters: Parameters,
): void {
  const optional: ReadonlySet<string> = new Set(BUILT_INS);
  const superfluous = Object.keys(parameters).filter(
    (name) => !used.has(name) && !optional.has(name),
  );
  if (superfluous.length === 0) return;
  const names = statements.map(({ name }) => name).join(" and ");
  throw new ReportError(
    "invalid_report",
    `PARAMETERS has ${superfluous.map((name) => `"${name}"`).join(", ")}, which ${names} ${statements.length > 1 ? "do" : "does"} not use`,
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
