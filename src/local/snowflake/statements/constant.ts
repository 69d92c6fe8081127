/** Values that a statement is translated with, and that DuckDB has to calculate first. */

import type { Execution } from "../engine/execution.ts";
import { contextOf } from "../translate/context.ts";
import { translateExpression } from "../translate/translate.ts";

/** The value of an expression that reads nothing, as text; `convert` is DuckDB's, before it is text. */
export async function evaluateConstant(
  expression: string,
  execution: Execution,
  convert: (value: string) => string = (value) => value,
): Promise<string | null> {
  const { server, running, parameters } = execution;
  const value = translateExpression(expression, contextOf(execution));
  const connection = await server.storage.acquire(parameters.TIMEZONE);
  try {
    const sql = `SELECT CAST(${convert(value)} AS VARCHAR)`;
    const [row] = await (await running.run(connection, sql)).getRows();
    return row?.[0] === null || row === undefined ? null : String(row[0]);
  } finally {
    server.storage.release(connection);
  }
}
