import { DELIVERY_ATTEMPTS_MAX, resendsUnknown } from "../report/delivery.ts";
import { asReportError, type ReportError } from "../report/errors.ts";
import {
  type Attachment,
  chooseAttachments,
  type LinkedArtifact,
  linkReason,
  type Message,
  writeFailureMessage,
  writeResultMessage,
} from "../report/message.ts";
import { retryDelayMs } from "../report/outcome.ts";
import { writeThroughOutage } from "./outage.ts";
import type {
  Clock,
  DeliveryClaim,
  DeliveryResult,
  Ledger,
  Sender,
  Senders,
  SettledRun,
  Store,
} from "./ports.ts";

export interface DeliverPorts {
  readonly ledger: Ledger;
  readonly store: Store;
  readonly senders: Senders;
  readonly clock: Clock;
}

export interface DeliverSettings {
  /** Files beyond this, as encoded for mail, are linked instead of attached. */
  readonly attachmentBytesMax: number;
}

export interface Delivered {
  readonly claim: DeliveryClaim;
  readonly result: DeliveryResult;
  /** False: the lease was lost before the result could be written. */
  readonly recorded: boolean;
}

/**
 * Works off one delivery that is due, of `runId` when given. Null: none is. A failure of the channel is a result, not a
 * throw, so that one channel never stops another and never reruns the SQL.
 */
export async function deliverNext(
  runId: string | null,
  ports: DeliverPorts,
  settings: DeliverSettings,
): Promise<Delivered | null> {
  const claim = await ports.ledger.claimDue(runId);
  if (claim === null) return null;
  const result = await attemptDelivery(claim, ports, settings);
  const recorded = await writeThroughOutage(
    () => ports.ledger.recordIfOwned(claim, result),
    () => true,
    ports.clock,
  );
  return { claim, result, recorded };
}

async function attemptDelivery(
  claim: DeliveryClaim,
  ports: DeliverPorts,
  settings: DeliverSettings,
): Promise<DeliveryResult> {
  try {
    const sender = ports.senders[claim.channel];
    const known = claim.takenOver ? await reconcile(claim, sender) : null;
    if (known !== null) return known;
    const run = await ports.ledger.run(claim.runId);
    const message = await writeMessage(claim, run, ports.store, settings);
    return { state: "SENT", providerId: await sender.send(claim, message) };
  } catch (thrown) {
    return resultOfError(asReportError(thrown), claim.attempt, ports.clock.random());
  }
}

/** What became of a message whose sender died; null: send it. */
async function reconcile(claim: DeliveryClaim, sender: Sender): Promise<DeliveryResult | null> {
  const providerId = await sender.find(claim.deliveryId);
  if (typeof providerId === "string") return { state: "SENT", providerId };
  if (providerId === null || resendsUnknown(claim.channel)) return null;
  return { state: "UNKNOWN", error: "a worker died while sending, and it may have gone out" };
}

async function writeMessage(
  claim: DeliveryClaim,
  run: SettledRun,
  store: Store,
  settings: DeliverSettings,
): Promise<Message> {
  if (claim.kind === "FAILURE") return writeFailureMessage(run);
  const limit = claim.channel === "EMAIL" ? settings.attachmentBytesMax : 0;
  const { attached, linked } = chooseAttachments(run.artifacts, limit);
  const attachments: Attachment[] = [];
  for (const { fileName, mediaType, uri } of attached) {
    attachments.push({ fileName, mediaType, bytes: await store.read(uri) });
  }
  const links: LinkedArtifact[] = [];
  for (const artifact of linked) {
    links.push({ artifact, url: await store.link(artifact), reason: linkReason(artifact, limit) });
  }
  return writeResultMessage(run, run.artifacts, attachments, links);
}

function resultOfError(error: ReportError, attempt: number, random: number): DeliveryResult {
  const described = `${error.code}: ${error.message}`;
  return error.retryable && attempt < DELIVERY_ATTEMPTS_MAX
    ? { state: "NEW", error: described, delayMs: retryDelayMs(attempt, random) }
    : { state: "FAILED", error: described };
}
