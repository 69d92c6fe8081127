import type { Artifact, Format } from "../report/artifact.ts";
import type { RecipientMark } from "../report/burst.ts";
import type { AttemptFacts, Settlement } from "../report/outcome.ts";
import type { ParameterValue } from "../report/parameter-values.ts";
import type { ReportRow } from "../report/request.ts";
import type { Table } from "../report/table.ts";
import type { Unload } from "../report/unload.ts";

export type {
  DeliveryClaim,
  DeliveryResult,
  Ledger,
  Sender,
  Senders,
  SettledRun,
} from "./delivery-ports.ts";

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
  /** OWNER_EMAIL, else CREATED_BY: whose reports are counted together. Null: not counted. */
  readonly owner: string | null;
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
  /** Since when the data-ready condition of this occurrence is being checked; null: not yet. */
  readonly waitingSince: Date | null;
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
  /** Of REPORT_SQL as it stood in the row. */
  readonly sqlSha256: string;
  /** What was bound, in the form of PARAMETERS, without secrets. Null: the row could not be read. */
  readonly parameters: Readonly<Record<string, unknown>> | null;
  /** The rows are as new as this. */
  readonly dataAsOf: Date | null;
  /** Of columns and rows, when the report asks whether they changed. */
  readonly resultSha256: string | null;
  /** Why it was skipped, waits or is late, and what became of the recipients of a burst when not all got theirs. */
  readonly reason: string | null;
}

/** The latest run of a report that was completed: what "since the last time" means. */
export interface CompletedRun {
  readonly runId: string;
  readonly startedAt: Date;
  readonly dataAsOf: Date | null;
  readonly resultSha256: string | null;
}

export interface RunWarning {
  readonly format: Format | null;
  readonly code: string;
  readonly count: number;
  readonly message: string;
  /** Of a burst: whose file it is about; without these it is about the run. */
  readonly recipientKey?: string | undefined;
  readonly recipientEmail?: string | undefined;
}

/** Which reports a lane may take: all, ADHOC only, or SCHEDULED only with the oldest first. */
export type CandidateFilter = "any" | "adhoc" | "oldest-scheduled";

/** The queue's state as numbers: what an idle worker decides by. */
export interface QueueDepth {
  /** Due and unclaimed, or held by a dead worker, or messages not yet sent: work for another lane. */
  readonly pending: number;
  /** Due, but their owners have as many running as may be: no work for another lane. */
  readonly heldBack: number;
  readonly running: number;
  /** Since when the oldest of `pending` has been due; null: nothing is pending. */
  readonly oldestPendingAt: Date | null;
  /** When something will be due that is not yet. */
  readonly nextDueAt: Date | null;
}

/**
 * The reports. Every method throws ReportError `warehouse_unavailable` or `login_refused` when the warehouse cannot be
 * asked. Times are decided by the database's clock.
 */
export interface Queue {
  /**
   * A plain read, at most `limit`, in the order they should be taken, without those of owners who have as many running
   * as may be. Takes nothing.
   */
  candidates(filter: CandidateFilter, limit: number): Promise<Candidate[]>;
  /**
   * Compare-and-set on the fence, then a read-back by token. Null: somebody was faster, or its owner has as many
   * running as may be. That limit is soft by at most the claims that are made in the same moment.
   */
  claimIfUnchanged(candidate: Candidate): Promise<Claim | null>;
  /** Gives an unplanned SCHEDULED report its first time. False: somebody was faster. */
  planIfUnchanged(candidate: Candidate, nextRunAt: Date): Promise<boolean>;
  /** Writes settlement, run and owed deliveries in one transaction. False: the lease was lost and nothing is written. */
  settleIfOwned(claim: Claim, settlement: Settlement, facts: RunFacts): Promise<boolean>;
  /** Those of the given claims that a person wants stopped. */
  cancelRequested(claims: readonly Claim[]): Promise<Claim[]>;
  depth(): Promise<QueueDepth>;
  /** Null before a run of this report was completed. */
  lastCompleted(configId: string): Promise<CompletedRun | null>;
  /**
   * Whom a burst has a message for that was sent, is on its way, or may have been sent: of the runs for an occurrence
   * from `since` on, or of all runs.
   */
  servedRecipients(configId: string, since: Date | null): Promise<RecipientMark[]>;
  /** By the database's clock, UTC. */
  now(): Promise<Date>;
}

export interface Query {
  readonly sql: string;
  readonly binds: readonly ParameterValue[];
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
  /** The bytes of a stored file. Throws ReportError `store_failed`, not retryable when it is not there. */
  read(uri: string): Promise<Uint8Array>;
  /** A link that a recipient can open. */
  link(artifact: Artifact): Promise<string>;
}

/** What is to be written, and where. */
export interface UnloadRequest {
  readonly unload: Unload;
  readonly key: string;
  readonly timeoutSeconds: number;
  /** Becomes the QUERY_TAG, as JSON. */
  readonly tag: Readonly<Record<string, string>>;
  /** Told how many bytes were read back since the last time. */
  readonly onBytes: (bytes: number) => void;
}

/** A file in a stage; its address is `snowflake://<stage>/<key>`, or that of an external stage (`s3://...`). */
export interface StagedFile {
  readonly uri: string;
  readonly sizeBytes: number;
  readonly rowCount: number;
  readonly sha256: string;
}

/** Files that the warehouse itself writes. */
export interface Stage {
  /**
   * One file under the key, several (their names begin with it) when one would be too large, none for a result without
   * rows. The same request twice is one file. An abort cancels the statement in the warehouse and rejects with the
   * signal's reason. Throws ReportError: as Warehouse does, and `store_failed` when what was written cannot be read.
   */
  unload(
    request: UnloadRequest,
    signal: AbortSignal,
  ): Promise<{ readonly files: readonly StagedFile[]; readonly guardedCells: number }>;
  /** Removes all files whose keys begin so; none is fine. */
  remove(prefix: string): Promise<void>;
  /** The bytes of a `snowflake:` file. Throws ReportError `store_failed`. */
  read(uri: string): Promise<Uint8Array>;
  /** A link to a `snowflake:` file that is good for seven days, the most that Snowflake gives. */
  link(uri: string): Promise<string>;
}

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
