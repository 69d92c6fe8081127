/** The engine of the local Snowflake: DuckDB behind Snowflake's SQL. */

import type { Engine, EngineSession, SessionContext } from "../engine.ts";
import { DuckDBSession } from "./session.ts";
import type { Server } from "./execution.ts";
import { EXTERNAL_CALL_DEFAULTS, type ExternalCallSettings } from "./external/settings.ts";
import { History } from "./history.ts";
import { Locks } from "./locks.ts";
import type { Parameters } from "./parameters.ts";
import { openStorage } from "./storage.ts";
import { TaskScheduler, type TaskSettings } from "./tasks/scheduler.ts";
import { loadParser } from "../translate/sql-ast.ts";
import { placeTables } from "../translate/direct-sql.ts";

export interface DuckDBEngine extends Engine {
  /**
   * Runs DuckDB's own SQL, for making data in bulk. Snowflake tables go by their three names
   * (`DATABASE.SCHEMA.TABLE`); streams see nothing of it, and tables made so are no tables of the engine.
   */
  runDuckDB(sql: string): Promise<void>;
}

export interface EngineOptions extends TaskSettings {
  readonly file?: string;
  /** Of external functions; what is left out has its default. */
  readonly externalCalls?: Partial<ExternalCallSettings>;
}

/**
 * Opens the engine in memory, or in a DuckDB file that it alone may have open. Throws ReportError `configuration`
 * for a file that cannot be read or belongs to something else.
 */
export async function openEngine(options: EngineOptions = {}): Promise<DuckDBEngine> {
  await loadParser();
  const storage = await openStorage(options.file);
  const tasks = new TaskScheduler(options);
  const externalCalls = { ...EXTERNAL_CALL_DEFAULTS, ...options.externalCalls };
  const server: Server = {
    storage,
    locks: new Locks(),
    history: new History(),
    tasks,
    externalCalls,
  };
  const sessions = new Set<DuckDBSession>();
  tasks.start(server, (context, parameters) => openSession(server, sessions, context, parameters));
  return {
    signedFiles: storage.signedUrls,
    openSession: async (context) => await openSession(server, sessions, context),
    runDuckDB: async (sql) => await runDuckDB(server, sql),
    close: async () => {
      await tasks.close();
      await Promise.all([...sessions].map((session) => session.close()));
      storage.close();
    },
  };
}

async function openSession(
  server: Server,
  sessions: Set<DuckDBSession>,
  context: Partial<SessionContext> & { user: string },
  parameters?: Parameters,
): Promise<EngineSession> {
  const session = new DuckDBSession(server, context, parameters);
  sessions.add(session);
  const close = session.close.bind(session);
  session.close = async () => {
    if (sessions.delete(session)) await close();
  };
  return session;
}

async function runDuckDB({ storage }: Server, sql: string): Promise<void> {
  const connection = await storage.acquire("UTC");
  try {
    await connection.run(placeTables(sql, storage.catalog));
  } finally {
    storage.release(connection);
  }
}
