import type { Artifact } from "./artifact.ts";
import type { BurstResult, Published } from "./burst.ts";
import {
  planBurstDeliveries,
  type PlannedDelivery,
  planFailureDeliveries,
  planRecipientDeliveries,
  planResultDeliveries,
} from "./delivery.ts";
import { asReportError, ReportError } from "./errors.ts";
import type { Report } from "./request.ts";
import { nextOccurrence } from "./schedule.ts";

/**
 * PENDING: waits for its time and a worker. PROCESSING: a worker holds it under a lease; if the worker dies the lease
 * expires and another takes over. COMPLETED, FAILED, CANCELLED: over, until a person asks for it again.
 * A SCHEDULED report goes back to PENDING after each occurrence, and any while its data are not ready. A run that is
 * skipped because of its condition completes the report: what was asked for has been looked after.
 */
export type Status = "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "CANCELLED";

/** How one attempt ended. The only thing that the settling write is made from. */
export type Outcome =
  | {
      readonly kind: "completed";
      readonly artifacts: readonly Artifact[];
      readonly burst?: BurstResult;
    }
  /** The condition of OPTIONS.sendWhen is not met: nothing is stored and nothing sent. */
  | { readonly kind: "skipped" }
  /** The data are not ready (since when that is being checked): the attempt is given back. */
  | { readonly kind: "waiting"; readonly since: Date; readonly delayMs: number }
  /** All occurrences that were due are dropped by the misfire policy. */
  | { readonly kind: "missed" }
  /** A later attempt can succeed. It does what is left of a burst; the rest is published by this one. */
  | {
      readonly kind: "retry";
      readonly error: ReportError;
      readonly delayMs: number;
      readonly published?: Published;
    }
  /** The same, through no fault of the report (the warehouse is down): the attempt is given back. */
  | { readonly kind: "postponed"; readonly error: ReportError; readonly delayMs: number }
  | { readonly kind: "failed"; readonly error: ReportError }
  | { readonly kind: "cancelled" }
  /** The worker was told to stop: the attempt is given back. */
  | { readonly kind: "interrupted" }
  /** Another worker owns the report: nothing may be written. */
  | { readonly kind: "lease_lost" };

/** What REPORT_RUN.OUTCOME says of an outcome that is written. */
export const RUN_OUTCOMES = {
  completed: "COMPLETED",
  skipped: "SKIPPED",
  waiting: "WAITING",
  missed: "MISSED",
  retry: "RETRY",
  postponed: "RETRY",
  failed: "FAILED",
  cancelled: "CANCELLED",
  interrupted: "INTERRUPTED",
} as const satisfies Record<Exclude<Outcome["kind"], "lease_lost">, string>;

/** What is known of an attempt, whatever its outcome. */
export interface AttemptFacts {
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly crashCount: number;
  readonly interruptCount: number;
}

const CRASHES_MAX = 3;
const INTERRUPTS_MAX = 10;
const RETRY_BASE_MS = 30_000;
const RETRY_CAP_MS = 30 * 60_000;

/** Turns whatever ended an attempt early into its outcome. `random` is in [0, 1). */
export function outcomeOfError(thrown: unknown, facts: AttemptFacts, random: number): Outcome {
  const error = asReportError(thrown);
  if (error.code === "lease_lost") return { kind: "lease_lost" };
  if (error.code === "cancelled") return { kind: "cancelled" };
  if (error.code === "interrupted" && facts.interruptCount < INTERRUPTS_MAX) {
    return { kind: "interrupted" };
  }
  const delayMs = retryDelayMs(facts.attempt, random);
  // A reader that is refused while the queue's connection works is set up wrongly: somebody has to be told in the end.
  if (error.code === "warehouse_unavailable") {
    return { kind: "postponed", error, delayMs };
  }
  return error.retryable && facts.attempt < facts.maxAttempts
    ? { kind: "retry", error, delayMs }
    : { kind: "failed", error };
}

/** Throws ReportError `crashed` for a report that kills its workers. */
export function refuseCrashing(facts: AttemptFacts): void {
  if (facts.crashCount >= CRASHES_MAX) {
    throw new ReportError(
      "crashed",
      `${facts.crashCount} workers died over this report within 72 hours, so it is not tried again by itself`,
    );
  }
  // The first attempt is always made; a limit below 1 is refused as the malformed row that it is.
  if (facts.attempt > Math.max(1, facts.maxAttempts)) {
    throw new ReportError("crashed", `its worker died at attempt ${facts.maxAttempts}, the last`);
  }
}

/** Full jitter: anything up to 30 s · 2^n, at most 30 minutes, so that a crowd does not come back together. */
export function retryDelayMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.max(0, attempt - 1)));
}

