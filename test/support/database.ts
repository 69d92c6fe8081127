import { identityOf, type RecipientMark } from "../../src/report/burst.ts";
import type { FailedDelivery } from "../../src/report/burst-message.ts";
import { identityOfOwner } from "../../src/report/burst-plan.ts";
import type { DeliveryState, PlannedDelivery } from "../../src/report/delivery.ts";
import type { Settlement, Status } from "../../src/report/outcome.ts";
import type { ReportRow } from "../../src/report/request.ts";
import type {
  Candidate,
  CandidateFilter,
  Claim,
  Clock,
  CompletedRun,
  DeliveryClaim,
  DeliveryResult,
  Ledger,
  Queue,
  QueueDepth,
  RunFacts,
  SettledRun,
} from "../../src/worker/ports.ts";
import { aReportRow } from "./factories.ts";

/** The queue's tables in memory. Times are milliseconds of the given clock, which is the database's own. */
export interface StoredReport {
  row: ReportRow;
  status: Status;
  priority: number | null;
  createdAt: number;
  runAfter: number | null;
  nextRunAt: number | null;
  waitingSince: number | null;
  createdBy: string | null;
  attempt: number;
  fence: number;
  token: string | null;
  worker: Worker | null;
  leaseUntil: number | null;
  crashCount: number;
  crashedAt: number | null;
  interruptCount: number;
  cancelRequested: boolean;
  lastError: string | null;
}

export interface StoredRun extends Omit<SettledRun, "outcome" | "finishedAt"> {
  readonly fence: number;
  readonly attempt: number;
  readonly worker: Worker | null;
  /** Null: it is running, or its worker died and nobody has taken over yet. */
  readonly outcome: string | null;
  readonly finishedAt: Date | null;
  readonly sqlSha256: string | null;
  readonly parameters: RunFacts["parameters"];
  readonly dataAsOf: Date | null;
  readonly resultSha256: string | null;
}

export interface StoredDelivery extends Omit<PlannedDelivery, "error"> {
  readonly runId: string;
  readonly createdAt: number;
  state: DeliveryState;
  fence: number;
  token: string | null;
  leaseUntil: number | null;
  attempt: number;
  runAfter: number | null;
  providerId: string | null;
  error: string | null;
}

export interface Worker {
  readonly workerId: string;
  /** Differs at each start of the same worker. */
  readonly bootId: string;
}

/** One statement or transaction: nothing comes between its reading and its writing. */
export type Step =
  | "candidates"
  | "claim.update"
  | "claim.read"
  | "claim.start"
  | "plan"
  | "settle"
  | "cancelRequested"
  | "depth"
  | "lastCompleted"
  | "served"
  | "now"
  | "ledger.due"
  | "ledger.claim"
  | "ledger.run"
  | "ledger.recipients"
  | "ledger.record";

/**
 * Called around every step: it may wait (another worker goes first), throw before (the statement was lost) or throw
 * after (the reply was lost, the effect stays).
 */
export type Intercept = (
  step: Step,
  stage: "before" | "after",
  worker: Worker,
) => void | Promise<void>;

export interface Database {
  readonly reports: Map<string, StoredReport>;
  readonly runs: Map<string, StoredRun>;
  readonly deliveries: Map<string, StoredDelivery>;
  /** Puts a report in, as INSERT with its defaults does. */
  add(row?: Partial<ReportRow>, columns?: Partial<Omit<StoredReport, "row">>): StoredReport;
  queueOf(worker: Worker): Queue;
  ledgerOf(worker: Worker): Ledger;
  /** A sign of life, as WORKER_HEARTBEAT keeps it. */
  beat(worker: Worker): void;
  intercept: Intercept;
}

export const WORKER: Worker = { workerId: "worker-1", bootId: "b0070001" };
export const LEASE_MS = 300_000;

const CRASHES_FORGOTTEN_MS = 72 * 3_600_000;
const MINUTE_MS = 60_000;

