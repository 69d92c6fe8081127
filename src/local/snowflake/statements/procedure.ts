/** CREATE, DROP and DESCRIBE of procedures. */

import { completePath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import type { ProcedureEntry } from "../engine/routines.ts";
import { statusResult } from "../engine/results.ts";
import { namesOf } from "../translate/context.ts";
import { type SnowflakeType, writeType } from "../translate/snowflake-types.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { startCreation } from "./create.ts";
import { changeCatalog, exists, provenance } from "./ddl.ts";
import {
  hasTypes,
  readArguments,
  readReturns,
  readText,
  takeNullHandling,
} from "./routine-text.ts";

type Clauses = Pick<ProcedureEntry, "returns" | "body" | "isStrict" | "rights" | "comment">;

/** CREATE [OR REPLACE] PROCEDURE [IF NOT EXISTS] name(arguments) ... AS $$body$$, of LANGUAGE JAVASCRIPT. */
export async function createProcedure(execution: Execution): Promise<EngineResult> {
  const { reader, orReplace, ifNotExists } = startCreation(execution.sql, "PROCEDURE");
  const path = completePath(reader.path(), namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const list = readArguments(reader);
  const types = list.map(({ type }) => type);
  const clauses = readClauses(reader);
  for (const type of [...types, clauses.returns.type]) refuseType(type);
  const existing = catalog.callables
    .named("procedure", path)
    .find((entry) => hasTypes(entry, types));
  if (existing !== undefined && ifNotExists) return exists(path[2]);
  if (existing !== undefined && !orReplace) throw alreadyExists(fullName(path));
  const origin = provenance(execution);
  await changeCatalog(execution, [], () => ({
    put: [{ kind: "procedure", path, arguments: list, ...clauses, ...origin }],
  }));
  return statusResult(`Function ${path[2]} successfully created.`);
}

/** JavaScript has no whole numbers: Snowflake refuses NUMBER here, and wants FLOAT. */
function refuseType(type: SnowflakeType): void {
  if (type.name !== "NUMBER") return;
  throw compilationError(
    `Language JAVASCRIPT does not support type '${writeType(type)}' for argument or return type.`,
  );
}

type Reading = { -readonly [Name in keyof Clauses]?: Clauses[Name] };

function readClauses(reader: TokenReader): Clauses {
  const read: Reading = {};
  while (read.body === undefined) readClause(reader, read);
  reader.expectEnd();
  const { returns, body, isStrict = false, rights = "OWNER", comment = "" } = read;
  if (returns === undefined) throw compilationError("A procedure needs a RETURNS clause.");
  return { returns, body, isStrict, rights, comment };
}

function readClause(reader: TokenReader, read: Reading): void {
  const isStrict = takeNullHandling(reader);
  if (isStrict !== undefined) read.isStrict = isStrict;
  else if (reader.take("COPY", "GRANTS") || reader.take("VOLATILE") || reader.take("IMMUTABLE"))
    return;
  else if (reader.take("RETURNS")) read.returns = readReturns(reader);
  else if (reader.take("LANGUAGE")) requireJavaScript(reader.name());
  else if (reader.take("COMMENT")) read.comment = readText(reader);
  else if (reader.take("EXECUTE", "AS")) read.rights = readRights(reader);
  else {
    reader.expect("AS");
    read.body = reader.string();
  }
}

function requireJavaScript(language: string): void {
  if (language !== "JAVASCRIPT") throw unsupported(`LANGUAGE ${language} of a procedure`);
}

function readRights(reader: TokenReader): ProcedureEntry["rights"] {
  if (reader.take("CALLER")) return "CALLER";
  reader.expect("OWNER");
  return "OWNER";
}
