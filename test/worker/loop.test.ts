import { describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import type { WorkerEvent } from "../../src/worker/events.ts";
import { startLoop } from "../../src/worker/loop.ts";
import { until } from "../support/clock.ts";
import { anError, DAILY_AT_NINE } from "../support/factories.ts";
import { failingAnswer, hangingAnswer, tableAnswer } from "../support/fakes.ts";
import { aTable } from "../support/factories.ts";
import { createWorld, type World } from "../support/world.ts";

type Kind = WorkerEvent["kind"];

function of<K extends Kind>(
  events: readonly WorkerEvent[],
  kind: K,
): Extract<WorkerEvent, { kind: K }>[] {
  return events.filter((event): event is Extract<WorkerEvent, { kind: K }> => event.kind === kind);
}

function start(world: World, settings: Partial<World["settings"]> = {}) {
  return startLoop(world.ports, { ...world.settings, ...settings });
}

function statuses(world: World): string[] {
  return [...world.database.reports.values()].map((report) => report.status);
}

const ONCE = { once: true } as const;

describe("a loop that is to end when nothing is due", () => {
  test("makes every report, sends every message and ends", async () => {
    await using world = await createWorld();
    const now = world.clock.now().getTime();
    world.database.add({ configId: "a", emailRecipients: "reader@example.com" });
    world.database.add({ configId: "b", slackWebhook: "finance" });
    world.database.add(
      { configId: "c", ...DAILY_AT_NINE },
      { nextRunAt: now - 60_000, createdAt: 0 },
    );
    world.database.add({ configId: "wrong", outputFormat: "DOCX" });
    world.database.add({ configId: "later" }, { runAfter: now + 60_000 });
    await start(world, ONCE).ended;
    expect(statuses(world)).toEqual(["COMPLETED", "COMPLETED", "PENDING", "FAILED", "PENDING"]);
    expect(world.deliveries().map(({ state }) => state)).toEqual(["SENT", "SENT", "SENT"]);
    expect(of(world.events, "executed")).toHaveLength(4);
    expect(world.events[0]).toEqual({ kind: "started", lanes: 2 });
    expect(world.events.at(-1)).toEqual({ kind: "stopped" });
  });

  test("leaves no scratch file of any run, whether it worked or not", async () => {
    await using world = await createWorld();
    world.database.add({ configId: "a", outputFormat: "PDF,CSV" });
    world.database.add({ configId: "b" });
    world.store.putFailures.push(anError("store_failed", "one of the two"));
    await start(world, ONCE).ended;
    expect(statuses(world).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "COMPLETED",
      "PENDING",
    ]);
    expect(await readdir(world.settings.scratchFolder)).toEqual([]);
  });

  test("ends with the error when the warehouse is down, instead of waiting", async () => {
    await using world = await createWorld();
    world.database.add();
    world.database.intercept = () => {
      throw anError("warehouse_unavailable");
    };
    const ended = start(world, ONCE).ended;
    expect(await ended.catch((thrown: unknown) => thrown)).toMatchObject({
      code: "warehouse_unavailable",
    });
    expect(world.events.at(-1)).toEqual({ kind: "stopped" });
    expect(world.clock.sleeping).toBe(0);
  });

  test("ends with an error only when its other lanes have finished what they hold", async () => {
    await using world = await createWorld();
    world.database.add();
    const answer = Promise.withResolvers<ReturnType<typeof tableAnswer>>();
    world.warehouse.answer = async () => await answer.promise;
    const { ended } = start(world, ONCE);
    const outcome = ended.catch((thrown: unknown) => thrown);
    await until(() => world.warehouse.queries.length === 1);
    let asked = 0;
    world.database.intercept = (step) => {
      if (step !== "ledger.due" && step !== "candidates") return;
      asked += 1;
      throw anError("warehouse_unavailable");
    };
    await Bun.sleep(5);
    answer.resolve(tableAnswer(aTable()));
    expect(await outcome).toMatchObject({ code: "warehouse_unavailable" });
    expect(asked).toBeGreaterThan(0);
    expect(world.report().status).toBe("COMPLETED");
  });
});

