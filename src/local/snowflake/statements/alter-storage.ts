/** What an ALTER TABLE comes down to. */

import type { ColumnEntry, TableEntry } from "../engine/catalog.ts";
import type { Execution } from "../engine/execution.ts";
import { alterChanges } from "../engine/streams.ts";
import type { CatalogChange } from "./ddl.ts";
import { tableName } from "./table.ts";

export type Change = (table: TableEntry) => CatalogChange;

/** The same change of the table and of the rows that its streams hold. */
export function changeStorage(
  table: TableEntry,
  clause: string,
  columns: readonly ColumnEntry[],
  execution: Execution,
): CatalogChange {
  const streams = execution.server.storage.catalog.streamsOn(table.path);
  return {
    sql: [
      `ALTER TABLE ${tableName(table)} ${clause}`,
      ...streams.map((stream) => alterChanges(stream, clause)),
    ],
    put: [{ ...table, columns }],
  };
}
