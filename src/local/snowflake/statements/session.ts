/** USE, ALTER SESSION, BEGIN, COMMIT, ROLLBACK. */

import { completeSchemaPath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { doesNotExist, unsupported } from "../engine/errors.ts";
import { type ParameterValue, withoutParameter, withParameter } from "../engine/parameters.ts";
import { commitOpen, type Execution, newTransaction } from "../engine/execution.ts";
import { STATEMENT_TYPES, statusResult } from "../engine/results.ts";
import { TokenReader } from "../translate/tokens.ts";
import { namesOf } from "../translate/context.ts";

const DONE = "Statement executed successfully.";

function done(statementTypeId: number): EngineResult {
  return statusResult(DONE, statementTypeId);
}

/** USE [DATABASE | SCHEMA | WAREHOUSE | ROLE | SECONDARY ROLES] name. */
export function use(execution: Execution): EngineResult {
  const reader = new TokenReader(execution.sql);
  reader.expect("USE");
  if (reader.take("SECONDARY", "ROLES")) reader.rest();
  else if (reader.take("WAREHOUSE"))
    execution.state.warehouse = useContainer("warehouse", reader, execution);
  else if (reader.take("ROLE")) execution.state.role = useContainer("role", reader, execution);
  else if (reader.take("SCHEMA")) useSchema(reader.path(), execution);
  else {
    reader.take("DATABASE");
    const path = reader.path();
    if (path.length === 2) useSchema(path, execution);
    else useDatabase(path, execution);
  }
  reader.expectEnd();
  return done(STATEMENT_TYPES.session);
}

/** Roles and warehouses of the local Snowflake that nobody made are there too: they have no meaning of their own. */
function useContainer(
  kind: "warehouse" | "role",
  reader: TokenReader,
  { server }: Execution,
): string {
  const name = reader.name();
  const known =
    server.storage.catalog.container(kind, [name]) !== undefined || IMPLICIT[kind].has(name);
  if (!known) throw doesNotExist(kind === "role" ? "Role" : "Warehouse", fullName([name]));
  return name;
}

const IMPLICIT = {
  warehouse: new Set(["COMPUTE_WH"]),
  role: new Set(["ACCOUNTADMIN", "SYSADMIN", "SECURITYADMIN", "USERADMIN", "PUBLIC"]),
} as const;

function useSchema(path: readonly string[], execution: Execution): void {
  const [database, schema] = completeSchemaPath(path, namesOf(execution));
  if (schema !== "INFORMATION_SCHEMA")
    execution.server.storage.catalog.requireSchema([database, schema]);
  execution.state.database = database;
  execution.state.schema = schema;
}

function useDatabase(path: readonly string[], { server, state }: Execution): void {
  const [name = ""] = path;
  server.storage.catalog.requireDatabase(name);
  state.database = name;
  state.schema =
    server.storage.catalog.container("schema", [name, "PUBLIC"]) === undefined ? null : "PUBLIC";
}

/** ALTER SESSION SET name = value ... | UNSET name ... */
export function alterSession(execution: Execution): EngineResult {
  const reader = new TokenReader(execution.sql);
  reader.expect("ALTER", "SESSION");
  let { parameters } = execution.state;
  const isSet = reader.take("SET");
  if (!isSet) reader.expect("UNSET");
  do {
    const name = reader.name();
    parameters = isSet
      ? withParameter(parameters, name, readValue(reader))
      : withoutParameter(parameters, name);
    reader.take(",");
  } while (!reader.done);
  execution.state.parameters = parameters;
  return done(STATEMENT_TYPES.session);
}

function readValue(reader: TokenReader): ParameterValue {
  reader.expect("=");
  const sign = reader.take("-") ? "-" : "";
  const token = reader.next();
  if (token.kind === "string") return token.value;
  if (token.kind === "number") return Number(sign + token.value);
  if (token.value === "TRUE" || token.value === "FALSE") return token.value === "TRUE";
  if (token.kind !== "word") throw reader.unexpected();
  return token.text;
}

/** BEGIN [TRANSACTION | WORK] [NAME n], START TRANSACTION. A transaction that is open goes on. */
export function beginTransaction(execution: Execution): EngineResult {
  const reader = new TokenReader(execution.sql);
  reader.next();
  if (!reader.take("TRANSACTION")) reader.take("WORK");
  if (reader.take("NAME")) reader.name();
  if (!reader.done) throw unsupported("a Snowflake Scripting block");
  execution.state.transaction ??= newTransaction(execution.server, true);
  return done(STATEMENT_TYPES.transaction);
}

export async function commit(execution: Execution): Promise<EngineResult> {
  expectAlone(execution);
  await commitOpen(execution.state);
  return done(STATEMENT_TYPES.transaction);
}

export async function rollback(execution: Execution): Promise<EngineResult> {
  expectAlone(execution);
  const open = execution.state.transaction;
  execution.state.transaction = undefined;
  await open?.rollback();
  return done(STATEMENT_TYPES.transaction);
}

function expectAlone({ sql }: Execution): void {
  const reader = new TokenReader(sql);
  reader.next();
  reader.take("WORK");
  reader.expectEnd();
}
