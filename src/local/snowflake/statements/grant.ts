/** GRANT and REVOKE: privileges, roles, database roles, ownership. */

import { type Entry, fullName, type GrantEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { compilationError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import {
  authorityOf,
  authorityOfRole,
  grantsOn,
  holds,
  mayManageGrants,
} from "../roles/authority.ts";
import { authorize } from "../roles/authorize.ts";
import { insufficientPrivileges, unknownName } from "../roles/errors.ts";
import { expandPrivileges, type GrantTarget, readGrantTarget } from "../roles/grant-target.ts";
import { futureName } from "../roles/grant-changes.ts";
import { roleExists } from "../roles/login.ts";
import { SHARED_DATABASES } from "../roles/privileges.ts";
import { ACCOUNT, describeSecurable, findSecurables, type Securable } from "../roles/securables.ts";
import { TokenReader } from "../translate/tokens.ts";
import { changeCatalog } from "./ddl.ts";
import { giveOwnership } from "./ownership.ts";

const DONE = "Statement executed successfully.";

interface Change {
  readonly isGrant: boolean;
  /** GRANT OPTION FOR takes back only the right to pass the privilege on. */
  readonly isOptionOnly: boolean;
}

/** GRANT ... TO, REVOKE [GRANT OPTION FOR] ... FROM. */
export async function grant(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  const isGrant = reader.take("GRANT");
  if (!isGrant) reader.expect("REVOKE");
  const change = { isGrant, isOptionOnly: !isGrant && reader.take("GRANT", "OPTION", "FOR") };
  const privileges = readPrivileges(reader);
  const isRole = privileges.length === 1 && /^(?:DATABASE )?ROLE /.test(privileges[0] ?? "");
  if (isRole) return await changeRole(privileges[0] ?? "", change, reader, execution);
  reader.expect("ON");
  if (privileges[0] === "IMPORTED PRIVILEGES") return await importAll(change, reader, execution);
  const target = readGrantTarget(reader, execution);
  if (privileges[0] === "OWNERSHIP" && isGrant) {
    return await giveOwnership(target, readGrantee(reader, execution, true), reader, execution);
  }
  return await changePrivileges(privileges, target, change, reader, execution);
}

/** `SELECT, INSERT`, `CREATE TABLE`, `ROLE r`, `DATABASE ROLE d.r`: everything before ON, TO or FROM. */
function readPrivileges(reader: TokenReader): string[] {
  const privileges: string[] = [];
  do {
    const words: string[] = [];
    while (!reader.done && !["ON", "TO", "FROM", ","].some((word) => reader.at(word))) {
      const isName = /^(?:DATABASE )?ROLE$/.test(words.join(" "));
      words.push(isName ? reader.path().join(".") : reader.next().value);
    }
    if (words.length === 0) throw reader.unexpected();
    privileges.push(words.join(" "));
  } while (reader.take(","));
  return privileges;
}

/** `TO | FROM [ROLE] r`, for a role also `USER u`: as grants have it, "ROLE R". */
function readGrantee(reader: TokenReader, execution: Execution, isGrant: boolean): string {
  reader.expect(isGrant ? "TO" : "FROM");
  const { catalog } = execution.server.storage;
  if (reader.take("USER")) {
    const user = reader.name();
    const isKnown = catalog.user(user) !== undefined || user === execution.state.user;
    if (!isKnown) throw unknownName("USER", user);
    return `USER ${user}`;
  }
  reader.take("ROLE");
  const role = reader.name();
  if (!roleExists(catalog, role)) throw unknownName("ROLE", role);
  return `ROLE ${role}`;
}

async function changePrivileges(
  written: readonly string[],
  target: GrantTarget,
  change: Change,
  reader: TokenReader,
  execution: Execution,
): Promise<EngineResult> {
  const privileges = expandPrivileges(written, target.kind);
  const to = readGrantee(reader, execution, change.isGrant);
  const withGrantOption = reader.take("WITH", "GRANT", "OPTION");
  if (!change.isGrant && !reader.take("CASCADE")) reader.take("RESTRICT");
  reader.expectEnd();
  for (const object of targetsOf(target)) requireGrantable(object, privileges, execution);
  const names = namesIn(target);
  const grants = names.flatMap((on) =>
    privileges.map((privilege) => makeGrant([privilege, on, to], withGrantOption, execution)),
  );
  return await apply(grants, change, execution);
}

function targetsOf(target: GrantTarget): readonly Securable[] {
  return target.scope === "object" ? target.objects : [target.container];
}

function namesIn(target: GrantTarget): string[] {
  return target.scope === "object"
    ? target.objects.map(describeSecurable)
    : [futureName(target.kind, target.container.path)];
}

/** The owner may grant, MANAGE GRANTS may, and who has the privilege with the grant option. */
function requireGrantable(
  target: Securable,
  privileges: readonly string[],
  execution: Execution,
): void {
  if (target.kind === "DATABASE" && SHARED_DATABASES.has(target.path[0] ?? ""))
    throw compilationError(
      "Granting individual privileges on imported database is not allowed. Use 'GRANT IMPORTED PRIVILEGES' instead.",
    );
  const authority = authorityOf(execution);
  const { catalog } = execution.server.storage;
  if (mayManageGrants(authority, catalog)) return;
  authorize(execution, target, []);
  const options = grantsOn(catalog, describeSecurable(target)).filter(
    ({ withGrantOption, path }) =>
      withGrantOption && authority.roles.has(path[2].replace(/^ROLE /, "")),
  );
  const mayPassOn = privileges.every((privilege) =>
    options.some(({ path }) => path[0] === privilege),
  );
  if (!mayPassOn && !holds(authority, catalog, ["OWNERSHIP"], target))
    throw insufficientPrivileges(target);
}

function makeGrant(
  path: GrantEntry["path"],
  withGrantOption: boolean,
  { state }: Execution,
): GrantEntry {
  const grantedBy = state.role ?? "";
  return { kind: "grant", path, createdAtMs: Date.now(), grantedBy, withGrantOption };
}

/** A grant that is there already stays as it is, unless it gains the option. */
async function apply(
  grants: readonly GrantEntry[],
  change: Change,
  execution: Execution,
): Promise<EngineResult> {
  await changeCatalog(execution, [], () => {
    const changes = grants.map((entry) => ({ entry, known: findGrant(entry, execution) }));
    const known = changes.flatMap(({ known }) => (known === undefined ? [] : [known]));
    if (!change.isGrant && change.isOptionOnly)
      return { put: known.map((entry): Entry => ({ ...entry, withGrantOption: false })) };
    if (!change.isGrant) return { remove: known };
    const added = changes.filter(
      ({ entry, known }) =>
        known === undefined || (entry.withGrantOption && !known.withGrantOption),
    );
    return { put: added.map(({ entry }) => entry) };
  });
  return statusResult(DONE);
}

function findGrant({ path }: GrantEntry, { server }: Execution): GrantEntry | undefined {
  return grantsOn(server.storage.catalog, path[1]).find(
    (known) => known.path[0] === path[0] && known.path[2] === path[2],
  );
}

/** GRANT ROLE r TO ROLE q | USER u, GRANT DATABASE ROLE SNOWFLAKE.r TO ROLE q. */
async function changeRole(
  written: string,
  change: Change,
  reader: TokenReader,
  execution: Execution,
): Promise<EngineResult> {
  const to = readGrantee(reader, execution, change.isGrant);
  reader.expectEnd();
  if (!written.startsWith("DATABASE ROLE "))
    checkRole(written.slice("ROLE ".length), to, execution);
  else if (!written.startsWith("DATABASE ROLE SNOWFLAKE."))
    throw unknownName("DATABASE ROLE", written.slice("DATABASE ROLE ".length));
  return await apply([makeGrant(["USAGE", written, to], false, execution)], change, execution);
}

/** Throws EngineError when the role is not there, not the session's to grant, or would contain itself. */
function checkRole(role: string, to: string, execution: Execution): void {
  const { catalog } = execution.server.storage;
  if (!roleExists(catalog, role)) throw unknownName("ROLE", role);
  const [entry] = findSecurables(catalog, "ROLE", [role]);
  const authority = authorityOf(execution);
  const isOwner = entry !== undefined && holds(authority, catalog, ["OWNERSHIP"], entry);
  if (!isOwner && !mayManageGrants(authority, catalog))
    throw insufficientPrivileges({ ...ACCOUNT, kind: "ROLE", path: [role] });
  const grantee = to.startsWith("ROLE ") ? to.slice("ROLE ".length) : "";
  if (grantee !== "" && authorityOfRole(catalog, role).roles.has(grantee) && grantee !== "PUBLIC")
    throw compilationError(
      `Cannot grant role '${role}' to role '${grantee}': it is granted to it.`,
    );
}

/** GRANT IMPORTED PRIVILEGES ON DATABASE d TO ROLE r: all of a shared database. */
async function importAll(
  change: Change,
  reader: TokenReader,
  execution: Execution,
): Promise<EngineResult> {
  reader.expect("DATABASE");
  const database = reader.name();
  if (!SHARED_DATABASES.has(database))
    throw compilationError(`Database '${database}' is not an imported database.`);
  const to = readGrantee(reader, execution, change.isGrant);
  reader.expectEnd();
  const target = findSecurables(execution.server.storage.catalog, "DATABASE", [database])[0];
  const authority = authorityOf(execution);
  const isAllowed = mayManageGrants(authority, execution.server.storage.catalog);
  if (target !== undefined && !isAllowed) throw insufficientPrivileges(target);
  const path: GrantEntry["path"] = ["USAGE", `DATABASE ${fullName([database])}`, to];
  return await apply([makeGrant(path, false, execution)], change, execution);
}
