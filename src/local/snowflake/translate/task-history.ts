/** INFORMATION_SCHEMA.TASK_HISTORY(...). Source: docs.snowflake.com/en/sql-reference/functions/task_history. */

import { compilationError, unsupported } from "../engine/errors.ts";

const ARGUMENTS: ReadonlySet<string> = new Set([
  "SCHEDULED_TIME_RANGE_START",
  "SCHEDULED_TIME_RANGE_END",
  "RESULT_LIMIT",
  "TASK_NAME",
  "ERROR_ONLY",
]);
const LIMIT_DEFAULT = 100;
const LIMIT_MOST = 10_000;

/** DuckDB's query over `history`, its rows; the arguments are DuckDB's expressions by their names. Newest first. */
export function writeTaskHistory(history: string, args: ReadonlyMap<string, string>): string {
  for (const name of args.keys())
    if (!ARGUMENTS.has(name)) throw unsupported(`TASK_HISTORY with ${name}`);
  const conditions = [
    condition(args.get("TASK_NAME"), (name) => `upper("NAME") = upper(${name})`),
    condition(args.get("SCHEDULED_TIME_RANGE_START"), (time) => `"SCHEDULED_TIME" >= ${time}`),
    condition(args.get("SCHEDULED_TIME_RANGE_END"), (time) => `"SCHEDULED_TIME" <= ${time}`),
    condition(
      args.get("ERROR_ONLY"),
      (flag) => `(NOT ${flag} OR "STATE" LIKE 'FAILED%' OR "STATE" = 'CANCELLED')`,
    ),
  ];
  return `(SELECT * FROM (${history}) WHERE ${conditions.join(" AND ")}
    ORDER BY "SCHEDULED_TIME" DESC, "ATTEMPT_NUMBER" DESC LIMIT ${readLimit(args.get("RESULT_LIMIT"))})`;
}

function condition(value: string | undefined, write: (value: string) => string): string {
  return value === undefined ? "true" : write(`(${value})`);
}

function readLimit(text: string | undefined): number {
  const limit = text === undefined ? LIMIT_DEFAULT : Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MOST)
    throw compilationError(`RESULT_LIMIT must be from 1 to ${LIMIT_MOST}`);
  return limit;
}
