/** How a statement that changes what there is gets done: in one transaction with the catalog in the file. */

import { type Entry, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { commitOpen, type Execution, lock, newTransaction } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { changeGrants } from "../roles/grant-changes.ts";
import { writeEntries } from "../engine/storage.ts";
import type { Transaction } from "../engine/transactions.ts";

export interface CatalogChange {
  /** DuckDB's statements, in order. */
  readonly sql?: readonly string[];
  readonly put?: readonly Entry[];
  readonly remove?: readonly Entry[];
}

/**
 * Commits what is open, waits for the locks of the tables named, and makes the change. `plan` is asked after the wait.
 * Throws EngineError, and then nothing has changed.
 */
export async function changeCatalog(
  execution: Execution,
  tables: readonly (readonly string[])[],
  plan: () => CatalogChange,
): Promise<void> {
  const { server, state, running, parameters } = execution;
  await commitOpen(state);
  const transaction = newTransaction(server, false);
  try {
    for (const table of tables) await lock(execution, transaction, fullName(table));
    const planned = plan();
    const { sql = [] } = planned;
    const grants = changeGrants(planned.put ?? [], planned.remove ?? [], execution);
    const put = [...(planned.put ?? []), ...grants.put];
    const remove = [...(planned.remove ?? []), ...grants.remove];
    for (const entry of sql.length === 0 ? [] : put) touchTable(entry, transaction, execution);
    const connection = await transaction.begin(parameters.TIMEZONE);
    for (const statement of [...sql, ...writeEntries(put, remove)])
      await running.run(connection, statement);
    await transaction.commit();
    for (const entry of remove) server.storage.catalog.remove(entry);
    for (const entry of put) server.storage.catalog.put(entry);
    server.tasks.refresh();
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}

/** What CREATE ... IF NOT EXISTS answers. */
export function exists(name: string): EngineResult {
  return statusResult(`${name} already exists, statement succeeded.`);
}

/** What DROP ... IF EXISTS answers. */
export function alreadyDropped(name: string): EngineResult {
  return statusResult(`Drop statement executed successfully (${name} already dropped).`);
}

/** What every entry has of its making. */
export function provenance({ state }: Execution): { createdAtMs: number; owner: string } {
  return { createdAtMs: Date.now(), owner: state.role ?? "" };
}

/** A table that goes on in another form; one that is made anew has no past. */
function touchTable(
  entry: Entry,
  transaction: Transaction,
  { server, statement }: Execution,
): void {
  if (entry.kind !== "table" || entry.session !== null) return;
  const before = server.storage.catalog.find(entry.path, "");
  if (before?.kind === "table" && before.createdAtMs === entry.createdAtMs)
    transaction.touch(before, statement.queryId);
}
