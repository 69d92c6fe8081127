/**
 * GET_DDL: the CREATE statement that makes an object as it is now. The same object has the same text, however it was
 * written. Source: docs.snowflake.com/en/sql-reference/functions/get_ddl.
 */

import {
  type Catalog,
  type ColumnEntry,
  completePath,
  fullName,
  type NameContext,
  type ObjectEntry,
  type StreamEntry,
  type TableEntry,
  type ViewEntry,
} from "../engine/catalog.ts";
import type { Execution } from "../engine/execution.ts";
import { compilationError, doesNotExist, unsupported } from "../engine/errors.ts";
import type { ParameterValue } from "../engine/parameters.ts";
import { type ApiIntegrationEntry, type RoutineEntry, writeSignature } from "../engine/routines.ts";
import type { TaskEntry } from "../engine/tasks/task-entry.ts";
import type { Authority } from "../roles/authority.ts";
import { authorize } from "../roles/authorize.ts";
import { type OwnedEntry, securableOf } from "../roles/securables.ts";
import { writeType } from "../translate/snowflake-types.ts";
import { TokenReader } from "../translate/tokens.ts";
import { writeExternalFunction, writeIntegration, writeProcedure } from "./routine-ddl.ts";

export interface DdlRequest {
  readonly names: NameContext;
  readonly authority: Authority;
  readonly kind: string;
  /** As it was written. */
  readonly name: string;
  /** Whether objects go by all their names in the text. */
  readonly isQualified: boolean;
}

/** How an object is called in the text: by its name, or by all three names. */
type WriteName = (path: readonly string[]) => string;

const INDENT = "\t";

/** Throws EngineError 002003 when there is no such object, 000002 for a kind whose text is not known. */
export function getDdl(
  execution: Execution,
  { names, authority, kind, name, isQualified }: DdlRequest,
): string {
  const { catalog } = execution.server.storage;
  const see: See = (entry) => authorize(execution, securableOf(entry), [], authority);
  const writeName: WriteName = (path) => fullName(isQualified ? path : path.slice(-1));
  const reader = new TokenReader(name);
  const written = reader.path();
  const type = kind.toUpperCase();
  if (type === "INTEGRATION") {
    reader.expectEnd();
    return writeIntegration(findIntegration(catalog, written, see));
  }
  const path = completePath(written, names);
  if (type === "PROCEDURE" || type === "FUNCTION")
    return writeRoutine(findRoutine(catalog, type, path, reader, see), writeName);
  reader.expectEnd();
  if (type === "TASK") {
    const task = catalog.task(path);
    if (task === undefined) throw doesNotExist("Task", fullName(path));
    see(task);
    return writeTask(task, writeName);
  }
  const entry = catalog.find(path, names.session);
  if (entry !== undefined && (entry.kind !== "table" || entry.session === null)) see(entry);
  return writeObject(type, path, entry, writeName);
}

type See = (entry: OwnedEntry) => void;

function findIntegration(
  catalog: Catalog,
  written: readonly string[],
  see: See,
): ApiIntegrationEntry {
  const integration = catalog.callables.integration(written[0] ?? "");
  if (integration === undefined) throw doesNotExist("Integration", fullName(written));
  see(integration);
  return integration;
}

function writeObject(
  type: string,
  path: readonly string[],
  entry: ObjectEntry | undefined,
  writeName: WriteName,
): string {
  if (!["TABLE", "VIEW", "STREAM"].includes(type)) throw unsupported(`GET_DDL of a ${type}`);
  // Snowflake takes 'TABLE' for a view, and the other way round.
  const isAsked = (entry?.kind === "stream") === (type === "STREAM");
  if (entry === undefined || !isAsked)
    throw doesNotExist(`${type[0] ?? ""}${type.slice(1).toLowerCase()}`, fullName(path));
  if (entry.kind === "table") return writeTable(entry, writeName);
  return entry.kind === "view" ? writeView(entry, writeName) : writeStream(entry, writeName);
}

