import { describe, expect, test } from "bun:test";
import { claimNext, laneFilters } from "../../src/worker/lanes.ts";
import { anError, DAILY_AT_NINE } from "../support/factories.ts";
import { createWorld, type World } from "../support/world.ts";

const OTHER = { workerId: "worker-2", bootId: "b0070002" };

describe("laneFilters", () => {
  test("of two lanes or more, the first takes ADHOC reports only", () => {
    expect([1, 2, 3, 4].map((number) => laneFilters(0, 2, number))).toEqual([
      ["adhoc"],
      ["adhoc"],
      ["adhoc"],
      ["adhoc"],
    ]);
  });

  test("every fourth claim of another lane looks for the oldest SCHEDULED report first", () => {
    expect([1, 2, 3, 4, 5, 8].map((number) => laneFilters(1, 2, number))).toEqual([
      ["any"],
      ["any"],
      ["any"],
      ["oldest-scheduled", "any"],
      ["any"],
      ["oldest-scheduled", "any"],
    ]);
  });

  test("a lane that is alone takes everything", () => {
    expect(laneFilters(0, 1, 1)).toEqual(["any"]);
    expect(laneFilters(0, 1, 4)).toEqual(["oldest-scheduled", "any"]);
  });
});

describe("claimNext", () => {
  async function claimed(world: World, filters = ["any" as const]): Promise<string | undefined> {
    return (await claimNext(world.ports.queue, filters))?.configId;
  }

  test("nothing due is no claim", async () => {
    await using world = await createWorld();
    world.database.add({}, { runAfter: world.clock.now().getTime() + 1 });
    world.database.add({ configId: "report-2" }, { status: "COMPLETED" });
    expect(await claimed(world)).toBeUndefined();
  });

  test("ADHOC comes before SCHEDULED, and what waits for hours before both", async () => {
    await using world = await createWorld();
    const now = world.clock.now().getTime();
    world.database.add(
      { configId: "scheduled", ...DAILY_AT_NINE },
      { nextRunAt: now, createdAt: 0 },
    );
    world.database.add({ configId: "adhoc" });
    const hours = 3_600_000;
    world.database.add(
      { configId: "waiting", ...DAILY_AT_NINE },
      { nextRunAt: now - 11 * hours, createdAt: 0 },
    );
    expect([await claimed(world), await claimed(world), await claimed(world)]).toEqual([
      "waiting",
      "adhoc",
      "scheduled",
    ]);
  });

  test("the second filter is asked when the first finds nothing", async () => {
    await using world = await createWorld();
    world.database.add({ configId: "adhoc" });
    const claim = await claimNext(world.ports.queue, ["oldest-scheduled", "any"]);
    expect(claim?.configId).toBe("adhoc");
  });

  test("the ADHOC lane leaves a SCHEDULED report alone", async () => {
    await using world = await createWorld();
    world.database.add(DAILY_AT_NINE, { nextRunAt: world.clock.now().getTime() });
    expect(await claimNext(world.ports.queue, ["adhoc"])).toBeNull();
  });

  test("a SCHEDULED report without a time is given its first one, and not run before it", async () => {
    await using world = await createWorld();
    world.database.add({ ...DAILY_AT_NINE, timezone: " America/New_York " });
    expect(await claimed(world)).toBeUndefined();
    expect(world.report()).toMatchObject({ status: "PENDING", fence: 0 });
    // 10:00 UTC is five in the morning there.
    expect(world.report().nextRunAt).toBe(Date.parse("2026-03-02T14:00:00Z"));
  });

  test.each([
    { scheduleCron: "0 0 30 2 *" },
    { scheduleCron: null },
    { scheduleCron: "nonsense" },
    { timezone: "Mars/Base" },
  ])("one that cannot be planned is claimed, so that it fails with the reason: %j", async (row) => {
    await using world = await createWorld();
    world.database.add({ ...DAILY_AT_NINE, ...row });
    const claim = await claimNext(world.ports.queue, ["any"]);
    if (claim === null) throw new Error("it was not claimed");
    const { outcome } = await world.run(claim);
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "invalid_report" } });
    expect(world.report().status).toBe("FAILED");
  });

  test("the loser of a race goes on to the next candidate", async () => {
    await using world = await createWorld();
    world.database.add({ configId: "first" }, { createdAt: 0, priority: 1 });
    world.database.add({ configId: "second" });
    const rival = world.another(OTHER).ports.queue;
    let raced = false;
    world.database.intercept = async (step, stage, worker) => {
      if (step !== "claim.update" || stage !== "before" || worker === OTHER || raced) return;
      raced = true;
      const [candidate] = await rival.candidates("any", 1);
      if (candidate !== undefined) await rival.claimIfUnchanged(candidate);
    };
    expect(await claimed(world)).toBe("second");
    expect(world.report("first")).toMatchObject({ fence: 1, attempt: 1, worker: OTHER });
  });

  test("when all candidates are lost, it looks again until there are none", async () => {
    await using world = await createWorld();
    for (const configId of ["a", "b", "c"]) world.database.add({ configId });
    const rival = world.another(OTHER).ports.queue;
    let reads = 0;
    world.database.intercept = async (step, stage, worker) => {
      if (worker === OTHER) return;
      if (step === "candidates" && stage === "before") reads += 1;
      if (step !== "candidates" || stage !== "after") return;
      for (const candidate of await rival.candidates("any", 5))
        await rival.claimIfUnchanged(candidate);
    };
    expect(await claimed(world)).toBeUndefined();
    expect(reads).toBe(2);
    for (const report of world.database.reports.values()) expect(report.attempt).toBe(1);
  });

  test("two workers that claim at once never hold the same report", async () => {
    await using world = await createWorld();
    for (let index = 0; index < 20; index += 1) world.database.add({ configId: `report-${index}` });
    const drain = async (queue: typeof world.ports.queue): Promise<string[]> => {
      const ids: string[] = [];
      for (;;) {
        const claim = await claimNext(queue, ["any"]);
        if (claim === null) return ids;
        ids.push(claim.configId);
      }
    };
    const [mine, theirs] = await Promise.all([
      drain(world.ports.queue),
      drain(world.another(OTHER).ports.queue),
    ]);
    expect([...mine, ...theirs].toSorted((a, b) => a.localeCompare(b))).toEqual(
      [...world.database.reports.keys()].toSorted((a, b) => a.localeCompare(b)),
    );
    expect(mine.length).toBeGreaterThan(0);
    expect(theirs.length).toBeGreaterThan(0);
  });

  test("an outage is not taken for a wrong row", async () => {
    await using world = await createWorld();
    world.database.add(DAILY_AT_NINE);
    world.database.intercept = (step) => {
      if (step === "now") throw anError("warehouse_unavailable");
    };
    expect(await claimed(world).catch((error: unknown) => error)).toMatchObject({
      code: "warehouse_unavailable",
    });
    expect(world.report()).toMatchObject({ status: "PENDING", attempt: 0 });
  });

  test("a report that was settled since it was seen as expired is not claimed", async () => {
    await using world = await createWorld();
    const claim = await world.claim();
    await world.clock.advance(301_000);
    const thief = world.database.queueOf(OTHER);
    const [seen] = await thief.candidates("any", 1);
    if (seen === undefined) throw new Error("the expired lease was not seen");
    world.store.putFailures.push(anError("store_failed"));
    await world.run(claim);
    expect(world.report().status).toBe("PENDING");
    expect(await thief.claimIfUnchanged(seen)).toBeNull();
  });
});
