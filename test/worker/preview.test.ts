import { describe, expect, test } from "bun:test";
import PostalMime from "postal-mime";
import { openEmailSender } from "../../src/notify/email.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Message } from "../../src/report/message.ts";
import { deliverNext } from "../../src/worker/deliver.ts";
import { claimTo, openMemoryTransport } from "../notify/mail-fixtures.ts";
import { aColumn, aTable } from "../support/factories.ts";
import { tableAnswer } from "../support/fakes.ts";
import { createWorld, type World, type WorldOptions } from "../support/world.ts";

const MAIL = { emailRecipients: "ann@example.com", outputFormat: "PDF" };
const CHART = { options: '{"chart":{"type":"bar","x":"REGION","y":"AMOUNT"}}' };

/** A world in which a report of two regions was completed. */
async function settledWorld(row: object, options: WorldOptions = {}): Promise<World> {
  const world = await createWorld(options);
  const rows = [
    ["North & <b>South</b>", "1200"],
    ["West", "30"],
  ];
  const columns = [aColumn("REGION"), aColumn("AMOUNT", "fixed")];
  world.warehouse.answer = () => tableAnswer(aTable({ columns, rows }));
  await world.run(await world.claim(row));
  return world;
}

async function deliver(world: World): Promise<Message> {
  const delivered = await deliverNext(null, world.ports, world.settings);
  expect(delivered?.result.state).toBe("SENT");
  const message = world.senders.sent.at(-1)?.message;
  if (message === undefined) throw new Error("nothing was sent");
  return message;
}

describe("a mail", () => {
  test("shows the first rows, escaped, and in plain text side by side", async () => {
    await using world = await settledWorld(MAIL);
    const { text, html, attachments } = await deliver(world);
    expect(text).toContain(
      [
        "Preview",
        "  REGION                AMOUNT",
        "  North & <b>South</b>   1,200",
        "  West                      30",
      ].join("\n"),
    );
    expect(html).toContain("North &amp; &lt;b&gt;South&lt;/b&gt;");
    expect(html).toContain("text-align:right");
    expect(html).not.toContain("cid:");
    expect(attachments).toHaveLength(1);
  });

  test("shows the chart inside its HTML, as another parser reads it", async () => {
    await using world = await settledWorld({ ...MAIL, ...CHART });
    const message = await deliver(world);
    const transport = openMemoryTransport();
    const sender = openEmailSender({ from: "r@example.com", recipientDomains: [], transport });
    await sender.send(claimTo("ann@example.com"), message);
    const mail = await PostalMime.parse(transport.sent[0]?.raw ?? "");
    const chart = mail.attachments.find(({ mimeType }) => mimeType === "image/png");
    expect(chart).toMatchObject({ disposition: "inline", related: true });
    expect(mail.html).toContain(`src="cid:${chart?.contentId?.slice(1, -1)}"`);
    expect(
      Buffer.from(chart?.content as ArrayBuffer)
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    expect(mail.attachments).toHaveLength(2);
  });

  test("says how much more there is", async () => {
    await using world = await createWorld();
    const columns = Array.from({ length: 9 }, (_, at) => `C${at}`);
    const rows = Array.from({ length: 1_200 }, () => columns);
    world.warehouse.answer = () => tableAnswer(aTable({ columns, rows }));
    await world.run(await world.claim(MAIL));
    const { text, html } = await deliver(world);
    const rest = "The first 10 of 1,200 rows.";
    expect(text).toContain(`  ${rest}\n  1 more column in the files.`);
    expect(html).toContain(`${rest} 1 more column in the files.`);
  });

  test("shows nothing of the data where nothing may be attached", async () => {
    await using world = await settledWorld(
      { ...MAIL, ...CHART },
      { settings: { attachmentBytesMax: 0 } },
    );
    const { html, text, attachments } = await deliver(world);
    expect(html + text).not.toContain("West");
    expect(attachments).toEqual([]);
  });

  test("goes without the preview when that is no longer kept", async () => {
    await using world = await settledWorld(MAIL);
    const previews = [...world.store.files.keys()].filter((uri) =>
      uri.endsWith("/.daily-sales-2026-03-02.pdf.preview.json"),
    );
    expect(previews).toHaveLength(1);
    for (const uri of previews) world.store.files.delete(uri);
    const { text, attachments } = await deliver(world);
    expect(text).not.toContain("Preview");
    expect(attachments).toHaveLength(1);
  });

  test.each(["", "{", '{"columns":1}'])("goes without a preview that reads %j", async (written) => {
    await using world = await settledWorld(MAIL);
    for (const uri of world.store.files.keys()) {
      if (uri.endsWith("/.daily-sales-2026-03-02.pdf.preview.json"))
        world.store.files.set(uri, Buffer.from(written));
    }
    expect((await deliver(world)).text).not.toContain("Preview");
  });

  test("waits while the store does not answer", async () => {
    await using world = await settledWorld(MAIL);
    world.store.readFailure = new ReportError("store_failed", "slow down");
    const delivered = await deliverNext(null, world.ports, world.settings);
    expect(delivered?.result).toMatchObject({ state: "NEW" });
  });
});

describe("the other channels", () => {
  test("get links alone, and nothing is kept for mails that nobody gets", async () => {
    await using world = await settledWorld({ slackWebhook: "finance", outputFormat: "CSV" });
    expect([...world.store.files.keys()].some((uri) => uri.includes("preview"))).toBe(false);
    const { html, text } = await deliver(world);
    expect(html + text).not.toContain("West");
  });

  test("that say how long to wait are asked again after just that", async () => {
    await using world = await settledWorld({ slackWebhook: "finance", outputFormat: "CSV" });
    const retryAfterMs = 30_000;
    world.senders.failures.SLACK = new ReportError("delivery_failed", "429", { retryAfterMs });
    const delivered = await deliverNext(null, world.ports, world.settings);
    expect(delivered?.result).toEqual({
      state: "NEW",
      error: "delivery_failed: 429",
      delayMs: 30_000,
    });
  });
});
