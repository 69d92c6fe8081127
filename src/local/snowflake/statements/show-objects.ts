/** SHOW TABLES, VIEWS, OBJECTS and COLUMNS. */

import type { ColumnEntry, TableEntry, ViewEntry } from "../engine/catalog.ts";
import { wireColumn } from "../engine/cells.ts";
import type { EngineResult } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import {
  answer,
  answerColumns,
  type Cell,
  type Column,
  readScope,
  type Scope,
  seconds,
  texts,
  visible,
} from "./show-scope.ts";
import type { TokenReader } from "../translate/tokens.ts";

type Shown = TableEntry | ViewEntry;

const PLACE_COLUMNS: readonly Column<Shown>[] = [
  ["created_on", true, (object) => seconds(object.createdAtMs)],
  ["name", false, (object) => object.path[2]],
  ["database_name", false, (object) => object.path[0]],
  ["schema_name", false, (object) => object.path[1]],
];
const OWNER_COLUMNS: readonly Column<Shown>[] = [
  ["comment", false, (object) => object.comment],
  ["owner", false, (object) => object.owner],
];
const OBJECT_COLUMNS: readonly Column<Shown>[] = [
  ...PLACE_COLUMNS,
  ["kind", false, describeKind],
  ...OWNER_COLUMNS,
];
const VIEW_COLUMNS: readonly Column<ViewEntry>[] = [
  ...PLACE_COLUMNS,
  ...OWNER_COLUMNS,
  ["text", false, (view) => view.definition],
];

function describeKind(object: Shown): string {
  if (object.kind === "view") return "VIEW";
  return object.session === null ? "TABLE" : "TEMPORARY";
}

export function showTables(reader: TokenReader, execution: Execution): EngineResult {
  const tables = execution.server.storage.catalog.list("table");
  return answerColumns(OBJECT_COLUMNS, visible(tables, readScope(reader, execution), execution));
}

export function showViews(reader: TokenReader, execution: Execution): EngineResult {
  const views = execution.server.storage.catalog.list("view");
  return answerColumns(VIEW_COLUMNS, visible(views, readScope(reader, execution), execution));
}

/** Tables and views, as tools ask for what they show in a tree. */
export function showObjects(reader: TokenReader, execution: Execution): EngineResult {
  const { catalog } = execution.server.storage;
  const scope = readScope(reader, execution);
  const objects = [
    ...visible(catalog.list("table"), scope, execution),
    ...visible(catalog.list("view"), scope, execution),
  ];
  return answerColumns(OBJECT_COLUMNS, objects);
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

function columnRows(owner: Shown, scope: Scope): Cell[][] {
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
