import { ReportError } from "../report/errors.ts";
import type { Clock } from "../worker/ports.ts";
import { type AwsCall, explainAws } from "./failure.ts";

export type PatienceClock = Pick<Clock, "monotonicMs" | "sleep" | "random">;

/** Requests that belong together, and an outage that they share. */
export interface Patience {
  /**
   * Runs it until it succeeds. Throws what it threw when that cannot pass or the outage lasts too long, and the reason of
   * `signal` as soon as that is aborted, in the middle of a wait too.
   */
  attempt<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

const WAIT_MIN_MS = 250;
const WAIT_MAX_MS = 15_000;

/**
 * An outage begins with the first failure after a success and is borne for `limitMs`; a request that is on its way then
 * is waited for. For a client that tries once, so that nobody else waits meanwhile. `call` says which failures can pass.
 */
export function createPatience(call: AwsCall, clock: PatienceClock, limitMs: number): Patience {
  let failingSinceMs: number | null = null;
  return {
    attempt: async (run, signal) => {
      for (let tries = 1; ; tries += 1) {
        signal.throwIfAborted();
        try {
          const done = await run();
          failingSinceMs = null;
          return done;
        } catch (thrown) {
          signal.throwIfAborted();
          const nowMs = clock.monotonicMs();
          failingSinceMs ??= nowMs;
          if (!canPass(call, thrown) || nowMs - failingSinceMs >= limitMs) throw thrown;
          await clock.sleep(waitMs(tries, clock.random()), signal);
        }
      }
    },
  };
}

/** Grows with each try; at random, so that all who saw the same outage do not come back at the same moment. */
function waitMs(tries: number, random: number): number {
  const capMs = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** (tries - 1));
  return Math.round(capMs * (0.5 + random / 2));
}

function canPass(call: AwsCall, thrown: unknown): boolean {
  return !(thrown instanceof ReportError) && explainAws(call, thrown).retryable;
}
