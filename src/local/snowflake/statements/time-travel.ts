/** `table AT | BEFORE (TIMESTAMP => ... | OFFSET => ... | STATEMENT => ...)`: which moment it means. */

import { completePath } from "../engine/catalog.ts";
import { EngineError } from "../engine.ts";
import { compilationError, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import type { Moment } from "../engine/table-versions.ts";
import { namesOf } from "../translate/context.ts";
import { PAST_CATALOG, writePastName } from "../translate/special-names.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { type Token, TokenReader } from "../translate/tokens.ts";
import { evaluateConstant } from "./constant.ts";
import type { Replacement } from "./replacements.ts";

const KINDS: ReadonlySet<string> = new Set(["TIMESTAMP", "OFFSET", "STATEMENT", "STREAM"]);

export async function findTravels(
  tokens: readonly Token[],
  execution: Execution,
): Promise<Replacement[]> {
  const replacements: Replacement[] = [];
  for (const [index, token] of tokens.entries()) {
    if (!isTravel(tokens, index)) continue;
    const first = firstOfPath(tokens, index - 1);
    const path = new TokenReader(execution.sql, tokens.slice(first, index)).path();
    const reader = new TokenReader(execution.sql, tokens.slice(index + 1));
    reader.expect("(");
    const kind = reader.name();
    reader.expect("=>");
    const expression = reader.textUntil(() => false);
    const end = reader.peek()?.end ?? execution.sql.length;
    reader.expect(")");
    const moment = await readMoment(token.value === "BEFORE", kind, expression, execution);
    const complete = completePath(path, namesOf(execution));
    const names = [PAST_CATALOG, writePastName({ path: complete, moment }), complete[2]];
    const text = names.map(quoteName).join(".");
    replacements.push({ start: tokens[first]?.start ?? 0, end, text });
  }
  return replacements;
}

function isTravel(tokens: readonly Token[], index: number): boolean {
  const [word, bracket, kind, arrow] = tokens.slice(index, index + 4);
  const isWord = word?.kind === "word" && (word.value === "AT" || word.value === "BEFORE");
  return isWord && bracket?.text === "(" && KINDS.has(kind?.value ?? "") && arrow?.text === "=>";
}

function firstOfPath(tokens: readonly Token[], last: number): number {
  let first = last;
  while (tokens[first - 1]?.text === ".") first -= 2;
  const kind = tokens[first]?.kind;
  if (kind !== "word" && kind !== "quoted")
    throw unsupported("AT | BEFORE behind anything but the name of a table or view");
  return first;
}

async function readMoment(
  isBefore: boolean,
  kind: string,
  expression: string,
  execution: Execution,
): Promise<Moment> {
  if (kind === "STREAM") throw unsupported("AT (STREAM => ...)");
  if (kind === "STATEMENT")
    return readStatement(isBefore, await evaluateConstant(expression, execution), execution);
  const atMs =
    kind === "OFFSET"
      ? execution.now.getTime() + 1000 * Number(await evaluateConstant(expression, execution))
      : Number(
          await evaluateConstant(expression, execution, (value) => `epoch_ms(sf_ltz(${value}))`),
        );
  if (!Number.isFinite(atMs) || (kind === "OFFSET" && atMs > execution.now.getTime()))
    throw compilationError(`invalid value of ${kind} in a time travel clause: ${expression}`);
  return { atMs: isBefore ? atMs - 1 : atMs };
}

/** The moment the statement began, or ended; exactly, where it changed the table. */
function readStatement(isBefore: boolean, queryId: string | null, { server }: Execution): Moment {
  const entry = server.history.find(queryId ?? "");
  if (entry === undefined || entry.END_TIME === null)
    throw new EngineError(
      "000709",
      "02000",
      `SQL compilation error:\nStatement ${String(queryId)} not found`,
    );
  if (isBefore) return { atMs: Date.parse(entry.START_TIME), beforeQueryId: entry.QUERY_ID };
  return { atMs: Date.parse(entry.END_TIME) };
}