/** Compare-and-set, fences and leases are as in src/snowflake/queue.ts, settle.ts and ledger.ts. */
export function createDatabase(clock: Clock, leaseMs = LEASE_MS, perOwnerMax = Infinity): Database {
  const tables: Tables = {
    clock,
    leaseMs,
    perOwnerMax,
    reports: new Map(),
    runs: new Map(),
    deliveries: new Map(),
    beats: new Map(),
    issued: 0,
  };
  const database: Database = {
    ...tables,
    intercept: () => undefined,
    add: (row = {}, columns = {}) => {
      const report = storedReport(tables, aReportRow(row), columns);
      tables.reports.set(report.row.configId, report);
      return report;
    },
    queueOf: (worker) => openQueue(tables, worker, askAs(worker)),
    ledgerOf: (worker) => openLedger(tables, askAs(worker)),
    beat: (worker) => tables.beats.set(beatKey(worker), nowOf(tables)),
  };
  const askAs =
    (worker: Worker): Ask =>
    async (step, work) => {
      await Promise.resolve();
      await database.intercept(step, "before", worker);
      const result = work();
      await database.intercept(step, "after", worker);
      return result;
    };
  return database;
}

interface Tables {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly perOwnerMax: number;
  readonly reports: Map<string, StoredReport>;
  readonly runs: Map<string, StoredRun>;
  readonly deliveries: Map<string, StoredDelivery>;
  readonly beats: Map<string, number>;
  issued: number;
}

type Ask = <T>(step: Step, work: () => T) => Promise<T>;

function nowOf(tables: Tables): number {
  return tables.clock.now().getTime();
}

function beatKey(worker: Worker): string {
  return `${worker.workerId} ${worker.bootId}`;
}

function storedReport(
  tables: Tables,
  row: ReportRow,
  columns: Partial<Omit<StoredReport, "row">>,
): StoredReport {
  return {
    row,
    status: "PENDING",
    priority: null,
    createdAt: nowOf(tables),
    runAfter: null,
    nextRunAt: null,
    waitingSince: null,
    createdBy: "LOCAL_USER",
    attempt: 0,
    fence: 0,
    token: null,
    worker: null,
    leaseUntil: null,
    crashCount: 0,
    crashedAt: null,
    interruptCount: 0,
    cancelRequested: false,
    lastError: null,
    ...columns,
  };
}

function isScheduled(report: StoredReport): boolean {
  return report.row.reportType.trim().toUpperCase() === "SCHEDULED";
}

function dueAt(report: StoredReport): number {
  const planned = isScheduled(report) ? (report.nextRunAt ?? report.createdAt) : report.createdAt;
  return Math.max(report.runAfter ?? report.createdAt, planned);
}

function isDue(tables: Tables, report: StoredReport): boolean {
  return report.status === "PENDING" && dueAt(report) <= nowOf(tables);
}

function leaseEndsAt(tables: Tables, report: StoredReport): number {
  const beat = report.worker === null ? undefined : tables.beats.get(beatKey(report.worker));
  return Math.max(report.leaseUntil ?? 0, beat === undefined ? 0 : beat + tables.leaseMs);
}

function isExpired(tables: Tables, report: StoredReport): boolean {
  return report.status === "PROCESSING" && leaseEndsAt(tables, report) < nowOf(tables);
}

function openQueue(tables: Tables, worker: Worker, ask: Ask): Queue {
  return {
    candidates: (filter, limit) => ask("candidates", () => candidates(tables, filter, limit)),
    claimIfUnchanged: (candidate) => claim(tables, worker, ask, candidate),
    planIfUnchanged: (candidate, nextRunAt) =>
      ask("plan", () => {
        const report = tables.reports.get(candidate.configId);
        if (report?.fence !== candidate.fence || report.status !== "PENDING") return false;
        if (report.nextRunAt !== null) return false;
        report.nextRunAt = nextRunAt.getTime();
        return true;
      }),
    settleIfOwned: (claimed, settlement, facts) =>
      ask("settle", () => settle(tables, claimed, settlement, facts)),
    cancelRequested: (claims) =>
      ask("cancelRequested", () =>
        claims.filter((claimed) => tables.reports.get(claimed.configId)?.cancelRequested),
      ),
    depth: () => ask("depth", () => depth(tables)),
    lastCompleted: (configId) => ask("lastCompleted", () => lastCompleted(tables, configId)),
    servedRecipients: (configId, since) =>
      ask("served", () => servedRecipients(tables, configId, since)),
    now: () => ask("now", () => tables.clock.now()),
  };
}