describe("a loop that waits for work", () => {
  test("looks at once when it is woken", async () => {
    await using world = await createWorld();
    const loop = start(world);
    await until(() => of(world.events, "idle").length === 2);
    world.database.add();
    loop.wake();
    await until(() => world.report().status === "COMPLETED");
    expect(of(world.events, "triggered")).toHaveLength(1);
    await loop.stop(0);
  });

  test("a call that comes while it looks is not lost", async () => {
    await using world = await createWorld();
    const loop = start(world, { concurrency: 1 });
    let inserted = false;
    world.database.intercept = (step, stage) => {
      // After the last look at the reports, before it sleeps.
      if (step !== "depth" || stage !== "after" || inserted) return;
      inserted = true;
      world.database.add();
      loop.wake();
    };
    await until(() => world.database.reports.size === 1 && world.report().status === "COMPLETED");
    await loop.stop(0);
  });

  test("looks again by itself after the poll interval", async () => {
    await using world = await createWorld({ settings: { pollIntervalMs: 3 } });
    const loop = start(world);
    await until(() => of(world.events, "idle").length >= 4);
    world.database.add();
    await until(() => world.report().status === "COMPLETED");
    await loop.stop(0);
  });

  test("sleeps until the next report is due, by the database's clock", async () => {
    await using world = await createWorld();
    const dueAt = new Date(world.clock.now().getTime() + 20);
    world.database.add({}, { runAfter: dueAt.getTime() });
    const loop = start(world);
    await until(() => of(world.events, "idle").length >= 2);
    expect(of(world.events, "idle")[0]).toEqual({ kind: "idle", waitMs: 70, nextDueAt: dueAt });
    await world.clock.advance(20);
    await until(() => world.report().status === "COMPLETED");
    await loop.stop(0);
  });

  test("never sleeps longer than the poll interval", async () => {
    await using world = await createWorld();
    world.database.add({}, { runAfter: world.clock.now().getTime() + 86_400_000 });
    const loop = start(world);
    await until(() => of(world.events, "idle").length === 2);
    expect(of(world.events, "idle").map(({ waitMs }) => waitMs)).toEqual([60_000, 60_000]);
    await loop.stop(0);
  });

  test("a lane that may not take what is pending looks again soon", async () => {
    await using world = await createWorld();
    world.warehouse.answer = hangingAnswer;
    const now = world.clock.now().getTime();
    for (const configId of ["a", "b"]) {
      world.database.add({ configId, ...DAILY_AT_NINE }, { nextRunAt: now - 1, createdAt: 0 });
    }
    const loop = start(world, { superviseIntervalMs: 2 });
    await until(() => of(world.events, "idle").length >= 3);
    expect(of(world.events, "idle").at(-1)?.waitMs).toBe(2);
    expect(of(world.events, "claimed").map(({ lane }) => lane)).toEqual([1]);
    await loop.stop(0);
  });

  test("its heartbeat is active while it holds something, and only then", async () => {
    await using world = await createWorld();
    world.warehouse.answer = async () => {
      await Promise.resolve();
      expect(world.heartbeat.active).toBe(true);
      return tableAnswer(aTable());
    };
    const loop = start(world);
    await until(() => of(world.events, "idle").length === 2);
    expect(world.heartbeat.active).toBe(false);
    world.database.add();
    loop.wake();
    await until(() => of(world.events, "executed").length === 1);
    expect(of(world.events, "executed")[0]?.executed.outcome.kind).toBe("completed");
    await until(() => !world.heartbeat.active);
    await loop.stop(0);
  });
});

