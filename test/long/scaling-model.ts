import { expect, test } from "bun:test";
import { BUILT, checkScaling } from "../trigger/scaling-model.ts";

test("no interleaving of three rows, two workers and no tick loses a row", () => {
  const { states, lost, killed } = checkScaling({
    ...BUILT,
    inserts: 3,
    workersAtStart: 2,
    ticks: false,
  });
  process.stdout.write(`  ${states.toLocaleString("en-US")} states\n`);
  expect({ lost, killed }).toEqual({ lost: null, killed: null });
  expect(states).toBeGreaterThan(1_000_000);
});
