/** What an idle or working worker saw of the queue. */
export interface Observation {
  /** Due and unclaimed, or held by a dead worker, or messages not yet sent. */
  readonly pending: number;
  /** Reports under a live lease. */
  readonly running: number;
  /** When something will be due that is not yet, ISO 8601 in UTC; null: nothing is planned. */
  readonly nextDueAt: string | null;
  /** Since when the oldest of `pending` has been due, ISO 8601 in UTC; null: nothing is pending. */
  readonly oldestPendingAt: string | null;
}

/** Why the number of workers is looked at. */
export type ScalingEvent =
  /** `POST /trigger`, the regular tick, or a planned wake-up. */
  | { readonly kind: "trigger" }
  | { readonly kind: "observation"; readonly observation: Observation }
  /** A worker cannot start with what it was told, and would be started again for ever. */
  | { readonly kind: "unable" };

/** One worker more for each of these waiting: the document's "queue depth > 5". */
export const REPORTS_PER_WORKER = 5;

/**
 * How many workers there shall be. A trigger only ever raises, which is always safe. An observation sets: to none
 * when nothing is pending or running, and never below the live leases, since a task that works is protected and
 * a desired count below the protected tasks blocks the service. A worker that is unable gives back its own place alone:
 * it has seen nothing of the queue, and the next trigger or tick raises one that looks at its settings anew.
 */
export function chooseTarget(event: ScalingEvent, desired: number, workersMax: number): number {
  if (event.kind === "trigger") return Math.max(1, desired);
  if (event.kind === "unable") return Math.max(0, desired - 1);
  const { pending, running } = event.observation;
  if (pending === 0 && running === 0) return 0;
  const wanted = Math.max(running, Math.ceil(pending / REPORTS_PER_WORKER));
  return Math.min(Math.max(wanted, 1), workersMax);
}
