import type { ErrorCode } from "../report/errors.ts";
import { type Metric, writeMetricLine } from "../report/metric.ts";
import type { WorkerEvent } from "./events.ts";
import type { Executed } from "./execute.ts";

/** The metric lines of an event, for a log that CloudWatch reads; most events have none. Times in seconds. */
export function metricLines(event: WorkerEvent, now: Date): string[] {
  if (event.kind === "executed") return executedLines(event.executed, now);
  if (event.kind === "backing-off") return backingOffLines(event.error.code, now);
  if (event.kind !== "delivered") return [];
  const { state } = event.delivered.result;
  if (state === "NEW") return [];
  return [lineOf([count(state === "SENT" ? "DeliveriesSent" : "DeliveriesFailed")], now)];
}

/** A lane also backs off when its task is not protected, or the function cannot be told: no fault of Snowflake. */
function backingOffLines(code: ErrorCode, now: Date): string[] {
  return code === "warehouse_unavailable" || code === "login_refused"
    ? [lineOf([count("SnowflakeUnavailable")], now)]
    : [errorLine(code, now)];
}

function executedLines({ outcome, facts }: Executed, now: Date): string[] {
  switch (outcome.kind) {
    case "completed":
      return [lineOf([count("RunsCompleted"), ...durations(facts)], now)];
    case "retry":
      return [lineOf([count("RunsRetried")], now), errorLine(outcome.error.code, now)];
    case "failed":
      return [lineOf([count("RunsFailed")], now), errorLine(outcome.error.code, now)];
    case "postponed":
      return [lineOf([count("SnowflakeUnavailable")], now)];
    case "skipped":
    case "waiting":
    case "missed":
    case "cancelled":
    case "interrupted":
    case "lease_lost":
      return [];
  }
}

function durations({ queryMs, renderMs, storeMs }: Executed["facts"]): Metric[] {
  const totalMs = (queryMs ?? 0) + (renderMs ?? 0) + (storeMs ?? 0);
  return [seconds("RunSeconds", totalMs), seconds("QuerySeconds", queryMs ?? 0)];
}

function count(name: string): Metric {
  return { name, unit: "Count", value: 1 };
}

function seconds(name: string, milliseconds: number): Metric {
  return { name, unit: "Seconds", value: milliseconds / 1_000 };
}

function lineOf(metrics: readonly Metric[], now: Date): string {
  return writeMetricLine(metrics, { Source: "worker" }, now);
}

/** By code, so that a dashboard can tell one error from another. */
function errorLine(code: string, now: Date): string {
  return writeMetricLine([count("RunErrors")], { Source: "worker", ErrorCode: code }, now);
}
