/** Which roles a session, a view or a procedure acts with, and what they may do. */

import type { Catalog, GrantEntry } from "../engine/catalog.ts";
import type { Execution, SessionState } from "../engine/execution.ts";
import { SHARED_DATABASES, SYSTEM_PRIVILEGES, SYSTEM_ROLES } from "./privileges.ts";
import { ACCOUNT, describeSecurable, type Securable, securableDatabase } from "./securables.ts";

/** The role a session has that asks for none: everything is allowed, and every object is seen. */
export const DEFAULT_ROLE = "ACCOUNTADMIN";

export interface Authority {
  /** The primary role: it owns what is created. */
  readonly role: string;
  /** The active roles with all that were granted to them. */
  readonly roles: ReadonlySet<string>;
  /** Holds ACCOUNTADMIN, which is asked no questions: that keeps a session with all rights free of any cost. */
  readonly isAdmin: boolean;
}

interface GrantIndex {
  readonly revision: number;
  /** By "TABLE D.S.T". */
  readonly on: ReadonlyMap<string, readonly GrantEntry[]>;
  /** By "ROLE R" or "USER U". */
  readonly to: ReadonlyMap<string, readonly GrantEntry[]>;
  readonly authorities: Map<string, Authority>;
}

const INDEXES = new WeakMap<Catalog, GrantIndex>();

/** Made again only when a grant has changed: looking one up takes under a microsecond. */
function indexOf(catalog: Catalog): GrantIndex {
  const known = INDEXES.get(catalog);
  if (known?.revision === catalog.grantRevision) return known;
  const grants = catalog.listGrants();
  const index: GrantIndex = {
    revision: catalog.grantRevision,
    on: Map.groupBy(grants, ({ path }) => path[1]),
    to: Map.groupBy(grants, ({ path }) => path[2]),
    authorities: new Map(),
  };
  INDEXES.set(catalog, index);
  return index;
}

export function grantsOn(catalog: Catalog, on: string): readonly GrantEntry[] {
  return indexOf(catalog).on.get(on) ?? [];
}

export function grantsTo(catalog: Catalog, to: string): readonly GrantEntry[] {
  return indexOf(catalog).to.get(to) ?? [];
}

/** The roles granted to "ROLE R" or "USER U" themselves. */
export function rolesGrantedTo(catalog: Catalog, to: string): string[] {
  return grantsTo(catalog, to)
    .filter(({ path }) => path[1].startsWith("ROLE "))
    .map(({ path }) => path[1].slice("ROLE ".length));
}

function collectRoles(catalog: Catalog, primary: readonly string[]): Set<string> {
  const roles = new Set<string>();
  const open = ["PUBLIC", ...primary];
  for (let role = open.pop(); role !== undefined; role = open.pop()) {
    if (roles.has(role)) continue;
    roles.add(role);
    open.push(...(SYSTEM_ROLES[role] ?? []), ...rolesGrantedTo(catalog, `ROLE ${role}`));
  }
  return roles;
}

/** What an object acts with that runs with its owner's rights: a view, a procedure, a task. */
export function authorityOfRole(
  catalog: Catalog,
  role: string,
  secondary: readonly string[] = [],
): Authority {
  const { authorities } = indexOf(catalog);
  const key = JSON.stringify([role, ...secondary]);
  const known = authorities.get(key);
  if (known !== undefined) return known;
  const roles = collectRoles(catalog, [role, ...secondary]);
  const authority = { role, roles, isAdmin: roles.has(DEFAULT_ROLE) };
  authorities.set(key, authority);
  return authority;
}

export function authorityOf({ server, state }: Pick<Execution, "server" | "state">): Authority {
  const { catalog } = server.storage;
  const secondary = state.secondaryRoles === "ALL" ? rolesOfUser(catalog, state) : [];
  return authorityOfRole(catalog, state.role ?? "PUBLIC", secondary);
}

/** Users whom nobody created are those of a laptop, who log in as they like: they have every role. */
export function rolesOfUser(catalog: Catalog, { user }: Pick<SessionState, "user">): string[] {
  return catalog.user(user) === undefined
    ? [DEFAULT_ROLE]
    : rolesGrantedTo(catalog, `USER ${user}`);
}

/** Whether the roles have one of these privileges; the owner has them all. */
export function holds(
  authority: Authority,
  catalog: Catalog,
  privileges: readonly string[],
  target: Securable,
): boolean {
  if (authority.isAdmin || authority.roles.has(target.owner)) return true;
  if (isShared(authority, catalog, target)) return true;
  if (target.kind === "ACCOUNT" && hasFromSystem(authority, privileges)) return true;
  return grantsOn(catalog, describeSecurable(target)).some(
    ({ path: [privilege, , to] }) =>
      isHeld(authority, to) && (privileges.includes(privilege) || privilege === "OWNERSHIP"),
  );
}

function isHeld({ roles }: Authority, to: string): boolean {
  return to.startsWith("ROLE ") && roles.has(to.slice("ROLE ".length));
}

function hasFromSystem({ roles }: Authority, privileges: readonly string[]): boolean {
  return Object.entries(SYSTEM_PRIVILEGES).some(
    ([role, granted]) =>
      roles.has(role) && granted.some((privilege) => privileges.includes(privilege)),
  );
}

function isShared(authority: Authority, catalog: Catalog, target: Securable): boolean {
  const database = securableDatabase(target);
  if (database === null || !SHARED_DATABASES.has(database)) return false;
  return grantsOn(catalog, `DATABASE ${database}`).some(({ path }) => isHeld(authority, path[2]));
}

/** Whether the roles have anything at all to do with it, so that they may know that it is there. */
export function sees(authority: Authority, catalog: Catalog, target: Securable): boolean {
  if (authority.isAdmin || authority.roles.has(target.owner)) return true;
  if (isShared(authority, catalog, target) || mayManageGrants(authority, catalog)) return true;
  return grantsOn(catalog, describeSecurable(target)).some(({ path }) =>
    isHeld(authority, path[2]),
  );
}

/** MANAGE GRANTS lets a role grant, and see, what it does not own. */
export function mayManageGrants(authority: Authority, catalog: Catalog): boolean {
  return holds(authority, catalog, ["MANAGE GRANTS"], ACCOUNT);
}

/** A role of the database SNOWFLAKE, such as USAGE_VIEWER. */
export function hasDatabaseRole(
  authority: Authority,
  catalog: Catalog,
  names: readonly string[],
): boolean {
  if (authority.isAdmin) return true;
  return [...names.map((name) => `DATABASE ROLE SNOWFLAKE.${name}`), "DATABASE SNOWFLAKE"].some(
    (on) => grantsOn(catalog, on).some(({ path }) => isHeld(authority, path[2])),
  );
}
