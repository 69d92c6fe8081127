import { describe, expect, test } from "bun:test";
import PostalMime, { type Email } from "postal-mime";
import { openEmailSender, type MailTransport } from "../../src/notify/email.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Attachment, Message } from "../../src/report/message.ts";
import { claimTo, DELIVERY_ID, messageOf, openMemoryTransport } from "./mail-fixtures.ts";

const NOW = new Date("2026-11-22T07:08:09Z");
const TO = "anna@example.com";

async function sendOne(message: Message, from = "Berichte Süd <reports@example.com>") {
  const transport = openMemoryTransport();
  const sender = openEmailSender({ from, recipientDomains: [], transport, now: () => NOW });
  const providerId = await sender.send(claimTo(TO), message);
  const mail = transport.sent[0];
  if (mail === undefined) throw new Error("nothing was sent");
  return { providerId, mail, email: await PostalMime.parse(mail.raw) };
}

/** What sending is refused with; the transport must not have seen anything. */
async function refusalOf(target: string, message = messageOf(), recipientDomains: string[] = []) {
  const transport = openMemoryTransport();
  const sender = openEmailSender({ from: "r@example.com", recipientDomains, transport });
  const thrown: unknown = await sender.send(claimTo(target), message).catch((error) => error);
  expect(transport.sent).toEqual([]);
  if (!(thrown instanceof ReportError)) throw new Error(`was not refused: ${String(thrown)}`);
  return thrown;
}

function header(email: Email, name: string): string | undefined {
  const found = email.headers.filter((item) => item.key === name);
  expect(found.length).toBeLessThanOrEqual(1);
  return found[0]?.value;
}

function attachment(fileName: string, mediaType: string, bytes: Uint8Array): Attachment {
  return { fileName, mediaType, bytes };
}

