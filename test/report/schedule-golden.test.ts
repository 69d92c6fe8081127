import { describe, expect, test } from "bun:test";
import { nextOccurrence } from "../../src/report/schedule.ts";
import golden from "./dst-golden.json";

/**
 * What is promised when the clocks change: a time in the gap runs once, at the first instant behind it; a time that
 * comes twice runs the first time when its hour is fixed; with a wildcard hour every instant runs. The fixture was made
 * once, minute by minute from Python's zoneinfo, and not from croner. Where croner 11.0.1 does otherwise, that is in
 * `croner`: lists, ranges and steps beside a fixed hour come again in the repeated hour, and are merged in the gap.
 */
interface Case {
  readonly promised: readonly string[];
  readonly croner?: readonly string[];
}

const DEVIATING = new Set(["*/30 1 * * *", "0 1-4 * * *", "30 2,3 * * *"]);

const transitions = golden.map((entry) => ({
  ...entry,
  name: `${entry.zone}, ${entry.transition} of ${Math.abs(entry.minutes)} minutes`,
  cases: new Map<string, Case>(Object.entries(entry.cases)),
}));

function occurrences(cron: string, timezone: string, from: string, to: string): string[] {
  const end = new Date(to);
  const times: string[] = [];
  let last = nextOccurrence({ cron, timezone }, new Date(from));
  while (last <= end) {
    times.push(last.toISOString().slice(5, 16).replace("T", " "));
    last = nextOccurrence({ cron, timezone }, last);
  }
  return times;
}

describe("the golden table", () => {
  test("has both changes of at least 20 zones, with 12 patterns each", () => {
    const zones = new Set(transitions.map(({ zone }) => zone));
    expect(zones.size).toBeGreaterThanOrEqual(20);
    for (const zone of zones) {
      const both = transitions.filter((entry) => entry.zone === zone);
      expect(both.map(({ transition }) => transition).toSorted()).toEqual(["gap", "overlap"]);
      for (const { cases } of both) expect(cases.size).toBe(12);
    }
  });

  test.each(transitions)("$name", ({ zone, from, to, cases }) => {
    for (const [cron, { promised, croner }] of cases) {
      expect({ cron, times: occurrences(cron, zone, from, to) }).toEqual({
        cron,
        times: [...(croner ?? promised)],
      });
    }
  });

  test("croner breaks the promise for three patterns only, and `*/30 1` runs four times in the repeated hour", () => {
    const deviating = transitions.flatMap(({ cases }) =>
      [...cases].filter(([, { croner }]) => croner !== undefined).map(([cron]) => cron),
    );
    expect(new Set(deviating)).toEqual(DEVIATING);
    const newYork = transitions.find((entry) => entry.name.startsWith("America/New_York, overlap"));
    expect(newYork?.cases.get("*/30 1 * * *")).toEqual({
      promised: ["11-02 05:00", "11-02 05:30"],
      croner: ["11-02 05:00", "11-02 05:30", "11-02 06:00", "11-02 06:30"],
    });
  });
});
