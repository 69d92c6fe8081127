/** `GET_PRESIGNED_URL(@stage, 'path' [, seconds])`, with arguments that do not depend on a row. */

import { compilationError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { quoteText } from "../translate/sql-ast.ts";
import { type Token, TokenReader } from "../translate/tokens.ts";
import { evaluateConstant } from "./constant.ts";
import type { Replacement } from "./replacements.ts";
import { readLocation, type StageLocation } from "./stage-location.ts";

const VALID_SECONDS_DEFAULT = 3600;
/** Seven days. Source: GET_PRESIGNED_URL, "Arguments". */
const VALID_SECONDS_MAX = 604_800;

export async function findPresignedUrls(
  tokens: readonly Token[],
  execution: Execution,
): Promise<Replacement[]> {
  const replacements: Replacement[] = [];
  for (const [index, token] of tokens.entries()) {
    const bracket = tokens[index + 1];
    if (token.kind !== "word" || token.value !== "GET_PRESIGNED_URL" || bracket?.text !== "(")
      continue;
    const { sql } = execution;
    const { location, end } = readLocation(sql, bracket.end, "READ", execution);
    const reader = new TokenReader(
      sql,
      tokens.filter(({ start }) => start >= end),
    );
    reader.expect(",");
    const path = await evaluateConstant(reader.textUntil(isComma), execution);
    const seconds = reader.take(",")
      ? await evaluateConstant(reader.textUntil(isComma), execution)
      : null;
    const close = reader.peek()?.end ?? sql.length;
    reader.expect(")");
    const url = sign(location, path, seconds, execution);
    replacements.push({ start: token.start, end: close, text: quoteText(url) });
  }
  return replacements;
}

function isComma({ kind, text }: Token): boolean {
  return kind === "symbol" && text === ",";
}

function sign(
  { stage, path: folder }: StageLocation,
  path: string | null,
  seconds: string | null,
  { server }: Execution,
): string {
  if (path === null) throw compilationError("GET_PRESIGNED_URL needs the path of a file");
  if (stage.encryption !== "SNOWFLAKE_SSE")
    throw compilationError(
      `Files of the stage ${stage.path[2]} are encrypted by the client and of no use behind a URL: create it with ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE').`,
    );
  const valid = seconds === null ? VALID_SECONDS_DEFAULT : Number(seconds);
  if (!Number.isInteger(valid) || valid < 1 || valid > VALID_SECONDS_MAX)
    throw compilationError(
      `invalid expiration time ${String(seconds)} of GET_PRESIGNED_URL: 1 to ${VALID_SECONDS_MAX} seconds`,
    );
  const prefix = folder === "" || folder.endsWith("/") ? folder : `${folder}/`;
  return server.storage.signedUrls.sign(stage, prefix + path.replace(/^\//, ""), valid);
}
