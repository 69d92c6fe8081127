import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { openOutbox } from "../../src/local/outbox.ts";
import { openEmailSender } from "../../src/notify/email.ts";
import { claimTo, DELIVERY_ID, messageOf } from "../notify/mail-fixtures.ts";

const NOW = new Date("2026-11-22T07:08:09.987Z");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "outbox-"));
});
afterEach(() => rm(folder, { recursive: true }));

function openSender(outboxFolder: string) {
  const transport = openOutbox(outboxFolder, () => NOW);
  return openEmailSender({ from: "reports@localhost", recipientDomains: [], transport });
}

test("a mail is one .eml file, named by time, recipient and delivery", async () => {
  const outbox = join(folder, "out/outbox");
  const attachment = {
    fileName: "Umsätze.pdf",
    mediaType: "application/pdf",
    bytes: Uint8Array.from({ length: 300 }, (_, index) => index % 256),
  };
  const message = messageOf({ subject: "Umsätze (4 rows)", attachments: [attachment] });
  const providerId = await openSender(outbox).send(claimTo("anna.m+x@example.com"), message);
  expect(providerId).toBe("2026-11-22T07-08-09-anna.m-x-at-example.com-3f2a9cb7b7b7.eml");
  expect(await readdir(outbox)).toEqual([providerId]);
  const email = await PostalMime.parse(await readFile(join(outbox, providerId)));
  expect(email.subject).toBe("Umsätze (4 rows)");
  expect(email.to?.[0]?.address).toBe("anna.m+x@example.com");
  expect(email.attachments[0]?.filename).toBe("Umsätze.pdf");
  const content = email.attachments[0]?.content;
  if (!(content instanceof ArrayBuffer)) throw new Error("the attachment has no bytes");
  expect(new Uint8Array(content)).toEqual(attachment.bytes);
});

test("a delivery is found by its id, and null before it is sent", async () => {
  const sender = openSender(join(folder, "not-yet"));
  expect(await sender.find(DELIVERY_ID)).toBeNull();
  const name = await sender.send(claimTo("anna@example.com"), messageOf());
  expect(await sender.find(DELIVERY_ID)).toBe(name);
});

test("a delivery is not mistaken for one whose id begins alike", async () => {
  const sender = openSender(folder);
  const other = DELIVERY_ID.slice(0, 12).padEnd(64, "0");
  await sender.send(claimTo("anna@example.com"), messageOf());
  expect(await sender.find(other)).toBeNull();
});

test("mails of one second to several recipients do not overwrite each other", async () => {
  const sender = openSender(folder);
  const ids = ["a", "b", "c"].map((first) => first.repeat(64));
  const names = await Promise.all(
    ids.map((deliveryId) => sender.send(claimTo("x@example.com", { deliveryId }), messageOf())),
  );
  expect((await readdir(folder)).sort()).toEqual(names.toSorted());
  expect(new Set(names).size).toBe(3);
});

test("a recipient's address cannot lead out of the folder", async () => {
  const outbox = openOutbox(join(folder, "outbox"), () => NOW);
  const to = "../../../etc/x@../evil";
  const mail = { from: "r@localhost", to, raw: Buffer.from("x"), deliveryId: "../../etc/passwd" };
  const name = await outbox.send(mail);
  expect(name).toMatch(/^2026-11-22T07-08-09-[A-Za-z0-9._-]+\.eml$/);
  expect(await readdir(join(folder, "outbox"))).toEqual([name]);
});

test("an outbox that is a file is a failed delivery that says what to do", async () => {
  const path = join(folder, "outbox");
  await writeFile(path, "a file");
  const sender = openSender(path);
  const sent: unknown = await sender.send(claimTo("a@example.com"), messageOf()).catch((e) => e);
  const found: unknown = await sender.find(DELIVERY_ID).catch((e) => e);
  for (const thrown of [sent, found]) {
    expect(thrown).toMatchObject({ code: "delivery_failed", retryable: true });
    expect(String(thrown)).toContain(`${path} is not a folder: move that file away`);
  }
});
