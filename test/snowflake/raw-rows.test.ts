import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Row } from "../../src/report/table.ts";
import { openTable } from "../../src/snowflake/raw-rows.ts";
import { openSession } from "../../src/snowflake/session.ts";
import { type FakeColumn, rowsReply, settingsFor, startFakeWarehouse } from "./fake-warehouse.ts";

const COLUMNS: readonly FakeColumn[] = [
  ["INT", "fixed"],
  ["REAL", "real"],
  ["TEXT", "text"],
  ["BOOL", "boolean"],
  ["DATE", "date"],
  ["TIME", "time", 9],
  ["NTZ", "timestamp_ntz", 9],
  ["LTZ", "timestamp_ltz", 3],
  ["TZ", "timestamp_tz", 9],
  ["BIN", "binary"],
  ["VAR", "variant"],
];

const instants = (scale: number): fc.Arbitrary<string> =>
  fc
    .bigInt({ min: -62_135_596_800n * 10n ** 9n, max: 253_402_300_799n * 10n ** 9n })
    .map((nanoseconds) => {
      const sign = nanoseconds < 0n ? "-" : "";
      const digits = String(nanoseconds < 0n ? -nanoseconds : nanoseconds).padStart(10, "0");
      return `${sign}${digits.slice(0, -9)}.${digits.slice(-9).slice(0, scale)}`;
    })
    .filter((text) => !/^-0\.0*$/.test(text));

const times = fc
  .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 999_999_999 }))
  .map(([seconds, nanoseconds]) => `${seconds}.${String(nanoseconds).padStart(9, "0")}`);

const rows: fc.Arbitrary<Row> = fc.tuple(
  ...[
    fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }).map(String),
    fc.constantFrom("1.5", "1e+300", "NaN", "inf", "-inf", "-0.1"),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("true", "false"),
    fc.integer({ min: -719_162, max: 2_932_896 }).map(String),
    times,
    instants(9),
    instants(3),
    fc.tuple(instants(9), fc.integer({ min: 0, max: 2880 })).map((parts) => parts.join(" ")),
    fc
      .uint8Array({ minLength: 1 })
      .map((bytes) => Buffer.from(bytes).toString("hex").toUpperCase()),
    fc.json().filter((text) => text !== ""),
  ].map((cells) => fc.option(cells)),
);

describe("the driver's own row stream, turned back into wire cells", () => {
  test("gives what the raw rows give", async () => {
    await using fake = startFakeWarehouse();
    await using session = await openSession(settingsFor(fake.url), { sessionParameters: {} });
    const request = { sql: "SELECT 1", binds: [], timeoutMs: 5000, whenGone: "resend" } as const;
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { maxLength: 20 }), async (expected) => {
        fake.respond = () => rowsReply(COLUMNS, expected);
        const reply = await session.run({ ...request, requestId: crypto.randomUUID() });
        const converted = openTable({ ...reply, context: undefined }, { timeoutMs: 5000 });
        expect(converted.degraded).toBe(true);
        expect((await Array.fromAsync(converted.table.batches)).flat()).toEqual(expected);
        const again = await session.run({ ...request, requestId: crypto.randomUUID() });
        const raw = openTable(again, { timeoutMs: 5000 });
        expect(raw.degraded).toBe(false);
        expect((await Array.fromAsync(raw.table.batches)).flat()).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });
});
