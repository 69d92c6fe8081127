/** One statement of a session, with all it may use. */

import type { ResultColumn, Statement } from "../engine.ts";
import type { Cells } from "./cells.ts";
import type { ExternalCallSettings } from "./external/settings.ts";
import type { Parameters } from "./parameters.ts";
import type { ProcedureScope } from "./procedures/scope.ts";
import type { History } from "./history.ts";
import type { Locks } from "./locks.ts";
import type { Running } from "./running.ts";
import type { Storage } from "./storage.ts";
import type { TaskScheduler } from "./tasks/scheduler.ts";
import { Transaction } from "./transactions.ts";

/** What all sessions share. */
export interface Server {
  readonly storage: Storage;
  readonly locks: Locks;
  readonly history: History;
  readonly externalCalls: ExternalCallSettings;
  readonly tasks: TaskScheduler;
}

/** What a session is at the moment; only its own statements change it. */
export interface SessionState {
  readonly id: string;
  readonly user: string;
  database: string | null;
  schema: string | null;
  warehouse: string | null;
  role: string | null;
  /** Whether the other roles of the user count too. */
  secondaryRoles: "ALL" | "NONE";
  parameters: Parameters;
  /** The transaction that BEGIN opened. */
  transaction: Transaction | undefined;
  lastQueryId: string | null;
  /** Within a procedure: what its statements may do. */
  readonly scope?: ProcedureScope;
}

/** A statement within a statement, with all its rows. */
export interface NestedResult {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly Cells[];
  readonly statementTypeId: number;
}

export interface Execution {
  readonly server: Server;
  readonly state: SessionState;
  readonly statement: Statement;
  /** The text of the one statement. */
  readonly sql: string;
  readonly running: Running;
  /** The session's, with the statement's own. */
  readonly parameters: Parameters;
  readonly now: Date;
  /** Names of the columns that have no alias, where `sql` is no longer the text that the client wrote. */
  readonly columnNames?: readonly string[];
  /** Runs a statement of a procedure at once, within this one and stopped with it. Throws EngineError. */
  readonly runNested: (statement: Statement, state: SessionState) => Promise<NestedResult>;
}

let transactionCount = 0;

export function newTransaction(server: Server, isExplicit: boolean): Transaction {
  transactionCount++;
  return new Transaction(
    `${Date.now()}${String(transactionCount).padStart(6, "0")}`,
    isExplicit,
    server.storage,
    server.locks,
  );
}

/** The open transaction, or a new one: of this statement alone unless AUTOCOMMIT is off. */
export function transactionFor({ server, state, parameters }: Execution): Transaction {
  if (state.transaction !== undefined) return state.transaction;
  const transaction = newTransaction(server, !parameters.AUTOCOMMIT);
  if (transaction.isExplicit) state.transaction = transaction;
  return transaction;
}

/** Runs a write in the open transaction, or in one of its own, which it ends. */
export async function runInTransaction<Result>(
  execution: Execution,
  action: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const transaction = transactionFor(execution);
  try {
    const result = await action(transaction);
    if (!transaction.isExplicit) await transaction.commit();
    return result;
  } catch (error) {
    if (transaction.isExplicit) await transaction.noteFailure();
    else await transaction.rollback();
    throw error;
  }
}

/** Waits for a lock that is held to the end of the transaction. */
export async function lock(
  execution: Execution,
  transaction: Transaction,
  resource: string,
): Promise<void> {
  const { server, statement, parameters, running } = execution;
  await server.locks.acquire({
    resource,
    owner: transaction,
    queryId: statement.queryId,
    timeoutMs: parameters.LOCK_TIMEOUT * 1000,
    signal: running.signal,
  });
}

/** DDL ends the open transaction first. */
export async function commitOpen(state: SessionState): Promise<void> {
  const open = state.transaction;
  state.transaction = undefined;
  await open?.commit();
}
