/** SHOW, with the columns that tools read. */

import type { ContainerEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { unsupported } from "../engine/errors.ts";
import { defaultParameters } from "../engine/parameters.ts";
import type { Execution } from "../engine/execution.ts";
import { showColumns, showObjects, showTables, showViews } from "./show-objects.ts";
import {
  answer,
  type Cell,
  type Header,
  isIn,
  readScope,
  seconds,
  texts,
  TIME,
} from "./show-scope.ts";
import { showFutureGrants, showGrants } from "./show-grants.ts";
import { showRoles } from "./show-roles.ts";
import { showUsers } from "./show-users.ts";
import { showStreams } from "./show-streams.ts";
import { showTasks } from "./show-tasks.ts";
import { isShown } from "../roles/authorize.ts";
import { securableOf } from "../roles/securables.ts";
import { showIntegrations } from "./integration.ts";
import { showQualified, showRoutines } from "./routine.ts";
import { showStages } from "./stage.ts";
import { TokenReader } from "../translate/tokens.ts";

type Show = (reader: TokenReader, execution: Execution) => EngineResult | Promise<EngineResult>;

const SHOWS: Readonly<Record<string, Show>> = {
  TABLES: showTables,
  VIEWS: showViews,
  OBJECTS: showObjects,
  STREAMS: showStreams,
  STAGES: showStages,
  TASKS: showTasks,
  COLUMNS: showColumns,
  PROCEDURES: (reader, execution) => showRoutines("procedure", reader, execution),
  FUNCTIONS: (reader, execution) => showRoutines("function", reader, execution),
  EXTERNAL: showQualified,
  USER: showQualified,
  INTEGRATIONS: showIntegrations,
  API: (reader, execution) => {
    reader.expect("INTEGRATIONS");
    return showIntegrations(reader, execution);
  },
  DATABASES: (reader, execution) =>
    showContainers(execution.server.storage.catalog.listContainers("database"), reader, execution),
  SCHEMAS: showSchemas,
  WAREHOUSES: (reader, execution) =>
    showContainers(execution.server.storage.catalog.listContainers("warehouse"), reader, execution),
  ROLES: showRoles,
  USERS: showUsers,
  PARAMETERS: showParameters,
  GRANTS: showGrants,
  FUTURE: showFutureGrants,
};

export async function show(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("SHOW");
  reader.take("TERSE");
  const kind = reader.name();
  const run = SHOWS[kind];
  if (run === undefined) throw unsupported(`SHOW ${kind}`);
  return await run(reader, execution);
}

function showSchemas(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution, true);
  const schemas = execution.server.storage.catalog
    .listContainers("schema")
    .filter(({ path }) => isIn(path, { ...scope, path: scope.path.slice(0, 1) }));
  const header: Header = [
    ["created_on", TIME],
    ...texts("name", "is_current", "database_name", "owner", "comment"),
  ];
  return answer(
    header,
    schemas
      .filter(
        (entry) => scope.matches(entry.path[1] ?? "") && isShown(securableOf(entry), execution),
      )
      .map(({ createdAtMs, path, owner, comment }) => [
        seconds(createdAtMs),
        path[1] ?? "",
        isCurrent(path, execution) ? "Y" : "N",
        path[0] ?? "",
        owner,
        comment,
      ]),
  );
}

function isCurrent(path: readonly string[], { state }: Execution): boolean {
  return path[0] === state.database && (path[1] === undefined || path[1] === state.schema);
}

function showContainers(
  entries: readonly ContainerEntry[],
  reader: TokenReader,
  execution: Execution,
): EngineResult {
  const scope = readScope(reader, execution);
  const header: Header = [["created_on", TIME], ...texts("name", "owner", "comment")];
  const rows = entries.filter(
    (entry) => scope.matches(entry.path[0] ?? "") && isShown(securableOf(entry), execution),
  );
  return answer(
    header,
    rows.map(({ createdAtMs, path, owner, comment }) => [
      seconds(createdAtMs),
      path[0] ?? "",
      owner,
      comment,
    ]),
  );
}

function showParameters(reader: TokenReader, execution: Execution): EngineResult {
  const pattern = reader.at("LIKE") ? [reader.next().text, reader.next().text] : [];
  if (reader.take("IN")) if (!reader.take("SESSION")) reader.expect("ACCOUNT");
  reader.expectEnd();
  const scope = readScope(new TokenReader(pattern.join(" ")), execution);
  const defaults: Readonly<Record<string, Cell | boolean>> = defaultParameters();
  const rows = Object.entries(execution.state.parameters)
    .filter(([name]) => scope.matches(name))
    .sort(([a], [b]) => a.localeCompare(b));
  return answer(
    texts("key", "value", "default", "level", "description", "type"),
    rows.map(([name, value]) => [
      name,
      String(value),
      String(defaults[name] ?? ""),
      value === defaults[name] ? "" : "SESSION",
      "",
      typeof value === "string" ? "STRING" : typeof value === "number" ? "NUMBER" : "BOOLEAN",
    ]),
  );
}
