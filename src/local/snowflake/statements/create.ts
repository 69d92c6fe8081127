/** CREATE VIEW, STREAM, DATABASE, SCHEMA, WAREHOUSE, ROLE. */

import {
  completePath,
  completeSchemaPath,
  type ContainerEntry,
  type ContainerKind,
  type Entry,
  fullName,
  storageSchema,
} from "../engine/catalog.ts";
import { changeCatalog, exists, provenance } from "./ddl.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { createChanges, dropChanges } from "../engine/streams.ts";
import { describeQuery } from "./table.ts";
import { tableFinder } from "./dml.ts";
import { dropContainer } from "./drop.ts";
import { SYSTEM_ROLES } from "../roles/privileges.ts";
import { TokenReader } from "../translate/tokens.ts";
import { DATA_CATALOG } from "../translate/from.ts";
import { translateQuery } from "../translate/translate.ts";
import { contextOf, namesOf } from "../translate/context.ts";

interface Creation {
  readonly reader: TokenReader;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
}

/** The reader behind `CREATE [OR REPLACE] ... KIND [IF NOT EXISTS]`. */
export function startCreation(sql: string, ...kind: readonly string[]): Creation {
  const reader = new TokenReader(sql);
  reader.expect("CREATE");
  const orReplace = reader.take("OR", "REPLACE");
  for (const word of ["SECURE", "TRANSIENT", "RECURSIVE"]) reader.take(word);
  reader.expect(...kind);
  return { reader, orReplace, ifNotExists: reader.take("IF", "NOT", "EXISTS") };
}

