import { describe, expect, test } from "bun:test";
import { DELIVERY_ATTEMPTS_MAX } from "../../src/report/delivery.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Channel } from "../../src/report/delivery.ts";
import { deliverNext, type Delivered } from "../../src/worker/deliver.ts";
import { anError } from "../support/factories.ts";
import { failingAnswer } from "../support/fakes.ts";
import { createWorld, type World, type WorldOptions } from "../support/world.ts";

const TOPIC = "arn:aws:sns:eu-central-1:123456789012:reports";
const EVERYBODY = {
  emailRecipients: "reader@example.com",
  snsTopicArn: TOPIC,
  slackWebhook: "finance",
};

/** A world in which one report was completed, and its messages are owed. */
async function settledWorld(row = EVERYBODY as object, options: WorldOptions = {}): Promise<World> {
  const world = await createWorld(options);
  await world.run(await world.claim(row));
  return world;
}

async function deliver(world: World, runId: string | null = null): Promise<Delivered | null> {
  return await deliverNext(runId, world.ports, world.settings);
}

async function deliverAll(world: World): Promise<Delivered[]> {
  const all: Delivered[] = [];
  for (;;) {
    const delivered = await deliver(world);
    if (delivered === null) return all;
    all.push(delivered);
  }
}

function delivery(world: World, channel: Channel) {
  const found = world.deliveries().find((stored) => stored.channel === channel);
  if (found === undefined) throw new Error(`nothing is owed to ${channel}`);
  return found;
}

/** A worker claims what is owed to a channel and dies over it; its lease runs out. */
async function dieSending(world: World): Promise<void> {
  await world.another({ workerId: "worker-2", bootId: "b0070002" }).ports.ledger.claimDue(null);
  await world.clock.advance(301_000);
}

describe("deliverNext", () => {
  test("nothing owed is nothing done", async () => {
    await using world = await createWorld();
    expect(await deliver(world)).toBeNull();
  });

  test("each target gets its message once, and the ledger keeps the provider's id", async () => {
    await using world = await settledWorld();
    const delivered = await deliverAll(world);
    expect(delivered.map(({ result, recorded }) => [result.state, recorded])).toEqual([
      ["SENT", true],
      ["SENT", true],
      ["SENT", true],
    ]);
    const targets = world.senders.sent.map(({ delivery }) => delivery.target);
    expect(new Set(targets)).toEqual(new Set(["reader@example.com", TOPIC, "finance"]));
    for (const stored of world.deliveries()) {
      expect(stored).toMatchObject({ state: "SENT", token: null, error: null });
      expect(stored.providerId).toStartWith(`${stored.channel}-`);
    }
  });

  test("of a given run only", async () => {
    await using world = await settledWorld();
    expect(await deliver(world, "another-run")).toBeNull();
    expect(await deliver(world, world.runs()[0]?.runId ?? "")).not.toBeNull();
  });

  test("mail has the files attached, the other channels have links", async () => {
    await using world = await settledWorld();
    await deliverAll(world);
    const message = (channel: Channel) =>
      world.senders.sent.find((sent) => sent.delivery.channel === channel)?.message;
    const [attachment] = message("EMAIL")?.attachments ?? [];
    expect(new TextDecoder().decode(attachment?.bytes)).toBe('ID NAME\n["1","one"]\n["2",null]\n');
    expect(attachment).toMatchObject({
      fileName: "daily-sales-2026-03-02.csv",
      mediaType: "text/csv; charset=utf-8",
    });
    for (const channel of ["SNS", "SLACK"] as const) {
      expect(message(channel)?.attachments).toEqual([]);
      expect(message(channel)?.text).toContain("https://files.example/daily-sales-2026-03-02.csv");
      expect(message(channel)?.text).toContain("no files are attached here");
    }
  });

  test("a file beyond the limit is linked with the reason", async () => {
    await using world = await settledWorld(
      { emailRecipients: "reader@example.com" },
      {
        settings: { attachmentBytesMax: 20 },
      },
    );
    await deliver(world);
    const [sent] = world.senders.sent;
    expect(sent?.message.attachments).toEqual([]);
    expect(sent?.message.text).toContain("is too large to attach");
    expect(sent?.message.text).toContain("https://files.example/");
  });

  test("a failed run tells its owner what to do", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(anError("query_failed", "no such table"));
    await world.run(await world.claim(EVERYBODY));
    await deliverAll(world);
    expect(world.senders.sent.map(({ delivery }) => delivery.target)).toEqual([
      "owner@example.com",
    ]);
    expect(world.senders.sent[0]?.message.text).toContain("no such table (query_failed)");
    expect(world.senders.sent[0]?.message.text).toContain("report-service retry report-1");
  });
});

