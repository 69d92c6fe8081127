import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatDate,
  formatInstant,
  formatTime,
  formatTimestamp,
  isTrue,
  parseDays,
  parseEpoch,
  parseTimestamp,
} from "../../src/render/cells.ts";
import { ReportError } from "../../src/report/errors.ts";

/** Seconds of the years 0001..9999, a day off either end so that no zone leaves them. */
const seconds = fc.integer({ min: -62_135_510_400, max: 253_402_214_400 });
const nanos = fc.integer({ min: 0, max: 999_999_999 });

/** The wire's text of an instant that is `seconds` and, going forward in time, `nanos`. */
function wireText(wholeSeconds: number, fraction: number): string {
  const total = BigInt(wholeSeconds) * 1_000_000_000n + BigInt(fraction);
  const size = total < 0n ? -total : total;
  const digits = (size % 1_000_000_000n).toString().padStart(9, "0");
  return `${total < 0n ? "-" : ""}${size / 1_000_000_000n}.${digits}`;
}

describe("a boolean", () => {
  test("is true or false in every spelling of the wire", () => {
    expect(["1", "true", "TRUE", "True"].map(isTrue)).toEqual([true, true, true, true]);
    expect(["0", "false", "FALSE"].map(isTrue)).toEqual([false, false, false]);
  });
  test("of another spelling is refused", () => {
    expect(() => isTrue("yes")).toThrow(ReportError);
  });
});

describe("a date", () => {
  test("is the ISO text that another calendar gives, for any day of 0000 to 9999", () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_528, max: 2_932_896 }), (days) => {
        expect(formatDate(days)).toBe(new Date(days * 86_400_000).toISOString().slice(0, 10));
      }),
      { numRuns: 3000 },
    );
  });
  test("outside the four-digit years has a sign and six digits", () => {
    expect(formatDate(2_932_897)).toBe("+010000-01-01");
    expect(formatDate(-719_529)).toBe("-000001-12-31");
  });
  test("that is not a whole number is refused", () => {
    for (const cell of ["", "1.5", "x", "NaN", "1e30"]) {
      expect(() => parseDays(cell)).toThrow(ReportError);
    }
    expect(parseDays("-25567")).toBe(-25_567);
  });
});

describe("a time", () => {
  test("shows its fraction in 3, 6 or 9 digits, and none when it is zero", () => {
    expect(formatTime("3723.000000000")).toBe("01:02:03");
    expect(formatTime("3723")).toBe("01:02:03");
    expect(formatTime("0.5")).toBe("00:00:00.500");
    expect(formatTime("86399.000001")).toBe("23:59:59.000001");
    expect(formatTime("1.123456789")).toBe("00:00:01.123456789");
  });
  test("that is no time of a day is refused", () => {
    for (const cell of ["86400", "-1", "", "-", ".5", "1:2", "1.2x", "1.1234567891"]) {
      expect(() => formatTime(cell)).toThrow(ReportError);
    }
  });
});

describe("a timestamp", () => {
  test("keeps its seconds and nanoseconds, before 1970 too", () => {
    expect(parseEpoch("-0.500000000")).toEqual({ seconds: -1, nanos: 500_000_000 });
    expect(parseEpoch("-1.000000001")).toEqual({ seconds: -2, nanos: 999_999_999 });
    fc.assert(
      fc.property(seconds, nanos, (whole, fraction) => {
        expect(parseEpoch(wireText(whole, fraction))).toEqual({ seconds: whole, nanos: fraction });
      }),
      { numRuns: 2000 },
    );
  });
  test("without a zone has no offset", () => {
    expect(formatTimestamp("1700000000.123000000", "timestamp_ntz", "Asia/Tokyo")).toBe(
      "2023-11-14 22:13:20.123",
    );
  });
  test("in the report's zone changes its offset with the clocks", () => {
    const format = (cell: string) => formatTimestamp(cell, "timestamp_ltz", "Europe/Berlin");
    expect(format("1774745999")).toBe("2026-03-29 01:59:59+01:00");
    expect(format("1774746000")).toBe("2026-03-29 03:00:00+02:00");
    expect(format("1792889999")).toBe("2026-10-25 02:59:59+02:00");
    expect(format("1792890000")).toBe("2026-10-25 02:00:00+01:00");
  });
  test("with its own offset keeps it", () => {
    const format = (cell: string) => formatTimestamp(cell, "timestamp_tz", "Asia/Tokyo");
    expect(format("1700000000.500000000 1770")).toBe("2023-11-15 03:43:20.500+05:30");
    expect(format("1700000000 1140")).toBe("2023-11-14 17:13:20-05:00");
    expect(() => format("1700000000")).toThrow(ReportError);
    expect(() => format("1700000000 9999")).toThrow(ReportError);
  });
  test("agrees with Temporal in any zone at any instant", () => {
    const zone = fc.constantFrom(
      "Europe/London",
      "America/New_York",
      "Australia/Lord_Howe",
      "Asia/Kathmandu",
      "Africa/Casablanca",
      "Pacific/Apia",
      "America/St_Johns",
      "Antarctica/Troll",
      "UTC",
    );
    fc.assert(
      fc.property(zone, seconds, nanos, (timezone, whole, fraction) => {
        const wall = parseTimestamp(wireText(whole, fraction), "timestamp_ltz", timezone);
        const zoned = Temporal.Instant.fromEpochMilliseconds(whole * 1000).toZonedDateTimeISO(
          timezone,
        );
        expect(wall.offsetSeconds).toBe(zoned.offsetNanoseconds / 1e9);
        expect(formatTimestamp(`${whole}`, "timestamp_ltz", timezone).slice(0, 19)).toBe(
          zoned.toPlainDateTime().toString({ smallestUnit: "second" }).replace("T", " "),
        );
      }),
      { numRuns: 3000 },
    );
  });
  test("that is malformed is refused", () => {
    for (const cell of ["", "abc", "1.2.3", "1e9", "99999999999999", " 1"]) {
      expect(() => formatTimestamp(cell, "timestamp_ntz", "UTC")).toThrow(ReportError);
    }
  });
});

test("an instant is shown in the given zone with its offset", () => {
  expect(formatInstant(new Date("2026-07-01T12:00:00.900Z"), "America/New_York")).toBe(
    "2026-07-01 08:00:00-04:00",
  );
});
