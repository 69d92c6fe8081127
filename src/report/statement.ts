import { ReportError } from "./errors.ts";
import {
  describeOpen,
  isOperator,
  isSignificant,
  isWord,
  readTokens,
  type Token,
} from "./sql-tokens.ts";

const NAME = "REPORT_SQL";

/** The same as checkStatement for another text of the row, which `name` is called by in what is thrown. */
export function checkStatementNamed(name: string, sql: string): void {
  try {
    checkStatement(sql);
  } catch (thrown) {
    if (!(thrown instanceof ReportError) || !thrown.message.startsWith(NAME)) throw thrown;
    throw new ReportError(thrown.code, `${name}${thrown.message.slice(NAME.length)}`, {
      cause: thrown,
    });
  }
}

/**
 * Refuses everything but one SELECT (or WITH ... SELECT). A first barrier with a clear message; the real one is
 * the reader's read-only role with no secondary roles, and MULTI_STATEMENT_COUNT 1.
 * A trailing `;` and comments are fine, and so is any word in a string, a comment or a quoted identifier.
 * Throws ReportError `invalid_report` for an empty text, `statement_refused` otherwise.
 */
export function checkStatement(sql: string): void {
  const tokens = readTokens(sql);
  const significant = tokens.filter(isSignificant);
  if (significant.every((token) => isOperator(token, ";"))) {
    throw new ReportError("invalid_report", `${NAME} is empty`);
  }
  checkReadable(tokens);
  const statement = dropTerminator(significant);
  checkVerb(statement);
  for (const [index, token] of statement.entries()) {
    checkToken(token, statement[index - 1], statement[index + 1]);
  }
}

function refuse(reason: string, token: Token | undefined): never {
  const where = token === undefined ? NAME : `${NAME}, line ${token.line}`;
  throw new ReportError("statement_refused", `${where}: ${reason}`);
}

/** Line breaks that a line comment may or may not end at, depending on who reads it. */
const DOUBTFUL_LINE_BREAK = /[\r\v\f\u0085\u2028\u2029](?!$)/u;

/** What two readers of SQL could take for different things hides code from one of them: it is refused. */
function checkReadable(tokens: readonly Token[]): void {
  let inStagePath = false;
  for (const token of tokens) {
    if (!token.closed) refuse(`a ${describeOpen(token)} is not closed`, token);
    if (token.kind === "space") inStagePath = false;
    if (isOperator(token, "@")) inStagePath = true;
    if (token.kind !== "comment") continue;
    if (inStagePath) refuse("a comment touches a stage path; put a space between them", token);
    if (!token.text.startsWith("/*") && DOUBTFUL_LINE_BREAK.test(token.text)) {
      refuse("a comment contains a line break other than \\n", token);
    }
  }
}

function dropTerminator(tokens: readonly Token[]): readonly Token[] {
  const end = tokens.findIndex((token) => isOperator(token, ";"));
  if (end === -1) return tokens;
  const next = tokens.slice(end).find((token) => !isOperator(token, ";"));
  if (next !== undefined) refuse("there is more than one statement", next);
  return tokens.slice(0, end);
}

function checkVerb(tokens: readonly Token[]): void {
  const first = skipOpening(tokens, 0);
  if (isWord(tokens[first], "SELECT")) return;
  if (!isWord(tokens[first], "WITH"))
    refuse("it must be one SELECT, or WITH ... SELECT", tokens[first]);
  const main = tokens[skipOpening(tokens, skipCommonTables(tokens, first + 1))];
  if (isWord(main, "SELECT", "WITH")) return;
  refuse(`WITH must end in a SELECT, not in ${main?.text.slice(0, 40) ?? "nothing"}`, main);
}

function skipOpening(tokens: readonly Token[], index: number): number {
  let at = index;
  while (isOperator(tokens[at], "(")) at += 1;
  return at;
}

