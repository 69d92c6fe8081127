import { describe, expect, test } from "bun:test";
import { readEvent } from "../../src/trigger/event.ts";
import type { OpenedLink } from "../../src/trigger/links.ts";
import { type ProxyReply, serve, type TriggerPorts } from "../../src/trigger/answers.ts";

const now = new Date("2026-11-23T08:00:00Z");

interface World {
  desired: number;
  link: OpenedLink;
  readonly done: string[];
  readonly lines: Record<string, unknown>[];
  ports: TriggerPorts;
}

/** A service of ECS, a planner and a link store that remember what was asked of them. */
function createWorld(desired = 0, failure: string | null = null): World {
  const done: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const world: World = {
    desired,
    link: { state: "forged" },
    done,
    lines,
    ports: {
      scaler: {
        desired: async () => {
          if (failure !== null) throw new Error(failure);
          return world.desired;
        },
        setDesired: async (count: number) => {
          done.push(`desired ${count}`);
          world.desired = count;
        },
      },
      workersMax: 10,
      wakeUps: {
        plan: async (at: Date) => {
          done.push(`wake-up ${at.toISOString()}`);
        },
      },
      links: {
        create: async (key: string) => `https://example.org/r/${key}`,
        open: async () => world.link,
      },
      log: (line: string) => lines.push(JSON.parse(line)),
      now: () => now,
      workerName: "ECS service",
    },
  };
  return world;
}

function callEvent(body: string | null, headers: Record<string, string> = {}): object {
  return { httpMethod: "POST", resource: "/trigger", headers, body };
}

async function call(world: ReturnType<typeof createWorld>, event: object) {
  const reply = (await serve(readEvent(event), world.ports)) as ProxyReply;
  return { ...reply, body: reply.body === "" ? null : (JSON.parse(reply.body) as unknown) };
}

function observation(
  pending: number,
  running: number,
  nextDueAt: string | null = null,
  oldestPendingAt: string | null = null,
): object {
  return { source: "worker", observation: { pending, running, nextDueAt, oldestPendingAt } };
}

describe("POST /trigger", () => {
  test.each([null, "", "{}"])("with the body %j raises the service from 0 to 1", async (body) => {
    const world = createWorld();
    const { statusCode, body: answer } = await call(world, callEvent(body));
    expect(statusCode).toBe(200);
    expect(answer).toEqual({
      message: "ECS service triggered successfully",
      desiredCount: 1,
      requestId: expect.any(String),
    });
    expect(world.done).toEqual(["desired 1"]);
  });

  test("never lowers what is there", async () => {
    const world = createWorld(4);
    await call(world, callEvent("{}"));
    expect(world.done).toEqual(["desired 4"]);
  });

  test("answers Snowflake in its own format, a value for each row", async () => {
    const headers = {
      "sf-external-function-format": "json",
      "sf-external-function-query-batch-id": "01b0:1",
    };
    const { statusCode, body } = await call(
      createWorld(),
      callEvent('{"data":[[0,"stream"],[1,"stream"]]}', headers),
    );
    const value = {
      ok: true,
      message: "ECS service triggered successfully",
      desiredCount: 1,
      requestId: "01b0:1",
    };
    expect(statusCode).toBe(200);
    expect(body).toEqual({
      data: [
        [0, value],
        [1, value],
      ],
    });
  });

  test.each(["[]", "{", "x".repeat(4_097)])(
    "refuses the body %.10j and scales nothing",
    async (body) => {
      const world = createWorld();
      expect(await call(world, callEvent(body))).toMatchObject({
        statusCode: 400,
        body: { message: expect.stringContaining("body") },
      });
      expect(world.done).toEqual([]);
    },
  );

  test("answers 500 with the reason when the service cannot be raised, and counts the error", async () => {
    const world = createWorld(0, "the function's role lacks ecs:UpdateService on it");
    const { statusCode, body } = await call(world, callEvent("{}"));
    expect(statusCode).toBe(500);
    expect(body).toMatchObject({
      message: expect.stringContaining("lacks ecs:UpdateService"),
    });
    expect(world.lines).toContainEqual(expect.objectContaining({ TriggerErrors: 1 }));
  });
});

describe("a tick", () => {
  test.each(["schedule", "wake-up"])("of the %s raises the service", async (source) => {
    const world = createWorld();
    expect(await serve(readEvent({ source }), world.ports)).toEqual({ desiredCount: 1 });
    expect(world.done).toEqual(["desired 1"]);
  });

  test("that fails is thrown, so that its sender tries again", async () => {
    const world = createWorld(0, "throttled");
    expect(serve(readEvent({ source: "schedule" }), world.ports)).rejects.toThrow("throttled");
  });
});