function writeTable(table: TableEntry, writeName: WriteName): string {
  const keys = table.columns.filter(({ isPrimaryKey }) => isPrimaryKey).map(({ name }) => name);
  const lines = [
    ...table.columns.map(writeColumn),
    ...(keys.length === 0
      ? []
      : [`primary key (${keys.map((name) => fullName([name])).join(", ")})`]),
    ...(table.checks ?? []).map(
      ({ name, expression }) => `constraint ${fullName([name])} check (${expression})`,
    ),
  ];
  const kind = table.session === null ? "TABLE" : "TEMPORARY TABLE";
  const body = lines.map((line) => `${INDENT}${line}`).join(",\n");
  return `create or replace ${kind} ${writeName(table.path)} (\n${body}\n)${writeComment(table.comment)};`;
}

function writeColumn(column: ColumnEntry): string {
  const { name, type, nullable, default: value, sequence, comment } = column;
  const parts = [
    fullName([name]),
    writeType(type),
    ...(nullable ? [] : ["NOT NULL"]),
    ...(sequence === null ? [] : ["autoincrement"]),
    ...(value === null ? [] : [`DEFAULT ${value}`]),
    ...(comment === "" ? [] : [`COMMENT ${quote(comment)}`]),
  ];
  return parts.join(" ");
}

function writeView(view: ViewEntry, writeName: WriteName): string {
  const columns = view.columns.map(({ name, comment }) =>
    comment === "" ? fullName([name]) : `${fullName([name])} COMMENT ${quote(comment)}`,
  );
  const list = columns.map((column) => `${INDENT}${column}`).join(",\n");
  return `create or replace view ${writeName(view.path)}(\n${list}\n)${writeComment(view.comment)} as ${view.query};`;
}

function writeStream(stream: StreamEntry, writeName: WriteName): string {
  if (stream.staleAtMs !== undefined)
    throw compilationError(`Stream ${fullName(stream.path)} is stale`);
  return `create or replace stream ${writeName(stream.path)} on table ${writeName(stream.table)} append_only = true${writeComment(stream.comment)};`;
}

function writeTask(task: TaskEntry, writeName: WriteName): string {
  const options: readonly (readonly [string, ParameterValue | null])[] = [
    ["warehouse", task.warehouse === null ? null : fullName([task.warehouse])],
    ...sorted(task.compute).map(([name, value]) => [name, quote(String(value))] as const),
    ["schedule", task.schedule === null ? null : quote(task.schedule)],
    ...sorted(task.numbers),
    ...sorted(task.parameters).map(([name, value]) => [name, writeValue(value)] as const),
    ["comment", task.comment === "" ? null : quote(task.comment)],
  ];
  const lines = [
    `create or replace task ${writeName(task.path)}`,
    ...options.flatMap(([name, value]) => (value === null ? [] : [`${INDENT}${name}=${value}`])),
    ...(task.condition === null ? [] : [`${INDENT}when ${task.condition}`]),
    `${INDENT}as ${task.body};`,
  ];
  return lines.join("\n");
}

function sorted(
  options: Readonly<Record<string, ParameterValue>>,
): (readonly [string, ParameterValue])[] {
  return Object.entries(options).sort(([a], [b]) => a.localeCompare(b));
}

/** The overload that a signature such as `P(VARCHAR, FLOAT)` names. */
function findRoutine(
  catalog: Catalog,
  type: "PROCEDURE" | "FUNCTION",
  path: [string, string, string],
  reader: TokenReader,
  see: See,
): RoutineEntry {
  const types = reader.textInBrackets().replaceAll(/\s+/g, "").toUpperCase();
  reader.expectEnd();
  const signature = `${fullName([path[2]])}(${types})`;
  const routines: readonly RoutineEntry[] =
    type === "PROCEDURE"
      ? catalog.callables.named("procedure", path)
      : catalog.callables.named("function", path);
  const found = routines.find((entry) => writeSignature(entry).replaceAll(", ", ",") === signature);
  if (found === undefined)
    throw doesNotExist(type === "PROCEDURE" ? "Procedure" : "Function", signature);
  see(found);
  return found;
}

function writeRoutine(routine: RoutineEntry, writeName: WriteName): string {
  const name = writeName(routine.path);
  return routine.kind === "procedure"
    ? writeProcedure(routine, name)
    : writeExternalFunction(routine, name);
}

function writeComment(comment: string): string {
  return comment === "" ? "" : ` COMMENT=${quote(comment)}`;
}

function writeValue(value: ParameterValue): ParameterValue {
  return typeof value === "string" ? quote(value) : value;
}

/** A string as Snowflake's SQL has it. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
