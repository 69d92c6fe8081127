/** USE, ALTER SESSION, BEGIN, COMMIT, ROLLBACK. */

import { completeSchemaPath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { unsupported } from "../engine/errors.ts";
import { type ParameterValue, withoutParameter, withParameter } from "../engine/parameters.ts";
import { commitOpen, type Execution, newTransaction } from "../engine/execution.ts";
import { STATEMENT_TYPES, statusResult } from "../engine/results.ts";
import { rolesOfUser } from "../roles/authority.ts";
import { authorize, authorizePath } from "../roles/authorize.ts";
import { roleNotAssigned, unknownName } from "../roles/errors.ts";
import { mayTakeRole, roleExists } from "../roles/login.ts";
import { findSecurables } from "../roles/securables.ts";
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
  if (reader.take("SECONDARY", "ROLES"))
    execution.state.secondaryRoles = readSecondaryRoles(reader);
  else if (reader.take("WAREHOUSE"))
    execution.state.warehouse = readWarehouse(reader.name(), execution);
  else if (reader.take("ROLE")) execution.state.role = readRole(reader.name(), execution);
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

function readSecondaryRoles(reader: TokenReader): "ALL" | "NONE" {
  if (reader.take("ALL")) return "ALL";
  if (!reader.take("NONE")) throw reader.unexpected();
  return "NONE";
}

function readWarehouse(name: string, execution: Execution): string {
  const [target] = findSecurables(execution.server.storage.catalog, "WAREHOUSE", [name]);
  if (target === undefined) throw unknownName("WAREHOUSE", fullName([name]));
  authorize(execution, target, ["USAGE"]);
  return name;
}

function readRole(name: string, { server, state }: Execution): string {
  const { catalog } = server.storage;
  if (!roleExists(catalog, name)) throw unknownName("ROLE", fullName([name]));
  if (!mayTakeRole(catalog, name, rolesOfUser(catalog, state))) throw roleNotAssigned(name);
  return name;
}

function useSchema(path: readonly string[], execution: Execution): void {
  const [database, schema] = completeSchemaPath(path, namesOf(execution));
  authorizePath(execution, [database, schema, ""]);
  if (schema !== "INFORMATION_SCHEMA")
    execution.server.storage.catalog.requireSchema([database, schema]);
  execution.state.database = database;
  execution.state.schema = schema;
}

function useDatabase(path: readonly string[], execution: Execution): void {
  const { server, state } = execution;
  const [name = ""] = path;
  authorizePath(execution, [name, ""]);
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
