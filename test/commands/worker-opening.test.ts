import { describe, expect, test } from "bun:test";
import { openWhenReachable } from "../../src/commands/worker-opening.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { StopSignal } from "../../src/commands/stop.ts";
import { describeEvent, type WorkerEvent } from "../../src/worker/events.ts";
import { metricLines } from "../../src/worker/metrics.ts";
import { createClock } from "../support/clock.ts";

/** Of a line that CloudWatch reads. */
function metricOf(line: string): string {
  const { _aws: aws } = JSON.parse(line);
  return aws.CloudWatchMetrics[0].Metrics[0].Name;
}

/** Opening that fails as told, in turn, and then works; with a secret that says something new so many times. */
function createOpening(
  failures: readonly ReportError[],
  renewals: readonly (boolean | Error)[] = [],
) {
  const told: string[] = [];
  const left = { failures: [...failures], renewals: [...renewals] };
  const clock = createClock({ sleepsAdvance: true });
  const startedMs = clock.monotonicMs();
  const stopping = Promise.withResolvers<StopSignal>();
  const refresh = async (): Promise<boolean> => {
    const renewal = left.renewals.shift() ?? false;
    if (renewal instanceof Error) throw renewal;
    return renewal;
  };
  const log = { info: (text: string) => told.push(text), warn: (text: string) => told.push(text) };
  const open = async (): Promise<string> => {
    const failure = left.failures.shift();
    if (failure !== undefined) throw failure;
    return "open";
  };
  const tell = (event: WorkerEvent) => {
    const { text } = describeEvent(event);
    told.push(text, ...metricLines(event, new Date(clock.now())).map((line) => metricOf(line)));
  };
  const opening = { access: { refresh }, log, tell, clock, stopped: stopping.promise };
  return {
    told,
    stop: () => stopping.resolve("SIGTERM"),
    open: () => openWhenReachable(open, opening as never),
    waitedMs: () => clock.monotonicMs() - startedMs,
  };
}

const down = new ReportError("warehouse_unavailable", "nobody answers");
const refused = new ReportError("login_refused", "the key is not known");

describe("a worker that opens", () => {
  test("waits an outage out, longer each time", async () => {
    const { open, told, waitedMs } = createOpening([down, down, down]);
    expect(await open()).toBe("open");
    expect(waitedMs()).toBe(35_000);
    expect(told.slice(0, 2)).toEqual([
      "warehouse_unavailable: nobody answers; trying again in 5 s",
      "SnowflakeUnavailable",
    ]);
  });

  test("logs in at once with what the secret says now, when its login was refused", async () => {
    const { open, told, waitedMs } = createOpening([refused], [true]);
    expect(await open()).toBe("open");
    expect(waitedMs()).toBe(0);
    expect(told).toEqual(["the secret has changed; logging in with what it says now"]);
  });

  test("waits when the secret says what it said", async () => {
    const { open, waitedMs } = createOpening([refused, refused], [false, true]);
    expect(await open()).toBe("open");
    expect(waitedMs()).toBe(5_000);
  });

  test("goes on waiting when the secret cannot be read, and says why", async () => {
    const problem = new ReportError("configuration", "Secret may not be read");
    const { open, told } = createOpening([refused], [problem]);
    expect(await open()).toBe("open");
    expect(told[0]).toBe("Secret may not be read");
  });

  test("does not ask for the secret in an outage", async () => {
    const { open, told } = createOpening([down], [true]);
    expect(await open()).toBe("open");
    expect(told).toHaveLength(2);
  });

  test("is given up at a signal", async () => {
    const { open, stop } = createOpening([down, down]);
    stop();
    expect(await open()).toBeNull();
  });

  test("fails at once for what waiting does not mend", async () => {
    const wrong = new ReportError("configuration", "the account is missing");
    expect(createOpening([wrong]).open()).rejects.toBe(wrong);
  });
});
