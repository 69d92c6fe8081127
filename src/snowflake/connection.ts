import { setTimeout as delay } from "node:timers/promises";
import { ReportError } from "../report/errors.ts";
import { isTrueCell, type Row } from "../report/table.ts";
import { isLockWait } from "./driver-errors.ts";
import { createLock } from "./lock.ts";
import { openTable } from "./raw-rows.ts";
import { openSession, type Session, type SessionRequest } from "./session.ts";
import type { ConnectionPurpose, SnowflakeSettings } from "./settings.ts";
import type { BindValue, StatementReply } from "./statement-run.ts";

export type { BindValue } from "./statement-run.ts";

export interface StatementOptions {
  /** An abort cancels the statement in the warehouse and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Default: the settings' statementMs. Then the statement is cancelled in the warehouse. */
  readonly timeoutMs?: number;
  /** A statement that is sent twice with one id in one session is run once. Default: a new one. */
  readonly requestId?: string;
}

export interface StatementResult {
  /**
   * By column name (of two columns of one name the last one stays): exact text as on the wire, or null.
   * Booleans are "true" and "false"; see Cell of report/table.ts for the other types.
   */
  readonly rows: Record<string, string | null>[];
  /** Rows inserted, updated and deleted by a DML statement, else 0. */
  readonly rowsAffected: number;
  readonly queryId: string;
}

export interface Transaction {
  execute(
    sql: string,
    binds?: readonly BindValue[],
    options?: StatementOptions,
  ): Promise<StatementResult>;
}

/**
 * The control connection. Its statements and transactions run one after the other, in the order they were asked for,
 * so lanes can share it: nothing of one lane gets into a transaction of another. When its session has ended it opens
 * another and sends the statement again, but never one that the warehouse may have run, nor one of a transaction.
 *
 * Throws ReportError: `query_failed` (`retryable` when it passes), `query_timeout`, `cancelled` (by somebody in the
 * warehouse), `warehouse_unavailable`, `login_refused`, `rows_missing`. A statement that finds too many others
 * waiting for its table (000625) is tried again, up to 8 times with growing random pauses.
 */
export interface Connection extends Transaction, AsyncDisposable {
  /**
   * Commits when `work` resolves, rolls back when it throws, and throws what it threw. Inside, only the transaction
   * given may be used: the connection's own methods would wait for it to end.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** See openSession for what is thrown. */
export async function openConnection(
  settings: SnowflakeSettings,
  purpose: ConnectionPurpose,
): Promise<Connection> {
  const session = await openSession(settings, purpose);
  const locked = createLock();
  const statement = (whenGone: SessionRequest["whenGone"]): Transaction["execute"] => {
    return (sql, binds = [], options = {}) =>
      executeWithRetry(session, settings, { sql, binds, options, whenGone });
  };
  const execute = statement("if-unsent");
  const executeInside = statement("fail");
  return {
    execute: (sql, binds, options) => locked(() => execute(sql, binds, options)),
    transaction: (work) => locked(() => runTransaction(session, execute, executeInside, work)),
    [Symbol.asyncDispose]: () => locked(async () => await session[Symbol.asyncDispose]()),
  };
}

async function runTransaction<T>(
  session: Session,
  execute: Transaction["execute"],
  executeInside: Transaction["execute"],
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  await execute("BEGIN TRANSACTION");
  try {
    const result = await work({ execute: executeInside });
    await executeInside("COMMIT");
    return result;
  } catch (error) {
    // Without an answer to the rollback the session is left: the warehouse then rolls back by itself.
    await executeInside("ROLLBACK").catch(() => session.discard());
    throw error;
  }
}

interface Execution {
  readonly sql: string;
  readonly binds: readonly BindValue[];
  readonly options: StatementOptions;
  readonly whenGone: SessionRequest["whenGone"];
}

const LOCK_TRIES_MAX = 8;
const LOCK_PAUSE_MS = 100;
const LOCK_PAUSE_MAX_MS = 5000;

async function executeWithRetry(
  session: Session,
  settings: SnowflakeSettings,
  execution: Execution,
): Promise<StatementResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await executeOnce(session, settings, execution, attempt);
    } catch (error) {
      const isWait = error instanceof ReportError && isLockWait(error);
      if (!isWait || attempt === LOCK_TRIES_MAX) throw error;
    }
    const pauseMs = Math.random() * Math.min(LOCK_PAUSE_MAX_MS, LOCK_PAUSE_MS * 2 ** attempt);
    await delay(pauseMs, undefined, { signal: execution.options.signal });
  }
}

async function executeOnce(
  session: Session,
  settings: SnowflakeSettings,
  { sql, binds, options, whenGone }: Execution,
  attempt: number,
): Promise<StatementResult> {
  const given = attempt === 1 ? options.requestId : undefined;
  const reply = await session.run({
    sql,
    binds: binds.map(checkBind),
    requestId: given ?? crypto.randomUUID(),
    timeoutMs: options.timeoutMs ?? settings.timeouts.statementMs,
    signal: options.signal,
    whenGone,
  });
  return await readResult(reply, settings.timeouts.rowsMs, options.signal);
}

/** What the types rule out may still come from JSON; the driver would bind NaN as null and a Date as it likes. */
function checkBind(value: unknown): BindValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return value.toISOString();
  throw new TypeError(`a value of type ${typeof value} cannot be bound`);
}

/** Results of the control connection are small; a statement that forgot its LIMIT must not fill the memory. */
const ROWS_MAX = 100_000;

async function readResult(
  reply: StatementReply,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<StatementResult> {
  const { table } = openTable(reply, { timeoutMs, signal });
  if (table.rowCount > ROWS_MAX) {
    throw new Error(`${table.rowCount} rows are too many for the control connection`);
  }
  const batches = await Array.fromAsync(table.batches);
  const names = table.columns.map((column) => column.name);
  const booleans = table.columns.map((column) => column.type === "boolean");
  const rows = batches.flat().map((row) => nameCells(row, names, booleans));
  return { rows, rowsAffected: countAffected(rows), queryId: reply.statement.getQueryId() };
}

function nameCells(
  row: Row,
  names: readonly string[],
  booleans: readonly boolean[],
): Record<string, string | null> {
  const named: Record<string, string | null> = {};
  for (const [index, name] of names.entries()) {
    const cell = row[index] ?? null;
    named[name] = cell !== null && booleans[index] === true ? String(isTrueCell(cell)) : cell;
  }
  return named;
}

const AFFECTED = /^number of rows (?:inserted|updated|deleted)$/i;

/**
 * A DML statement answers one row of counts. The driver's own sum also adds "number of multi-joined rows updated",
 * which are counted among the updated ones already.
 */
function countAffected(rows: readonly Record<string, string | null>[]): number {
  const [row = {}] = rows;
  if (!Object.keys(row).every((name) => name.startsWith("number of "))) return 0;
  return Object.entries(row)
    .filter(([name]) => AFFECTED.test(name))
    .reduce((sum, [, count]) => sum + Number(count), 0);
}
