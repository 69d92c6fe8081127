/**
 * What a statement reads that has to be found before it is translated, since finding it takes a query or a signature:
 * results (RESULT_SCAN), the past (AT, BEFORE) and URLs of staged files. Each is written into the statement as something
 * that is at hand.
 */

import { compilationError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { RESULT_CATALOG } from "../translate/special-names.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { readTokens, type Token, TokenReader } from "../translate/tokens.ts";
import { evaluateConstant } from "./constant.ts";
import { findPresignedUrls } from "./presigned-url.ts";
import { replaceParts, type Replacement } from "./replacements.ts";
import { findTravels } from "./time-travel.ts";

const MENTIONS = /\b(?:RESULT_SCAN|GET_PRESIGNED_URL|AT|BEFORE)\s*\(/i;

/** The execution of the statement as it can be translated. Throws EngineError for what is not there. */
export async function prepareReading(execution: Execution): Promise<Execution> {
  if (!MENTIONS.test(execution.sql)) return execution;
  const numbered = { ...execution, sql: numberBinds(execution.sql) };
  const tokens = readTokens(numbered.sql);
  const replacements = [
    ...(await findResultScans(tokens, numbered)),
    ...(await findPresignedUrls(tokens, numbered)),
    ...(await findTravels(tokens, numbered)),
  ];
  return { ...execution, sql: replaceParts(numbered.sql, replacements) };
}

/** So that the binds keep their numbers when one of them goes with what is replaced. */
function numberBinds(sql: string): string {
  const binds = readTokens(sql).filter(({ kind, value }) => kind === "bind" && value === "");
  return replaceParts(
    sql,
    binds.map(({ start, end }, index) => ({ start, end, text: ` :${index + 1} ` })),
  );
}

/** `TABLE(RESULT_SCAN('query id' | LAST_QUERY_ID() | ?))`. */
async function findResultScans(
  tokens: readonly Token[],
  execution: Execution,
): Promise<Replacement[]> {
  const replacements: Replacement[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word" || token.value !== "RESULT_SCAN") continue;
    const [table, bracket] = tokens.slice(index - 2, index);
    if (table?.value !== "TABLE" || bracket?.text !== "(")
      throw compilationError("RESULT_SCAN can only stand in TABLE(...)");
    const reader = new TokenReader(execution.sql, tokens.slice(index + 1));
    const queryId = (await evaluateConstant(reader.textInBrackets(), execution)) ?? "";
    const end = reader.peek()?.end ?? execution.sql.length;
    reader.expect(")");
    await loadResult(queryId, execution);
    const name = [RESULT_CATALOG, queryId, "RESULT_SCAN"].map(quoteName).join(".");
    replacements.push({ start: table.start, end, text: name });
  }
  return replacements;
}

async function loadResult(
  queryId: string,
  { server, state, parameters }: Execution,
): Promise<void> {
  const connection = await server.storage.acquire(parameters.TIMEZONE);
  try {
    await server.storage.results.load(queryId, state.user, connection);
  } finally {
    server.storage.release(connection);
  }
}