describe("lanes", () => {
  test("the ADHOC lane is free for people while the other one works", async () => {
    await using world = await createWorld();
    const now = world.clock.now().getTime();
    world.warehouse.answer = async (query) =>
      query.sql.includes("SLOW") ? await hangingAnswer() : tableAnswer(aTable());
    world.database.add(
      { configId: "slow", reportSql: "SELECT * FROM SLOW", ...DAILY_AT_NINE },
      { nextRunAt: now - 1, createdAt: 0 },
    );
    const loop = start(world);
    await until(() => world.warehouse.queries.length === 1);
    for (const configId of ["a", "b", "c"]) world.database.add({ configId });
    loop.wake();
    await until(() => of(world.events, "executed").length === 3);
    expect(of(world.events, "claimed").map(({ lane }) => lane)).toEqual([1, 0, 0, 0]);
    await loop.stop(0);
  });

  test.each([1, 2])(
    "of %p, every fourth claim of the last takes a SCHEDULED report",
    async (concurrency) => {
      await using world = await createWorld();
      const now = world.clock.now().getTime();
      for (let index = 0; index < 40; index += 1) {
        world.database.add({ configId: `adhoc-${index}` });
      }
      for (let index = 0; index < 3; index += 1) {
        world.database.add(
          { configId: `scheduled-${index}`, ...DAILY_AT_NINE },
          { nextRunAt: now - 1, createdAt: 0 },
        );
      }
      await start(world, { ...ONCE, concurrency }).ended;
      const types = of(world.events, "claimed")
        .filter(({ lane }) => lane === concurrency - 1)
        .map(({ claim }) => claim.row.reportType);
      expect(
        types
          .slice(0, 12)
          .map((type) => type.charAt(0))
          .join(""),
      ).toBe("AAASAAASAAAS");
    },
  );

  test("messages that were left behind do not wait until there is no report left", async () => {
    await using world = await createWorld();
    await world.run(await world.claim({ configId: "left", emailRecipients: "reader@example.com" }));
    for (let index = 0; index < 10; index += 1) world.database.add({ configId: `report-${index}` });
    await start(world, { ...ONCE, concurrency: 1 }).ended;
    const order = world.events.map((event) => event.kind);
    const executed = order
      .slice(0, order.indexOf("delivered"))
      .filter((kind) => kind === "executed");
    expect(executed).toHaveLength(1);
  });

  test("two workers on one queue complete each of 50 reports exactly once", async () => {
    await using world = await createWorld();
    for (let index = 0; index < 50; index += 1) {
      world.database.add({ configId: `report-${index}`, emailRecipients: "reader@example.com" });
    }
    const other = world.another({ workerId: "worker-2", bootId: "b0070002" });
    const settings = { ...world.settings, ...ONCE };
    await Promise.all([
      startLoop(world.ports, settings).ended,
      startLoop(other.ports, settings).ended,
    ]);
    expect(statuses(world)).toEqual(Array.from({ length: 50 }, () => "COMPLETED"));
    expect(world.runs()).toHaveLength(50);
    expect(new Set(world.runs().map((run) => run.configId)).size).toBe(50);
    expect(world.runs().every((run) => run.outcome === "COMPLETED" && run.attempt === 1)).toBe(
      true,
    );
    const artifacts = world.runs().flatMap((run) => run.artifacts);
    expect(artifacts).toHaveLength(50);
    // Beside each PDF the store keeps its preview.
    expect(world.store.files.size).toBe(100);
    expect(world.senders.sent).toHaveLength(50);
    for (const events of [world.events, other.events]) {
      expect(of(events, "executed").length).toBeGreaterThan(0);
    }
  });
});

