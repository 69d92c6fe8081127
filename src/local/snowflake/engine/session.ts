/** A session of the engine: its statements one after another, what they leave, and how they are stopped. */
import { describedBinds } from "./binds.ts";

import type { EngineResult, EngineSession, SessionContext, Statement } from "../engine.ts";
import type { Cells } from "./cells.ts";
import { asEngineError, cancelled, emptyStatement, statementCount } from "./errors.ts";
import { defaultParameters, type Parameters, withStatementParameters } from "./parameters.ts";
import type { Execution, NestedResult, Server, SessionState } from "./execution.ts";
import type { HistoryEntry } from "./history.ts";
import { admitStatement, resumeOuter } from "./procedures/scope.ts";
import { emptyResult, STATEMENT_TYPES } from "./results.ts";
import { Running } from "./running.ts";
import { runWithCalls } from "../statements/external-call.ts";
import type { Finish } from "../statements/query.ts";
import { startingNames } from "../roles/login.ts";
import { tableName } from "../statements/table.ts";
import { findStatement, type StatementKind } from "../statements/statement.ts";
import { splitStatements } from "../translate/tokens.ts";

let sessionCount = 0;

export class DuckDBSession implements EngineSession {
  private readonly server: Server;
  private readonly state: SessionState;
  private readonly running = new Map<string, Running>();
  /** Ends what still runs, or whose rows nobody reads. */
  private readonly unfinished = new Set<Finish>();
  /** Of statements that were cancelled before their turn came. */
  private readonly waiting = new Map<string, Running>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    server: Server,
    context: Partial<SessionContext> & { user: string },
    parameters: Parameters = defaultParameters(),
  ) {
    this.server = server;
    sessionCount++;
    this.state = {
      id: String(Date.now() * 1000 + sessionCount),
      user: context.user,
      ...startingNames(server, context),
      parameters,
      transaction: undefined,
      lastQueryId: null,
    };
  }

  get context(): SessionContext {
    const { database, schema, warehouse, role, user } = this.state;
    return { database, schema, warehouse, role, user };
  }

  parameters(): Parameters {
    return this.state.parameters;
  }

  async execute(statement: Statement): Promise<EngineResult> {
    const parameters = withStatementParameters(this.state.parameters, statement.parameters);
    const running = new Running(statement.queryId, parameters.STATEMENT_TIMEOUT_IN_SECONDS);
    this.waiting.set(statement.queryId, running);
    const bound = describedBinds(statement);
    const result = this.last.then(() => this.start(bound, running));
    this.last = result.catch(() => undefined);
    return statement.describeOnly
      ? { ...(await result), bindCount: Object.keys(bound.binds).length }
      : await result;
  }

  cancel(queryId: string): void {
    (this.running.get(queryId) ?? this.waiting.get(queryId))?.cancel();
  }

  async close(): Promise<void> {
    for (const running of [...this.waiting.values(), ...this.running.values()]) running.cancel();
    await this.last;
    for (const finish of this.unfinished) finish(null, cancelled());
    const open = this.state.transaction;
    this.state.transaction = undefined;
    await open?.rollback();
    await this.dropTemporaryTables();
  }

  private async runNested(
    statement: Statement,
    state: SessionState,
    parent: Running,
  ): Promise<NestedResult> {
    parent.signal.throwIfAborted();
    const parameters = withStatementParameters(state.parameters, statement.parameters);
    const running = new Running(statement.queryId, parameters.STATEMENT_TIMEOUT_IN_SECONDS);
    const stop = (): void => running.stop(asEngineError(parent.signal.reason));
    parent.signal.addEventListener("abort", stop, { once: true });
    try {
      const { batches, ...result } = await this.start(statement, running, state);
      const rows: Cells[] = [];
      for await (const batch of batches) for (const row of batch) rows.push(row);
      return { ...result, rows };
    } finally {
      parent.signal.removeEventListener("abort", stop);
      resumeOuter(state);
    }
  }

  private async start(
    statement: Statement,
    running: Running,
    state: SessionState = this.state,
  ): Promise<EngineResult> {
    this.waiting.delete(statement.queryId);
    this.running.set(statement.queryId, running);
    const parameters = withStatementParameters(state.parameters, statement.parameters);
    const entry = this.beginHistory(statement, parameters, state);
    const finish = this.finisher(statement, running, entry, state);
    try {
      running.signal.throwIfAborted();
      const [sql, ...more] = splitStatements(statement.sql);
      if (sql === undefined) throw emptyStatement();
      if (more.length > 0) throw statementCount(more.length + 1, 1);
      const kind = findStatement(sql);
      entry.QUERY_TYPE = kind.type;
      admitStatement(kind.type, state);
      const execution: Execution = {
        server: this.server,
        state,
        statement,
        sql,
        running,
        parameters,
        now: new Date(),
        runNested: (nested, inner) => this.runNested(nested, inner, running),
      };
      return await runKind(kind, execution, finish);
    } catch (thrown) {
      const error = running.signal.aborted ? running.signal.reason : asEngineError(thrown);
      finish(null, error);
      throw error;
    }
  }

  /** What is done once when a statement, and the reading of its rows, has ended. */
  private finisher(
    statement: Statement,
    running: Running,
    entry: HistoryEntry,
    state: SessionState,
  ): Finish {
    const startedAtMs = Date.now();
    const finish: Finish = (rowCount, thrown) => {
      if (!this.unfinished.delete(finish)) return;
      running[Symbol.dispose]();
      this.running.delete(statement.queryId);
      state.lastQueryId = statement.queryId;
      this.server.history.finish(
        entry,
        startedAtMs,
        rowCount,
        thrown === undefined ? undefined : asEngineError(thrown),
      );
    };
    this.unfinished.add(finish);
    return finish;
  }

  private beginHistory(
    statement: Statement,
    parameters: Parameters,
    state: SessionState,
  ): HistoryEntry {
    const { id, user, database, schema, warehouse, role } = state;
    const entry: HistoryEntry = {
      QUERY_ID: statement.queryId,
      QUERY_TEXT: statement.sql,
      QUERY_TYPE: "UNKNOWN",
      DATABASE_NAME: database,
      SCHEMA_NAME: schema,
      SESSION_ID: id,
      USER_NAME: user,
      ROLE_NAME: role,
      WAREHOUSE_NAME: warehouse,
      QUERY_TAG: parameters.QUERY_TAG,
      EXECUTION_STATUS: "RUNNING",
      ERROR_CODE: null,
      ERROR_MESSAGE: null,
      START_TIME: new Date().toISOString(),
      END_TIME: null,
      TOTAL_ELAPSED_TIME: 0,
      ROWS_PRODUCED: null,
    };
    this.server.history.add(entry);
    return entry;
  }

  private async dropTemporaryTables(): Promise<void> {
    const { storage } = this.server;
    const own = storage.catalog.list("table").filter(({ session }) => session === this.state.id);
    if (own.length === 0) return;
    const connection = await storage.acquire("UTC");
    for (const table of own) {
      await connection.run(`DROP TABLE IF EXISTS ${tableName(table)}`);
      storage.catalog.remove(table);
    }
    storage.release(connection);
  }
}

/** A command is described by an empty result; only queries and DML have columns to tell of. */
async function runKind(
  kind: StatementKind,
  execution: Execution,
  finish: Finish,
): Promise<EngineResult> {
  if (execution.statement.describeOnly && !kind.isQuery) {
    finish(null);
    return emptyResult([], STATEMENT_TYPES.ddl);
  }
  return await runWithCalls(kind, execution, finish);
}