describe("a mail, read back by another parser", () => {
  test("carries sender, recipient, date and both bodies", async () => {
    const { email, mail, providerId } = await sendOne(messageOf());
    expect(email.from).toEqual({ name: "Berichte Süd", address: "reports@example.com" });
    expect(email.to).toEqual([{ name: "", address: TO }]);
    expect(new Date(email.date ?? "")).toEqual(NOW);
    expect(email.text?.replaceAll("\r\n", "\n").trimEnd()).toBe(messageOf().text.trimEnd());
    expect(email.html?.trim()).toBe(messageOf().html);
    expect(mail.from).toBe("reports@example.com");
    expect(mail.to).toBe(TO);
    expect(providerId).toBe("memory-1");
  });

  test("says which delivery it is and that no person wrote it", async () => {
    const { email } = await sendOne(messageOf());
    expect(email.messageId).toBe(`<${DELIVERY_ID}@example.com>`);
    expect(header(email, "x-report-delivery")).toBe(DELIVERY_ID);
    expect(header(email, "auto-submitted")).toBe("auto-generated");
    expect(header(email, "mime-version")).toBe("1.0");
  });

  test.each([
    "Umsätze Österreich – größer als 5 € (4 rows)",
    "売上レポート 2026年11月 (1,234,567 rows)",
    "Bericht 📊 ".repeat(20).trim(),
    "=?utf-8?Q?not_an_encoded_word?=",
    "=?utf-8?Q?a=0D=0ABcc:_x@evil.example?= (4 rows) and a long tail that must be folded somewhere",
  ])("keeps the subject %p", async (subject) => {
    const { email, mail } = await sendOne(messageOf({ subject }));
    expect(email.subject).toBe(subject);
    const head = Buffer.from(mail.raw).toString("latin1").split("\r\n\r\n")[0] ?? "";
    expect(head).toMatch(/^[\x20-\x7e\r\n]+$/);
  });

  test("shows half a surrogate pair in a subject as the replacement character", async () => {
    const { email } = await sendOne(messageOf({ subject: "a\ud83d b" }));
    expect(email.subject).toBe("a\ufffd b");
  });

  test("keeps every byte of its attachments, text with LF line ends too", async () => {
    const everyByte = Uint8Array.from({ length: 70_001 }, (_, index) => (index * 31) % 256);
    const csv = new TextEncoder().encode(
      `\ufeffname;sum\n${"ä;1.50\n".repeat(2_000)}${"x".repeat(3_000)}`,
    );
    // A view into a larger buffer must not bring the rest of it along.
    const view = everyByte.subarray(100, 1_100);
    const files = [
      attachment("summary-2026-11-22.pdf", "application/pdf", everyByte),
      attachment("Umsätze für Köln – Zürich.csv", "text/csv; charset=utf-8", csv),
      attachment("part.bin", "application/octet-stream", view),
      attachment("empty.csv", "text/csv; charset=utf-8", new Uint8Array()),
    ];
    const { email } = await sendOne(messageOf({ attachments: files }));
    expect(email.attachments.map((file) => file.filename)).toEqual(files.map((f) => f.fileName));
    expect(email.attachments.map((file) => file.disposition)).toEqual(
      files.map(() => "attachment"),
    );
    expect(email.attachments.map((file) => file.mimeType)).toEqual([
      "application/pdf",
      "text/csv",
      "application/octet-stream",
      "text/csv",
    ]);
    for (const [index, file] of email.attachments.entries()) {
      if (!(file.content instanceof ArrayBuffer)) throw new Error("an attachment has no bytes");
      const expected = files[index]?.bytes ?? Buffer.of(0);
      expect(Buffer.from(file.content).equals(expected)).toBe(true);
    }
  });

  test("has CRLF line ends and no line over 998 bytes", async () => {
    const { mail } = await sendOne(
      messageOf({
        text: `${"long ".repeat(1_000)}\nbare LF\r\nCRLF\n`,
        html: `<p>${"ü".repeat(4_000)}</p>`,
        attachments: [attachment("a.bin", "application/octet-stream", new Uint8Array(5_000))],
      }),
    );
    const text = Buffer.from(mail.raw).toString("latin1");
    expect(text).not.toMatch(/[^\r]\n|\r[^\n]/);
    expect(Math.max(...text.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  test("text that looks like a path stays text", async () => {
    const { email } = await sendOne(
      messageOf({ text: "/etc/hostname", html: "file:///etc/hostname" }),
    );
    expect(email.text?.trim()).toBe("/etc/hostname");
    expect(email.html?.trim()).toBe("file:///etc/hostname");
  });
});

describe("a line break in a header is refused", () => {
  const evil = "\r\nBcc: everybody@evil.example";
  test.each([
    ["the subject", TO, messageOf({ subject: `Report${evil}` })],
    ["the subject, LF alone", TO, messageOf({ subject: "Report\nBcc: x@evil.example" })],
    ["the subject, NUL", TO, messageOf({ subject: "Report\0" })],
    ["the address", `${TO}${evil}`, messageOf()],
    [
      "a file's name",
      TO,
      messageOf({ attachments: [attachment(`a.pdf${evil}`, "application/pdf", Buffer.of(1))] }),
    ],
    [
      "a media type",
      TO,
      messageOf({ attachments: [attachment("a.pdf", `text/plain${evil}`, Buffer.of(1))] }),
    ],
  ])("in %s", async (_where, target, message) => {
    const error = await refusalOf(target, message);
    expect(error.code).toBe("delivery_failed");
    expect(error.retryable).toBe(false);
    expect(error.message).toContain("line break");
  });

  test("quotes and brackets in a subject or a file's name add no header", async () => {
    const subject = `"; Bcc: <x@evil.example>, "y"`;
    const fileName = `a"; filename="b.exe`;
    const { email } = await sendOne(
      messageOf({ subject, attachments: [attachment(fileName, "application/pdf", Buffer.of(1))] }),
    );
    expect(email.subject).toBe(subject);
    expect(email.bcc ?? []).toEqual([]);
    expect(email.attachments.map((file) => file.filename)).toEqual([fileName]);
  });
});

describe("recipients", () => {
  test("outside RECIPIENT_DOMAINS are refused, with the address and the setting named", async () => {
    const error = await refusalOf("eve@evil.example", messageOf(), ["example.com", "example.org"]);
    expect(error.code).toBe("recipient_refused");
    expect(error.retryable).toBe(false);
    expect(error.message).toBe(
      "eve@evil.example is outside the domains that mail may go to; RECIPIENT_DOMAINS allows example.com, example.org",
    );
  });

  test.each(["a@sub.example.com", "a@example.com.evil.example", "a@notexample.com"])(
    "%s is not in example.com",
    async (address) => {
      const error = await refusalOf(address, messageOf(), ["example.com"]);
      expect(error.code).toBe("recipient_refused");
    },
  );

  test.each([
    "a@evil.example, b@example.com",
    "group: a@evil.example, b@example.com;",
    '"a@evil.example"@example.com',
    "Anna <a@example.com>",
    "<a@evil.example>b@example.com",
    "a@evil.example@example.com",
    "example.com",
    "",
  ])("%p is not one plain address", async (address) => {
    const error = await refusalOf(address, messageOf(), ["example.com"]);
    expect(error.code).toBe("recipient_refused");
    expect(error.message).toContain("not one plain address");
  });

  test.each(["a@example.com", "a@EXAMPLE.com", "a@xn--mller-kva.de", "a@Müller.de"])(
    "%s is allowed in whatever spelling the domain has",
    async (address) => {
      const transport = openMemoryTransport();
      const recipientDomains = ["example.com", "müller.de"];
      const sender = openEmailSender({ from: "r@example.com", recipientDomains, transport });
      await sender.send(claimTo(address), messageOf());
      expect(transport.sent.map((mail) => mail.to)).toEqual([address]);
    },
  );
});

describe("the sender's address", () => {
  test.each([
    "",
    "reports",
    "a@example.com, b@example.com",
    "a@example.com\r\nBcc: x@evil.example",
  ])("%p is refused at once", (from) => {
    const open = () =>
      openEmailSender({ from, recipientDomains: [], transport: openMemoryTransport() });
    expect(open).toThrow(/^MAIL_FROM: .* is not one address/);
  });

  test("may be on this machine alone", async () => {
    const { email } = await sendOne(messageOf(), "reports@localhost");
    expect(email.from?.address).toBe("reports@localhost");
    expect(email.messageId).toBe(`<${DELIVERY_ID}@localhost>`);
  });
});

describe("the transport", () => {
  function failing(failure: Error): MailTransport {
    const fail = async (): Promise<never> => {
      throw failure;
    };
    return { send: fail, find: fail };
  }

  test("an unknown failure is a failed delivery that can be tried again", async () => {
    const transport = failing(new Error("connection reset"));
    const sender = openEmailSender({ from: "r@example.com", recipientDomains: [], transport });
    const failed = { code: "delivery_failed", retryable: true, message: "connection reset" };
    const sent: unknown = await sender.send(claimTo(TO), messageOf()).catch((error) => error);
    expect(sent).toMatchObject(failed);
    const found: unknown = await sender.find(DELIVERY_ID).catch((error) => error);
    expect(found).toMatchObject(failed);
  });

  test("a classified failure passes through as it is", async () => {
    const error = new ReportError("recipient_refused", "suppressed");
    const sender = openEmailSender({
      from: "r@example.com",
      recipientDomains: [],
      transport: failing(error),
    });
    const thrown: unknown = await sender.send(claimTo(TO), messageOf()).catch((other) => other);
    expect(thrown).toBe(error);
  });

  test("is asked whether a delivery went out", async () => {
    const transport = openMemoryTransport();
    const sender = openEmailSender({ from: "r@example.com", recipientDomains: [], transport });
    expect(await sender.find(DELIVERY_ID)).toBeNull();
    await sender.send(claimTo(TO), messageOf());
    expect(await sender.find(DELIVERY_ID)).toBe("memory-1");
  });
});
