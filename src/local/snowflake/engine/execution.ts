/** One statement of a session, with all it may use. */

import type { Statement } from "../engine.ts";
import type { Parameters } from "./parameters.ts";
import type { History } from "./history.ts";
import type { Locks } from "./locks.ts";
import type { Running } from "./running.ts";
import type { Storage } from "./storage.ts";
import { Transaction } from "./transactions.ts";

/** What all sessions share. */
export interface Server {
  readonly storage: Storage;
  readonly locks: Locks;
  readonly history: History;
}

/** What a session is at the moment; only its own statements change it. */
export interface SessionState {
  readonly id: string;
  readonly user: string;
  database: string | null;
  schema: string | null;
  warehouse: string | null;
  role: string | null;
  parameters: Parameters;
  /** The transaction that BEGIN opened. */
  transaction: Transaction | undefined;
  lastQueryId: string | null;
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
