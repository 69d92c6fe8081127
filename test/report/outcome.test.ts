import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { ErrorCode } from "../../src/report/errors.ts";
import { ReportError } from "../../src/report/errors.ts";
import {
  type AttemptFacts,
  type Outcome,
  outcomeOfError,
  refuseCrashing,
  retryDelayMs,
  type SettlementFacts,
  settlementOf,
} from "../../src/report/outcome.ts";
import { aReport, anArtifact, anError, DAILY_AT_NINE, errorOf } from "../support/factories.ts";

const FACTS: AttemptFacts = { attempt: 1, maxAttempts: 5, crashCount: 0, interruptCount: 0 };

describe("what an error makes of an attempt", () => {
  // The outcome at the first attempt of five, and at the last.
  const table = {
    invalid_report: ["failed", "failed"],
    statement_refused: ["failed", "failed"],
    query_failed: ["failed", "failed"],
    query_timeout: ["retry", "failed"],
    data_not_ready: ["failed", "failed"],
    too_many_rows: ["failed", "failed"],
    rows_missing: ["retry", "failed"],
    render_failed: ["failed", "failed"],
    store_failed: ["retry", "failed"],
    recipient_refused: ["failed", "failed"],
    delivery_failed: ["retry", "failed"],
    warehouse_unavailable: ["postponed", "postponed"],
    login_refused: ["retry", "failed"],
    lease_lost: ["lease_lost", "lease_lost"],
    cancelled: ["cancelled", "cancelled"],
    interrupted: ["interrupted", "interrupted"],
    crashed: ["failed", "failed"],
    configuration: ["failed", "failed"],
    internal: ["retry", "failed"],
  } as const satisfies Record<ErrorCode, readonly [Outcome["kind"], Outcome["kind"]]>;

  const codes = Object.keys(table).filter((code): code is ErrorCode => code in table);
  test.each(codes)("%s", (code) => {
    const [first, last] = table[code];
    const error = anError(code);
    expect(outcomeOfError(error, FACTS, 0.5).kind).toBe(first);
    expect(outcomeOfError(error, { ...FACTS, attempt: 4 }, 0.5).kind).toBe(first);
    expect(outcomeOfError(error, { ...FACTS, attempt: 5 }, 0.5).kind).toBe(last);
  });

  test("an error that is known to pass is tried again, one that is known to stay is not", () => {
    const passing = new ReportError("query_failed", "lock waiters", { retryable: true });
    const staying = new ReportError("store_failed", "no such bucket", { retryable: false });
    expect(outcomeOfError(passing, FACTS, 0).kind).toBe("retry");
    expect(outcomeOfError(staying, FACTS, 0).kind).toBe("failed");
  });

  test("anything that is no ReportError is a defect, which is tried again", () => {
    const outcome = outcomeOfError(new TypeError("x is undefined"), FACTS, 0);
    expect(outcome).toMatchObject({
      kind: "retry",
      error: { code: "internal", message: "x is undefined" },
    });
  });

  test("the eleventh interruption is a failure, so that a report cannot go round for ever", () => {
    const error = anError("interrupted");
    const after = (interruptCount: number): string =>
      outcomeOfError(error, { ...FACTS, interruptCount }, 0).kind;
    expect([after(0), after(9), after(10)]).toEqual(["interrupted", "interrupted", "failed"]);
  });
});

describe("retryDelayMs", () => {
  test("it is anything up to 30 s, doubled with each attempt, and never more than 30 minutes", () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000 }), unit, (attempt, random) => {
        const delayMs = retryDelayMs(attempt, random);
        const limitMs = Math.min(30 * 60_000, 30_000 * 2 ** Math.max(0, attempt - 1));
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(limitMs);
        expect(Number.isInteger(delayMs)).toBe(true);
      }),
    );
  });

  test("the whole of that range is used", () => {
    expect(retryDelayMs(1, 0)).toBe(0);
    expect(retryDelayMs(1, 0.5)).toBe(15_000);
    expect(retryDelayMs(3, 0.5)).toBe(60_000);
    expect(retryDelayMs(20, 0.999_999)).toBeGreaterThan(29 * 60_000);
  });
});

describe("refuseCrashing", () => {
  test("two crashes are let pass, the third is not", () => {
    expect(() => refuseCrashing({ ...FACTS, crashCount: 2 })).not.toThrow();
    const error = errorOf(() => refuseCrashing({ ...FACTS, crashCount: 3 }));
    expect(error.code).toBe("crashed");
    expect(error.message).toContain("3 workers died");
  });

  test("a worker that died at the last attempt has used it up", () => {
    expect(() => refuseCrashing({ ...FACTS, attempt: 5 })).not.toThrow();
    expect(errorOf(() => refuseCrashing({ ...FACTS, attempt: 6 })).code).toBe("crashed");
  });

  test("a limit below one is no crash: the row is refused for it", () => {
    expect(() => refuseCrashing({ ...FACTS, maxAttempts: 0 })).not.toThrow();
  });
});

