import { asReportError } from "../report/errors.ts";
import type { Clock } from "./ports.ts";

const PAUSE_MS = 5_000;
/** Less than what a stopping worker has, and than what is left of a lease that was fresh. */
const TRIES_MAX = 12;

/**
 * Makes a fenced write that is done once however often it is sent, and tries again when its failure can pass: what was
 * worked for shall not be lost to a minute without the warehouse. `mayGoOn` says whether the lease can still be ours.
 */
export async function writeThroughOutage<T>(
  write: () => Promise<T>,
  mayGoOn: () => boolean,
  clock: Pick<Clock, "sleep">,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await write();
    } catch (thrown) {
      const { code, retryable } = asReportError(thrown);
      const canPass = retryable && code !== "internal";
      if (!canPass || tries === TRIES_MAX || !mayGoOn()) throw thrown;
      await clock.sleep(PAUSE_MS, NEVER);
    }
  }
}

const NEVER = new AbortController().signal;