describe("an outage", () => {
  test("of the queue burns no attempt: the loop backs off, longer each time, and goes on after it", async () => {
    await using world = await createWorld();
    world.database.add();
    world.database.intercept = () => {
      throw anError("warehouse_unavailable");
    };
    const loop = start(world, { concurrency: 1 });
    const delays = (): number[] => of(world.events, "backing-off").map(({ delayMs }) => delayMs);
    for (let count = 1; count <= 8; count += 1) {
      await until(() => delays().length === count);
      loop.wake();
    }
    await until(() => delays().length === 9);
    // Three quarters of 5 s, doubled each time, at most 5 minutes: this world's random number is a half.
    expect(delays().map((delayMs) => delayMs / 750)).toEqual([
      5, 10, 20, 40, 80, 160, 300, 300, 300,
    ]);
    expect(world.report()).toMatchObject({ status: "PENDING", attempt: 0, fence: 0 });
    world.database.intercept = () => undefined;
    loop.wake();
    await until(() => world.report().status === "COMPLETED");
    expect(world.report().attempt).toBe(1);
    await until(() => of(world.events, "idle").length === 1);
    world.database.intercept = () => {
      throw anError("login_refused");
    };
    loop.wake();
    await until(() => delays().length === 10);
    expect(delays().at(-1)).toBe(3_750);
    await loop.stop(0);
  });

  test("of the warehouse alone gives the report back, and takes no other into it", async () => {
    await using world = await createWorld();
    for (const configId of ["a", "b", "c"]) world.database.add({ configId });
    world.warehouse.answer = failingAnswer(anError("warehouse_unavailable"));
    const loop = start(world, { concurrency: 1 });
    await until(() => of(world.events, "backing-off").length === 1);
    await Bun.sleep(5);
    expect(world.warehouse.queries).toHaveLength(1);
    expect(statuses(world)).toEqual(["PENDING", "PENDING", "PENDING"]);
    for (const report of world.database.reports.values()) expect(report.attempt).toBe(0);
    world.warehouse.answer = () => tableAnswer(aTable());
    await world.clock.advance(30_000);
    loop.wake();
    await until(() => statuses(world).every((status) => status === "COMPLETED"));
    await loop.stop(0);
  });

  test("while somebody is asked who wants to cancel is told, and the report goes on", async () => {
    await using world = await createWorld();
    const answer = Promise.withResolvers<ReturnType<typeof tableAnswer>>();
    world.warehouse.answer = async () => await answer.promise;
    world.database.add();
    world.database.intercept = (step) => {
      if (step === "cancelRequested") throw anError("warehouse_unavailable");
    };
    const loop = start(world);
    await until(() => world.warehouse.queries.length === 1);
    await world.clock.advance(5_000);
    await until(() => of(world.events, "backing-off").length === 1);
    answer.resolve(tableAnswer(aTable()));
    await until(() => world.report().status === "COMPLETED");
    await loop.stop(0);
  });
});

describe("what runs is looked after", () => {
  test("a report that a person wants stopped is stopped, and no other", async () => {
    await using world = await createWorld();
    world.warehouse.answer = hangingAnswer;
    world.database.add({ configId: "a" });
    world.database.add({ configId: "b" });
    const loop = start(world);
    await until(() => world.warehouse.queries.length === 2);
    world.report("a").cancelRequested = true;
    await world.clock.advance(5_000);
    await until(() => of(world.events, "executed").length === 1);
    expect(world.report("a").status).toBe("CANCELLED");
    expect(world.report("b").status).toBe("PROCESSING");
    expect(world.warehouse.cancelled).toHaveLength(1);
    await loop.stop(0);
  });

  test("without a heartbeat for too long, it is dropped unwritten before another worker may take it", async () => {
    await using world = await createWorld();
    world.warehouse.answer = hangingAnswer;
    world.database.add();
    const loop = start(world);
    await until(() => world.warehouse.queries.length === 1);
    await world.clock.advance(240_000);
    expect(of(world.events, "executed")).toHaveLength(0);
    await world.clock.advance(5_000);
    await until(() => of(world.events, "executed").length === 1);
    expect(of(world.events, "executed")[0]?.executed.outcome.kind).toBe("lease_lost");
    expect(world.report()).toMatchObject({ status: "PROCESSING", fence: 1 });
    expect(world.warehouse.cancelled).toHaveLength(1);
    await loop.stop(0);
  });

  test("with one it may take as long as it needs", async () => {
    await using world = await createWorld();
    const answer = Promise.withResolvers<ReturnType<typeof tableAnswer>>();
    world.warehouse.answer = async () => await answer.promise;
    world.database.add();
    const loop = start(world);
    await until(() => world.warehouse.queries.length === 1);
    const rival = world.another({ workerId: "worker-2", bootId: "b0070002" }).ports.queue;
    for (let beats = 0; beats < 30; beats += 1) {
      await world.clock.advance(30_000);
      world.heartbeat.beat();
      expect(await rival.candidates("any", 5)).toEqual([]);
    }
    answer.resolve(tableAnswer(aTable()));
    await until(() => world.report().status === "COMPLETED");
    await loop.stop(0);
  });
});

