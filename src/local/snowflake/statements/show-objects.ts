/** SHOW TABLES, VIEWS, OBJECTS and COLUMNS. */

import type { ColumnEntry, TableEntry, ViewEntry } from "../engine/catalog.ts";
import { wireColumn } from "../engine/cells.ts";
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

/** Tables and views, as tools ask for what they show in a tree. */
export function showObjects(reader: TokenReader, execution: Execution): EngineResult {
  const { catalog } = execution.server.storage;
  const scope = readScope(reader, execution);
  const objects = [
    ...visible(catalog.list("table"), scope, execution),
    ...visible(catalog.list("view"), scope, execution),
  ];
  const header: Header = [
    ["created_on", TIME],
    ...texts("name", "database_name", "schema_name", "kind", "comment", "owner"),
  ];
  return answer(
    header,
    objects.map((object) => [
      seconds(object.createdAtMs),
      object.path[2],
      object.path[0],
      object.path[1],
      object.kind === "view" ? "VIEW" : object.session === null ? "TABLE" : "TEMPORARY",
      object.comment,
      object.owner,
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
    "expression",
    "comment",
    "database_name",
    "autoincrement",
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
      describeType(column),
      String(column.nullable),
      column.default ?? "",
      "COLUMN",
      "",
      column.comment,
      owner.path[0],
      "",
    ]);
}

/** `{"type":"TEXT","length":64,"byteLength":256,"nullable":true}`, as drivers read it. */
function describeType({ name, type, nullable }: ColumnEntry): string {
  const { type: wireType, precision, scale, length, byteLength } = wireColumn(name, type);
  const facts = Object.entries({ precision, scale, length, byteLength });
  const known = Object.fromEntries(facts.filter(([, fact]) => fact !== null));
  return JSON.stringify({ type: wireType.toUpperCase(), ...known, nullable });
}