export async function createView(execution: Execution): Promise<EngineResult> {
  const { reader, orReplace, ifNotExists } = startCreation(execution.sql, "VIEW");
  const path = completePath(reader.path(), namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const existing = catalog.find(path, execution.state.id);
  if (existing !== undefined && ifNotExists) return exists(path[2]);
  if (existing !== undefined && (!orReplace || existing.kind !== "view"))
    throw alreadyExists(fullName(path));
  const names = reader.at("(") ? readViewColumns(reader) : [];
  const comment = readViewOptions(reader);
  reader.expect("AS");
  const query = reader.rest();
  const described = await describeQuery(translateQuery(query, contextOf(execution)).sql, execution);
  if (names.length > 0 && names.length !== described.length)
    throw compilationError(`Invalid column definition list`);
  const columns = described.map((entry, index) => ({
    ...entry,
    name: names[index]?.name ?? entry.name,
    comment: names[index]?.comment ?? "",
  }));
  const definition = execution.sql;
  await changeCatalog(execution, [], () => ({
    put: [{ kind: "view", path, query, definition, columns, comment, ...provenance(execution) }],
  }));
  return statusResult(`View ${path[2]} successfully created.`);
}

function readViewColumns(reader: TokenReader): { name: string; comment: string }[] {
  const columns: { name: string; comment: string }[] = [];
  reader.expect("(");
  do {
    const name = reader.name();
    columns.push({ name, comment: reader.take("COMMENT") ? reader.string() : "" });
  } while (reader.take(","));
  reader.expect(")");
  return columns;
}

function readViewOptions(reader: TokenReader): string {
  let comment = "";
  while (!reader.at("AS")) {
    if (reader.take("COPY", "GRANTS")) continue;
    reader.expect("COMMENT");
    reader.take("=");
    comment = reader.string();
  }
  return comment;
}

export async function createStream(execution: Execution): Promise<EngineResult> {
  const { reader, orReplace, ifNotExists } = startCreation(execution.sql, "STREAM");
  const path = completePath(reader.path(), namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const existing = catalog.find(path, execution.state.id);
  if (existing !== undefined && ifNotExists) return exists(path[2]);
  if (existing !== undefined && (!orReplace || existing.kind !== "stream"))
    throw alreadyExists(fullName(path));
  reader.take("COPY", "GRANTS");
  reader.expect("ON", "TABLE");
  const table = tableFinder(execution)(reader.path());
  const options = readStreamOptions(reader);
  const stream = {
    kind: "stream",
    path,
    table: table.path,
    comment: options.comment,
    ...provenance(execution),
  } as const;
  await changeCatalog(execution, [table.path], () => ({
    sql: [
      ...(existing === undefined ? [] : [dropChanges(stream)]),
      ...createChanges(stream, table, options.withInitialRows),
    ],
    put: [stream],
  }));
  return statusResult(`Stream ${path[2]} successfully created.`);
}

interface StreamOptions {
  readonly comment: string;
  readonly withInitialRows: boolean;
}

function readStreamOptions(reader: TokenReader): StreamOptions {
  const values = new Map<string, string>();
  while (!reader.done) {
    const name = reader.name();
    reader.expect("=");
    values.set(name, reader.next().value);
  }
  const {
    APPEND_ONLY,
    SHOW_INITIAL_ROWS = "FALSE",
    COMMENT = "",
    ...others
  } = Object.fromEntries(values);
  for (const name of Object.keys(others))
    throw compilationError(`invalid property '${name}' for 'STREAM'`);
  if (APPEND_ONLY?.toUpperCase() !== "TRUE") throw unsupported("a stream that is not APPEND_ONLY");
  return { comment: COMMENT, withInitialRows: SHOW_INITIAL_ROWS.toUpperCase() === "TRUE" };
}

/** CREATE DATABASE, SCHEMA, WAREHOUSE or ROLE. Their options have no meaning here, but for the comment. */
export async function createContainer(
  kind: ContainerKind,
  execution: Execution,
): Promise<EngineResult> {
  const { reader, orReplace, ifNotExists } = startCreation(execution.sql, kind.toUpperCase());
  const written = reader.path();
  const path = kind === "schema" ? completeSchemaPath(written, namesOf(execution)) : written;
  const { catalog } = execution.server.storage;
  if (kind === "schema") catalog.requireDatabase(path[0] ?? "");
  const comment = readContainerOptions(reader);
  const name = path.at(-1) ?? "";
  const existing = catalog.container(kind, path);
  const isSystemRole = kind === "role" && name in SYSTEM_ROLES;
  if (isSystemRole || (existing !== undefined && !orReplace)) {
    if (ifNotExists) return exists(name);
    throw alreadyExists(name);
  }
  if (existing !== undefined && (kind === "database" || kind === "schema"))
    await dropContainer(existing, execution);
  const entry: ContainerEntry = { kind, path, comment, ...provenance(execution) };
  const schemas = kind === "database" ? [[name, "PUBLIC"]] : kind === "schema" ? [path] : [];
  const schemaEntries = schemas.map((schema): Entry => ({
    kind: "schema",
    path: schema,
    comment: "",
    ...provenance(execution),
  }));
  await changeCatalog(execution, [], () => ({
    sql: schemas.map(
      (schema) => `CREATE SCHEMA ${DATA_CATALOG}.${quoteName(storageSchema(schema))}`,
    ),
    put: [...(kind === "schema" ? [] : schemaEntries), entry],
  }));
  useCreated(kind, path, execution);
  return statusResult(
    `${kind[0]?.toUpperCase() ?? ""}${kind.slice(1)} ${name} successfully created.`,
  );
}

/** A new database or schema becomes the session's current one, as in Snowflake; so does a warehouse. */
function useCreated(kind: ContainerKind, path: readonly string[], { state }: Execution): void {
  if (kind === "warehouse") state.warehouse = path[0] ?? null;
  if (kind !== "database" && kind !== "schema") return;
  state.database = path[0] ?? null;
  state.schema = path[1] ?? "PUBLIC";
}

function readContainerOptions(reader: TokenReader): string {
  let comment = "";
  while (!reader.done) {
    reader.take("WITH");
    const name = reader.name();
    reader.take("=");
    const value = reader.next().value;
    if (name === "COMMENT") comment = value;
  }
  return comment;
}