/** The new state of the row and the messages owed: everything that one fenced transaction writes. */
export interface Settlement {
  readonly status: Status;
  readonly runOutcome: (typeof RUN_OUTCOMES)[keyof typeof RUN_OUTCOMES];
  /** Wait this long before the next attempt; null: no wait. */
  readonly delayMs: number | null;
  /** The occurrence that is next; undefined: as it was. */
  readonly nextRunAt: Date | undefined;
  /** The attempt counter starts again, is given back, or stays. */
  readonly attempts: "reset" | "give-back" | "keep";
  readonly interrupted: boolean;
  /** Since when the data-ready condition of the occurrence is being checked; null: it is not; undefined: as it was. */
  readonly waitingSince: Date | null | undefined;
  readonly error: ReportError | null;
  readonly artifacts: readonly Artifact[];
  readonly deliveries: readonly PlannedDelivery[];
}

/** What a settlement is decided from, beside the outcome. */
export interface SettlementFacts {
  readonly runId: string;
  /** Null when the row could not be read as a report. */
  readonly report: Report | null;
  /** The occurrence that was run or dropped; null for an ADHOC report. */
  readonly occurrence: Date | null;
  /** Told of a failure. */
  readonly ownerEmail: string | null;
}

/** Decides what is written for an outcome. Pure; `lease_lost` writes nothing and has no settlement. */
export function settlementOf(
  outcome: Exclude<Outcome, { kind: "lease_lost" }>,
  facts: SettlementFacts,
): Settlement {
  const base = {
    runOutcome: RUN_OUTCOMES[outcome.kind],
    delayMs: null,
    nextRunAt: undefined,
    attempts: "keep",
    interrupted: false,
    waitingSince: null,
    error: null,
    artifacts: [],
    deliveries: [],
  } as const;
  // The next attempt stays with this occurrence, whose predecessors have been recorded as missed.
  const waiting = {
    status: "PENDING",
    nextRunAt: facts.occurrence ?? undefined,
    waitingSince: undefined,
  } as const;
  switch (outcome.kind) {
    case "completed": {
      const { artifacts, burst } = outcome;
      const deliveries = planDeliveries(facts, burst);
      return { ...base, ...afterOccurrence(facts, "COMPLETED"), artifacts, deliveries };
    }
    case "waiting": {
      const { delayMs, since: waitingSince } = outcome;
      return { ...base, ...waiting, delayMs, waitingSince, attempts: "give-back" };
    }
    case "skipped":
    case "missed":
      return { ...base, ...afterOccurrence(facts, "COMPLETED") };
    case "retry": {
      const { delayMs, error, published } = outcome;
      const artifacts = published?.artifacts ?? [];
      const deliveries = planRecipientDeliveries(facts.runId, published?.burst.done ?? []);
      return { ...base, ...waiting, delayMs, error, artifacts, deliveries };
    }
    case "postponed": {
      const { delayMs, error } = outcome;
      return { ...base, ...waiting, delayMs, error, attempts: "give-back" };
    }
    case "interrupted":
      return { ...base, ...waiting, attempts: "give-back", interrupted: true };
    case "cancelled":
      return { ...base, status: "CANCELLED" };
    case "failed": {
      const { error } = outcome;
      const deliveries = planFailureDeliveries(facts.runId, facts.ownerEmail);
      return { ...base, ...afterFailure(error, facts), error, deliveries };
    }
  }
}

function planDeliveries(
  { runId, report, ownerEmail }: SettlementFacts,
  burst: BurstResult | undefined,
): PlannedDelivery[] {
  if (report === null) return [];
  return burst === undefined
    ? planResultDeliveries(runId, report.recipients)
    : planBurstDeliveries(runId, burst, report.recipients, ownerEmail);
}

/** A malformed row and one that kills workers stop for good; any other failure ends its occurrence only. */
function afterFailure(error: ReportError, facts: SettlementFacts): AfterOccurrence {
  const stops: ReadonlySet<string> = new Set(["invalid_report", "statement_refused", "crashed"]);
  return stops.has(error.code)
    ? { status: "FAILED", nextRunAt: undefined, attempts: "keep" }
    : afterOccurrence(facts, "FAILED");
}

type AfterOccurrence = Pick<Settlement, "status" | "nextRunAt" | "attempts">;

/** The next time is computed from the occurrence, not from now, so nothing drifts and nothing is dropped unseen. */
function afterOccurrence(facts: SettlementFacts, status: "COMPLETED" | "FAILED"): AfterOccurrence {
  const schedule = facts.report?.schedule ?? null;
  if (schedule === null || facts.occurrence === null) {
    return { status, nextRunAt: undefined, attempts: "keep" };
  }
  const nextRunAt = nextOccurrence(schedule, facts.occurrence);
  return { status: "PENDING", nextRunAt, attempts: "reset" };
}