describe("stop", () => {
  test("lets what runs end within the grace time", async () => {
    await using world = await createWorld();
    const answer = Promise.withResolvers<ReturnType<typeof tableAnswer>>();
    world.warehouse.answer = async () => await answer.promise;
    world.database.add({ configId: "a", emailRecipients: "reader@example.com" });
    const loop = start(world, { concurrency: 1 });
    await until(() => world.warehouse.queries.length === 1);
    world.database.add({ configId: "b" });
    const stopping = loop.stop(60_000);
    answer.resolve(tableAnswer(aTable()));
    await stopping;
    expect(statuses(world)).toEqual(["COMPLETED", "PENDING"]);
    expect(world.report("b").fence).toBe(0);
    // The next worker finds the message in the ledger.
    expect(world.deliveries().map(({ state }) => state)).toEqual(["NEW"]);
    expect(of(world.events, "stopping")).toEqual([{ kind: "stopping", running: 1 }]);
  });

  test("after the grace time cancels the query and gives the report back, its attempt unburnt", async () => {
    await using world = await createWorld();
    world.warehouse.answer = hangingAnswer;
    world.database.add();
    const loop = start(world);
    await until(() => world.warehouse.queries.length === 1);
    await loop.stop(3);
    expect(world.warehouse.cancelled).toHaveLength(1);
    expect(world.report()).toMatchObject({ status: "PENDING", attempt: 0, interruptCount: 1 });
    expect(world.runs()).toMatchObject([{ outcome: "INTERRUPTED" }]);
    expect(await readdir(world.settings.scratchFolder)).toEqual([]);
    expect(world.heartbeat.active).toBe(false);
  });

  test("a claim that was on its way when the grace time ended is given back too", async () => {
    await using world = await createWorld();
    world.warehouse.answer = hangingAnswer;
    world.database.add();
    const reply = Promise.withResolvers<void>();
    let claiming = false;
    world.database.intercept = async (step, stage) => {
      if (step !== "claim.update" || stage !== "after") return;
      claiming = true;
      await reply.promise;
    };
    const loop = start(world, { concurrency: 1 });
    await until(() => claiming);
    const stopping = loop.stop(0);
    await Bun.sleep(5);
    reply.resolve();
    await stopping;
    expect(world.report()).toMatchObject({ status: "PENDING", attempt: 0, interruptCount: 1 });
  });

  test("an idle loop stops at once", async () => {
    await using world = await createWorld();
    const loop = start(world);
    await until(() => of(world.events, "idle").length === 2);
    await loop.stop(60_000);
    expect(world.events.at(-1)).toEqual({ kind: "stopped" });
    expect(world.clock.sleeping).toBe(0);
  });

  test("a loop that backs off stops at once", async () => {
    await using world = await createWorld();
    world.database.intercept = () => {
      throw anError("warehouse_unavailable");
    };
    const loop = start(world);
    await until(() => of(world.events, "backing-off").length === 2);
    await loop.stop(60_000);
    expect(world.events.at(-1)).toEqual({ kind: "stopped" });
  });
});

test("a report whose settlement cannot be written is taken over when its lease is over", async () => {
  await using world = await createWorld();
  world.database.add();
  let failed = false;
  world.database.intercept = (step) => {
    if (step !== "settle" || failed) return;
    failed = true;
    throw anError("query_failed");
  };
  const loop = start(world, { concurrency: 1 });
  await until(() => of(world.events, "backing-off").length === 1);
  expect(world.report()).toMatchObject({ status: "PROCESSING", attempt: 1 });
  await world.clock.advance(301_000);
  loop.wake();
  await until(() => world.report().status === "COMPLETED");
  expect(world.report()).toMatchObject({ attempt: 2, fence: 3, crashCount: 0 });
  expect(world.runs().map((run) => run.outcome)).toEqual(["LOST", "COMPLETED"]);
  await loop.stop(0);
});
