/** What names mean to a statement. */

import {
  completePath,
  fullName,
  type NameContext,
  storageSchema,
  storageTable,
  type ViewEntry,
} from "../engine/catalog.ts";
import { doesNotExist } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { selectInformation } from "../statements/information-schema.ts";
import type { Source, TranslateContext } from "./rewriting.ts";
import { selectStream, streamHasData } from "../engine/streams.ts";

const VERSION = "9.38.0";

/** The context of a statement; of a view, with the database and schema that it lies in. */
export function contextOf(
  execution: Execution,
  names: NameContext = namesOf(execution),
): TranslateContext {
  const { state, statement, now } = execution;
  return {
    resolve: (path) => resolve(completePath(path, names), execution),
    streamHasData: (name) => streamHasData(execution, name),
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

function resolve(path: readonly [string, string, string], execution: Execution): Source {
  const { server, state } = execution;
  const { catalog } = server.storage;
  const [database, schema, name] = path;
  if (schema === "INFORMATION_SCHEMA") {
    catalog.requireDatabase(database);
    return { kind: "select", sql: selectInformation(catalog, database, name, state.id) };
  }
  if (database === "SNOWFLAKE" && schema === "ACCOUNT_USAGE") return accountUsage(name, execution);
  const entry = catalog.get(path, state.id);
  switch (entry.kind) {
    case "table":
      return { kind: "table", schema: storageSchema(entry.path), table: storageTable(entry) };
    case "view":
      return viewSource(entry, execution);
    case "stream":
      return { kind: "select", sql: selectStream(entry, execution), stream: fullName(entry.path) };
  }
}

function viewSource(view: ViewEntry, execution: Execution): Source {
  const [database, schema] = view.path;
  const context = contextOf(execution, { database, schema, session: execution.state.id });
  return {
    kind: "view",
    query: view.query,
    columns: view.columns.map(({ name }) => name),
    context,
  };
}

function accountUsage(name: string, { server }: Execution): Source {
  if (name === "QUERY_HISTORY") return { kind: "select", sql: server.history.selectQueries() };
  if (name === "QUERY_ATTRIBUTION_HISTORY")
    return { kind: "select", sql: server.history.selectAttributions() };
  throw doesNotExist("Object", fullName(["SNOWFLAKE", "ACCOUNT_USAGE", name]));
}
