/** The time that tasks run by. */

export interface TaskClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Does something after a time, once, without keeping the process alive; what it returns calls that off. */
  schedule(delayMs: number, action: () => Promise<void>): () => void;
}

/** A timer cannot be set further ahead than this. */
const DELAY_MAX_MS = 2 ** 31 - 1;

export const systemClock: TaskClock = {
  now: () => Date.now(),
  schedule: (delayMs, action) => {
    const timer = setTimeout(() => void action(), Math.min(Math.max(delayMs, 0), DELAY_MAX_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
