import { ReportError } from "../report/errors.ts";
import type { DriverConnection, DriverStatement, StatementOption } from "./driver.ts";
import { isSessionGone } from "./driver-errors.ts";
import type { ParameterValues } from "./settings.ts";

export type BindValue = string | number | boolean | null;

export interface StatementRequest {
  readonly sql: string;
  readonly binds: readonly BindValue[];
  readonly parameters?: ParameterValues;
  /** The warehouse runs a statement once for one id in one session. */
  readonly requestId: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A statement that was run; its rows have not been read. */
export interface StatementReply {
  readonly statement: DriverStatement;
  /** The driver's own record of the statement; see raw-rows.ts. */
  readonly context: unknown;
}

/** A cancel may overtake the statement it is for, so it is sent until the statement ends. */
const CANCEL_EVERY_MS = 1500;
/** How long an ended statement may take to say so; then its session cannot be trusted any more. */
const CANCEL_WAIT_MS = 10_000;

/** Thrown when a statement was given up on and may still be running in its session. */
export class AbandonedError extends Error {
  readonly reason: unknown;
  constructor(reason: unknown) {
    super("the warehouse did not confirm a cancel", { cause: reason });
    this.name = "AbandonedError";
    this.reason = reason;
  }
}

/** Thrown when the session turns out to have ended. */
export class SessionGoneError extends Error {
  /** Whether the warehouse had taken the statement, which may then have been run. */
  readonly started: boolean;
  constructor(cause: unknown, started: boolean) {
    super("the Snowflake session has ended", { cause });
    this.name = "SessionGoneError";
    this.started = started;
  }
}

/**
 * Runs one statement. An abort, or more time than `timeoutMs`, cancels it in the warehouse, by its request id while
 * its query id is not known; the promise settles when the warehouse has confirmed it.
 * Rejects with the driver's error, SessionGoneError, the signal's reason, ReportError `query_timeout`, or
 * AbandonedError around one of the last two.
 */
export function runStatement(
  connection: DriverConnection,
  request: StatementRequest,
): Promise<StatementReply> {
  const { promise, resolve, reject } = Promise.withResolvers<StatementReply>();
  let statement: DriverStatement | undefined;
  const stopper = createStopper(request, () => statement, reject);
  const options: StatementOption = {
    sqlText: request.sql,
    binds: request.binds,
    requestId: request.requestId,
    parameters: { ...request.parameters },
    streamResult: true,
    complete(this: unknown, error, completed) {
      const stopped = stopper.end();
      if (stopped !== undefined) reject(stopped.reason);
      else if (isSessionGone(error)) reject(new SessionGoneError(error, hasQueryId(completed)));
      else if (error) reject(error);
      else resolve({ statement: completed, context: this });
    },
  };
  try {
    statement = connection.execute(options);
  } catch (error) {
    stopper.end();
    reject(error);
  }
  return promise;
}

function hasQueryId(statement: DriverStatement): boolean {
  const queryId: unknown = statement.getQueryId();
  return queryId !== undefined && queryId !== null;
}

interface Stopper {
  /** The statement has ended: stops the clocks; tells why it was stopped, if it was. */
  end(): { readonly reason: unknown } | undefined;
}

function createStopper(
  request: StatementRequest,
  current: () => DriverStatement | undefined,
  abandon: (error: AbandonedError) => void,
): Stopper {
  let stopped: { reason: unknown } | undefined;
  let cancelling: Timer | undefined;
  let waiting: Timer | undefined;
  const stop = (reason: unknown): void => {
    if (stopped !== undefined) return;
    stopped = { reason };
    const cancel = (): void => current()?.cancel();
    cancel();
    cancelling = setInterval(cancel, CANCEL_EVERY_MS);
    waiting = setTimeout(() => {
      end();
      abandon(new AbandonedError(reason));
    }, CANCEL_WAIT_MS);
  };
  const onAbort = (): void => stop(request.signal?.reason);
  const onTimeout = (): void => stop(timeoutError(request, current()?.getQueryId()));
  const watchdog = setTimeout(onTimeout, request.timeoutMs);
  request.signal?.addEventListener("abort", onAbort, { once: true });
  const end = (): { reason: unknown } | undefined => {
    clearTimeout(watchdog);
    clearInterval(cancelling);
    clearTimeout(waiting);
    request.signal?.removeEventListener("abort", onAbort);
    return stopped;
  };
  return { end };
}

function timeoutError(request: StatementRequest, queryId: string | undefined): ReportError {
  const seconds = request.timeoutMs / 1000;
  return new ReportError(
    "query_timeout",
    `the statement ran longer than ${seconds} s and was cancelled`,
    { warehouse: queryId === undefined ? {} : { queryId } },
  );
}
