import { createHash } from "node:crypto";
import type { BurstResult, RecipientMark } from "./burst.ts";
import type { Recipients } from "./recipients.ts";

export const CHANNELS = ["EMAIL", "SNS", "SLACK"] as const;
export type Channel = (typeof CHANNELS)[number];

/** RESULT carries the files to the recipients, FAILURE tells the owner, SUMMARY tells of a burst and has no files. */
export const DELIVERY_KINDS = ["RESULT", "FAILURE", "SUMMARY"] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/**
 * NEW: nobody has tried. SENDING: a worker holds it; when its lease expires another takes over.
 * SENT, FAILED: over. UNKNOWN: a worker died while sending, the provider cannot be asked, and sending twice would be
 * worse than not at all on this channel; a person decides.
 */
export type DeliveryState = "NEW" | "SENDING" | "SENT" | "FAILED" | "UNKNOWN";

/** One message to one target: a row of the ledger before anybody tried. */
export interface PlannedDelivery {
  /** The same run, channel, target, kind and recipient's key always give the same identity. */
  readonly deliveryId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly kind: DeliveryKind;
  /** Of a burst: whose rows the message carries. */
  readonly recipientKey?: string;
  /** Set: there is nothing to send, and this is why. */
  readonly error?: string;
}

export const DELIVERY_ATTEMPTS_MAX = 7;

/** The messages that a completed run owes. */
export function planResultDeliveries(runId: string, recipients: Recipients): PlannedDelivery[] {
  const targets: [Channel, string][] = recipients.emails.map((address) => ["EMAIL", address]);
  if (recipients.snsTopicArn !== null) targets.push(["SNS", recipients.snsTopicArn]);
  if (recipients.slackWebhook !== null) targets.push(["SLACK", recipients.slackWebhook]);
  return targets.map(([channel, target]) => planDelivery(runId, channel, target, "RESULT"));
}

/** The message that a failed run owes its owner. */
export function planFailureDeliveries(runId: string, ownerEmail: string | null): PlannedDelivery[] {
  return ownerEmail === null ? [] : [planDelivery(runId, "EMAIL", ownerEmail, "FAILURE")];
}

/**
 * The messages that the run of a burst owes: each recipient theirs, one summary to the topic and the webhook, and one to
 * the owner when recipients failed. Those are in the ledger too, with the reason.
 */
export function planBurstDeliveries(
  runId: string,
  { done, failed }: BurstResult,
  { snsTopicArn, slackWebhook }: Recipients,
  ownerEmail: string | null,
): PlannedDelivery[] {
  const summaries: [Channel, string][] = [];
  if (snsTopicArn !== null) summaries.push(["SNS", snsTopicArn]);
  if (slackWebhook !== null) summaries.push(["SLACK", slackWebhook]);
  if (ownerEmail !== null && failed.length > 0) summaries.push(["EMAIL", ownerEmail]);
  return [
    ...planRecipientDeliveries(runId, done),
    ...failed.map(({ key, email, error }) => ({
      ...planDelivery(runId, "EMAIL", email, "RESULT", key),
      error: `${error.code}: ${error.message}`,
    })),
    ...summaries.map(([channel, target]) => planDelivery(runId, channel, target, "SUMMARY")),
  ];
}

/** The messages to those of a burst whose files are made. */
export function planRecipientDeliveries(
  runId: string,
  recipients: readonly RecipientMark[],
): PlannedDelivery[] {
  return recipients.map(({ key, email }) => planDelivery(runId, "EMAIL", email, "RESULT", key));
}

/** Whether a message of a dead worker is sent again when nobody can tell if it went: mail yes, chat no. */
export function resendsUnknown(channel: Channel): boolean {
  return channel === "EMAIL";
}

function planDelivery(
  runId: string,
  channel: Channel,
  target: string,
  kind: DeliveryKind,
  recipientKey?: string,
): PlannedDelivery {
  const parts = [
    runId,
    channel,
    target,
    kind,
    ...(recipientKey === undefined ? [] : [recipientKey]),
  ];
  const deliveryId = createHash("sha256").update(parts.join("|")).digest("hex");
  return {
    deliveryId,
    channel,
    target,
    kind,
    ...(recipientKey === undefined ? {} : { recipientKey }),
  };
}
