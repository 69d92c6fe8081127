import { domainToASCII } from "node:url";
import parseAddresses from "nodemailer/lib/addressparser";
import { messageOf, ReportError } from "../report/errors.ts";
import type { Message } from "../report/message.ts";
import type { DeliveryClaim, Sender } from "../worker/ports.ts";
import { composeMail } from "./mime.ts";

/** What carries finished mails: SES in the cloud, the outbox on a laptop. */
export interface MailTransport {
  /**
   * Takes one mail to one recipient; `from` and `to` are bare addresses. Resolves with the provider's id. A ReportError
   * is passed on as it is; anything else becomes `delivery_failed`, to be tried again.
   */
  send(mail: { from: string; to: string; raw: Uint8Array; deliveryId: string }): Promise<string>;
  /** The provider's id, null when the mail was not taken, undefined when nobody can tell. */
  find(deliveryId: string): Promise<string | null | undefined>;
}

interface EmailOptions {
  /** An address, or a name with one in angle brackets. */
  readonly from: string;
  /** Lower case; empty: any. A subdomain is a domain of its own. */
  readonly recipientDomains: readonly string[];
  readonly transport: MailTransport;
  readonly now?: () => Date;
}

/** Sends messages as mail. Throws ReportError `configuration` when `from` is not one address. */
export function openEmailSender(options: EmailOptions): Sender {
  const { transport, now = () => new Date() } = options;
  const from = parseSender(options.from);
  const allowed = new Set(options.recipientDomains.map(normalizeDomain));
  return {
    async send(delivery, message) {
      const { target: to, deliveryId } = delivery;
      refuseLineBreaks(delivery, message);
      checkRecipient(to, allowed);
      const head = { ...from, to, deliveryId, date: now() };
      const raw = await composeMail(head, message);
      return await passOn(() => transport.send({ from: from.address, to, raw, deliveryId }));
    },
    find: (deliveryId) => passOn(() => transport.find(deliveryId)),
  };
}

/** One mailbox and nothing that a header or an envelope could read as a second one: RFC 5322 without quoted forms. */
const PLAIN_ADDRESS = /^[^\s"(),:;<>@[\\\]]+@([^\s"(),:;<>@[\\\]]+)$/;

function parseSender(from: string): { from: string; address: string; domain: string } {
  const mailboxes = LINE_BREAK.test(from) ? [] : parseAddresses(from, { flatten: true });
  const address = mailboxes.length === 1 ? (mailboxes[0]?.address ?? "") : "";
  const domain = PLAIN_ADDRESS.exec(address)?.[1];
  if (domain === undefined) {
    throw new ReportError(
      "configuration",
      `MAIL_FROM: ${JSON.stringify(from)} is not one address; write it as reports@example.com or Reports <reports@example.com>`,
    );
  }
  return { from, address, domain: normalizeDomain(domain) };
}

function checkRecipient(address: string, allowed: ReadonlySet<string>): void {
  const domain = PLAIN_ADDRESS.exec(address)?.[1];
  if (domain === undefined) {
    throw new ReportError(
      "recipient_refused",
      `${JSON.stringify(address)} is not one plain address`,
    );
  }
  if (allowed.size > 0 && !allowed.has(normalizeDomain(domain))) {
    throw new ReportError(
      "recipient_refused",
      `${address} is outside the domains that mail may go to; RECIPIENT_DOMAINS allows ${[...allowed].join(", ")}`,
    );
  }
}

/** In lower case and ASCII (IDNA), so that both spellings of an international name are one. */
function normalizeDomain(domain: string): string {
  return domainToASCII(domain) || domain.toLowerCase();
}

const LINE_BREAK = /[\r\n\0]/;

/** A line break in a header would begin a header of somebody else's choice. */
function refuseLineBreaks(delivery: DeliveryClaim, message: Message): void {
  const values: [string, string][] = [
    ["The recipient's address", delivery.target],
    ["The delivery's id", delivery.deliveryId],
    ["The subject", message.subject],
    ...message.attachments.flatMap(
      ({ fileName, mediaType, contentId = "" }): [string, string][] => [
        ["The content id of an attachment", contentId],
        ["The name of an attachment", fileName],
        ["The media type of an attachment", mediaType],
      ],
    ),
  ];
  for (const [what, value] of values) {
    if (LINE_BREAK.test(value)) {
      throw new ReportError(
        "delivery_failed",
        `${what} has a line break or a NUL in it: ${JSON.stringify(value)}`,
        { retryable: false },
      );
    }
  }
}

async function passOn<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    if (thrown instanceof ReportError) throw thrown;
    throw new ReportError("delivery_failed", messageOf(thrown), { cause: thrown });
  }
}
