import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  chooseOccurrence,
  type MisfirePolicy,
  nextOccurrence,
  occurrenceBefore,
  parseSchedule,
} from "../../src/report/schedule.ts";
import { errorOf } from "../support/factories.ts";

const NOW = new Date("2026-03-02T10:00:00Z");

function occurrences(cron: string, timezone: string, after: string, count: number): string[] {
  const times: string[] = [];
  let last = new Date(after);
  while (times.length < count) {
    last = nextOccurrence({ cron, timezone }, last);
    times.push(last.toISOString().slice(0, 16));
  }
  return times;
}

function refusal(cron: string, timezone = "UTC", now = NOW): string {
  const error = errorOf(() => parseSchedule(cron, timezone, now));
  expect(error.code).toBe("invalid_report");
  return error.message;
}

describe("occurrenceBefore", () => {
  const schedule = { cron: "0 9 * * 1-5", timezone: "Europe/Berlin" };

  test.each([
    ["2026-03-02T08:00:00.000Z", "2026-03-02T08:00:00.000Z"],
    ["2026-03-02T08:00:00.001Z", "2026-03-02T08:00:00.000Z"],
    ["2026-03-02T07:59:58.999Z", "2026-02-27T08:00:00.000Z"],
    ["2026-03-30T12:00:00.000Z", "2026-03-30T07:00:00.000Z"],
  ])("%s belongs to %s", (instant, occurrence) => {
    expect(occurrenceBefore(schedule, new Date(instant))?.toISOString()).toBe(occurrence);
  });

  test("every occurrence belongs to itself, and every time until the next one to it", () => {
    const from = Date.parse("2026-01-01T00:00:00Z");
    fc.assert(
      fc.property(
        fc.nat(400 * 86_400),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (at, part) => {
          const occurrence = nextOccurrence(schedule, new Date(from + at * 1_000));
          const spanMs =
            nextOccurrence(schedule, occurrence).getTime() - occurrence.getTime() - 1_001;
          const later = new Date(occurrence.getTime() + Math.floor(part * spanMs));
          expect(occurrenceBefore(schedule, occurrence)).toEqual(occurrence);
          expect(occurrenceBefore(schedule, later)).toEqual(occurrence);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("parseSchedule", () => {
  test.each([
    "0 9 * * *",
    "0 9 * * MON-FRI",
    "0 9 1,15 * *",
    "0 9 L * *",
    "*/5 * * * *",
    "0 0 29 2 *",
    "0,5 * * * *",
    "0 9 * * 1#1",
    "0   9\t* * *",
  ])("takes %j", (cron) => {
    expect(parseSchedule(cron, "Europe/Berlin", NOW)).toEqual({ cron, timezone: "Europe/Berlin" });
  });

  test("spaces around it are no part of it", () => {
    expect(parseSchedule(" 0 9 * * * ", "UTC", NOW).cron).toBe("0 9 * * *");
  });

  test.each([
    ["0 9 * *", "must have five fields"],
    ["0 0 9 * * *", "must have five fields"],
    ["* * * * * *", "must have five fields"],
    ["", "must have five fields"],
    ["@daily", "must have five fields"],
    [`${"0,".repeat(50)}0 9 * * *`, "is longer than 100 characters"],
    ["60 9 * * *", "is not a cron expression"],
    ["0 9 * * 8", "is not a cron expression"],
    ["H H * * *", "is not a cron expression"],
    ["a b c d e", "is not a cron expression"],
    ["0 0 30 2 *", "never comes again"],
    ["0 0 31 4,6,9,11 *", "never comes again"],
    ["* * * * *", "runs more often than every 5 minutes"],
    ["*/4 * * * *", "runs more often than every 5 minutes"],
    ["0,4 9 * * *", "runs more often than every 5 minutes"],
    ["0,58 9,10 * * *", "runs more often than every 5 minutes"],
    ["0,58 0,23 * * *", "runs more often than every 5 minutes"],
  ])("refuses %j: %s", (cron, reason) => {
    expect(refusal(cron)).toStartWith("SCHEDULE_CRON: ");
    expect(refusal(cron)).toContain(reason);
  });

  test("a zone that does not exist is named as the column that it is", () => {
    expect(refusal("0 9 * * *", "Mars/Base")).toBe(
      'TIMEZONE: "Mars/Base" is not an IANA time zone',
    );
  });

  test.each(["0,10,20,30,40,50,51 * * * *", "0,58 3,4,12 1 * *"])(
    "%j runs too often somewhere in its day, and is refused whatever the time is now",
    (cron) => {
      for (let hour = 0; hour < 24; hour += 1) {
        const now = new Date(Date.UTC(2026, 2, 1, hour, 25));
        expect(refusal(cron, "Europe/Berlin", now)).toContain("runs more often");
      }
    },
  );

  test("a change of the clocks that moves two times together refuses no schedule", () => {
    for (const cron of ["58 1,2,3 * * *", "2,58 2 * * *", "*/15 * * * *", "0,57 2,3 * * 0"]) {
      const spring = new Date("2026-03-07T20:00:00Z");
      const winter = new Date("2026-01-10T20:00:00Z");
      const outcome = (now: Date): string => {
        try {
          return parseSchedule(cron, "America/New_York", now).cron;
        } catch {
          return "refused";
        }
      };
      expect(outcome(spring)).toBe(outcome(winter));
    }
  });

  test("whatever the text, it is a schedule or a refusal", () => {
    const field = fc.oneof(fc.constantFrom("*", "0", "*/5", "1-5", "L", "?", "MON"), fc.string());
    fc.assert(
      fc.property(fc.array(field, { minLength: 4, maxLength: 6 }), (fields) => {
        try {
          parseSchedule(fields.join(" "), "Europe/Berlin", NOW);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "invalid_report" });
        }
      }),
      { numRuns: 50 },
    );
  });
});

// croner 11.0.1, measured. Times are UTC.
describe("when the clocks change", () => {
  test.each([
    [
      "a time in the gap runs once, where the gap ends",
      "30 2 * * *",
      "America/New_York",
      "2026-03-07T12:00Z",
      ["2026-03-08T07:00", "2026-03-09T06:30"],
    ],
    [
      "the beginning of the gap runs where it ends",
      "0 2 * * *",
      "America/New_York",
      "2026-03-07T12:00Z",
      ["2026-03-08T07:00", "2026-03-09T06:00"],
    ],
    [
      "two times that the gap moves together run once",
      "30 2,3 * * *",
      "America/New_York",
      "2026-03-07T12:00Z",
      ["2026-03-08T07:30", "2026-03-09T06:30", "2026-03-09T07:30"],
    ],
    [
      "a time that comes twice in autumn runs the first time",
      "30 1 * * *",
      "America/New_York",
      "2026-10-31T12:00Z",
      ["2026-11-01T05:30", "2026-11-02T06:30"],
    ],
    [
      "steps of minutes in the repeated hour run in both",
      "*/30 1 * * *",
      "America/New_York",
      "2026-10-31T12:00Z",
      [
        "2026-11-01T05:00",
        "2026-11-01T05:30",
        "2026-11-01T06:00",
        "2026-11-01T06:30",
        "2026-11-02T06:00",
      ],
    ],
    [
      "every hour is every hour",
      "0 * * * *",
      "America/New_York",
      "2026-11-01T03:30Z",
      ["2026-11-01T04:00", "2026-11-01T05:00", "2026-11-01T06:00", "2026-11-01T07:00"],
    ],
    [
      "a gap of half an hour is a gap",
      "15 2 * * *",
      "Australia/Lord_Howe",
      "2026-10-02T20:00Z",
      ["2026-10-03T15:30", "2026-10-04T15:15"],
    ],
    [
      "midnight in the gap runs at one",
      "0 0 * * *",
      "Africa/Cairo",
      "2026-04-22T23:00Z",
      ["2026-04-23T22:00", "2026-04-24T21:00"],
    ],
  ])("%s", (_name, cron, timezone, after, expected) => {
    expect(occurrences(cron, timezone, after, expected.length)).toEqual(expected);
  });
});

describe("nextOccurrence", () => {
  test("is after the given one, never the same", () => {
    const at = new Date("2026-03-02T09:00:00Z");
    expect(nextOccurrence({ cron: "0 9 * * *", timezone: "UTC" }, at)).toEqual(
      new Date("2026-03-03T09:00:00Z"),
    );
  });

  test("a chain of them only rises, whatever the zone", () => {
    const zones = [
      "UTC",
      "America/New_York",
      "Europe/Berlin",
      "Australia/Lord_Howe",
      "Africa/Cairo",
    ];
    const crons = ["*/5 * * * *", "30 2 * * *", "0 0 * * *", "15 1-3 * * *", "59 23 * * 6,0"];
    const days = fc.integer({ min: 0, max: 365 });
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.constantFrom(...crons), days, (zone, cron, day) => {
        const after = new Date(Date.UTC(2026, 0, 1 + day, 0, 30));
        const times = [
          after,
          ...occurrences(cron, zone, after.toISOString(), 5).map((t) => new Date(`${t}Z`)),
        ];
        for (const [index, time] of times.slice(1).entries()) {
          expect(time.getTime()).toBeGreaterThan(times[index]?.getTime() ?? 0);
        }
      }),
    );
  });

  test("it throws for a date that never comes", () => {
    const schedule = { cron: "0 0 30 2 *", timezone: "UTC" };
    expect(errorOf(() => nextOccurrence(schedule, NOW)).message).toContain("never comes again");
  });
});

describe("chooseOccurrence", () => {
  const daily = { cron: "0 9 * * *", timezone: "UTC" };
  const hourly = { cron: "0 * * * *", timezone: "UTC" };
  const choose = (
    schedule: typeof daily,
    policy: MisfirePolicy,
    planned: string,
    now: string,
    attempt = 1,
  ) => {
    const due = chooseOccurrence(schedule, policy, new Date(planned), attempt, new Date(now));
    const short = (time: Date): string => time.toISOString().slice(5, 16);
    return [short(due.occurrence), due.run, due.missed.map(short)];
  };

  test.each<[string, typeof daily, MisfirePolicy, string, string, string, boolean, string[]]>([
    [
      "on time",
      daily,
      "RUN_ONCE",
      "2026-03-02T09:00Z",
      "2026-03-02T09:00:01Z",
      "03-02T09:00",
      true,
      [],
    ],
    [
      "late by less than 6 h",
      daily,
      "RUN_ONCE",
      "2026-03-02T09:00Z",
      "2026-03-02T15:00Z",
      "03-02T09:00",
      true,
      [],
    ],
    [
      "late by more than 6 h",
      daily,
      "RUN_ONCE",
      "2026-03-02T09:00Z",
      "2026-03-02T15:01Z",
      "03-02T09:00",
      false,
      [],
    ],
    [
      "late by half a period",
      hourly,
      "RUN_ONCE",
      "2026-03-02T09:00Z",
      "2026-03-02T09:30Z",
      "03-02T09:00",
      true,
      [],
    ],
    [
      "late by more than half a period",
      hourly,
      "RUN_ONCE",
      "2026-03-02T09:00Z",
      "2026-03-02T09:31Z",
      "03-02T09:00",
      false,
      [],
    ],
    [
      "several missed, the newest in time",
      daily,
      "RUN_ONCE",
      "2026-02-27T09:00Z",
      "2026-03-02T09:10Z",
      "03-02T09:00",
      true,
      ["02-27T09:00", "02-28T09:00", "03-01T09:00"],
    ],
    [
      "several missed, the newest too late",
      daily,
      "RUN_ONCE",
      "2026-02-28T09:00Z",
      "2026-03-02T20:00Z",
      "03-02T09:00",
      false,
      ["02-28T09:00", "03-01T09:00"],
    ],
    [
      "as late as a wake-up can be",
      daily,
      "SKIP",
      "2026-03-02T09:00Z",
      "2026-03-02T09:35Z",
      "03-02T09:00",
      true,
      [],
    ],
    [
      "later than a wake-up can be",
      daily,
      "SKIP",
      "2026-03-02T09:00Z",
      "2026-03-02T09:36Z",
      "03-02T09:00",
      false,
      [],
    ],
    [
      "however late",
      daily,
      "RUN_ALL",
      "2026-02-28T09:00Z",
      "2026-03-02T20:00Z",
      "02-28T09:00",
      true,
      [],
    ],
  ])("%s: %p %s", (_name, schedule, policy, planned, now, occurrence, run, missed) => {
    expect(choose(schedule, policy, planned, now)).toEqual([occurrence, run, missed]);
  });

  test("RUN_ALL runs the oldest of the ten newest, and tells the ones before", () => {
    const [occurrence, run, missed] = choose(
      hourly,
      "RUN_ALL",
      "2026-03-01T23:00Z",
      "2026-03-02T10:30Z",
    );
    expect([occurrence, run]).toEqual(["03-02T01:00", true]);
    expect(missed).toEqual(["03-01T23:00", "03-02T00:00"]);
  });

  test("a retry stays with its occurrence, however late and whatever came since", () => {
    for (const policy of ["RUN_ONCE", "SKIP", "RUN_ALL"] as const) {
      const due = choose(hourly, policy, "2026-03-01T09:00Z", "2026-03-02T10:30Z", 2);
      expect(due).toEqual(["03-01T09:00", true, []]);
    }
  });

  test("a time that was given by hand is the occurrence, though the cron text does not name it", () => {
    expect(choose(daily, "RUN_ONCE", "2026-03-02T09:47Z", "2026-03-02T09:48Z")).toEqual([
      "03-02T09:47",
      true,
      [],
    ]);
  });

  test("an outage of years is scanned for a month, tells at most 1,000, and takes about a second", () => {
    const often = { cron: "*/5 * * * *", timezone: "America/New_York" };
    const planned = new Date("2020-01-01T00:00:00Z");
    const startedMs = performance.now();
    const due = chooseOccurrence(often, "RUN_ONCE", planned, 1, new Date("2026-03-02T10:01:00Z"));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(due.run).toBe(true);
    expect(due.occurrence).toEqual(new Date("2026-03-02T10:00:00Z"));
    expect(due.missed).toHaveLength(999);
    expect(due.missed[0]).toEqual(planned);
    expect(due.missed.at(-1)).toEqual(new Date("2026-03-02T09:55:00Z"));
  });

  test("nothing is in two places: the chosen one and the missed ones are all different and in order", () => {
    const hours = fc.integer({ min: 0, max: 100 });
    const policies = fc.constantFrom<MisfirePolicy>("RUN_ONCE", "SKIP", "RUN_ALL");
    fc.assert(
      fc.property(policies, hours, (policy, late) => {
        const planned = new Date("2026-03-02T09:00:00Z");
        const now = new Date(planned.getTime() + late * 3_600_000 + 60_000);
        const { occurrence, missed } = chooseOccurrence(hourly, policy, planned, 1, now);
        const times = [...missed, occurrence].map((time) => time.getTime());
        expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
        expect(times[0]).toBe(planned.getTime());
        expect(times.at(-1)).toBeLessThanOrEqual(now.getTime());
      }),
    );
  });
});
