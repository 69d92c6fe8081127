import { ReportError } from "../report/errors.ts";
import type { Query, QueryResult, Warehouse } from "../worker/ports.ts";
import { openTable } from "./raw-rows.ts";
import { openSession, type Session } from "./session.ts";
import { INPUT_FORMATS, type SnowflakeSettings } from "./settings.ts";

export interface ReaderOptions {
  /** A role that can only read. Default: the settings' role. */
  readonly role?: string;
  readonly now?: () => Date;
  /** How much later than the warehouse's own limit a statement is cancelled from here. */
  readonly watchdogMs?: number;
}

export interface ReaderResult extends QueryResult {
  /** The driver is not as expected inside: the rows are right but come slower (see raw-rows.ts). */
  readonly degraded: boolean;
}

/**
 * Runs report SQL. One session serves all lanes: whatever differs between queries is given with each statement, and
 * the driver runs statements of one session side by side.
 */
export interface Reader extends Warehouse, AsyncDisposable {
  /**
   * Throws ReportError: `query_failed`, `query_timeout`, `cancelled`, `warehouse_unavailable`, `login_refused`; the
   * table's batches throw `rows_missing` when nothing arrives for the settings' rowsMs or the count is wrong.
   */
  query(query: Query, signal: AbortSignal): Promise<ReaderResult>;
}

const WATCHDOG_MS = 15_000;

/**
 * Logs in with no secondary roles, so that nothing but the reader's own role counts. See openSession for what is
 * thrown. An account may cut every result off at some number of rows (ROWS_PER_RESULTSET); these queries are not.
 */
export async function openReader(
  settings: SnowflakeSettings,
  options: ReaderOptions = {},
): Promise<Reader> {
  const session = await openSession(settings, {
    ...(options.role === undefined ? {} : { role: options.role }),
    sessionParameters: { TIMEZONE: "UTC", ...INPUT_FORMATS, ABORT_DETACHED_QUERY: true },
    secondaryRoles: "none",
  });
  return {
    query: (query, signal) => runQuery(session, settings, options, query, signal),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

async function runQuery(
  session: Session,
  settings: SnowflakeSettings,
  options: ReaderOptions,
  query: Query,
  signal: AbortSignal,
): Promise<ReaderResult> {
  const dataAsOf = options.now?.() ?? new Date();
  const reply = await session.run({
    sql: query.sql,
    binds: query.binds,
    parameters: {
      MULTI_STATEMENT_COUNT: 1,
      ROWS_PER_RESULTSET: 0,
      STATEMENT_TIMEOUT_IN_SECONDS: query.timeoutSeconds,
      QUERY_TAG: describeTag(query.tag),
      TIMEZONE: query.timezone,
    },
    requestId: crypto.randomUUID(),
    timeoutMs: query.timeoutSeconds * 1000 + (options.watchdogMs ?? WATCHDOG_MS),
    signal,
    // A SELECT can be run twice.
    whenGone: "resend",
  });
  const opened = openTable(reply, { signal, timeoutMs: settings.timeouts.rowsMs });
  return { queryId: reply.statement.getQueryId(), dataAsOf, ...opened };
}

const TAG_LENGTH_MAX = 2000;

function describeTag(tag: Query["tag"]): string {
  const text = JSON.stringify(tag);
  if (text.length <= TAG_LENGTH_MAX) return text;
  throw new ReportError("internal", `a query tag of ${text.length} characters is too long`);
}
