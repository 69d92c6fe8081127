/**
 * Table locks of UPDATE, DELETE, MERGE and DDL, one server wide set of them. A lock is held to the end of the
 * transaction; who comes next waits in line.
 */

import type { EngineError } from "../engine.ts";
import { asEngineError, lockRefused } from "./errors.ts";

/** Whoever holds locks: a transaction. */
export type LockOwner = object;

export interface LockRequest {
  readonly resource: string;
  readonly owner: LockOwner;
  readonly queryId: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly owner: LockOwner;
  readonly grant: () => void;
}

interface Lock {
  owner: LockOwner;
  readonly waiters: Waiter[];
}

/** Snowflake aborts the statement that would be the 21st in line. */
export const WAITERS_MAX = 20;

export class Locks {
  private readonly locks = new Map<string, Lock>();

  /** Resolves when the lock is held. Throws EngineError 000625, or the signal's reason when it is aborted. */
  async acquire(request: LockRequest): Promise<void> {
    const { resource, owner, queryId, timeoutMs } = request;
    const lock = this.locks.get(resource);
    if (lock === undefined) {
      this.locks.set(resource, { owner, waiters: [] });
      return;
    }
    if (lock.owner === owner) return;
    if (lock.waiters.length >= WAITERS_MAX) throw lockRefused(resource, queryId, tooManyWaiters());
    if (this.waitsFor(lock.owner, owner))
      throw lockRefused(resource, queryId, "aborted because of a deadlock");
    if (timeoutMs === 0) throw lockRefused(resource, queryId, tookTooLong(0));
    await this.wait(lock, request);
  }

  releaseAll(owner: LockOwner): void {
    for (const [resource, lock] of this.locks) {
      if (lock.owner !== owner) continue;
      const next = lock.waiters.shift();
      if (next === undefined) this.locks.delete(resource);
      else {
        lock.owner = next.owner;
        next.grant();
      }
    }
  }

  private async wait(
    lock: Lock,
    { resource, owner, queryId, timeoutMs, signal }: LockRequest,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { owner, grant: resolve };
    const giveUp = (error: EngineError): void => {
      const index = lock.waiters.indexOf(waiter);
      if (index < 0) return;
      lock.waiters.splice(index, 1);
      reject(error);
    };
    const onAbort = (): void => giveUp(asEngineError(signal.reason));
    const refuse = (): void => giveUp(lockRefused(resource, queryId, tookTooLong(timeoutMs)));
    // A timer cannot be set further ahead than this.
    const timer = setTimeout(refuse, Math.min(timeoutMs, 2 ** 31 - 1));
    lock.waiters.push(waiter);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Whether `owner` waits, through others or not, for a lock that `target` holds. */
  private waitsFor(owner: LockOwner, target: LockOwner): boolean {
    if (owner === target) return true;
    for (const lock of this.locks.values()) {
      if (lock.waiters.some((waiter) => waiter.owner === owner))
        return this.waitsFor(lock.owner, target);
    }
    return false;
  }
}

function tooManyWaiters(): string {
  return `this statement was aborted because the number of waiters for this lock exceeds the ${WAITERS_MAX} statements limit`;
}

function tookTooLong(timeoutMs: number): string {
  return `this statement was aborted because it waited for the lock longer than LOCK_TIMEOUT (${timeoutMs / 1000} s)`;
}
