import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { hashTable } from "../../src/worker/condition.ts";
import type { TableParts } from "../support/factories.ts";
import { aColumn, aTable } from "../support/factories.ts";
import { tableAnswer } from "../support/fakes.ts";
import { createWorld, type World } from "../support/world.ts";

const DAY_MS = 86_400_000;

function answer(world: World, parts: TableParts): void {
  world.warehouse.answer = () => tableAnswer(aTable(parts));
}

function sendWhen(condition: string) {
  return { options: JSON.stringify({ sendWhen: condition }), emailRecipients: "ann@example.com" };
}

describe("sendWhen", () => {
  test.each([
    ["always", 0, "completed"],
    ["always", 2, "completed"],
    ["rows", 0, "skipped"],
    ["rows", 2, "completed"],
    ["empty", 0, "completed"],
    ["empty", 2, "skipped"],
  ] as const)("%s with %d rows is %s", async (condition, count, kind) => {
    await using world = await createWorld();
    answer(world, { rows: Array.from({ length: count }, (_, at) => [String(at), "x"]) });
    const { outcome, facts } = await world.run(await world.claim(sendWhen(condition)));
    expect(outcome.kind).toBe(kind);
    expect(facts.rowCount).toBe(count);
    expect(world.deliveries()).toHaveLength(kind === "completed" ? 1 : 0);
    expect(world.store.puts).toHaveLength(kind === "completed" ? 1 : 0);
    expect(world.progress.some(({ phase }) => phase === "render")).toBe(
      kind === "completed" && count > 0,
    );
  });

  test("a skipped ADHOC report is COMPLETED, and its run says why it was skipped", async () => {
    await using world = await createWorld();
    answer(world, { rows: [] });
    await world.run(await world.claim(sendWhen("rows")));
    expect(world.report()).toMatchObject({ status: "COMPLETED", lastError: null });
    expect(world.runs()).toMatchObject([
      {
        outcome: "SKIPPED",
        reason: "there are no rows, and sendWhen is rows",
        artifacts: [],
        rowCount: 0,
      },
    ]);
  });

  test("a skipped SCHEDULED report goes on to its next time", async () => {
    await using world = await createWorld();
    answer(world, { rows: [] });
    const nine = Date.parse("2026-03-02T09:00:00Z");
    const row = { ...sendWhen("rows"), reportType: "SCHEDULED", scheduleCron: "0 9 * * *" };
    await world.run(await world.claim(row, { nextRunAt: nine }));
    expect(world.report()).toMatchObject({ status: "PENDING", nextRunAt: nine + DAY_MS });
  });

  test("changed sends the first result, then only one that differs from the last that was sent", async () => {
    await using world = await createWorld();
    const row = {
      ...sendWhen("changed"),
      reportType: "SCHEDULED",
      scheduleCron: "0 9 * * *",
      misfirePolicy: "RUN_ALL",
    };
    const nine = Date.parse("2026-02-26T09:00:00Z");
    world.database.add(row, { nextRunAt: nine, createdAt: 0 });
    const outcomes: string[] = [];
    for (const value of ["a", "a", "b", "b", "a"]) {
      answer(world, { rows: [["1", value]] });
      await world.clock.advance(1_000);
      outcomes.push((await world.run(await world.claimDue())).outcome.kind);
    }
    expect(outcomes).toEqual(["completed", "skipped", "completed", "skipped", "completed"]);
    const [first, second] = world.runs();
    expect(second?.reason).toBe(
      `the result is the same as that of run ${first?.runId}, and sendWhen is changed`,
    );
    expect(second?.resultSha256).toBe(first?.resultSha256 ?? "");
    expect(world.store.puts).toHaveLength(3);
  });

  test("the result is hashed only for a report that asks for it", async () => {
    await using world = await createWorld();
    await world.run(await world.claim(sendWhen("rows")));
    expect(world.runs()[0]?.resultSha256).toBeNull();
  });
});

describe("the hash of a result", () => {
  async function hashOf(parts: TableParts): Promise<string> {
    const { table, digest } = hashTable(aTable(parts));
    let rows = 0;
    for await (const batch of table.batches) rows += batch.length;
    expect(rows).toBe(table.rowCount);
    return digest();
  }
  const base: TableParts = { columns: ["A", "B"], rows: [["1", "2"]] };

  test.each<[string, TableParts]>([
    ["a value", { ...base, rows: [["1", "3"]] }],
    ["a null for an empty text", { ...base, rows: [["1", ""]] }],
    ["a value in the other column", { ...base, rows: [["12", ""]] }],
    ["the name of a column", { ...base, columns: ["A", "C"] }],
    ["the type of a column", { ...base, columns: ["A", aColumn("B", "fixed")] }],
    ["a row more", { ...base, rows: [...(base.rows ?? []), ["1", "2"]] }],
  ])("%s makes another", async (_what, changed) => {
    expect(await hashOf(changed)).not.toBe(await hashOf(base));
  });

  test("the batches that the rows come in make no other", async () => {
    const rows = Array.from({ length: 10 }, (_, at) => [String(at), null]);
    expect(await hashOf({ ...base, rows, batchSize: 3 })).toBe(await hashOf({ ...base, rows }));
  });

  test("two different tables are never the same text", async () => {
    const cell = fc.option(fc.constantFrom("", "1", "-;", "1:1", "\n", "1:"));
    const rows = fc.array(fc.tuple(cell, cell), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(rows, rows, async (a, b) => {
        const isSame = JSON.stringify(a) === JSON.stringify(b);
        expect((await hashOf({ ...base, rows: a })) === (await hashOf({ ...base, rows: b }))).toBe(
          isSame,
        );
      }),
    );
  });
});
