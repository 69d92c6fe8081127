/** WHEN, which Snowflake evaluates without a warehouse and without a trace in QUERY_HISTORY. */

import type { TranslateContext } from "../../translate/rewriting.ts";
import { contextOf } from "../../translate/context.ts";
import { readTokens } from "../../translate/tokens.ts";
import { parseStatement, translateExpression } from "../../translate/translate.ts";
import { compilationError, unsupported } from "../errors.ts";
import type { Execution, Server, SessionState } from "../execution.ts";
import { defaultParameters } from "../parameters.ts";
import { Running } from "../running.ts";
import { readRows } from "../storage.ts";
import type { TaskEntry } from "./task-entry.ts";

const FUNCTIONS: ReadonlySet<string> = new Set(["SYSTEM$STREAM_HAS_DATA"]);
const CONDITION_WORDS: ReadonlySet<string> = new Set(["AND", "OR", "NOT", "IN", "CAST"]);

/**
 * Refuses what Snowflake refuses in WHEN: queries, and all functions but those made for it.
 * Throws EngineError naming the function.
 */
export function checkCondition(condition: string, context: TranslateContext): void {
  const tokens = readTokens(condition);
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "word") continue;
    if (token.value === "SELECT") throw invalidCondition(condition, "a query");
    if (token.value === "SYSTEM$GET_PREDECESSOR_RETURN_VALUE") throw unsupported(token.value);
    const isCall = tokens[index + 1]?.text === "(" && !CONDITION_WORDS.has(token.value);
    if (isCall && !FUNCTIONS.has(token.value)) throw invalidCondition(condition, token.value);
  }
  parseStatement(`SELECT 1 WHERE (${condition})`, context);
}

function invalidCondition(condition: string, what: string): Error {
  return compilationError(
    `Invalid expression for task condition expression: [${condition}] (${what}). Only SYSTEM$STREAM_HAS_DATA is supported.`,
  );
}

export function readsStream(condition: string | null): boolean {
  return condition !== null && readTokens(condition).some(({ value }) => FUNCTIONS.has(value));
}

/** Whether a task's WHEN holds now; one without WHEN always runs. Throws EngineError. */
export async function holds(server: Server, task: TaskEntry): Promise<boolean> {
  if (task.condition === null) return true;
  using running = new Running(task.id, 0);
  const execution: Execution = {
    server,
    state: stateOf(task),
    statement: { queryId: task.id, sql: "", binds: {}, parameters: {}, describeOnly: false },
    sql: task.condition,
    running,
    parameters: defaultParameters(),
    now: new Date(),
    runNested: () => Promise.reject(unsupported("a statement in WHEN")),
  };
  const expression = translateExpression(task.condition, contextOf(execution));
  const connection = await server.storage.acquire("UTC");
  try {
    const rows = await running.watch(connection, () =>
      readRows(connection, `SELECT CAST((${expression}) AS BOOLEAN)`),
    );
    return rows[0]?.[0] === "true";
  } finally {
    server.storage.release(connection);
  }
}

function stateOf(task: TaskEntry): SessionState {
  const [database, schema] = task.path;
  return {
    id: task.id,
    user: "SYSTEM",
    database,
    schema,
    warehouse: task.warehouse,
    role: task.owner,
    secondaryRoles: "NONE",
    parameters: defaultParameters(),
    transaction: undefined,
    lastQueryId: null,
  };
}