/** The index behind `[RECURSIVE] name [(columns)] AS (...) [, ...]`, or of the first token that does not fit. */
function skipCommonTables(tokens: readonly Token[], index: number): number {
  let at = isWord(tokens[index], "RECURSIVE") ? index + 1 : index;
  for (;;) {
    at = skipGroup(tokens, at + 1);
    if (!isWord(tokens[at], "AS")) return at;
    const body = isWord(tokens[at + 1], "IMMUTABLE", "MATERIALIZED") ? at + 2 : at + 1;
    const end = skipGroup(tokens, body);
    if (end === body || !isOperator(tokens[end], ",")) return end;
    at = end + 1;
  }
}

/** The index behind the bracketed group that starts at `index`; `index` itself when there is none. */
function skipGroup(tokens: readonly Token[], index: number): number {
  if (!isOperator(tokens[index], "(")) return index;
  let depth = 0;
  for (let at = index; at < tokens.length; at += 1) {
    if (isOperator(tokens[at], "(")) depth += 1;
    if (isOperator(tokens[at], ")")) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return tokens.length;
}

/** Verbs that may not open a bracketed group; INSERT(...) and GET(...) are functions and no statements. */
const NESTED_VERBS = (
  "INSERT UPDATE DELETE MERGE DROP CREATE ALTER TRUNCATE GRANT REVOKE COPY UNDROP USE PUT GET REMOVE " +
  "COMMIT ROLLBACK BEGIN DECLARE SET UNSET"
).split(" ");

const WORDS_AFTER_COLUMN = "AS IS IN AND OR NOT LIKE ILIKE RLIKE BETWEEN ASC DESC OVER".split(" ");

/** SYSTEM$ functions that only look. The others cancel queries, abort sessions, wait or change objects. */
const SYSTEM_FUNCTIONS: ReadonlySet<string> = new Set([
  "SYSTEM$TYPEOF",
  "SYSTEM$LAST_CHANGE_COMMIT_TIME",
  "SYSTEM$CLUSTERING_INFORMATION",
  "SYSTEM$CLUSTERING_DEPTH",
  "SYSTEM$GET_TAG",
  "SYSTEM$ESTIMATE_QUERY_ACCELERATION",
]);

function checkToken(token: Token, previous: Token | undefined, next: Token | undefined): void {
  if (isOperator(token, "->>")) refuse("the flow operator ->> is not allowed", token);
  if (isWord(token, "PROCEDURE") && isWord(previous, "AS")) {
    refuse("WITH ... AS PROCEDURE is not allowed", token);
  }
  if (isWord(token, "CALL", "EXECUTE", "INTO") && !isName(previous)) {
    refuse(`${describeWord(token)} is not allowed`, token);
  }
  if (isWord(token, "UPDATE", "SHARE") && isWord(previous, "FOR")) {
    refuse(`FOR ${token.text.toUpperCase()} is not allowed`, token);
  }
  if (isOperator(previous, "(") && isWord(token, ...NESTED_VERBS) && next?.kind === "word") {
    if (!isWord(next, ...WORDS_AFTER_COLUMN))
      refuse(`${describeWord(token)} is not allowed`, token);
  }
  checkSystemFunction(token, next);
}

/** Whether the word behind `previous` can only be a name: t.call, src:call, ... AS call. */
function isName(previous: Token | undefined): boolean {
  return isOperator(previous, ".", ":") || isWord(previous, "AS");
}

function describeWord(token: Token): string {
  const word = token.text.toUpperCase();
  return `${word} (a column of that name is written "${word}")`;
}

function checkSystemFunction(token: Token, next: Token | undefined): void {
  if (!isOperator(next, "(")) return;
  const name = token.text.replaceAll('"', "").toUpperCase();
  const isFunction = token.kind === "word" || token.kind === "quoted";
  if (isFunction && name.startsWith("SYSTEM$") && !SYSTEM_FUNCTIONS.has(name)) {
    refuse(`the function ${name} is not allowed`, token);
  }
}
