/** What the tests of the engine share: sessions whose statements are told by their rows. */

import { openEngine } from "../../../src/local/snowflake/engine/duckdb-engine.ts";
import type {
  Bind,
  EngineResult,
  EngineSession,
  Statement,
} from "../../../src/local/snowflake/engine.ts";
import { EngineError } from "../../../src/local/snowflake/engine.ts";

export type Rows = (string | null)[][];
export type TestEngine = Awaited<ReturnType<typeof openEngine>>;

let queryCount = 0;

export function statement(sql: string, rest: Partial<Statement> = {}): Statement {
  queryCount++;
  const base = { queryId: `query-${queryCount}`, binds: {}, parameters: {}, describeOnly: false };
  return { ...base, sql, ...rest };
}

export async function readRows(result: EngineResult): Promise<Rows> {
  const rows: Rows = [];
  for await (const batch of result.batches) rows.push(...batch.map((row) => [...row]));
  return rows;
}

export async function query(
  session: EngineSession,
  sql: string,
  rest: Partial<Statement> = {},
): Promise<Rows> {
  return await readRows(await session.execute(statement(sql, rest)));
}

/** The first cell of the first row. */
export async function cell(session: EngineSession, sql: string): Promise<string | null> {
  return (await query(session, sql))[0]?.[0] ?? null;
}

/** The types on the wire, a NUMBER with its scale. */
export function wireTypes(result: EngineResult): string[] {
  return result.columns.map(({ type, scale }) => (type === "fixed" ? `fixed ${scale}` : type));
}

/** The error a statement fails with. Throws when it does not fail. */
export async function failure(promise: Promise<unknown>): Promise<EngineError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error("the statement did not fail");
}

/** Binds as the driver sends them, in order. */
export function binds(
  ...values: readonly (readonly [string, Bind["value"]])[]
): Record<string, Bind> {
  return Object.fromEntries(
    values.map(([type, value], index) => [String(index + 1), { type, value }]),
  );
}

/** An engine in memory with a session in database D, schema PUBLIC. */
export async function openTestEngine(): Promise<{ engine: TestEngine; session: EngineSession }> {
  const engine = await openEngine();
  const session = await engine.openSession({ user: "ADA", role: "SYSADMIN" });
  await query(session, "CREATE DATABASE d");
  return { engine, session };
}

export async function openSecond(engine: TestEngine): Promise<EngineSession> {
  return await engine.openSession({ user: "BOB", database: "D", schema: "PUBLIC" });
}
