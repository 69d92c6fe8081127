/** What can be read and written by name. */

import type { ObjectEntry } from "../engine/catalog.ts";
import type { Execution } from "../engine/execution.ts";
import { type Authority, authorityOf } from "./authority.ts";
import { authorize, authorizePath, authorizeWarehouse } from "./authorize.ts";
import { securableOf } from "./securables.ts";

/** The table, view or stream to read. Throws EngineError 002003 or 003001. */
export function readableEntry(
  path: readonly [string, string, string],
  execution: Execution,
  authority: Authority,
): ObjectEntry {
  const { catalog } = execution.server.storage;
  authorizePath(execution, path, authority);
  const entry = catalog.get(path, execution.state.id);
  authorizeEntry(entry, ["SELECT"], execution, authority);
  // A stream shows rows of its table, so both are asked for.
  if (entry.kind === "stream" && catalog.find(entry.table, "") !== undefined)
    readableEntry(entry.table, execution, authority);
  return entry;
}

/** A session's temporary tables are its own. Throws EngineError 002003 or 003001. */
export function authorizeEntry(
  entry: ObjectEntry,
  privileges: readonly string[],
  execution: Execution,
  authority: Authority = authorityOf(execution),
): void {
  const isOwn = entry.kind === "table" && entry.session === execution.state.id;
  if (!isOwn) authorize(execution, securableOf(entry), privileges, authority);
  authorizeWarehouse(execution);
}
