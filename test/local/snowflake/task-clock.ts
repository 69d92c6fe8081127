/** A clock that stands still until a test moves it, and then waits for what falls due on the way. */

import type { TaskClock } from "../../../src/local/snowflake/engine/tasks/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly action: () => Promise<void>;
}

export interface FakeClock extends TaskClock {
  /** Resolves when all that fell due within this time has been done. */
  advance(ms: number): Promise<void>;
  readonly timerCount: number;
}

export function fakeClock(startMs: number): FakeClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();
  const nextDue = (endMs: number): Timer | undefined =>
    [...timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  return {
    now: () => nowMs,
    schedule: (delayMs, action) => {
      const timer = { atMs: nowMs + Math.max(delayMs, 0), action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      for (let timer = nextDue(endMs); timer !== undefined; timer = nextDue(endMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.atMs);
        await timer.action();
      }
      nowMs = endMs;
    },
    get timerCount() {
      return timers.size;
    },
  };
}
