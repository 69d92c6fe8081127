/** What Snowflake answers to somebody without the privilege. */

import { EngineError } from "../engine.ts";
import { fullName } from "../engine/catalog.ts";
import type { Securable } from "./securables.ts";

export function insufficientPrivileges({ kind, path }: Securable): EngineError {
  const name = kind === "ACCOUNT" ? "LOCAL" : fullName(path.slice(-1));
  const what = kind === "USER" || kind === "ROLE" ? kind : kind.toLowerCase();
  return new EngineError(
    "003001",
    "42501",
    `SQL access control error:\nInsufficient privileges to operate on ${what} '${name}'.`,
  );
}

/** Of a role, user, warehouse and integration: they are no objects of a schema. */
export function unknownName(kind: string, name: string): EngineError {
  const label = `${kind[0] ?? ""}${kind.slice(1).toLowerCase()}`;
  return new EngineError(
    "002003",
    "02000",
    `SQL compilation error:\n${label} '${name}' does not exist or not authorized.`,
  );
}

/** CREATE ... IF NOT EXISTS of something that the role may not even see. */
export function existsUnseen({ kind, path }: Securable): EngineError {
  const label = `${kind[0] ?? ""}${kind.slice(1).toLowerCase()}`;
  return new EngineError(
    "003041",
    "42710",
    `SQL compilation error:\n${label} '${fullName(path.slice(-1))}' already exists, but current role has no privileges on it. If this is unexpected and you cannot resolve this problem, contact your system administrator. ACCOUNTADMIN role may be required to manage the privileges on the object.`,
  );
}

export function roleNotAssigned(role: string): EngineError {
  return new EngineError(
    "003013",
    "42501",
    `SQL access control error:\nRequested role '${role}' is not assigned to the executing user. Specify another role to activate.`,
  );
}

export function loginRoleRefused(role: string, why: string): EngineError {
  return new EngineError(
    why === "is not granted to this user" ? "390186" : "390189",
    "08004",
    `Role '${role}' specified in the connect string ${why}. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC.`,
  );
}

export function userDisabled(): EngineError {
  return new EngineError(
    "390101",
    "08004",
    "User access disabled. Contact your local system administrator.",
  );
}

export function noActiveWarehouse(): EngineError {
  return new EngineError(
    "000606",
    "57P03",
    "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.\n",
  );
}

export function dependentGrant(privilege: string, securable: string, role: string): EngineError {
  return new EngineError(
    "003036",
    "23001",
    `SQL execution error: Dependent grant of privilege '${privilege}' on securable '${securable}' to role '${role}' exists.  It must be revoked first.  More than one dependent grant may exist: use 'SHOW GRANTS' command to view them.  To revoke all dependent grants while transferring object ownership, use convenience command 'GRANT OWNERSHIP ON <target_objects> TO <target_role> REVOKE CURRENT GRANTS'.`,
  );
}