function lastCompleted(tables: Tables, configId: string): CompletedRun | null {
  const [last] = [...tables.runs.values()]
    .filter((run) => run.configId === configId && run.outcome === "COMPLETED")
    .toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime() || b.fence - a.fence);
  return last ?? null;
}

function servedRecipients(tables: Tables, configId: string, since: Date | null): RecipientMark[] {
  return [...tables.deliveries.values()].flatMap(({ runId, recipientKey, target, state }) => {
    const run = tables.runs.get(runId);
    if (run?.configId !== configId || recipientKey === undefined || state === "FAILED") return [];
    if (since !== null && (run.scheduledFor === null || run.scheduledFor < since)) return [];
    return [{ key: recipientKey, email: target }];
  });
}

function ownerOf(report: StoredReport): string | null {
  return report.row.ownerEmail ?? report.createdBy;
}

/** How many more of an owner may run. */
function roomOf(tables: Tables, owner: string | null): number {
  if (owner === null) return Infinity;
  let running = 0;
  for (const report of tables.reports.values()) {
    if (report.status === "PROCESSING" && ownerOf(report) === owner) running += 1;
  }
  return tables.perOwnerMax - running;
}

function candidates(tables: Tables, filter: CandidateFilter, limit: number): Candidate[] {
  const now = nowOf(tables);
  const base = (report: StoredReport): number => report.priority ?? (isScheduled(report) ? 50 : 10);
  const effective = (report: StoredReport): number => {
    const minutes = Math.floor(now / MINUTE_MS) - Math.floor(dueAt(report) / MINUTE_MS);
    return base(report) - minutes / 15;
  };
  const matches = {
    any: () => true,
    adhoc: (report: StoredReport) => !isScheduled(report),
    "oldest-scheduled": isScheduled,
  } as const satisfies Record<CandidateFilter, (report: StoredReport) => boolean>;
  return [...tables.reports.values()]
    .filter((report) => matches[filter](report))
    .filter(
      (report) =>
        (isDue(tables, report) && roomOf(tables, ownerOf(report)) > 0) || isExpired(tables, report),
    )
    .toSorted(
      (a, b) =>
        (filter === "oldest-scheduled" ? dueAt(a) - dueAt(b) : 0) ||
        effective(a) - effective(b) ||
        a.createdAt - b.createdAt ||
        (a.row.configId < b.row.configId ? -1 : 1),
    )
    .slice(0, limit)
    .map((report) => ({
      configId: report.row.configId,
      fence: report.fence,
      expired: report.status === "PROCESSING",
      unplanned: report.status === "PENDING" && isScheduled(report) && report.nextRunAt === null,
      row: report.row,
      createdAt: new Date(report.createdAt),
      owner: ownerOf(report),
    }));
}

/** Three statements, as in the adapter: a worker can die, or be too late, between any two. */
async function claim(
  tables: Tables,
  worker: Worker,
  ask: Ask,
  candidate: Candidate,
): Promise<Claim | null> {
  tables.issued += 1;
  const token = `${worker.bootId}-${tables.issued}`;
  const runId = `run-${tables.issued}`;
  await ask("claim.update", () => takeReport(tables, worker, candidate, token));
  const claimed = await ask("claim.read", () =>
    readClaim(tables, candidate.configId, token, runId, candidate.expired),
  );
  if (claimed === null) return null;
  await ask("claim.start", () => startRun(tables, worker, claimed, candidate.expired));
  return claimed;
}

