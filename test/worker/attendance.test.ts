import { describe, expect, test } from "bun:test";
import { startLoop } from "../../src/worker/loop.ts";
import type { Scaling } from "../../src/worker/attendance.ts";
import type { QueueDepth } from "../../src/worker/ports.ts";
import { until } from "../support/clock.ts";
import { aTable, anError } from "../support/factories.ts";
import { tableAnswer } from "../support/fakes.ts";
import { createWorld, type World } from "../support/world.ts";

/** Whoever decides how many workers there are, remembering what it was told and asked. */
function createScaling() {
  const asked: string[] = [];
  const state = {
    asked,
    refusal: null as string | null,
    isProtected: false,
    onObserve: (_depth: QueueDepth): void | Promise<void> => {},
  };
  const scaling: Scaling = {
    protect: async () => {
      asked.push("protect");
      if (state.refusal === null) state.isProtected = true;
      return state.refusal;
    },
    release: async () => {
      asked.push("release");
      state.isProtected = false;
    },
    observe: async (depth) => {
      asked.push(`pending ${depth.pending} running ${depth.running}`);
      await state.onObserve(depth);
    },
  };
  return { ...state, state, scaling };
}

async function scaledWorld(): Promise<{ world: World } & ReturnType<typeof createScaling>> {
  const created = createScaling();
  // Lanes wait by real timers, and the grace time is measured by the clock of the test.
  const settings = { idleGraceMs: GRACE_MS, observeIntervalMs: GRACE_MS };
  const world = await createWorld({ scaling: created.scaling, settings });
  return { world, ...created };
}

const GRACE_MS = 30;

/** Until both lanes wait. */
async function untilIdle(world: World, times = 2): Promise<void> {
  await until(() => world.events.filter(({ kind }) => kind === "idle").length >= times);
}

describe("a worker that is scaled", () => {
  test("is protected before it claims, and no longer than it works", async () => {
    const { world, state, asked } = await scaledWorld();
    await using opened = world;
    opened.database.add();
    let protectedAtQuery = false;
    opened.warehouse.answer = async () => {
      protectedAtQuery = state.isProtected;
      return await Promise.resolve(tableAnswer(aTable()));
    };
    const loop = startLoop(opened.ports, opened.settings);
    await until(() => opened.report().status === "COMPLETED" && asked.includes("release"));
    expect(protectedAtQuery).toBe(true);
    expect(asked.indexOf("protect")).toBe(0);
    expect(state.isProtected).toBe(false);
    await loop.stop(0);
  });

  test("claims nothing while the protection is refused, and says why", async () => {
    const { world, state } = await scaledWorld();
    await using opened = world;
    state.refusal = "DEPLOYMENT_BLOCKED";
    opened.database.add();
    const loop = startLoop(opened.ports, opened.settings);
    await until(() => opened.events.some(({ kind }) => kind === "backing-off"));
    const event = opened.events.find(({ kind }) => kind === "backing-off");
    expect(event).toMatchObject({
      error: { message: expect.stringContaining("DEPLOYMENT_BLOCKED") },
    });
    expect(opened.report()).toMatchObject({ status: "PENDING", attempt: 0 });
    await loop.stop(0);
  });

  test("tells of an empty queue only after the grace time", async () => {
    const { world, asked } = await scaledWorld();
    await using opened = world;
    const loop = startLoop(opened.ports, opened.settings);
    await untilIdle(opened);
    await opened.clock.advance(GRACE_MS - 1);
    await untilIdle(opened, 6);
    expect(asked).toEqual([]);
    await opened.clock.advance(1);
    await until(() => asked.length > 0);
    expect(asked).toEqual(["pending 0 running 0"]);
    await loop.stop(0);
  });

  test("stays for what is due within another grace time, and not for what is due later", async () => {
    const { world, asked } = await scaledWorld();
    await using opened = world;
    const startMs = opened.clock.now().getTime();
    opened.database.add({ configId: "soon" }, { runAfter: startMs + 2 * GRACE_MS - 1 });
    opened.database.add({ configId: "later" }, { runAfter: startMs + 20 * GRACE_MS });
    const loop = startLoop(opened.ports, opened.settings);
    await untilIdle(opened);
    await opened.clock.advance(GRACE_MS);
    await untilIdle(opened, 8);
    expect(asked).toEqual([]);
    await opened.clock.advance(GRACE_MS);
    await until(() => opened.database.reports.get("soon")?.status === "COMPLETED");
    await until(() => asked.includes("release"));
    await opened.clock.advance(GRACE_MS);
    await until(() => asked.includes("pending 0 running 0"));
    await loop.stop(0);
  });

  test("looks again after the answer, and tells of what came in that moment", async () => {
    const { world, state, asked } = await scaledWorld();
    await using opened = world;
    state.onObserve = ({ pending }) => {
      // Somebody inserts a row while the number of workers is being set to 0.
      if (pending === 0) opened.database.add();
    };
    const loop = startLoop(opened.ports, opened.settings);
    await untilIdle(opened);
    await opened.clock.advance(GRACE_MS);
    await until(() => opened.database.reports.size === 1 && opened.report().status === "COMPLETED");
    expect(asked.slice(0, 3)).toEqual(["pending 0 running 0", "pending 1 running 0", "protect"]);
    await loop.stop(0);
  });

  test("looks a last time when it is told to stop, and tells of what is there", async () => {
    const { world, asked } = await scaledWorld();
    await using opened = world;
    const loop = startLoop(opened.ports, opened.settings);
    await untilIdle(opened);
    const stopping = loop.stop(0);
    opened.database.add();
    await stopping;
    expect(asked).toEqual(["pending 1 running 0"]);
    expect(opened.report().status).toBe("PENDING");
  });

  test("waits for its own last word before the last look", async () => {
    const { world, state, asked } = await scaledWorld();
    await using opened = world;
    const answered = Promise.withResolvers<void>();
    state.onObserve = async ({ pending }) => {
      if (pending === 0) await answered.promise;
    };
    const loop = startLoop(opened.ports, opened.settings);
    await untilIdle(opened);
    await opened.clock.advance(GRACE_MS);
    await until(() => asked.length === 1);
    const stopping = loop.stop(0);
    opened.database.add();
    expect(asked).toEqual(["pending 0 running 0"]);
    answered.resolve();
    await stopping;
    expect(asked.at(-1)).toBe("pending 1 running 0");
  });

  test("tells what is waiting while it works, so that others are called", async () => {
    const { world, asked } = await scaledWorld();
    await using opened = world;
    for (let index = 0; index < 8; index += 1) opened.database.add({ configId: `r${index}` });
    const answer = Promise.withResolvers<ReturnType<typeof tableAnswer>>();
    opened.warehouse.answer = async () => await answer.promise;
    const loop = startLoop(opened.ports, opened.settings);
    await until(() => opened.warehouse.queries.length === 2);
    await opened.clock.advance(5_000);
    await until(() => asked.some((call) => call.startsWith("pending")));
    expect(asked).toContain("pending 6 running 2");
    answer.resolve(tableAnswer(aTable()));
    await loop.stop(0);
  });

  test("goes on when it cannot be heard", async () => {
    const { world, state } = await scaledWorld();
    await using opened = world;
    state.onObserve = () => {
      throw anError("delivery_failed", "the function is gone");
    };
    const loop = startLoop(opened.ports, opened.settings);
    await untilIdle(opened);
    opened.database.add();
    await loop.stop(0);
    expect(opened.events).toContainEqual(
      expect.objectContaining({ kind: "unobserved", error: expect.anything() }),
    );
  });
});
