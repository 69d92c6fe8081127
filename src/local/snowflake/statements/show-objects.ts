/** SHOW TABLES, VIEWS, STREAMS and COLUMNS. */

import { fullName, type TableEntry, type ViewEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import {
  answer,
  type Cell,
  type Header,
  readScope,
  type Scope,
  seconds,
  texts,
  TIME,
  visible,
} from "./show-scope.ts";
import { writeType } from "../translate/snowflake-types.ts";
import type { TokenReader } from "../translate/tokens.ts";

export function showTables(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const tables = visible(execution.server.storage.catalog.list("table"), scope, execution);
  const header: Header = [
    ["created_on", TIME],
    ...texts("name", "database_name", "schema_name", "kind", "comment", "owner"),
  ];
  return answer(
    header,
    tables.map((table) => [
      seconds(table.createdAtMs),
      table.path[2],
      table.path[0],
      table.path[1],
      table.session === null ? "TABLE" : "TEMPORARY",
      table.comment,
      table.owner,
    ]),
  );
}

export function showViews(reader: TokenReader, execution: Execution): EngineResult {
  const views = visible(
    execution.server.storage.catalog.list("view"),
    readScope(reader, execution),
    execution,
  );
  const header: Header = [
    ["created_on", TIME],
    ...texts("name", "database_name", "schema_name", "comment", "owner", "text"),
  ];
  return answer(
    header,
    views.map((view) => [
      seconds(view.createdAtMs),
      view.path[2],
      view.path[0],
      view.path[1],
      view.comment,
      view.owner,
      view.definition,
    ]),
  );
}

export function showStreams(reader: TokenReader, execution: Execution): EngineResult {
  const streams = visible(
    execution.server.storage.catalog.list("stream"),
    readScope(reader, execution),
    execution,
  );
  const header: Header = [
    ["created_on", TIME],
    ...texts(
      "name",
      "database_name",
      "schema_name",
      "owner",
      "comment",
      "table_name",
      "source_type",
      "type",
      "stale",
      "mode",
    ),
  ];
  return answer(
    header,
    streams.map((stream) => [
      seconds(stream.createdAtMs),
      stream.path[2],
      stream.path[0],
      stream.path[1],
      stream.owner,
      stream.comment,
      fullName(stream.table),
      "Table",
      "DELTA",
      "false",
      "APPEND_ONLY",
    ]),
  );
}

export function showColumns(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const { catalog } = execution.server.storage;
  const everything: Scope = { ...scope, matches: () => true };
  const owners = visible(
    [...catalog.list("table"), ...catalog.list("view")],
    everything,
    execution,
  );
  const header = texts(
    "table_name",
    "schema_name",
    "column_name",
    "data_type",
    "null?",
    "default",
    "kind",
    "comment",
    "database_name",
  );
  return answer(
    header,
    owners.flatMap((owner) => columnRows(owner, scope)),
  );
}

function columnRows(owner: TableEntry | ViewEntry, scope: Scope): Cell[][] {
  return owner.columns
    .filter(({ name }) => scope.matches(name))
    .map((column) => [
      owner.path[2],
      owner.path[1],
      column.name,
      JSON.stringify({ type: writeType(column.type), nullable: column.nullable }),
      String(column.nullable),
      column.default ?? "",
      "COLUMN",
      column.comment,
      owner.path[0],
    ]);
}
