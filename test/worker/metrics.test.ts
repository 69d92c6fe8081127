import { describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/report/outcome.ts";
import { metricLines } from "../../src/worker/metrics.ts";
import type { DeliveryResult } from "../../src/worker/ports.ts";

import { aClaim, aDeliveryClaim, anArtifact, anError, someRunFacts } from "../support/factories.ts";

const now = new Date("2026-11-23T08:00:00Z");
const facts = someRunFacts({ rowCount: 10, queryMs: 1_500, renderMs: 400, storeMs: 100 });

/** What CloudWatch makes of a line: the dimensions, and each metric with its unit. */
function read(line: string): object {
  const { _aws, ...fields } = JSON.parse(line);
  expect(_aws.Timestamp).toBe(now.getTime());
  const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
  expect(Namespace).toBe("ReportService");
  return {
    dimensions: Object.fromEntries(Dimensions[0].map((name: string) => [name, fields[name]])),
    metrics: Object.fromEntries(
      Metrics.map(({ Name, Unit }: { Name: string; Unit: string }) => [
        Name,
        `${fields[Name]} ${Unit}`,
      ]),
    ),
  };
}

function executed(outcome: Outcome): object[] {
  const event = { kind: "executed", claim: aClaim(), executed: { outcome, facts } } as const;
  return metricLines(event, now).map(read);
}

const worker = { Source: "worker" };

describe("the metrics of a worker", () => {
  test("a completed run counts, with how long it took", () => {
    expect(executed({ kind: "completed", artifacts: [anArtifact()] })).toEqual([
      {
        dimensions: worker,
        metrics: { RunsCompleted: "1 Count", RunSeconds: "2 Seconds", QuerySeconds: "1.5 Seconds" },
      },
    ]);
  });

  test("a failed run counts, and so does its error by code", () => {
    expect(executed({ kind: "failed", error: anError("query_failed", "no such table") })).toEqual([
      { dimensions: worker, metrics: { RunsFailed: "1 Count" } },
      {
        dimensions: { Source: "worker", ErrorCode: "query_failed" },
        metrics: { RunErrors: "1 Count" },
      },
    ]);
  });

  test("a run that is tried again is no failure", () => {
    const error = anError("store_failed", "slow down");
    expect(executed({ kind: "retry", error, delayMs: 1 })[0]).toMatchObject({
      metrics: { RunsRetried: "1 Count" },
    });
  });

  test("an outage is counted as one of Snowflake", () => {
    const error = anError("warehouse_unavailable", "no answer");
    const expected = { dimensions: worker, metrics: { SnowflakeUnavailable: "1 Count" } };
    expect(executed({ kind: "postponed", error, delayMs: 1 })).toEqual([expected]);
    expect(metricLines({ kind: "backing-off", error, delayMs: 1 }, now).map(read)).toEqual([
      expected,
    ]);
  });

  test("a task that is not protected is an error of its own, and none of Snowflake", () => {
    const error = anError("internal", "the task is not protected");
    expect(metricLines({ kind: "backing-off", error, delayMs: 1 }, now).map(read)).toEqual([
      {
        dimensions: { Source: "worker", ErrorCode: "internal" },
        metrics: { RunErrors: "1 Count" },
      },
    ]);
  });

  test("messages count when they went, and when they never will", () => {
    const deliver = (result: DeliveryResult): object[] =>
      metricLines(deliveredOf(result), now).map(read);
    expect(deliver({ state: "SENT", providerId: "1" })).toMatchObject([
      { metrics: { DeliveriesSent: "1 Count" } },
    ]);
    expect(deliver({ state: "FAILED", error: "no" })).toMatchObject([
      { metrics: { DeliveriesFailed: "1 Count" } },
    ]);
    expect(deliver({ state: "NEW", error: "no", delayMs: 1 })).toEqual([]);
  });

  test("what is only told has none", () => {
    expect(metricLines({ kind: "started", lanes: 2 }, now)).toEqual([]);
    expect(metricLines({ kind: "triggered" }, now)).toEqual([]);
    expect(executed({ kind: "skipped" })).toEqual([]);
  });
});

function deliveredOf(result: DeliveryResult) {
  return {
    kind: "delivered",
    delivered: { claim: aDeliveryClaim(), result, recorded: true },
  } as const;
}
