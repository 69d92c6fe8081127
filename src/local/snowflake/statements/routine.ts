/** DROP, DESCRIBE and SHOW of procedures and external functions. */

import { completePath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { doesNotExist } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { type RoutineEntry, writeSignature, writeTypeName } from "../engine/routines.ts";
import { statusResult } from "../engine/results.ts";
import { namesOf } from "../translate/context.ts";
import { writeType } from "../translate/snowflake-types.ts";
import { TokenReader } from "../translate/tokens.ts";
import { alreadyDropped, changeCatalog } from "./ddl.ts";
import { hasTypes, readTypes } from "./routine-text.ts";
import { answer, type Header, readScope, seconds, texts, TIME, visible } from "./show-scope.ts";

type Kind = RoutineEntry["kind"];

interface Written {
  readonly path: readonly [string, string, string];
  /** With the types, as an error shows it. */
  readonly shown: string;
  readonly entry: RoutineEntry | undefined;
}

/** `name(type, ...)`. */
function readRoutine(kind: Kind, reader: TokenReader, execution: Execution): Written {
  const path = completePath(reader.path(), namesOf(execution));
  const types = readTypes(reader);
  reader.expectEnd();
  const found = execution.server.storage.catalog.callables.named(kind, path);
  const shown = `${fullName(path)}(${types.map(writeTypeName).join(", ")})`;
  return { path, shown, entry: found.find((entry) => hasTypes(entry, types)) };
}

function label(kind: Kind): string {
  return kind === "procedure" ? "Procedure" : "Function";
}

/** DROP PROCEDURE | FUNCTION [IF EXISTS] name(types). */
export async function dropRoutine(kind: Kind, execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("DROP", kind.toUpperCase());
  const isOptional = reader.take("IF", "EXISTS");
  const { path, shown, entry } = readRoutine(kind, reader, execution);
  if (entry === undefined) {
    if (!isOptional) throw doesNotExist(label(kind), shown);
    return alreadyDropped(path[2]);
  }
  await changeCatalog(execution, [], () => ({ remove: [entry] }));
  return statusResult(`${path[2]} successfully dropped.`);
}

/** DESCRIBE PROCEDURE | FUNCTION name(types), of which `reader` has taken the first words. */
export function describeRoutine(
  kind: Kind,
  reader: TokenReader,
  execution: Execution,
): EngineResult {
  const { shown, entry } = readRoutine(kind, reader, execution);
  if (entry === undefined) throw doesNotExist(label(kind), shown);
  const signature = entry.arguments.map(({ name, type }) => `${name} ${writeTypeName(type)}`);
  const returns = `${writeType(entry.returns.type)}${entry.returns.nullable ? "" : " NOT NULL"}`;
  return answer(texts("property", "value"), [
    ["signature", `(${signature.join(", ")})`],
    ["returns", returns],
    ["language", entry.kind === "procedure" ? "JAVASCRIPT" : "EXTERNAL"],
    ["null handling", entry.isStrict ? "RETURNS NULL ON NULL INPUT" : "CALLED ON NULL INPUT"],
    ...describeRest(entry),
  ]);
}

function describeRest(entry: RoutineEntry): [string, string | null][] {
  if (entry.kind === "procedure") {
    return [
      ["execute as", entry.rights],
      ["body", entry.body],
    ];
  }
  const headers = entry.headers.map(([name, value]) => [name, value] as const);
  return [
    ["volatility", entry.volatility],
    ["body", entry.url],
    ["headers", headers.length === 0 ? "null" : JSON.stringify(Object.fromEntries(headers))],
    [
      "context_headers",
      entry.contextHeaders.length === 0 ? "null" : JSON.stringify(entry.contextHeaders),
    ],
    ["max_batch_rows", entry.batchRowsMax === null ? "not set" : String(entry.batchRowsMax)],
    ["compression", entry.compression],
    ["api_integration", entry.integration],
  ];
}

const COLUMNS = [
  "name",
  "schema_name",
  "is_builtin",
  "is_aggregate",
  "is_ansi",
  "min_num_arguments",
  "max_num_arguments",
  "arguments",
  "description",
  "catalog_name",
  "is_table_function",
  "valid_for_clustering",
  "is_secure",
] as const;
const HEADER: Header = [["created_on", TIME], ...texts(...COLUMNS)];

/** SHOW PROCEDURES | [USER | EXTERNAL] FUNCTIONS [LIKE] [IN]. */
export function showRoutines(kind: Kind, reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const listed: RoutineEntry[] = execution.server.storage.catalog.callables.list(kind);
  const entries = visible(listed, scope, execution);
  const isFunction = kind === "function";
  const header = isFunction ? [...HEADER, ...texts("is_external_function", "language")] : HEADER;
  const rows = entries.map(showRoutine);
  return answer(
    header,
    rows.map((row) => (isFunction ? [...row, "Y", "EXTERNAL"] : row)),
  );
}

function showRoutine(entry: RoutineEntry): (string | number)[] {
  const isProcedure = entry.kind === "procedure";
  const [database, schema, name] = entry.path;
  const required = entry.arguments.filter((argument) => argument.default === null);
  return [
    seconds(entry.createdAtMs),
    name,
    schema,
    "N",
    "N",
    "N",
    required.length,
    entry.arguments.length,
    `${writeSignature(entry)} RETURN ${writeTypeName(entry.returns.type)}`,
    entry.comment === "" ? `user-defined ${isProcedure ? "procedure" : "function"}` : entry.comment,
    database,
    "N",
    "N",
    !isProcedure && entry.isSecure ? "Y" : "N",
  ];
}

/** SHOW EXTERNAL FUNCTIONS, SHOW USER FUNCTIONS | PROCEDURES: behind the first of these words. */
export function showQualified(reader: TokenReader, execution: Execution): EngineResult {
  const kind = reader.take("PROCEDURES") ? "procedure" : "function";
  if (kind === "function") reader.expect("FUNCTIONS");
  return showRoutines(kind, reader, execution);
}
