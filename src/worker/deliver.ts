import { ROWS_WITHOUT_RECIPIENT } from "../report/burst.ts";
import { writeSummaryMessage } from "../report/burst-message.ts";
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
import { parsePreview, previewPlace, type Preview } from "../report/preview.ts";
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
    const message = await writeMessage(claim, ports, settings);
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
  { ledger, store }: DeliverPorts,
  settings: DeliverSettings,
): Promise<Message> {
  switch (claim.kind) {
    case "FAILURE":
      return writeFailureMessage(await ledger.run(claim.runId));
    case "SUMMARY":
      return await writeSummary(claim, ledger);
    case "RESULT":
      return await writeResult(claim, await readResult(claim, ledger), store, settings);
  }
}

/** Of a burst, what is the recipient's own and nothing else. */
async function readResult(
  { runId, recipientKey: key, target: email }: DeliveryClaim,
  ledger: Ledger,
): Promise<SettledRun> {
  if (key === null) return await ledger.run(runId);
  const run = await ledger.run(runId, { key, email });
  const [first] = run.artifacts;
  if (first === undefined) throw new Error(`run ${runId} has no file for ${key} (${email})`);
  const warnings = run.warnings.filter(({ code }) => code !== ROWS_WITHOUT_RECIPIENT);
  return { ...run, rowCount: first.rowCount, warnings };
}

/** A topic and a webhook are read by many, so they are told no recipient's name. */
async function writeSummary(claim: DeliveryClaim, ledger: Ledger): Promise<Message> {
  const { warnings, ...run } = await ledger.run(claim.runId);
  const { done, failed } = await ledger.recipients(claim.runId);
  return writeSummaryMessage({
    ...run,
    warnings: warnings.filter(({ recipientKey }) => recipientKey === undefined),
    recipientsDone: done,
    failed: claim.channel === "EMAIL" ? failed : [],
  });
}

async function writeResult(
  claim: DeliveryClaim,
  run: SettledRun,
  store: Store,
  settings: DeliverSettings,
): Promise<Message> {
  const limit = claim.channel === "EMAIL" ? settings.attachmentBytesMax : 0;
  // Where no file may be attached, nothing of what is in the files may be shown either.
  const preview = limit > 0 ? await loadPreview(run, store) : null;
  const { attached, linked } = chooseAttachments(run.artifacts, limit);
  const attachments: Attachment[] = [];
  for (const { fileName, mediaType, uri } of attached) {
    attachments.push({ fileName, mediaType, bytes: await store.read(uri) });
  }
  const links: LinkedArtifact[] = [];
  for (const artifact of linked) {
    links.push({ artifact, url: await store.link(artifact), reason: linkReason(artifact, limit) });
  }
  return writeResultMessage(run, run.artifacts, attachments, links, preview);
}

/** Null: there is none, because no mail was to be sent when the files were made, or it is no longer kept. */
async function loadPreview({ artifacts }: SettledRun, store: Store): Promise<Preview | null> {
  const [first] = artifacts;
  if (first === undefined) return null;
  try {
    return parsePreview(new TextDecoder().decode(await store.read(previewPlace(first.uri))));
  } catch (thrown) {
    if (asReportError(thrown).retryable) throw thrown;
    return null;
  }
}

function resultOfError(error: ReportError, attempt: number, random: number): DeliveryResult {
  const described = `${error.code}: ${error.message}`;
  return error.retryable && attempt < DELIVERY_ATTEMPTS_MAX
    ? {
        state: "NEW",
        error: described,
        delayMs: error.retryAfterMs ?? retryDelayMs(attempt, random),
      }
    : { state: "FAILED", error: described };
}
