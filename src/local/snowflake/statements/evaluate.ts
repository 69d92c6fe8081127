/** Values that a statement needs before it can run: the arguments of CALL and of external functions. */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Cells } from "../engine/cells.ts";
import type { ResultColumn } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import { describeColumns, readBatches } from "../engine/results.ts";
import { contextOf } from "../translate/context.ts";
import { translateQuery } from "../translate/translate.ts";

export interface Evaluated {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly Cells[];
}

/** All rows of a query in Snowflake's SQL, with what the open transaction has written. Throws EngineError. */
export async function evaluateQuery(sql: string, execution: Execution): Promise<Evaluated> {
  const { server, state, parameters } = execution;
  const translated = translateQuery(sql, contextOf(execution)).sql;
  const writer = state.transaction?.written;
  if (writer !== undefined) return await readAll(translated, writer, execution);
  const connection = await server.storage.acquire(parameters.TIMEZONE);
  try {
    return await readAll(translated, connection, execution);
  } finally {
    server.storage.release(connection);
  }
}

async function readAll(
  sql: string,
  connection: DuckDBConnection,
  { running }: Execution,
): Promise<Evaluated> {
  const result = await running.run(connection, sql);
  const rows: Cells[] = [];
  const batches = readBatches(result, running.signal, () => undefined);
  for await (const batch of batches) for (const row of batch) rows.push(row);
  return { columns: describeColumns(result), rows };
}
