import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/report/outcome.ts";
import { describeEvent, type WorkerEvent } from "../../src/worker/events.ts";
import type { DeliveryResult } from "../../src/worker/ports.ts";
import { aClaim, aDeliveryClaim, anArtifact, anError, someRunFacts } from "../support/factories.ts";

const claim = aClaim();
const facts = someRunFacts({ rowCount: 1_234 });
const error = anError("query_timeout", "took too long");

function executed(outcome: Outcome, reason: string | null = null): string {
  const known = { outcome, facts: { ...facts, reason } };
  const { level, text } = describeEvent({ kind: "executed", claim, executed: known });
  return `${level} ${text}`;
}

function delivered(result: DeliveryResult, recorded = true): string {
  const event = {
    kind: "delivered",
    delivered: { claim: aDeliveryClaim(), result, recorded },
  } as const;
  const { level, text } = describeEvent(event);
  return `${level} ${text}`;
}

describe("one line for an event", () => {
  test.each<[WorkerEvent, string]>([
    [{ kind: "started", lanes: 2 }, "info worker started, 2 lanes"],
    [
      { kind: "claimed", claim, lane: 1 },
      "info Daily Sales: claimed by lane 1, attempt 1 of 5, run run-1",
    ],
    [
      {
        kind: "progress",
        progress: {
          claim,
          phase: "render",
          rowCount: 30,
          sizeBytes: 0,
          rowsTotal: 30,
          recipient: { number: 12, total: 200 },
        },
      },
      "debug Daily Sales: render recipient 12 of 200, 30 of 30 rows",
    ],
    [
      {
        kind: "progress",
        progress: {
          claim,
          phase: "render",
          rowCount: 1_000,
          sizeBytes: 81_000,
          rowsTotal: 20_000,
          recipient: null,
        },
      },
      "debug Daily Sales: render 1,000 of 20,000 rows, 81.0 kB",
    ],
    [
      {
        kind: "progress",
        progress: {
          claim,
          phase: "query",
          rowCount: 0,
          sizeBytes: 0,
          rowsTotal: null,
          recipient: null,
        },
      },
      "debug Daily Sales: query",
    ],
    [
      { kind: "idle", waitMs: 60_000, nextDueAt: null },
      "debug nothing is pending; looking again in 60 s",
    ],
    [
      { kind: "idle", waitMs: 1_500, nextDueAt: new Date("2026-03-02T10:00:00Z") },
      "debug nothing is pending; looking again in 2 s, next due 2026-03-02T10:00:00.000Z",
    ],
    [{ kind: "triggered" }, "info triggered"],
    [
      { kind: "backing-off", error: anError("warehouse_unavailable", "no answer"), delayMs: 3_750 },
      "warn warehouse_unavailable: no answer; trying again in 4 s",
    ],
    [{ kind: "stopping", running: 1 }, "info stopping; 1 running"],
    [{ kind: "stopped" }, "info worker stopped"],
  ])("%j", (event, line) => {
    const { level, text } = describeEvent(event);
    expect(`${level} ${text}`).toBe(line);
  });

  test("of each outcome of a report", () => {
    const artifacts = [
      anArtifact({ fileName: "a.pdf", sizeBytes: 2_000 }),
      anArtifact({ fileName: "a.csv", sizeBytes: 300 }),
    ];
    expect(executed({ kind: "completed", artifacts })).toBe(
      "info Daily Sales: COMPLETED, 1,234 rows, a.pdf 2.0 kB, a.csv 300 B",
    );
    const many = Array.from({ length: 200 }, (_, index) =>
      anArtifact({ uri: `memory://${index}`, sizeBytes: 100, recipientKey: `k${index}` }),
    );
    expect(executed({ kind: "completed", artifacts: many })).toBe(
      "info Daily Sales: COMPLETED, 1,234 rows, 200 files of 20.0 kB",
    );
    const waiting = "warn Daily Sales: query_timeout: took too long; again in 30 s";
    expect(executed({ kind: "retry", error, delayMs: 30_000 })).toBe(waiting);
    expect(executed({ kind: "postponed", error, delayMs: 30_000 })).toBe(waiting);
    expect(executed({ kind: "failed", error })).toBe(
      "error Daily Sales: FAILED, query_timeout: took too long",
    );
    expect(executed({ kind: "completed", artifacts }, "late, because X is not true")).toBe(
      "warn Daily Sales: COMPLETED, 1,234 rows, a.pdf 2.0 kB, a.csv 300 B; late, because X is not true",
    );
    expect(executed({ kind: "skipped" }, "there are no rows")).toBe(
      "info Daily Sales: SKIPPED, there are no rows",
    );
    const since = new Date("2026-03-02T10:00:00Z");
    expect(
      executed({ kind: "waiting", since, delayMs: 300_000 }, "waits until noon for its data"),
    ).toBe("info Daily Sales: WAITING, it waits until noon for its data; looks again in 300 s");
    expect(executed({ kind: "missed" })).toContain("warn Daily Sales: occurrence missed");
    expect(executed({ kind: "cancelled" })).toBe("info Daily Sales: CANCELLED");
    expect(executed({ kind: "interrupted" })).toContain("info Daily Sales: given back");
    expect(executed({ kind: "lease_lost" })).toContain("warn Daily Sales: the lease was lost");
  });

  test("of each result of a delivery", () => {
    const to = "EMAIL to reader@example.com";
    expect(delivered({ state: "SENT", providerId: "1" })).toBe(`info ${to}: sent`);
    expect(delivered({ state: "NEW", error: "busy", delayMs: 5_000 })).toBe(
      `warn ${to}: busy; again in 5 s`,
    );
    expect(delivered({ state: "FAILED", error: "refused" })).toBe(`error ${to}: FAILED, refused`);
    expect(delivered({ state: "UNKNOWN", error: "died" })).toBe(`error ${to}: UNKNOWN, died`);
    expect(delivered({ state: "SENT", providerId: "1" }, false)).toBe(
      `warn ${to}: the lease was lost; nothing was written`,
    );
  });
});