function takeReport(tables: Tables, worker: Worker, candidate: Candidate, token: string): void {
  const report = tables.reports.get(candidate.configId);
  if (report === undefined || report.fence !== candidate.fence) return;
  const now = nowOf(tables);
  const stolen = report.status === "PROCESSING";
  if (stolen ? (report.leaseUntil ?? 0) >= now : report.status !== "PENDING") return;
  if (!stolen && roomOf(tables, candidate.owner) <= 0) return;
  if (stolen) {
    const remembered = report.crashedAt !== null && report.crashedAt > now - CRASHES_FORGOTTEN_MS;
    report.crashCount = remembered ? report.crashCount + 1 : 1;
    report.crashedAt = now;
  }
  report.status = "PROCESSING";
  report.token = token;
  report.worker = worker;
  report.fence += 1;
  report.attempt += 1;
  report.leaseUntil = now + tables.leaseMs;
}

function readClaim(
  tables: Tables,
  configId: string,
  token: string,
  runId: string,
  takenOver: boolean,
): Claim | null {
  const report = tables.reports.get(configId);
  if (report?.token !== token || report.status !== "PROCESSING") return null;
  return {
    configId,
    token,
    runId,
    fence: report.fence,
    row: report.row,
    attempt: report.attempt,
    maxAttempts: report.row.maxAttempts,
    crashCount: report.crashCount,
    interruptCount: report.interruptCount,
    nextRunAt: report.nextRunAt === null ? null : new Date(report.nextRunAt),
    cancelRequested: report.cancelRequested,
    waitingSince: report.waitingSince === null ? null : new Date(report.waitingSince),
    claimedAt: tables.clock.now(),
    queueMs: Math.max(0, nowOf(tables) - dueAt(report)),
    rowsClaimed: 1,
    takenOver,
  };
}

const NOTHING_KNOWN = {
  reason: null,
  errorCode: null,
  errorMessage: null,
  queryId: null,
  rowCount: null,
  artifacts: [],
  warnings: [],
  sqlSha256: null,
  parameters: null,
  dataAsOf: null,
  resultSha256: null,
} as const satisfies Partial<StoredRun>;

function startRun(tables: Tables, worker: Worker, claimed: Claim, expired: boolean): void {
  if (expired) recordLostRuns(tables, claimed);
  tables.runs.set(claimed.runId, {
    runId: claimed.runId,
    configId: claimed.configId,
    reportName: claimed.row.reportName,
    fence: claimed.fence,
    attempt: claimed.attempt,
    worker,
    scheduledFor: claimed.nextRunAt,
    startedAt: tables.clock.now(),
    finishedAt: null,
    outcome: null,
    ...NOTHING_KNOWN,
  });
}

function recordLostRuns(tables: Tables, claimed: Claim): void {
  for (const run of tables.runs.values()) {
    if (run.configId !== claimed.configId || run.fence >= claimed.fence) continue;
    if (run.outcome !== null) continue;
    const finishedAt = tables.clock.now();
    tables.runs.set(run.runId, { ...run, outcome: "LOST", errorCode: "crashed", finishedAt });
  }
}

function settle(tables: Tables, claimed: Claim, settlement: Settlement, facts: RunFacts): boolean {
  const report = tables.reports.get(claimed.configId);
  const owned =
    report?.token === claimed.token &&
    report.fence === claimed.fence &&
    report.status === "PROCESSING";
  if (!owned) return tables.runs.get(claimed.runId)?.outcome === settlement.runOutcome;
  settleReport(report, settlement, nowOf(tables));
  finishRun(tables, claimed, settlement, facts);
  for (const [index, scheduledFor] of facts.missed.entries()) {
    recordMissed(tables, claimed, `${claimed.runId}-missed-${index}`, scheduledFor);
  }
  for (const planned of settlement.deliveries) {
    tables.deliveries.set(planned.deliveryId, storedDelivery(tables, claimed.runId, planned));
  }
  return true;
}

function settleReport(report: StoredReport, settlement: Settlement, now: number): void {
  const { attempts, delayMs, error, nextRunAt } = settlement;
  report.status = settlement.status;
  report.fence += 1;
  report.lastError = error === null ? null : `${error.code}: ${error.message}`;
  if (attempts === "reset") report.attempt = 0;
  if (attempts === "give-back") report.attempt = Math.max(0, report.attempt - 1);
  report.token = null;
  report.leaseUntil = null;
  report.runAfter = delayMs === null ? null : now + delayMs;
  if (nextRunAt !== undefined) report.nextRunAt = nextRunAt.getTime();
  if (settlement.waitingSince !== undefined) {
    report.waitingSince = settlement.waitingSince?.getTime() ?? null;
  }
  if (settlement.interrupted) report.interruptCount += 1;
  if (settlement.runOutcome === "COMPLETED" || settlement.runOutcome === "SKIPPED") {
    report.crashCount = 0;
    report.interruptCount = 0;
  }
}