describe("a delivery that fails", () => {
  test("stops no other channel and no report", async () => {
    await using world = await settledWorld();
    world.senders.failures.EMAIL = anError("delivery_failed");
    world.senders.failures.SNS = new TypeError("a defect");
    const delivered = await deliverAll(world);
    expect(delivered).toHaveLength(3);
    expect(delivery(world, "SLACK").state).toBe("SENT");
    expect(delivery(world, "EMAIL")).toMatchObject({
      state: "NEW",
      error: "delivery_failed: a delivery_failed",
    });
    expect(delivery(world, "SNS")).toMatchObject({ state: "NEW", error: "internal: a defect" });
    expect(world.report().status).toBe("COMPLETED");
    expect(world.warehouse.queries).toHaveLength(1);
  });

  test("waits before it is tried again, and then is", async () => {
    await using world = await settledWorld({ slackWebhook: "finance" });
    world.senders.failures.SLACK = anError("delivery_failed");
    await deliver(world);
    expect(await deliver(world)).toBeNull();
    // Half of 30 s, by this world's random numbers.
    await world.clock.advance(15_000);
    delete world.senders.failures.SLACK;
    expect((await deliver(world))?.result.state).toBe("SENT");
    expect(delivery(world, "SLACK")).toMatchObject({ state: "SENT", attempt: 2, error: null });
  });

  test("for good is not tried again", async () => {
    await using world = await settledWorld({ emailRecipients: "reader@example.com" });
    world.senders.failures.EMAIL = anError("recipient_refused");
    await deliver(world);
    expect(delivery(world, "EMAIL").state).toBe("FAILED");
    await world.clock.advance(86_400_000);
    expect(await deliver(world)).toBeNull();
  });

  test("is not tried again when the provider says that it never will work", async () => {
    await using world = await settledWorld({ slackWebhook: "finance" });
    const retryable = false;
    world.senders.failures.SLACK = new ReportError("delivery_failed", "no channel", { retryable });
    await deliver(world);
    expect(delivery(world, "SLACK").state).toBe("FAILED");
  });

  test("is given up after so many attempts", async () => {
    await using world = await settledWorld({ slackWebhook: "finance" });
    world.senders.failures.SLACK = anError("delivery_failed");
    let attempts = 0;
    while (delivery(world, "SLACK").state === "NEW") {
      await world.clock.advance(30 * 60_000);
      expect(await deliver(world)).not.toBeNull();
      attempts += 1;
    }
    expect(attempts).toBe(DELIVERY_ATTEMPTS_MAX);
    expect(delivery(world, "SLACK").state).toBe("FAILED");
  });

  test("because its file cannot be read is tried again, without the SQL", async () => {
    await using world = await settledWorld({ emailRecipients: "reader@example.com" });
    world.store.readFailure = anError("store_failed");
    await deliver(world);
    expect(delivery(world, "EMAIL")).toMatchObject({
      state: "NEW",
      error: "store_failed: a store_failed",
    });
    expect(world.senders.sent).toEqual([]);
    expect(world.warehouse.queries).toHaveLength(1);
  });
});

describe("a delivery whose worker died while sending", () => {
  const mail = { emailRecipients: "reader@example.com" };
  const chat = { slackWebhook: "finance" };

  test("is left alone until the lease is over", async () => {
    await using world = await settledWorld(mail);
    await world.another({ workerId: "worker-2", bootId: "b0070002" }).ports.ledger.claimDue(null);
    await world.clock.advance(299_000);
    expect(await deliver(world)).toBeNull();
  });

  test("is not sent again when the provider has it", async () => {
    await using world = await settledWorld(mail);
    await dieSending(world);
    world.senders.found.EMAIL = (deliveryId) => `known-${deliveryId.slice(0, 4)}`;
    expect((await deliver(world))?.result.state).toBe("SENT");
    expect(world.senders.sent).toEqual([]);
    expect(delivery(world, "EMAIL").providerId).toStartWith("known-");
  });

  test.each([mail, chat])("is sent when the provider says that it never came: %j", async (row) => {
    await using world = await settledWorld(row);
    await dieSending(world);
    world.senders.found.EMAIL = () => null;
    world.senders.found.SLACK = () => null;
    expect((await deliver(world))?.result.state).toBe("SENT");
    expect(world.senders.sent).toHaveLength(1);
  });

  test("is sent again as mail when nobody can tell", async () => {
    await using world = await settledWorld(mail);
    await dieSending(world);
    expect((await deliver(world))?.result.state).toBe("SENT");
    expect(world.senders.sent).toHaveLength(1);
  });

  test("is left to a person as a Slack message when nobody can tell", async () => {
    await using world = await settledWorld(chat);
    await dieSending(world);
    expect((await deliver(world))?.result.state).toBe("UNKNOWN");
    expect(world.senders.sent).toEqual([]);
    await world.clock.advance(86_400_000);
    expect(await deliver(world)).toBeNull();
  });

  test("a provider that was not asked about a first attempt is not asked at all", async () => {
    await using world = await settledWorld(chat);
    world.senders.found.SLACK = () => {
      throw new Error("asked");
    };
    expect((await deliver(world))?.result.state).toBe("SENT");
  });
});

test("a result that comes after the lease is over is not recorded", async () => {
  await using world = await settledWorld({ emailRecipients: "reader@example.com" });
  const other = world.another({ workerId: "worker-2", bootId: "b0070002" });
  world.database.intercept = async (step, stage, worker) => {
    if (step !== "ledger.run" || stage !== "before" || worker.workerId !== "worker-1") return;
    await world.clock.advance(301_000);
    expect(await other.ports.ledger.claimDue(null)).toMatchObject({ takenOver: true, fence: 2 });
  };
  const delivered = await deliver(world);
  expect(delivered).toMatchObject({ result: { state: "SENT" }, recorded: false });
  expect(delivery(world, "EMAIL")).toMatchObject({ state: "SENDING", fence: 2, providerId: null });
});

test("two workers that deliver at once send each message once", async () => {
  const addresses = Array.from({ length: 20 }, (_, index) => `r${index}@example.com`).join(",");
  await using world = await settledWorld({ emailRecipients: addresses });
  const other = world.another({ workerId: "worker-2", bootId: "b0070002" });
  const drain = async (ports: typeof world.ports): Promise<void> => {
    while (world.deliveries().some((stored) => stored.state === "NEW")) {
      await deliverNext(null, ports, world.settings);
    }
  };
  await Promise.all([drain(world.ports), drain(other.ports)]);
  const targets = world.senders.sent.map((sent) => sent.delivery.target);
  expect(targets).toHaveLength(20);
  expect(new Set(targets).size).toBe(20);
});
