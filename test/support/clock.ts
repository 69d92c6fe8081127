import type { Clock } from "../../src/worker/ports.ts";

/** A clock that stands still until it is told to move. Wall time and monotonic time move together. */
export interface FakeClock extends Clock {
  /** Moves on, ends the sleeps that are over by then in their order, and lets what they woke run. */
  advance(ms: number): Promise<void>;
  /** How many are asleep. */
  readonly sleeping: number;
}

export interface FakeClockOptions {
  readonly startAt?: string;
  /** A sleep moves the clock by itself and ends at once: for code that nothing else runs beside. */
  readonly sleepsAdvance?: boolean;
  readonly random?: () => number;
}

export const START = "2026-03-02T10:00:00.000Z";

export function createClock(options: FakeClockOptions = {}): FakeClock {
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  const startMs = Date.parse(options.startAt ?? START);
  let elapsedMs = 0;

  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    if (options.sleepsAdvance === true) {
      elapsedMs += ms;
      await turn();
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { untilMs: elapsedMs + ms, wake: () => resolve() };
    sleepers.add(sleeper);
    signal.addEventListener("abort", sleeper.wake, { once: true });
    await promise;
    sleepers.delete(sleeper);
    signal.removeEventListener("abort", sleeper.wake);
  };

  const advance = async (ms: number): Promise<void> => {
    const endMs = elapsedMs + ms;
    for (;;) {
      await turn();
      const [next] = [...sleepers].toSorted((a, b) => a.untilMs - b.untilMs);
      if (next === undefined || next.untilMs > endMs) break;
      elapsedMs = Math.max(elapsedMs, next.untilMs);
      sleepers.delete(next);
      next.wake();
    }
    elapsedMs = endMs;
    await turn();
  };

  return {
    now: () => new Date(startMs + elapsedMs),
    monotonicMs: () => elapsedMs,
    sleep,
    random: options.random ?? (() => 0.5),
    advance,
    get sleeping() {
      return sleepers.size;
    },
  };
}

/** Lets everything run that waits for nothing but its turn, file system calls of a few milliseconds apart. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 5; count += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const WAIT_MAX_MS = 3_000;

/** Waits until something is so, for things that go through the file system or a short timer. Throws when it never is. */
export async function until(condition: () => boolean, what = String(condition)): Promise<void> {
  const startedMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedMs > WAIT_MAX_MS) throw new Error(`never became so: ${what}`);
    await Bun.sleep(1);
  }
}
