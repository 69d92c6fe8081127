/** A statement while it runs: what stops it. */

import type { DuckDBConnection, DuckDBMaterializedResult, DuckDBValue } from "@duckdb/node-api";
import { withDeferredTypes } from "../translate/deferred-types.ts";
import type { EngineError } from "../engine.ts";
import { asEngineError, cancelled, timedOut } from "./errors.ts";

/** DuckDB forgets an interrupt that comes before a query has begun, so it is repeated. */
const INTERRUPT_EVERY_MS = 20;
const INTERRUPTS_MAX = 500;

export class Running implements Disposable {
  readonly queryId: string;
  private readonly controller = new AbortController();
  private readonly connections = new Set<DuckDBConnection>();
  private readonly timeout: ReturnType<typeof setTimeout> | undefined;
  private interrupts: ReturnType<typeof setInterval> | undefined;
  private cleanUp: (() => void) | undefined;

  /** A timeout of 0 seconds is none. */
  constructor(queryId: string, timeoutSeconds: number) {
    this.queryId = queryId;
    if (timeoutSeconds === 0) return;
    const stop = (): void => this.stop(timedOut(timeoutSeconds));
    this.timeout = setTimeout(stop, Math.min(timeoutSeconds * 1000, 2 ** 31 - 1));
    this.timeout.unref();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  cancel(): void {
    this.stop(cancelled());
  }

  stop(reason: EngineError): void {
    if (this.signal.aborted) return;
    this.controller.abort(reason);
    let count = 0;
    const interrupt = (): void => {
      for (const connection of this.connections) connection.interrupt();
      if (++count >= INTERRUPTS_MAX) clearInterval(this.interrupts);
    };
    interrupt();
    this.interrupts = setInterval(interrupt, INTERRUPT_EVERY_MS);
  }

  /** From here on, stopping the statement interrupts this connection. */
  track(connection: DuckDBConnection): void {
    this.connections.add(connection);
  }

  untrack(connection: DuckDBConnection): void {
    this.connections.delete(connection);
  }

  /** Runs DuckDB's SQL to its end. Throws EngineError. */
  async run(
    connection: DuckDBConnection,
    sql: string,
    values: readonly DuckDBValue[] = [],
  ): Promise<DuckDBMaterializedResult> {
    const parameters = values.length === 0 ? undefined : [...values];
    return await this.watch(connection, () =>
      withDeferredTypes(sql, (text) => connection.run(text, parameters)),
    );
  }

  /** Throws EngineError; the reason that it was stopped for, when it was. */
  async watch<Result>(
    connection: DuckDBConnection,
    action: () => Promise<Result>,
  ): Promise<Result> {
    this.signal.throwIfAborted();
    this.track(connection);
    try {
      const result = await action();
      this.signal.throwIfAborted();
      return result;
    } catch (thrown) {
      throw this.signal.aborted ? this.signal.reason : asEngineError(thrown);
    } finally {
      this.untrack(connection);
    }
  }

  /** Resolves after a time, rejects when the statement is stopped. */
  async sleep(ms: number): Promise<void> {
    this.signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(this.signal.reason);
    const timer = setTimeout(resolve, ms);
    this.signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  /** Done when the statement has ended, and the reading of its rows. */
  atEnd(cleanUp: () => void): void {
    this.cleanUp = cleanUp;
  }

  [Symbol.dispose](): void {
    this.cleanUp?.();
    this.cleanUp = undefined;
    clearTimeout(this.timeout);
    clearInterval(this.interrupts);
  }
}