function finishRun(tables: Tables, claimed: Claim, settlement: Settlement, facts: RunFacts): void {
  const run = tables.runs.get(claimed.runId);
  // The adapter's UPDATE finds no row either when its worker died before it could insert one.
  if (run === undefined) return;
  const { artifacts, error } = settlement;
  const { sqlSha256, parameters, dataAsOf, resultSha256, reason } = facts;
  tables.runs.set(claimed.runId, {
    ...run,
    sqlSha256,
    parameters,
    dataAsOf,
    resultSha256,
    reason,
    outcome: settlement.runOutcome,
    finishedAt: tables.clock.now(),
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
    queryId: facts.queryId ?? error?.warehouse.queryId ?? null,
    rowCount: facts.rowCount,
    scheduledFor: facts.scheduledFor ?? run.scheduledFor,
    artifacts,
    warnings: facts.warnings,
  });
}

function recordMissed(tables: Tables, claimed: Claim, runId: string, scheduledFor: Date): void {
  const at = tables.clock.now();
  tables.runs.set(runId, {
    runId,
    configId: claimed.configId,
    reportName: claimed.row.reportName,
    fence: 0,
    attempt: 0,
    worker: null,
    scheduledFor,
    startedAt: at,
    finishedAt: at,
    outcome: "MISSED",
    ...NOTHING_KNOWN,
  });
}

function depth(tables: Tables): QueueDepth {
  let pending = 0;
  let heldBack = 0;
  let running = 0;
  const room = new Map<string | null, number>();
  const later: number[] = [];
  const waiting: number[] = [];
  const count = (due: boolean, at: number): void => {
    if (due) pending += 1;
    (due ? waiting : later).push(at);
  };
  for (const report of tables.reports.values()) {
    if (report.status === "PENDING" && isDue(tables, report)) {
      const owner = ownerOf(report);
      const left = room.get(owner) ?? roomOf(tables, owner);
      room.set(owner, left - 1);
      if (left > 0) count(true, dueAt(report));
      else heldBack += 1;
    } else if (report.status === "PENDING") later.push(dueAt(report));
    if (report.status !== "PROCESSING") continue;
    const expired = isExpired(tables, report);
    if (!expired) running += 1;
    count(expired, leaseEndsAt(tables, report));
  }
  for (const delivery of tables.deliveries.values()) {
    const { state } = delivery;
    if (state !== "NEW" && state !== "SENDING") continue;
    const at = state === "NEW" ? (delivery.runAfter ?? delivery.createdAt) : delivery.leaseUntil;
    count(isDeliveryDue(tables, delivery), at ?? 0);
  }
  const earliest = (times: readonly number[]): Date | null =>
    times.length === 0 ? null : new Date(Math.min(...times));
  const [nextDueAt, oldestPendingAt] = [earliest(later), earliest(waiting)];
  return { pending, heldBack, running, nextDueAt, oldestPendingAt };
}

function storedDelivery(tables: Tables, runId: string, planned: PlannedDelivery): StoredDelivery {
  return {
    ...planned,
    runId,
    createdAt: nowOf(tables),
    state: planned.error === undefined ? "NEW" : "FAILED",
    fence: 0,
    token: null,
    leaseUntil: null,
    attempt: 0,
    runAfter: null,
    providerId: null,
    error: planned.error ?? null,
  };
}

function isDeliveryDue(tables: Tables, delivery: StoredDelivery): boolean {
  const now = nowOf(tables);
  if (delivery.state === "NEW") return (delivery.runAfter ?? delivery.createdAt) <= now;
  return delivery.state === "SENDING" && (delivery.leaseUntil ?? 0) < now;
}

const DELIVERY_CANDIDATES_MAX = 5;

