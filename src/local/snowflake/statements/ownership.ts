/** GRANT OWNERSHIP. */

import type { Catalog, Entry, GrantEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { isStarted } from "../engine/tasks/task-entry.ts";
import { statusResult } from "../engine/results.ts";
import { authorityOf, grantsOn, holds, mayManageGrants } from "../roles/authority.ts";
import { dependentGrant, insufficientPrivileges } from "../roles/errors.ts";
import type { GrantTarget } from "../roles/grant-target.ts";
import { describeSecurable, type Securable } from "../roles/securables.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { changeCatalog } from "./ddl.ts";

type Kept = "copy" | "revoke" | "refuse";

/**
 * Behind the grantee: `[{COPY | REVOKE} CURRENT GRANTS]`. Without either, other roles' grants stand in the way
 * (003036). A task that changes hands is suspended (docs.snowflake.com/en/sql-reference/sql/grant-ownership).
 */
export async function giveOwnership(
  target: GrantTarget,
  to: string,
  reader: TokenReader,
  execution: Execution,
): Promise<EngineResult> {
  const kept = readKept(reader);
  reader.expectEnd();
  if (target.scope === "future") throw unsupported("GRANT OWNERSHIP ON FUTURE");
  const owner = to.slice("ROLE ".length);
  if (!to.startsWith("ROLE ")) throw unsupported("GRANT OWNERSHIP TO USER");
  const moved = target.objects.filter((object) => object.owner !== owner);
  for (const object of moved) requireTransferable(object, kept, execution);
  await changeCatalog(execution, [], () => ({
    put: moved.flatMap((object) => ownedBy(object, owner, execution)),
    remove: kept === "revoke" ? moved.flatMap((object) => grantsUpon(object, execution)) : [],
  }));
  return statusResult("Statement executed successfully.");
}

function readKept(reader: TokenReader): Kept {
  if (reader.take("COPY", "CURRENT", "GRANTS")) return "copy";
  return reader.take("REVOKE", "CURRENT", "GRANTS") ? "revoke" : "refuse";
}

function requireTransferable(object: Securable, kept: Kept, execution: Execution): void {
  const { catalog } = execution.server.storage;
  const authority = authorityOf(execution);
  const isOwner = holds(authority, catalog, ["OWNERSHIP"], object);
  if (object.kind === "ACCOUNT" || (!isOwner && !mayManageGrants(authority, catalog)))
    throw insufficientPrivileges(object);
  const [dependent] = kept === "refuse" ? grantsUpon(object, execution) : [];
  if (dependent === undefined) return;
  const [privilege, on, to] = dependent.path;
  const name = on.slice(object.kind.length + 1);
  throw dependentGrant(privilege, name, to.replace(/^(?:ROLE|USER) /, ""));
}

function grantsUpon(object: Securable, { server }: Execution): readonly GrantEntry[] {
  const { catalog }: { catalog: Catalog } = server.storage;
  return grantsOn(catalog, describeSecurable(object));
}

function ownedBy({ entry }: Securable, owner: string, { server }: Execution): Entry[] {
  if (entry === null) return [];
  if (entry.kind !== "task" || !isStarted(entry)) return [{ ...entry, owner }];
  const suspendedAtMs = server.tasks.now();
  return [
    { ...entry, owner, resumedAtMs: null, suspendedAtMs, suspendedReason: "GRANT_OWNERSHIP" },
  ];
}
