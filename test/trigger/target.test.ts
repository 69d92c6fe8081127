import { describe, expect, test } from "bun:test";
import { chooseTarget } from "../../src/trigger/target.ts";

function observe(pending: number, running: number, desired: number, workersMax = 10): number {
  const observation = { pending, running, nextDueAt: null, oldestPendingAt: null };
  return chooseTarget({ kind: "observation", observation }, desired, workersMax);
}

describe("the number of workers", () => {
  test.each([
    [0, 1],
    [1, 1],
    [4, 4],
    [10, 10],
  ])("a trigger makes %i at least one and never fewer: %i", (desired, target) => {
    expect(chooseTarget({ kind: "trigger" }, desired, 10)).toBe(target);
  });

  test.each([
    // pending, running, desired, target
    [0, 0, 0, 0],
    [0, 0, 3, 0],
    [0, 1, 1, 1],
    [0, 2, 10, 2],
    [1, 0, 0, 1],
    [5, 0, 1, 1],
    [6, 0, 1, 2],
    [6, 3, 1, 3],
    [50, 2, 2, 10],
    [1_000, 20, 10, 10],
  ])(
    "with %i pending and %i running of %i workers it is %i",
    (pending, running, desired, target) => {
      expect(observe(pending, running, desired)).toBe(target);
    },
  );

  test.each([
    [0, 0],
    [1, 0],
    [3, 2],
  ])("a worker that cannot start takes itself off %i, and no other: %i", (desired, target) => {
    expect(chooseTarget({ kind: "unable" }, desired, 10)).toBe(target);
  });

  test("it is never below the live leases, up to the limit", () => {
    for (let running = 0; running <= 10; running += 1) {
      expect(observe(0, running, 10)).toBe(running);
    }
    expect(observe(0, 7, 7, 5)).toBe(5);
  });
});
