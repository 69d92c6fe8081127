import { createHash } from "node:crypto";
import type { Recipients } from "./request.ts";

export const CHANNELS = ["EMAIL", "SNS", "SLACK"] as const;
export type Channel = (typeof CHANNELS)[number];

/** RESULT carries the files to the recipients, FAILURE tells the owner. */
export type DeliveryKind = "RESULT" | "FAILURE";

/**
 * NEW: nobody has tried. SENDING: a worker holds it; when its lease expires another takes over.
 * SENT, FAILED: over. UNKNOWN: a worker died while sending, the provider cannot be asked, and sending twice would be
 * worse than not at all on this channel; a person decides.
 */
export type DeliveryState = "NEW" | "SENDING" | "SENT" | "FAILED" | "UNKNOWN";

/** One message to one target: a row of the ledger before anybody tried. */
export interface PlannedDelivery {
  /** The same run, channel, target and kind always give the same identity. */
  readonly deliveryId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly kind: DeliveryKind;
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

/** Whether a message of a dead worker is sent again when nobody can tell if it went: mail yes, chat no. */
export function resendsUnknown(channel: Channel): boolean {
  return channel === "EMAIL";
}

function planDelivery(
  runId: string,
  channel: Channel,
  target: string,
  kind: DeliveryKind,
): PlannedDelivery {
  const deliveryId = createHash("sha256")
    .update([runId, channel, target, kind].join("|"))
    .digest("hex");
  return { deliveryId, channel, target, kind };
}
