import { describe, expect, test } from "bun:test";
import type { Answer } from "../support/fakes.ts";
import { failingAnswer, plainRenderer, tableAnswer } from "../support/fakes.ts";
import { aColumn, anError, aTable, DAILY_AT_NINE, type TableParts } from "../support/factories.ts";
import { createWorld, type World } from "../support/world.ts";

const MINUTE_MS = 60_000;
const NINE = Date.parse("2026-03-02T09:00:00Z");
const READY_SQL = "SELECT COUNT(*) > 0 FROM LOADS";

function gate(more: Record<string, unknown> = {}, options: Record<string, unknown> = {}) {
  return { options: JSON.stringify({ readyWhen: { sql: READY_SQL, ...more }, ...options }) };
}

/** Answers the condition with `ready`, and the report's SQL with two rows. */
function answers(ready: () => TableParts): Answer {
  return (query) => tableAnswer(aTable(query.sql.includes("LOADS") ? ready() : {}));
}

const boolean = (cell: string | null): TableParts => ({
  columns: [aColumn("READY", "boolean")],
  rows: [[cell]],
});

async function runNext(world: World): Promise<string> {
  world.heartbeat.beat();
  return (await world.run(await world.claimDue())).outcome.kind;
}

describe("a condition of the data", () => {
  test.each<[string, TableParts, "completed" | "waiting"]>([
    ["true", boolean("1"), "completed"],
    ["TRUE", boolean("TRUE"), "completed"],
    ["false", boolean("0"), "waiting"],
    ["NULL", boolean(null), "waiting"],
    ["no row", { ...boolean("1"), rows: [] }, "waiting"],
    ["1", { columns: [aColumn("N", "fixed")], rows: [["1"]] }, "completed"],
    ["0", { columns: [aColumn("N", "fixed")], rows: [["0"]] }, "waiting"],
    ["the first of two rows", { ...boolean("1"), rows: [["1"], ["0"]] }, "completed"],
  ])("%s", async (_what, ready, kind) => {
    await using world = await createWorld();
    world.warehouse.answer = answers(() => ready);
    const { outcome } = await world.run(await world.claim(gate()));
    expect(outcome.kind).toBe(kind);
  });

  test("runs under the tag and limit of the report, with its parameters", async () => {
    await using world = await createWorld();
    world.warehouse.answer = answers(() => boolean("1"));
    const readyWhen = { sql: "SELECT COUNT(*) > 0 FROM LOADS WHERE DAY = :day" };
    const claim = await world.claim({
      options: JSON.stringify({ readyWhen }),
      parameters: `{"day": {"type": "DATE", "value": "2026-03-02"}}`,
    });
    await world.run(claim);
    expect(world.warehouse.queries[0]).toMatchObject({
      sql: "SELECT COUNT(*) > 0 FROM LOADS WHERE DAY = ?::DATE",
      binds: ["2026-03-02"],
      timeoutSeconds: 900,
      tag: { app: "report-service", report: "report-1", run: claim.runId, purpose: "ready" },
    });
    expect(world.warehouse.queries[1]?.tag).not.toHaveProperty("purpose");
  });

  test("text is no answer, and the row fails with the option named", async () => {
    await using world = await createWorld();
    world.warehouse.answer = answers(() => ({ columns: ["READY"], rows: [["true"]] }));
    await world.run(await world.claim(gate()));
    expect(world.report().lastError).toBe(
      "invalid_report: OPTIONS.readyWhen.sql: its first column is text; it must be a BOOLEAN or a number",
    );
  });

  test("SQL that fails is a failure that names the option", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(anError("query_failed", "no such table LOADS"));
    const { outcome } = await world.run(await world.claim(gate()));
    expect(outcome.kind).toBe("failed");
    expect(world.report().lastError).toBe(
      "query_failed: OPTIONS.readyWhen.sql: no such table LOADS",
    );
    expect(world.deliveries()).toMatchObject([{ kind: "FAILURE" }]);
  });

  test("an outage is an outage", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(anError("warehouse_unavailable"));
    expect((await world.run(await world.claim(gate()))).outcome.kind).toBe("postponed");
  });
});