describe("the settlement of an outcome", () => {
  const adhoc = aReport({ emailRecipients: "reader@example.com", slackWebhook: "finance" });
  const scheduled = aReport({ ...DAILY_AT_NINE, emailRecipients: "reader@example.com" });
  const occurrence = new Date("2026-03-02T09:00:00Z");
  const next = new Date("2026-03-03T09:00:00Z");
  const error = anError("query_failed");
  const artifact = anArtifact();

  type Facts = Omit<SettlementFacts, "runId" | "ownerEmail">;
  const settle = (outcome: Exclude<Outcome, { kind: "lease_lost" }>, facts: Facts) =>
    settlementOf(outcome, { runId: "run-1", ownerEmail: "owner@example.com", ...facts });
  const forAdhoc: Facts = { report: adhoc, occurrence: null };
  const forScheduled: Facts = { report: scheduled, occurrence };
  const unreadable: Facts = { report: null, occurrence: null };

  const outcomes = {
    completed: { kind: "completed", artifacts: [artifact] },
    skipped: { kind: "skipped" },
    waiting: { kind: "waiting", since: new Date("2026-03-02T09:30:00Z"), delayMs: 7 },
    missed: { kind: "missed" },
    retry: { kind: "retry", error, delayMs: 7 },
    postponed: { kind: "postponed", error, delayMs: 7 },
    failed: { kind: "failed", error },
    cancelled: { kind: "cancelled" },
    interrupted: { kind: "interrupted" },
  } as const;
  type Row = [
    keyof typeof outcomes,
    Facts,
    string,
    string,
    string,
    Date | undefined,
    number | null,
  ];

  test.each<Row>([
    ["completed", forAdhoc, "COMPLETED", "COMPLETED", "keep", undefined, null],
    ["completed", forScheduled, "PENDING", "COMPLETED", "reset", next, null],
    ["skipped", forAdhoc, "COMPLETED", "SKIPPED", "keep", undefined, null],
    ["skipped", forScheduled, "PENDING", "SKIPPED", "reset", next, null],
    ["waiting", forAdhoc, "PENDING", "WAITING", "give-back", undefined, 7],
    ["waiting", forScheduled, "PENDING", "WAITING", "give-back", occurrence, 7],
    ["missed", forScheduled, "PENDING", "MISSED", "reset", next, null],
    ["retry", forAdhoc, "PENDING", "RETRY", "keep", undefined, 7],
    ["retry", forScheduled, "PENDING", "RETRY", "keep", occurrence, 7],
    ["postponed", forAdhoc, "PENDING", "RETRY", "give-back", undefined, 7],
    ["postponed", forScheduled, "PENDING", "RETRY", "give-back", occurrence, 7],
    ["failed", forAdhoc, "FAILED", "FAILED", "keep", undefined, null],
    ["failed", forScheduled, "PENDING", "FAILED", "reset", next, null],
    ["failed", unreadable, "FAILED", "FAILED", "keep", undefined, null],
    ["cancelled", forAdhoc, "CANCELLED", "CANCELLED", "keep", undefined, null],
    ["cancelled", forScheduled, "CANCELLED", "CANCELLED", "keep", undefined, null],
    ["interrupted", forAdhoc, "PENDING", "INTERRUPTED", "give-back", undefined, null],
    ["interrupted", forScheduled, "PENDING", "INTERRUPTED", "give-back", occurrence, null],
  ])("%s", (kind, facts, status, runOutcome, attempts, nextRunAt, delayMs) => {
    const settlement = settle(outcomes[kind], facts);
    expect(settlement).toMatchObject({ status, runOutcome, attempts, delayMs });
    expect(settlement.nextRunAt).toEqual(nextRunAt);
    expect(settlement.interrupted).toBe(kind === "interrupted");
  });

  test.each(["invalid_report", "statement_refused", "crashed"] as const)(
    "%s stops a SCHEDULED report for good",
    (code) => {
      const settlement = settle({ kind: "failed", error: anError(code) }, forScheduled);
      expect(settlement).toMatchObject({ status: "FAILED", attempts: "keep" });
      expect(settlement.nextRunAt).toBeUndefined();
    },
  );

  test("a skipped run publishes nothing and tells nobody", () => {
    const { artifacts, deliveries, error } = settle(outcomes.skipped, forAdhoc);
    expect({ artifacts, deliveries, error }).toEqual({
      artifacts: [],
      deliveries: [],
      error: null,
    });
  });

  test("waiting since when is kept through a retry, and forgotten when the occurrence is over", () => {
    const since = (kind: keyof typeof outcomes) =>
      settle(outcomes[kind], forScheduled).waitingSince;
    expect(since("waiting")).toEqual(outcomes.waiting.since);
    for (const kind of ["retry", "postponed", "interrupted"] as const) {
      expect(since(kind)).toBeUndefined();
    }
    for (const kind of ["completed", "skipped", "missed", "failed", "cancelled"] as const) {
      expect(since(kind)).toBeNull();
    }
  });

  test("the next time is computed from the occurrence, however long ago that was", () => {
    const long = new Date("2025-01-01T09:00:00Z");
    const settlement = settle(outcomes.completed, { report: scheduled, occurrence: long });
    expect(settlement.nextRunAt).toEqual(new Date("2025-01-02T09:00:00Z"));
  });

  test("a completed run publishes its files and owes its recipients a message each", () => {
    const { artifacts, deliveries, error } = settle(outcomes.completed, forAdhoc);
    expect(artifacts).toEqual([artifact]);
    expect(deliveries.map(({ target, kind }) => [target, kind])).toEqual([
      ["reader@example.com", "RESULT"],
      ["finance", "RESULT"],
    ]);
    expect(error).toBeNull();
  });

  test("a failed run tells its owner, and no recipient", () => {
    const { artifacts, deliveries, error } = settle(outcomes.failed, forScheduled);
    expect(artifacts).toEqual([]);
    expect(deliveries.map(({ target, kind }) => [target, kind])).toEqual([
      ["owner@example.com", "FAILURE"],
    ]);
    expect(error).toBe(outcomes.failed.error);
  });

  test.each(["missed", "retry", "postponed", "cancelled", "interrupted"] as const)(
    "%s publishes nothing and tells nobody",
    (kind) => {
      const settlement = settle(outcomes[kind], forScheduled);
      expect(settlement).toMatchObject({ artifacts: [], deliveries: [] });
    },
  );
});