describe("what a worker sees", () => {
  test("an empty queue lets the last worker go", async () => {
    const world = createWorld(1);
    expect(await serve(readEvent(observation(0, 0)), world.ports)).toEqual({ desiredCount: 0 });
    expect(world.done).toEqual(["desired 0"]);
  });

  test("the next due time is planned before the last worker is let go", async () => {
    const world = createWorld(1);
    await serve(readEvent(observation(0, 0, "2026-11-23T09:05:00Z")), world.ports);
    expect(world.done).toEqual(["wake-up 2026-11-23T09:04:00.000Z", "desired 0"]);
  });

  test("a time that is close is planned for the next minute, since the past cannot be planned", async () => {
    const world = createWorld(1);
    await serve(readEvent(observation(0, 0, "2026-11-23T08:00:30Z")), world.ports);
    expect(world.done[0]).toBe("wake-up 2026-11-23T08:01:00.000Z");
  });

  test("a wake-up that cannot be planned keeps nobody awake, and is counted", async () => {
    const world = createWorld(1);
    const wakeUps = {
      plan: async () => {
        throw new Error("no permission");
      },
    };
    world.ports = { ...world.ports, wakeUps };
    await serve(readEvent(observation(0, 0, "2026-11-23T09:05:00Z")), world.ports);
    expect(world.done).toEqual(["desired 0"]);
    expect(world.lines).toContainEqual(expect.objectContaining({ TriggerErrors: 1 }));
  });

  test("a long queue asks for more workers, and nothing is written when the number is right", async () => {
    const world = createWorld(1);
    await serve(readEvent(observation(12, 2)), world.ports);
    await serve(readEvent(observation(12, 2)), world.ports);
    expect(world.done).toEqual(["desired 3"]);
  });

  test("one that cannot start goes, nobody else does, and the log and the alarm hear why", async () => {
    const world = createWorld(3);
    const event = { source: "worker", unable: { reason: "the secret has no value yet" } };
    expect(await serve(readEvent(event), world.ports)).toEqual({ desiredCount: 2 });
    expect(world.done).toEqual(["desired 2"]);
    expect(world.lines).toContainEqual(expect.objectContaining({ TriggerErrors: 1 }));
    expect(world.lines).toContainEqual({
      event: "worker failed",
      message: "the secret has no value yet",
    });
    // It has seen nothing of the queue.
    expect(world.lines.filter((line) => "QueuePending" in line)).toEqual([]);
  });

  test("one that cannot start when nobody is wanted any more changes nothing", async () => {
    const world = createWorld(0);
    const event = { source: "worker", unable: { reason: "the secret has no value yet" } };
    expect(await serve(readEvent(event), world.ports)).toEqual({ desiredCount: 0 });
    expect(world.done).toEqual([]);
  });

  test("the queue becomes metrics", async () => {
    const world = createWorld(1);
    await serve(readEvent(observation(7, 1, null, "2026-11-23T07:50:00Z")), world.ports);
    expect(world.lines[0]).toMatchObject({
      QueuePending: 7,
      QueueRunning: 1,
      OldestPendingSeconds: 600,
    });
    expect(world.lines[0]).toHaveProperty("_aws.CloudWatchMetrics");
  });
});

describe("a click on a link", () => {
  const click = { httpMethod: "GET", resource: "/r/{token}", pathParameters: { token: "t" } };
  const claim = { linkId: "l", key: "a/b.pdf", fileName: "b.pdf", expiresAt: 0 };

  test("is sent on to the file, and is kept in the log without the address", async () => {
    const world = createWorld();
    world.link = { state: "open", url: "https://bucket.example/signed", claim };
    expect(await call(world, click)).toMatchObject({
      statusCode: 302,
      headers: { location: "https://bucket.example/signed", "cache-control": "no-store" },
    });
    expect(world.lines).toEqual([
      {
        event: "link",
        state: "open",
        linkId: "l",
        key: "a/b.pdf",
        sourceIp: null,
        userAgent: null,
      },
    ]);
  });

  test.each([
    [{ state: "forged" }, 404],
    [{ state: "expired", claim }, 410],
    [{ state: "revoked", claim }, 410],
  ] as const)("with a link that is %j answers %i", async (link, statusCode) => {
    const world = createWorld();
    world.link = link;
    expect((await call(world, click)).statusCode).toBe(statusCode);
  });
});
