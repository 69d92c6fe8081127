/** SHOW ROLES. */

import type { EngineResult } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import { authorityOf, grantsOn, rolesGrantedTo, rolesOfUser } from "../roles/authority.ts";
import { SYSTEM_ROLES } from "../roles/privileges.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { answer, type Header, readScope, seconds, texts, TIME } from "./show-scope.ts";

interface Role {
  readonly name: string;
  readonly createdAtMs: number;
  readonly owner: string;
  readonly comment: string;
}

/** Source of the columns: docs.snowflake.com/en/sql-reference/sql/show-roles. */
export function showRoles(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const header: Header = [
    ["created_on", TIME],
    ...texts("name", "is_default", "is_current", "is_inherited", "assigned_to_users"),
    ...texts("granted_to_roles", "granted_roles", "owner", "comment"),
  ];
  const roles = listRoles(execution).filter(({ name }) => scope.matches(name));
  return answer(
    header,
    roles.map((role) => describeRole(role, execution)),
  );
}

function listRoles({ server }: Execution): Role[] {
  const system = Object.keys(SYSTEM_ROLES).map((name) => ({
    name,
    createdAtMs: 0,
    owner: "",
    comment: "",
  }));
  const made = server.storage.catalog
    .listContainers("role")
    .map(({ path, ...rest }) => ({ ...rest, name: path[0] ?? "" }));
  return [...system, ...made].sort((a, b) => a.name.localeCompare(b.name));
}

function describeRole({ name, createdAtMs, owner, comment }: Role, execution: Execution): string[] {
  const { server, state } = execution;
  const { catalog } = server.storage;
  const isDefault = catalog.user(state.user)?.properties["DEFAULT_ROLE"] === name;
  const isInherited = name !== state.role && authorityOf(execution).roles.has(name);
  const grantees = grantsOn(catalog, `ROLE ${name}`).map(({ path }) => path[2]);
  const users = grantees.filter((to) => to.startsWith("USER "));
  const yes = (is: boolean): string => (is ? "Y" : "N");
  return [
    seconds(createdAtMs),
    name,
    yes(isDefault || (name === "ACCOUNTADMIN" && rolesOfUser(catalog, state).includes(name))),
    yes(name === state.role),
    yes(isInherited),
    String(users.length),
    String(grantees.length - users.length),
    String(rolesGrantedTo(catalog, `ROLE ${name}`).length),
    owner,
    comment,
  ];
}