function openLedger(tables: Tables, ask: Ask): Ledger {
  return {
    claimDue: (runId) => claimDelivery(tables, ask, runId),
    recipients: (runId) => ask("ledger.recipients", () => recipientsOf(tables, runId)),
    run: (runId, recipient) =>
      ask("ledger.run", () => {
        const run = tables.runs.get(runId);
        if (run?.outcome === undefined || run.outcome === null || run.finishedAt === null) {
          throw new Error(`run ${runId} is not settled`);
        }
        const settled = { ...run, outcome: run.outcome, finishedAt: run.finishedAt };
        if (recipient === undefined) return settled;
        const identity = identityOf(recipient);
        return {
          ...settled,
          artifacts: run.artifacts.filter((artifact) => identityOfOwner(artifact) === identity),
          warnings: run.warnings.filter((warning) =>
            [null, identity].includes(identityOfOwner(warning)),
          ),
        };
      }),
    recordIfOwned: (claimed, result) =>
      ask("ledger.record", () => recordDelivery(tables, claimed, result)),
  };
}

function recipientsOf(tables: Tables, runId: string): { done: number; failed: FailedDelivery[] } {
  const owed = [...tables.deliveries.values()].filter(
    (delivery) => delivery.runId === runId && delivery.recipientKey !== undefined,
  );
  const failed = owed
    .filter(({ state }) => state === "FAILED")
    .map(({ recipientKey = "", target, error }) => ({
      key: recipientKey,
      email: target,
      error: error ?? "",
    }));
  return { done: owed.length - failed.length, failed };
}

async function claimDelivery(
  tables: Tables,
  ask: Ask,
  runId: string | null,
): Promise<DeliveryClaim | null> {
  const due = await ask("ledger.due", () =>
    [...tables.deliveries.values()]
      .filter((delivery) => runId === null || delivery.runId === runId)
      .filter((delivery) => isDeliveryDue(tables, delivery))
      .toSorted(
        (a, b) =>
          a.createdAt - b.createdAt ||
          Number(a.kind === "SUMMARY") - Number(b.kind === "SUMMARY") ||
          (a.deliveryId < b.deliveryId ? -1 : 1),
      )
      .slice(0, DELIVERY_CANDIDATES_MAX)
      .map(({ deliveryId, fence, state }) => ({ deliveryId, fence, state })),
  );
  for (const seen of due) {
    const takenOver = seen.state === "SENDING";
    const claimed = await ask("ledger.claim", () => takeDelivery(tables, seen, takenOver));
    if (claimed !== null) return claimed;
  }
  return null;
}

function takeDelivery(
  tables: Tables,
  seen: { deliveryId: string; fence: number },
  takenOver: boolean,
): DeliveryClaim | null {
  const delivery = tables.deliveries.get(seen.deliveryId);
  if (delivery?.fence !== seen.fence || !isDeliveryDue(tables, delivery)) return null;
  tables.issued += 1;
  const token = `delivery-token-${tables.issued}`;
  delivery.state = "SENDING";
  delivery.token = token;
  delivery.fence += 1;
  delivery.attempt += 1;
  delivery.leaseUntil = nowOf(tables) + tables.leaseMs;
  const { deliveryId, runId, channel, target, kind, fence, attempt } = delivery;
  const recipientKey = delivery.recipientKey ?? null;
  return {
    deliveryId,
    token,
    fence,
    runId,
    channel,
    target,
    kind,
    recipientKey,
    attempt,
    takenOver,
  };
}

function recordDelivery(tables: Tables, claimed: DeliveryClaim, result: DeliveryResult): boolean {
  const delivery = tables.deliveries.get(claimed.deliveryId);
  const owned =
    delivery?.token === claimed.token &&
    delivery.fence === claimed.fence &&
    delivery.state === "SENDING";
  if (!owned) return false;
  delivery.state = result.state;
  delivery.token = null;
  delivery.leaseUntil = null;
  delivery.error = result.state === "SENT" ? null : result.error;
  if (result.state === "SENT") delivery.providerId = result.providerId;
  if (result.state === "NEW") delivery.runAfter = nowOf(tables) + result.delayMs;
  return true;
}
