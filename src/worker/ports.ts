import type { Artifact, Format } from "../report/artifact.ts";
import type { Channel, DeliveryKind } from "../report/delivery.ts";
import type { Message } from "../report/message.ts";
import type { AttemptFacts, Settlement } from "../report/outcome.ts";
import type { Parameters, ReportRow } from "../report/request.ts";
import type { Table } from "../report/table.ts";

/** A report that could be claimed now, as it was seen by a plain read: a hint, no promise. */
export interface Candidate {
  readonly configId: string;
  /** The claim succeeds only if the fence is still this. */
  readonly fence: number;
  /** The lease of another worker has expired. */
  readonly expired: boolean;
  /** A SCHEDULED report that was never planned: give it its first time instead of claiming it. */
  readonly unplanned: boolean;
  readonly row: ReportRow;
  readonly createdAt: Date;
}

/** A report that this worker holds, until it settles it or loses the lease. */
export interface Claim extends AttemptFacts {
  readonly configId: string;
  readonly token: string;
  readonly fence: number;
  readonly runId: string;
  readonly row: ReportRow;
  /** The occurrence that is due; null for an ADHOC report. */
  readonly nextRunAt: Date | null;
  readonly cancelRequested: boolean;
  /** By the database's clock, when the claim was read back. */
  readonly claimedAt: Date;
  readonly queueMs: number;
  /** Its former worker died, and what that one chose is not known. */
  readonly takenOver: boolean;
  /** More than one when rows share a CONFIG_ID, which the database does not prevent. */
  readonly rowsClaimed: number;
}

/** What the audit keeps of an attempt, beside its settlement. Milliseconds; null: not reached. */
export interface RunFacts {
  readonly scheduledFor: Date | null;
  readonly missed: readonly Date[];
  readonly queryId: string | null;
  readonly rowCount: number | null;
  readonly queryMs: number | null;
  readonly renderMs: number | null;
  readonly storeMs: number | null;
  readonly warnings: readonly RunWarning[];
}

export interface RunWarning {
  readonly format: Format | null;
  readonly code: string;
  readonly count: number;
  readonly message: string;
}

/** Which reports a lane may take: all, ADHOC only, or SCHEDULED only with the oldest first. */
export type CandidateFilter = "any" | "adhoc" | "oldest-scheduled";

/** The queue's state as numbers: what an idle worker decides by. */
export interface QueueDepth {
  /** Due and unclaimed, or held by a dead worker, or messages not yet sent. */
  readonly pending: number;
  readonly running: number;
  /** When something will be due that is not yet. */
  readonly nextDueAt: Date | null;
}

/**
 * The reports. Every method throws ReportError `warehouse_unavailable` or `login_refused` when the warehouse cannot be
 * asked. Times are decided by the database's clock.
 */
export interface Queue {
  /** A plain read, at most `limit`, in the order they should be taken. Takes nothing. */
  candidates(filter: CandidateFilter, limit: number): Promise<Candidate[]>;
  /** Compare-and-set on the fence, then a read-back by token. Null: somebody was faster. */
  claimIfUnchanged(candidate: Candidate): Promise<Claim | null>;
  /** Gives an unplanned SCHEDULED report its first time. False: somebody was faster. */
  planIfUnchanged(candidate: Candidate, nextRunAt: Date): Promise<boolean>;
  /** Writes settlement, run and owed deliveries in one transaction. False: the lease was lost and nothing is written. */
  settleIfOwned(claim: Claim, settlement: Settlement, facts: RunFacts): Promise<boolean>;
  /** Those of the given claims that a person wants stopped. */
  cancelRequested(claims: readonly Claim[]): Promise<Claim[]>;
  depth(): Promise<QueueDepth>;
  /** By the database's clock, UTC. */
  now(): Promise<Date>;
}

/** A message that this worker holds. */
export interface DeliveryClaim {
  readonly deliveryId: string;
  readonly token: string;
  readonly fence: number;
  readonly runId: string;
  readonly channel: Channel;
  readonly target: string;
  readonly kind: DeliveryKind;
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
  run(runId: string): Promise<SettledRun>;
  /** False: the lease was lost and nothing is written. */
  recordIfOwned(claim: DeliveryClaim, result: DeliveryResult): Promise<boolean>;
}

export interface Query {
  readonly sql: string;
  readonly binds: readonly Parameters[string][];
  readonly timeoutSeconds: number;
  /** Becomes the QUERY_TAG, as JSON. */
  readonly tag: Readonly<Record<string, string>>;
  readonly timezone: string;
}

export interface QueryResult {
  readonly queryId: string;
  readonly table: Table;
  /** The data is at least as new as this, by the worker's clock. */
  readonly dataAsOf: Date;
}

/** Runs report SQL, read-only. */
export interface Warehouse {
  /**
   * Resolves when the first rows can be read. An abort cancels the statement in the warehouse and rejects with the
   * signal's reason. Throws ReportError: query_failed, query_timeout, warehouse_unavailable, login_refused.
   */
  query(query: Query, signal: AbortSignal): Promise<QueryResult>;
}

/** A rendered file on the worker's disk. */
export interface RenderedFile {
  readonly path: string;
  readonly key: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface Store {
  /** Stores the file under its key; the same file twice is one file. Throws ReportError `store_failed`. */
  put(file: RenderedFile, signal: AbortSignal): Promise<{ uri: string }>;
  /** The bytes of a stored file. Throws ReportError `store_failed`. */
  read(uri: string): Promise<Uint8Array>;
  /** A link that a recipient can open. */
  link(artifact: Artifact): Promise<string>;
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

/** Signs of life from another thread. */
export interface Heartbeat extends AsyncDisposable {
  /** Beats only while the worker holds something, so that an idle one keeps no warehouse awake. */
  setActive(active: boolean): void;
  /** Call whenever work moves; without it for ten minutes the beats stop, so that a hang is not hidden. */
  progress(): void;
  /** Milliseconds, monotonic, since the latest beat that reached the database was begun, or since it became active. */
  ageMs(): number;
}

export interface Clock {
  now(): Date;
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  /** Resolves after `ms`, or as soon as the signal is aborted; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}