describe("a report that waits for its data", () => {
  test("is given back with its attempt, looked at again and made when they are ready", async () => {
    await using world = await createWorld();
    let isReady = false;
    world.warehouse.answer = answers(() => boolean(isReady ? "1" : "0"));
    await world.run(await world.claim(gate({ checkEveryMinutes: 7 })));
    const startedAt = world.clock.now().getTime();
    expect(world.report()).toMatchObject({
      status: "PENDING",
      attempt: 0,
      lastError: null,
      waitingSince: startedAt,
      runAfter: startedAt + 7 * MINUTE_MS,
    });
    expect(world.runs()).toMatchObject([
      {
        outcome: "WAITING",
        reason: `waits until 2026-03-02 12:00 UTC for its data: ${READY_SQL} is not true`,
      },
    ]);
    expect(await world.ports.queue.candidates("any", 5)).toEqual([]);
    await world.clock.advance(7 * MINUTE_MS);
    expect(await runNext(world)).toBe("waiting");
    expect(world.report().waitingSince).toBe(startedAt);
    isReady = true;
    await world.clock.advance(7 * MINUTE_MS);
    expect(await runNext(world)).toBe("completed");
    expect(world.report()).toMatchObject({ status: "COMPLETED", waitingSince: null });
    expect(world.runs().at(-1)).toMatchObject({ outcome: "COMPLETED", reason: null });
  });

  test("is looked at once more at its deadline, and then sent late with a notice", async () => {
    const subtitles: unknown[] = [];
    const CSV: ReturnType<typeof plainRenderer> = (context, sink) => {
      subtitles.push(context.options.subtitle);
      return plainRenderer()(context, sink);
    };
    await using world = await createWorld({ renderers: { CSV } });
    world.warehouse.answer = answers(() => boolean("0"));
    const times = { checkEveryMinutes: 60, deadlineMinutes: 90 };
    await world.run(await world.claim(gate(times, { subtitle: "Region EU" })));
    await world.clock.advance(60 * MINUTE_MS);
    expect(await runNext(world)).toBe("waiting");
    await world.clock.advance(30 * MINUTE_MS);
    expect(await runNext(world)).toBe("completed");
    const run = world.runs().at(-1);
    const why = `its data were not ready by 2026-03-02 11:30 UTC: ${READY_SQL} is not true`;
    expect(run?.reason).toBe(`late, because ${why}`);
    expect(run?.warnings).toEqual([
      {
        format: null,
        code: "data_not_ready",
        count: 1,
        message: `This report is late, and ${why}`,
      },
    ]);
    expect(subtitles).toEqual([`This report is late, and ${why}\nRegion EU`]);
    expect(run?.artifacts).toHaveLength(1);
  });

  test("is not said to be sent when it is late and then skipped or failed", async () => {
    const late = { deadlineMinutes: 1 };
    const people = { sql: "SELECT * FROM PEOPLE", splitBy: "ID" };
    for (const [options, kind] of [
      [{ sendWhen: "rows", burst: people }, "skipped"],
      [{}, "failed"],
    ] as const) {
      await using world = await createWorld();
      world.warehouse.answer = (query, signal) => {
        if (query.tag["purpose"] === "ready") return tableAnswer(aTable(boolean("0")));
        if (query.tag["purpose"] !== "burst" && kind === "failed")
          return failingAnswer(anError("query_failed"))(query, signal);
        if (query.tag["purpose"] !== "burst") return tableAnswer(aTable({ rows: [] }));
        const columns = ["KEY", "EMAIL"];
        return tableAnswer(aTable({ columns, rows: [["1", "ann@example.com"]] }));
      };
      await world.run(await world.claim(gate(late, options)));
      await world.clock.advance(MINUTE_MS);
      expect(await runNext(world)).toBe(kind);
      expect(world.runs().at(-1)?.reason).toStartWith("late, because its data were not ready");
    }
  });

  test("fails at its deadline when it says so, and its owner is told", async () => {
    await using world = await createWorld();
    world.warehouse.answer = answers(() => boolean("0"));
    await world.run(await world.claim(gate({ deadlineMinutes: 3, late: "fail" })));
    await world.clock.advance(3 * MINUTE_MS);
    expect(await runNext(world)).toBe("failed");
    expect(world.report()).toMatchObject({ status: "FAILED" });
    expect(world.report().lastError).toStartWith("data_not_ready: its data were not ready by");
    expect(world.deliveries()).toMatchObject([{ kind: "FAILURE", target: "owner@example.com" }]);
  });

  test("that is SCHEDULED counts from its occurrence, however late it was looked at first", async () => {
    await using world = await createWorld();
    world.warehouse.answer = answers(() => boolean("0"));
    const row = { ...DAILY_AT_NINE, ...gate({ deadlineMinutes: 61 }) };
    await world.run(await world.claim(row, { nextRunAt: NINE }));
    expect(world.report()).toMatchObject({ status: "PENDING", nextRunAt: NINE });
    expect(world.runs()[0]?.reason).toStartWith("waits until 2026-03-02 10:01 UTC");
    await world.clock.advance(MINUTE_MS);
    expect(await runNext(world)).toBe("completed");
    expect(world.report()).toMatchObject({ nextRunAt: NINE + 24 * 60 * MINUTE_MS });
  });

  test("that is SCHEDULED is not dropped for its lateness while no other occurrence has come", async () => {
    await using world = await createWorld();
    let isReady = false;
    world.warehouse.answer = answers(() => boolean(isReady ? "1" : "0"));
    const waits = gate({ checkEveryMinutes: 1_440, deadlineMinutes: 1_200 });
    await world.run(
      await world.claim(
        { ...DAILY_AT_NINE, ...waits, misfirePolicy: "SKIP" },
        {
          nextRunAt: NINE + 30 * MINUTE_MS,
          waitingSince: NINE + 30 * MINUTE_MS,
        },
      ),
    );
    isReady = true;
    // Far later than SKIP would let a wake-up be.
    await world.clock.advance(19.5 * 60 * MINUTE_MS);
    expect(await runNext(world)).toBe("completed");
  });

  test("past its next occurrence follows the misfire policy", async () => {
    for (const [misfirePolicy, occurrence, missed] of [
      ["RUN_ONCE", NINE + 60 * MINUTE_MS, [NINE]],
      ["RUN_ALL", NINE, []],
    ] as const) {
      await using world = await createWorld({ clock: { startAt: "2026-03-02T09:01:00Z" } });
      world.warehouse.answer = answers(() => boolean("0"));
      const row = { reportType: "SCHEDULED", scheduleCron: "0 * * * *", misfirePolicy };
      const waits = gate({ checkEveryMinutes: 59, deadlineMinutes: 300 });
      await world.run(await world.claim({ ...row, ...waits }, { nextRunAt: NINE }));
      await world.clock.advance(59 * MINUTE_MS);
      expect(await runNext(world)).toBe("waiting");
      expect(world.report().nextRunAt).toBe(occurrence);
      const dropped = world.runs().filter((run) => run.outcome === "MISSED");
      expect(dropped.map((run) => run.scheduledFor?.getTime())).toEqual([...missed]);
      // A newer occurrence begins to wait anew.
      const since = misfirePolicy === "RUN_ALL" ? 1 : 60;
      expect(world.report().waitingSince).toBe(NINE + since * MINUTE_MS);
    }
  });

  test("keeps waiting since when through a transient failure", async () => {
    await using world = await createWorld();
    world.warehouse.answer = answers(() => boolean("0"));
    await world.run(await world.claim(gate({ deadlineMinutes: 30 })));
    const since = world.report().waitingSince;
    await world.clock.advance(5 * MINUTE_MS);
    world.warehouse.answer = failingAnswer(anError("query_timeout"));
    expect(await runNext(world)).toBe("retry");
    expect(world.report().waitingSince).toBe(since);
  });
});
