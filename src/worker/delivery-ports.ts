import type { Artifact } from "../report/artifact.ts";
import type { RecipientMark } from "../report/burst.ts";
import type { FailedDelivery } from "../report/burst-message.ts";
import type { Channel, DeliveryKind } from "../report/delivery.ts";
import type { Message } from "../report/message.ts";
import type { RunWarning } from "./ports.ts";

/** A message that this worker holds. */
export interface DeliveryClaim {
  readonly deliveryId: string;
  readonly token: string;
  readonly fence: number;
  readonly runId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly kind: DeliveryKind;
  /** Of a burst: whose rows the message carries; otherwise null. */
  readonly recipientKey: string | null;
  readonly attempt: number;
  /** It was SENDING when its former worker's lease expired: it may have gone out. */
  readonly takenOver: boolean;
}

/** How an attempt at a message ended. */
export type DeliveryResult =
  | { readonly state: "SENT"; readonly providerId: string }
  | { readonly state: "NEW"; readonly error: string; readonly delayMs: number }
  | { readonly state: "FAILED" | "UNKNOWN"; readonly error: string };

/** A settled run as the ledger gives it back, to write a message from. */
export interface SettledRun {
  readonly runId: string;
  readonly configId: string;
  readonly reportName: string;
  readonly outcome: string;
  /** Why it was skipped, waited, or is late. */
  readonly reason: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly queryId: string | null;
  readonly rowCount: number | null;
  readonly scheduledFor: Date | null;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly artifacts: readonly Artifact[];
  readonly warnings: readonly RunWarning[];
}

/** The deliveries: a second, small queue with claims and fences of its own. */
export interface Ledger {
  /** Claims one delivery that is due (of `runId` when given). Null: nothing is due, or somebody was faster. */
  claimDue(runId: string | null): Promise<DeliveryClaim | null>;
  /** With all its artifacts and warnings, or with those of one recipient and the warnings about the run. */
  run(runId: string, recipient?: RecipientMark): Promise<SettledRun>;
  /** What is known of a burst's recipients now: how many did not fail, and who did. */
  recipients(runId: string): Promise<{ done: number; failed: FailedDelivery[] }>;
  /** False: the lease was lost and nothing is written. */
  recordIfOwned(claim: DeliveryClaim, result: DeliveryResult): Promise<boolean>;
}

/** Sends rendered messages of one channel. Rendering is pure (report/message.ts); sending is the one effect. */
export interface Sender {
  /**
   * Resolves with the provider's id. Throws ReportError: `delivery_failed` (retryable or not), `recipient_refused`.
   */
  send(delivery: DeliveryClaim, message: Message): Promise<string>;
  /** Whether the provider has taken this delivery: its id, null when it has not, undefined when nobody can tell. */
  find(deliveryId: string): Promise<string | null | undefined>;
}

export type Senders = Readonly<Record<Channel, Sender>>;
