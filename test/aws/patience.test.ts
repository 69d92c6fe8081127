import { expect, test } from "bun:test";
import { createPatience } from "../../src/aws/patience.ts";
import { ReportError } from "../../src/report/errors.ts";
import { createClock } from "../support/clock.ts";

const call = { action: "s3:PutObject", on: "the bucket files", code: "store_failed" } as const;
const never = new AbortController().signal;
const LIMIT_MS = 120_000;

function failure(name: string): Error {
  return Object.assign(new Error("said"), { name });
}

/** Fails so often, and then is done. */
function failing(times: number, name = "SlowDown"): () => Promise<string> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw failure(name);
    return "done";
  };
}

test.each(["SlowDown", "InternalError", "TimeoutError", "ExpiredToken"])(
  "%s passes",
  async (name) => {
    const clock = createClock({ sleepsAdvance: true });
    const patience = createPatience(call, clock, LIMIT_MS);
    expect(await patience.attempt(failing(3, name), never)).toBe("done");
  },
);

test.each([
  ["what is refused", failure("AccessDenied")],
  ["what this program says", new ReportError("store_failed", "it was changed on the disk")],
  ["a defect", new TypeError("undefined is not an object")],
])("%s does not pass, and is not waited for", async (_, thrown) => {
  const run = async (): Promise<never> => {
    throw thrown;
  };
  const patience = createPatience(call, createClock(), LIMIT_MS);
  expect(await patience.attempt(run, never).catch((error: unknown) => error)).toBe(thrown);
});

test("the waits grow to a quarter of a minute, each drawn from its upper half", async () => {
  for (const [random, shareOfCap] of [
    [0, 0.5],
    [0.999_999, 1],
  ] as const) {
    const slept: number[] = [];
    const clock = createClock({ sleepsAdvance: true, random: () => random });
    const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
      slept.push(ms);
      await clock.sleep(ms, signal);
    };
    const patience = createPatience(call, { ...clock, sleep }, LIMIT_MS);
    await patience.attempt(failing(9), never);
    const capsMs = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000];
    expect(slept).toEqual(capsMs.map((capMs) => capMs * shareOfCap));
  }
});

test("a success ends an outage for all that share it, and the next may last as long again", async () => {
  const clock = createClock();
  const patience = createPatience(call, clock, LIMIT_MS);
  const signal = new AbortController();
  let isOver = false;
  const waiting = patience.attempt(async () => {
    if (!isOver) throw failure("SlowDown");
  }, signal.signal);
  await clock.advance(100_000);
  await patience.attempt(failing(0), never);
  await clock.advance(100_000);
  isOver = true;
  await clock.advance(15_000);
  await waiting;
});

test("what fails again once the limit is over is thrown", async () => {
  const clock = createClock({ sleepsAdvance: true });
  const patience = createPatience(call, clock, LIMIT_MS);
  const thrown = await patience
    .attempt(failing(Infinity), never)
    .catch((error: unknown) => error as Error);
  expect(thrown).toEqual(failure("SlowDown"));
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(LIMIT_MS);
  expect(clock.monotonicMs()).toBeLessThan(LIMIT_MS + 15_000);
});

test("an abort ends a wait with its reason, and nothing is begun after it", async () => {
  const clock = createClock();
  const patience = createPatience(call, clock, LIMIT_MS);
  const stop = new AbortController();
  let runs = 0;
  const attempt = (): Promise<void> =>
    patience.attempt(async () => {
      runs += 1;
      throw failure("SlowDown");
    }, stop.signal);
  const waiting = attempt().catch((error: unknown) => error);
  await clock.advance(0);
  expect(clock.sleeping).toBe(1);
  const reason = new Error("told to stop");
  stop.abort(reason);
  expect(await waiting).toBe(reason);
  expect(await attempt().catch((error: unknown) => error)).toBe(reason);
  expect(runs).toBe(1);
});
