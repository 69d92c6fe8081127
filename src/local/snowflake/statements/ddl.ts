/** How a statement that changes what there is gets done: in one transaction with the catalog in the file. */

import { type Entry, fullName } from "../engine/catalog.ts";
import { commitOpen, type Execution, lock, newTransaction } from "../engine/execution.ts";
import { writeEntries } from "../engine/storage.ts";

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
    const { sql = [], put = [], remove = [] } = plan();
    const connection = await transaction.begin(parameters.TIMEZONE);
    for (const statement of [...sql, ...writeEntries(put, remove)])
      await running.run(connection, statement);
    await transaction.commit();
    for (const entry of remove) server.storage.catalog.remove(entry);
    for (const entry of put) server.storage.catalog.put(entry);
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}
