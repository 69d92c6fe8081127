import { describe, expect, test } from "bun:test";
import { BUILT, checkScaling, type Protocol } from "./scaling-model.ts";

describe("every interleaving of triggers, observations, workers and the service", () => {
  test.each<[string, Partial<Protocol>]>([
    ["without faults", { workersAtStart: 2, inserts: 1 }],
    ["without faults and without the tick", { ticks: false, workersAtStart: 2 }],
    ["with a worker that dies", { crashes: 1, inserts: 1, workersAtStart: 1 }],
    ["with a late copy of a lowering", { duplicates: 1, inserts: 1, workersAtStart: 1 }],
    ["with both", { crashes: 1, duplicates: 1, inserts: 1 }],
    ["with workers that cannot start", { unable: 2, inserts: 1, workersAtStart: 1 }],
    ["with one that cannot start and one that dies", { unable: 1, crashes: 1, inserts: 1 }],
  ])(
    "loses no row and stops no worker at work, %s",
    (_, changes) => {
      const { states, lost, killed } = checkScaling({ ...BUILT, ...changes });
      expect({ lost, killed }).toEqual({ lost: null, killed: null });
      // Printed, so that a model that has shrunk to nothing is seen.
      process.stdout.write(`  ${states.toLocaleString("en-US")} states\n`);
      expect(states).toBeGreaterThan(500);
    },
    60_000,
  );

  test.each<[string, Partial<Protocol>]>([
    [
      "workers lower by themselves and triggers write only at 0",
      { trigger: "if-zero", lowering: "worker", rereads: false, lastLook: false, ticks: false },
    ],
    [
      "workers lower by themselves",
      { lowering: "worker", rereads: false, lastLook: false, ticks: false },
    ],
    [
      "nobody reads the queue again after lowering",
      { rereads: false, lastLook: false, ticks: false },
    ],
    [
      "a worker is stopped between the lowering and its second reading",
      { lastLook: false, ticks: false },
    ],
    ["a worker dies and there is no tick", { crashes: 1, ticks: false }],
    ["a lowering arrives twice and there is no tick", { duplicates: 1, ticks: false }],
    ["a worker cannot start and there is no tick", { unable: 1, ticks: false }],
  ])("is seen to lose a row when %s", (_, changes) => {
    const { lost } = checkScaling({ ...BUILT, ...changes });
    expect(lost).not.toBeNull();
  });

  test("is seen to stop a worker at work when tasks are not protected", () => {
    expect(checkScaling({ ...BUILT, protects: false }).killed).not.toBeNull();
  });
});
