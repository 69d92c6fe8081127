/** What a session begins with: the role, and the names that the role may use. */

import type { Catalog } from "../engine/catalog.ts";
import type { SessionContext } from "../engine.ts";
import type { Server, SessionState } from "../engine/execution.ts";
import { type Authority, authorityOfRole, DEFAULT_ROLE, rolesOfUser } from "./authority.ts";
import { isVisible } from "./authorize.ts";
import { loginRoleRefused, userDisabled } from "./errors.ts";
import { SYSTEM_ROLES } from "./privileges.ts";
import { findSecurables, type Securable } from "./securables.ts";

type Login = Partial<SessionContext> & { readonly user: string };
type StartingNames = Pick<
  SessionState,
  "database" | "schema" | "warehouse" | "role" | "secondaryRoles"
>;

/**
 * What is asked for, else the user's defaults. A database or schema that is not there, or not for the role, is left
 * out, as at Snowflake's login; a user who is disabled is refused (EngineError 390101), and so is a role that is not
 * the user's (390186, 390189).
 */
export function startingNames(server: Server, login: Login): StartingNames {
  const { catalog } = server.storage;
  const defaults = catalog.user(login.user)?.properties ?? {};
  if (defaults["DISABLED"] === "true") throw userDisabled();
  const role = chooseRole(catalog, login, defaults["DEFAULT_ROLE"]);
  const secondaryRoles = defaults["DEFAULT_SECONDARY_ROLES"] === "ALL" ? "ALL" : "NONE";
  const secondary = secondaryRoles === "ALL" ? rolesOfUser(catalog, login) : [];
  const authority = authorityOfRole(catalog, role, secondary);
  const [database, schema] = (defaults["DEFAULT_NAMESPACE"] ?? "").split(".");
  return {
    ...existingNames(server, { database: database || null, schema, ...given(login) }, authority),
    warehouse: login.warehouse ?? defaults["DEFAULT_WAREHOUSE"] ?? null,
    role,
    secondaryRoles,
  };
}

function given({ database, schema }: Login): { database?: string; schema?: string } {
  return { ...(database ? { database } : {}), ...(schema ? { schema } : {}) };
}

/** A name in a login is in upper case unless it is quoted. */
function chooseRole(catalog: Catalog, login: Login, fallback: string | undefined): string {
  const own = rolesOfUser(catalog, login);
  if (login.role === undefined || login.role === null || login.role === "") {
    const role = fallback ?? (own.includes(DEFAULT_ROLE) ? DEFAULT_ROLE : "PUBLIC");
    return mayTakeRole(catalog, role, own) ? role : "PUBLIC";
  }
  const role = readName(login.role);
  if (!roleExists(catalog, role)) throw loginRoleRefused(role, "does not exist or not authorized");
  if (!mayTakeRole(catalog, role, own)) throw loginRoleRefused(role, "is not granted to this user");
  return role;
}

function readName(written: string): string {
  return written.startsWith('"')
    ? written.slice(1, -1).replaceAll('""', '"')
    : written.toUpperCase();
}

export function roleExists(catalog: Catalog, role: string): boolean {
  return role in SYSTEM_ROLES || catalog.container("role", [role]) !== undefined;
}

/** A user's own roles and all that were granted to those; whoever has ACCOUNTADMIN can take any. */
export function mayTakeRole(catalog: Catalog, role: string, own: readonly string[]): boolean {
  const { roles, isAdmin } = authorityOfRole(catalog, "PUBLIC", own);
  return roleExists(catalog, role) && (isAdmin || roles.has(role));
}

function existingNames(
  server: Server,
  context: { readonly database: string | null; readonly schema?: string | undefined },
  authority: Authority,
): { database: string | null; schema: string | null } {
  const { catalog } = server.storage;
  const sees = (target: Securable | undefined): boolean =>
    target !== undefined && isVisible(catalog, target, authority);
  const database = context.database?.toUpperCase() ?? null;
  if (database === null || catalog.container("database", [database]) === undefined)
    return { database: null, schema: null };
  if (!sees(findSecurables(catalog, "DATABASE", [database])[0]))
    return { database: null, schema: null };
  const schema = context.schema?.toUpperCase() ?? "PUBLIC";
  const [found] = findSecurables(catalog, "SCHEMA", [database, schema]);
  return { database, schema: sees(found) ? schema : null };
}
