/** Asks whether a statement may do what it is about to do. Everybody who runs statements asks here. */

import { type Catalog, fullName } from "../engine/catalog.ts";
import { doesNotExist } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { type Authority, authorityOf, holds, sees } from "./authority.ts";
import { insufficientPrivileges, noActiveWarehouse, unknownName } from "./errors.ts";
import { findSecurables, type Securable } from "./securables.ts";

type Where = Pick<Execution, "server" | "state">;

/**
 * Throws EngineError 002003 for what the roles may not see, which is then as if it did not exist, and 003001 for what
 * they see and may not do. Any one of the privileges will do; none means that it has to be visible.
 */
export function authorize(
  where: Where,
  target: Securable,
  privileges: readonly string[],
  authority: Authority = authorityOf(where),
): void {
  if (authority.isAdmin) return;
  const { catalog } = where.server.storage;
  authorizePath(where, target.path, authority);
  if (holds(authority, catalog, privileges, target)) return;
  if (target.kind !== "ACCOUNT" && !sees(authority, catalog, target)) throw unseen(target);
  if (privileges.length > 0) throw insufficientPrivileges(target);
}

/** USAGE on the database and the schema that something lies in. */
export function authorizePath(
  where: Where,
  path: readonly string[],
  authority: Authority = authorityOf(where),
): void {
  if (authority.isAdmin) return;
  const { catalog } = where.server.storage;
  const closed = containersOf(catalog, path).find(
    (container) => !holds(authority, catalog, ["USAGE"], container),
  );
  if (closed !== undefined) throw unseen(closed);
}

function containersOf(catalog: Catalog, path: readonly string[]): Securable[] {
  const [database] = path.length > 1 ? findSecurables(catalog, "DATABASE", path.slice(0, 1)) : [];
  const [schema] = path.length > 2 ? findSecurables(catalog, "SCHEMA", path.slice(0, 2)) : [];
  return [database, schema].filter((container) => container !== undefined);
}

const NAMED_ALONE: ReadonlySet<string> = new Set(["ROLE", "USER", "WAREHOUSE", "INTEGRATION"]);
/** Snowflake says "Object" of everything that can stand in FROM. */
const IN_FROM: ReadonlySet<string> = new Set(["TABLE", "VIEW", "STREAM"]);

function unseen({ kind, path }: Securable): Error {
  if (NAMED_ALONE.has(kind)) return unknownName(kind, path[0] ?? "");
  const label = IN_FROM.has(kind) ? "Object" : `${kind[0] ?? ""}${kind.slice(1).toLowerCase()}`;
  return doesNotExist(label, fullName(path));
}

/** The session's warehouse works only for a role that may use it; a procedure of its owner works in its caller's. */
export function authorizeWarehouse(where: Where): void {
  const authority = authorityOf(where);
  const { warehouse, scope } = where.state;
  if (authority.isAdmin || warehouse === null || scope?.rights === "OWNER") return;
  const { catalog } = where.server.storage;
  const [target] = findSecurables(catalog, "WAREHOUSE", [warehouse.toUpperCase()]);
  if (target === undefined || !mayUseWarehouse(catalog, target, authority))
    throw noActiveWarehouse();
}

export function mayUseWarehouse(
  catalog: Catalog,
  target: Securable,
  authority: Authority,
): boolean {
  return holds(authority, catalog, ["USAGE"], target);
}

/** Whether a list shows something to the session. */
export function isShown(target: Securable, where: Where): boolean {
  return isVisible(where.server.storage.catalog, target, authorityOf(where));
}

/** Whether roles may know of something. */
export function isVisible(catalog: Catalog, target: Securable, authority: Authority): boolean {
  if (authority.isAdmin) return true;
  const isReachable = containersOf(catalog, target.path).every((container) =>
    holds(authority, catalog, ["USAGE"], container),
  );
  return isReachable && sees(authority, catalog, target);
}
