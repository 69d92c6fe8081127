import type { MailTransport } from "../../src/notify/email.ts";
import type { Message } from "../../src/report/message.ts";
import type { DeliveryClaim } from "../../src/worker/ports.ts";

export const DELIVERY_ID = "3f2a9c".padEnd(64, "b7");

export function claimTo(target: string, changes: Partial<DeliveryClaim> = {}): DeliveryClaim {
  return {
    deliveryId: DELIVERY_ID,
    token: "token",
    fence: 1,
    runId: "run-1",
    channel: "EMAIL",
    target,
    kind: "RESULT",
    recipientKey: null,
    attempt: 1,
    takenOver: false,
    ...changes,
  };
}

export function messageOf(changes: Partial<Message> = {}): Message {
  return {
    subject: "Pricing summary (4 rows)",
    text: "Pricing summary\n\nFiles\n  summary.pdf, attached\n",
    html: "<!doctype html><html><body><h1>Pricing summary</h1></body></html>",
    attachments: [],
    ...changes,
  };
}

export type SentMail = Parameters<MailTransport["send"]>[0];

/** A transport that keeps what it is given. */
export function openMemoryTransport(): MailTransport & { readonly sent: SentMail[] } {
  const sent: SentMail[] = [];
  return {
    sent,
    send(mail) {
      sent.push(mail);
      return Promise.resolve(`memory-${sent.length}`);
    },
    find: (deliveryId) => {
      const index = sent.findIndex((mail) => mail.deliveryId === deliveryId);
      return Promise.resolve(index < 0 ? null : `memory-${index + 1}`);
    },
  };
}
