/** What names mean to a statement. */

import {
  completePath,
  fullName,
  type NameContext,
  storageSchema,
  storageTable,
  type ViewEntry,
} from "../engine/catalog.ts";
import { doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import {
  type Authority,
  authorityOf,
  authorityOfRole,
  hasDatabaseRole,
} from "../roles/authority.ts";
import { authorizePath } from "../roles/authorize.ts";
import { readableEntry } from "../roles/readable.ts";
import { runsShownTo } from "../engine/tasks/task-owner.ts";
import { getDdl } from "../statements/get-ddl.ts";
import type { Moment } from "../engine/table-versions.ts";
import { type PastName, PAST_CATALOG, readPastName, RESULT_CATALOG } from "./special-names.ts";
import { selectInformation } from "../statements/information-schema.ts";
import type { Source, TranslateContext } from "./rewriting.ts";
import { selectStream, streamHasData } from "../engine/streams.ts";

const VERSION = "9.38.0";
/** Both open the views that are kept here (docs.snowflake.com/en/sql-reference/account-usage). */
const ACCOUNT_USAGE_ROLES = ["USAGE_VIEWER", "GOVERNANCE_VIEWER"];

/** The context of a statement; of a view, with the database and schema that it lies in and its owner's rights. */
export function contextOf(
  execution: Execution,
  names: NameContext = namesOf(execution),
  authority: Authority = authorityOf(execution),
): TranslateContext {
  const { state, statement, now } = execution;
  return {
    resolve: (path) => resolve(completePath(path, names), execution, authority),
    streamHasData: (name) => streamHasData(execution, name),
    getDdl: (kind, name, isQualified) =>
      getDdl(execution, { names, authority, kind, name, isQualified }),
    taskHistory: () =>
      execution.server.tasks.selectHistory(runsShownTo(authority, execution.server)),
    sessionValues: {
      CURRENT_USER: state.user,
      CURRENT_ROLE: state.role,
      CURRENT_DATABASE: state.database,
      CURRENT_SCHEMA: state.schema,
      CURRENT_WAREHOUSE: state.warehouse,
      CURRENT_VERSION: VERSION,
      CURRENT_SESSION: state.id,
      CURRENT_ACCOUNT: "LOCAL",
      CURRENT_ACCOUNT_NAME: "LOCAL",
      CURRENT_ORGANIZATION_NAME: "LOCAL",
      CURRENT_REGION: "LOCAL",
      CURRENT_CLIENT: null,
      CURRENT_SECONDARY_ROLES: '{"roles":"","value":""}',
      CURRENT_SCHEMAS:
        state.schema === null
          ? "[]"
          : JSON.stringify([fullName([state.database ?? "", state.schema])]),
      CURRENT_TRANSACTION: state.transaction?.id ?? null,
      CURRENT_STATEMENT: execution.sql,
      LAST_QUERY_ID: state.lastQueryId,
    },
    now,
    binds: statement.binds,
  };
}

export function namesOf({ state }: Execution): NameContext {
  return { database: state.database, schema: state.schema, session: state.id };
}

function resolve(
  path: readonly [string, string, string],
  execution: Execution,
  authority: Authority,
): Source {
  const { server, state } = execution;
  const { catalog } = server.storage;
  const [database, schema, name] = path;
  if (database === RESULT_CATALOG)
    return { kind: "select", sql: server.storage.results.select(schema, state.user) };
  if (database === PAST_CATALOG) return resolvePast(readPastName(schema), execution, authority);
  if (schema === "INFORMATION_SCHEMA") {
    authorizePath(execution, [database, schema], authority);
    catalog.requireDatabase(database);
    return { kind: "select", sql: selectInformation(catalog, database, name, state.id) };
  }
  if (database === "SNOWFLAKE" && schema === "ACCOUNT_USAGE")
    return accountUsage(name, execution, authority);
  const entry = readableEntry(path, execution, authority);
  switch (entry.kind) {
    case "table":
      return { kind: "table", schema: storageSchema(entry.path), table: storageTable(entry) };
    case "view":
      return viewSource(entry, execution);
    case "stream":
      return { kind: "select", sql: selectStream(entry, execution), stream: fullName(entry.path) };
  }
}

function viewSource(view: ViewEntry, execution: Execution, moment?: Moment): Source {
  const [database, schema] = view.path;
  const names = { database, schema, session: execution.state.id };
  const owner = authorityOfRole(execution.server.storage.catalog, view.owner);
  const present = contextOf(execution, names, owner);
  const context =
    moment === undefined
      ? present
      : {
          ...present,
          resolve: (path: readonly string[]) =>
            resolvePast({ path: completePath(path, names), moment }, execution, owner),
        };
  return {
    kind: "view",
    query: view.query,
    columns: view.columns.map(({ name }) => name),
    context,
  };
}

/** A table as it was, or a view over tables as they were. */
function resolvePast(
  { path, moment }: PastName,
  execution: Execution,
  authority: Authority,
): Source {
  if (path[1] === "INFORMATION_SCHEMA" || path[0] === "SNOWFLAKE")
    throw unsupported(`time travel of ${fullName(path)}`);
  const entry = readableEntry(path, execution, authority);
  if (entry.kind === "stream") throw unsupported("time travel of a stream");
  if (entry.kind === "view") return viewSource(entry, execution, moment);
  const copy = execution.server.storage.versions.find(entry, moment);
  return copy === null
    ? { kind: "table", schema: storageSchema(entry.path), table: storageTable(entry) }
    : { kind: "select", sql: `SELECT * FROM ${copy}` };
}

function accountUsage(name: string, { server }: Execution, authority: Authority): Source {
  if (!hasDatabaseRole(authority, server.storage.catalog, ACCOUNT_USAGE_ROLES))
    throw doesNotExist("Database", "SNOWFLAKE");
  if (name === "QUERY_HISTORY") return { kind: "select", sql: server.history.selectQueries() };
  if (name === "TASK_HISTORY") return { kind: "select", sql: server.tasks.selectCompleted() };
  if (name === "QUERY_ATTRIBUTION_HISTORY")
    return { kind: "select", sql: server.history.selectAttributions() };
  throw doesNotExist("Object", fullName(["SNOWFLAKE", "ACCOUNT_USAGE", name]));
}
