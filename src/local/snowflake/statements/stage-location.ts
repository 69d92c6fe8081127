/** `@database.schema.stage/path/of/a/file`, as it stands in COPY INTO, LIST, REMOVE and GET_PRESIGNED_URL. */

import { completePath, fullName } from "../engine/catalog.ts";
import { doesNotExist, syntaxError, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import type { StageEntry } from "../engine/stages/stage-entry.ts";
import { authorize } from "../roles/authorize.ts";
import { securableOf } from "../roles/securables.ts";
import { namesOf } from "../translate/context.ts";
import { TokenReader } from "../translate/tokens.ts";

export interface StageLocation {
  readonly stage: StageEntry;
  /** What is behind the first slash; empty for the whole stage. */
  readonly path: string;
  /** As written, without quotes around it. */
  readonly text: string;
}

const NAME = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_][\w$]*)`;
const STAGE = String.raw`@(${NAME}(?:\.${NAME}){0,2})`;
const BARE = new RegExp(String.raw`\s*${STAGE}(?:/([^\s;,()']*))?`, "y");
const QUOTED = /\s*('(?:[^'\\]|''|\\[\s\S])*')/y;
const IN_QUOTES = new RegExp(String.raw`^${STAGE}(?:/([\s\S]*))?$`);

export type StagePrivilege = "READ" | "WRITE";

/**
 * Reads a location at a position of the text; `end` is behind it. A path is no SQL (`a--b/c` is one name), so it is
 * read from the text. Throws EngineError for a stage that is not there, or may not be used so.
 */
export function readLocation(
  sql: string,
  position: number,
  privilege: StagePrivilege,
  execution: Execution,
): { location: StageLocation; end: number } {
  const [whole, literal] = matchAt(QUOTED, sql, position) ?? [];
  const text = literal === undefined ? undefined : new TokenReader(literal).string();
  if (text !== undefined && !text.startsWith("@")) throw foreignLocation(text);
  const found = text === undefined ? matchAt(BARE, sql, position) : IN_QUOTES.exec(text);
  if (found === null) throw refuseLocation(sql, position);
  const [written, name = "", path = ""] = found;
  const stage = findStage(new TokenReader(name).path(), execution);
  authorize(execution, securableOf(stage), [privilege]);
  const end = position + (whole ?? written).length;
  return { location: { stage, path, text: written.trim() }, end };
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function foreignLocation(url: string): Error {
  return unsupported(
    `a location outside of this machine ('${url}'): the local Snowflake unloads to internal stages (@name)`,
  );
}

function refuseLocation(sql: string, position: number): Error {
  const rest = sql.slice(position).trimStart();
  if (/^'?@[~%]/.test(rest))
    return unsupported("a stage of a user or a table (@~, @%): name a stage");
  const [word = "<EOF>"] = /^\S+/.exec(rest) ?? [];
  return syntaxError(sql, sql.length - rest.length, word);
}

/** Throws EngineError 002003. */
export function findStage(written: readonly string[], execution: Execution): StageEntry {
  const path = completePath(written, namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const stage = catalog.stage(path);
  if (stage === undefined) throw doesNotExist("Stage", fullName(path));
  return stage;
}
