import { createHash, randomUUID } from "node:crypto";
import type { Settlement } from "../report/outcome.ts";
import type { ReportRow } from "../report/request.ts";
import type {
  Candidate,
  CandidateFilter,
  Claim,
  Queue,
  QueueDepth,
  RunFacts,
} from "../worker/ports.ts";
import type { Connection } from "./connection.ts";
import {
  DUE_AT,
  IS_DELIVERY_DUE,
  IS_DUE,
  IS_SCHEDULED,
  LAST_BEATS,
  LEASE_ENDS_AT,
  ROW_COLUMNS,
  timestampText,
} from "./queue-sql.ts";
import { dateOf, dateOrNull, numberOf, reportRowOf, type ResultRow, textOf } from "./rows.ts";
import { settle } from "./settle.ts";

/** Who claims. */
export interface WorkerIdentity {
  readonly workerId: string;
  /** Eight hexadecimal digits, new at each start; claim tokens begin with it. */
  readonly bootId: string;
  readonly version: string;
}

/** The queue in REPORT_CONFIG. One statement a function, each with its guard in its WHERE. */
export function openQueue(
  connection: Connection,
  worker: WorkerIdentity,
  leaseSeconds: number,
): Queue {
  return {
    candidates: (filter, limit) => readCandidates(connection, filter, limit, leaseSeconds),
    claimIfUnchanged: (candidate) => claim(connection, worker, leaseSeconds, candidate),
    planIfUnchanged: (candidate, nextRunAt) => plan(connection, candidate, nextRunAt),
    settleIfOwned: (claimed: Claim, settlement: Settlement, facts: RunFacts) =>
      settle(connection, claimed, settlement, facts),
    cancelRequested: (claims) => readCancelRequested(connection, claims),
    depth: () => readDepth(connection, leaseSeconds),
    now: () => readNow(connection),
  };
}

const FILTERS = {
  any: { where: "TRUE", order: "" },
  adhoc: { where: `NOT ${IS_SCHEDULED}`, order: "" },
  "oldest-scheduled": { where: IS_SCHEDULED, order: `${DUE_AT}, ` },
} as const satisfies Record<CandidateFilter, { where: string; order: string }>;

async function readCandidates(
  connection: Connection,
  filter: CandidateFilter,
  limit: number,
  leaseSeconds: number,
): Promise<Candidate[]> {
  const { where, order } = FILTERS[filter];
  const { rows } = await connection.execute(
    `SELECT ${ROW_COLUMNS},
       IFF(C.STATUS = 'PROCESSING', 1, 0) AS EXPIRED,
       IFF(C.STATUS = 'PENDING' AND ${IS_SCHEDULED} AND C.NEXT_RUN_AT IS NULL, 1, 0) AS UNPLANNED,
       DATE_PART(epoch_millisecond, C.CREATED_AT) AS CREATED_AT_MS
     FROM REPORT_CONFIG C ${LAST_BEATS}
     WHERE ${where} AND (${IS_DUE} OR (C.STATUS = 'PROCESSING' AND ${LEASE_ENDS_AT} < SYSDATE()))
     ORDER BY ${order}
       COALESCE(C.PRIORITY, IFF(${IS_SCHEDULED}, 50, 10)) - DATEDIFF(minute, ${DUE_AT}, SYSDATE()) / 15,
       C.CREATED_AT, C.CONFIG_ID
     LIMIT ${limit}`,
    [leaseSeconds],
  );
  return rows.map((row) => ({
    configId: textOf(row, "CONFIG_ID"),
    fence: numberOf(row, "FENCE"),
    expired: numberOf(row, "EXPIRED") === 1,
    unplanned: numberOf(row, "UNPLANNED") === 1,
    row: reportRowOf(row),
    createdAt: dateOf(row, "CREATED_AT_MS"),
  }));
}

async function claim(
  connection: Connection,
  worker: WorkerIdentity,
  leaseSeconds: number,
  candidate: Candidate,
): Promise<Claim | null> {
  const token = `${worker.bootId}-${randomUUID()}`;
  const runId = randomUUID();
  await connection.execute(
    `UPDATE REPORT_CONFIG SET
       STATUS = 'PROCESSING', CLAIM_TOKEN = ?, WORKER_ID = ?, LAST_RUN_ID = ?,
       FENCE = FENCE + 1, ATTEMPT = ATTEMPT + 1, LEASE_UNTIL = DATEADD(second, ?, SYSDATE()),
       CRASH_COUNT = IFF(STATUS = 'PROCESSING', IFF(CRASHED_AT > DATEADD(hour, -72, SYSDATE()), CRASH_COUNT + 1, 1), CRASH_COUNT),
       CRASHED_AT = IFF(STATUS = 'PROCESSING', SYSDATE(), CRASHED_AT),
       UPDATED_AT = SYSDATE()
     WHERE CONFIG_ID = ? AND FENCE = ?
       AND (STATUS = 'PENDING' OR (STATUS = 'PROCESSING' AND COALESCE(LEASE_UNTIL, '1970-01-01'::TIMESTAMP_NTZ) < SYSDATE()))`,
    [token, worker.workerId, runId, leaseSeconds, candidate.configId, candidate.fence],
  );
  const claimed = await readClaim(connection, candidate.configId, token, runId);
  if (claimed === null) return null;
  if (candidate.expired) await recordLostRuns(connection, claimed);
  await startRun(connection, worker, claimed);
  return claimed;
}

/**
 * The token that is read back makes the claim, not the count of updated rows: whether an UPDATE that waited for a lock
 * looks at its WHERE again is not documented, and the reply to one that succeeded can be lost.
 */
async function readClaim(
  connection: Connection,
  configId: string,
  token: string,
  runId: string,
): Promise<Claim | null> {
  const { rows } = await connection.execute(
    `SELECT ${ROW_COLUMNS}, C.ATTEMPT, C.CRASH_COUNT, C.INTERRUPT_COUNT,
       DATE_PART(epoch_millisecond, C.NEXT_RUN_AT) AS NEXT_RUN_AT_MS,
       IFF(C.CANCEL_REQUESTED_AT IS NULL, 0, 1) AS CANCEL_REQUESTED,
       DATE_PART(epoch_millisecond, SYSDATE()) AS NOW_MS,
       DATEDIFF(millisecond, ${DUE_AT}, SYSDATE()) AS QUEUE_MS
     FROM REPORT_CONFIG C
     WHERE C.CONFIG_ID = ? AND C.CLAIM_TOKEN = ? AND C.STATUS = 'PROCESSING'`,
    [configId, token],
  );
  const [row] = rows;
  return row === undefined ? null : { ...claimOf(row, token, runId), rowsClaimed: rows.length };
}

function claimOf(row: ResultRow, token: string, runId: string): Omit<Claim, "rowsClaimed"> {
  return {
    configId: textOf(row, "CONFIG_ID"),
    token,
    runId,
    fence: numberOf(row, "FENCE"),
    row: reportRowOf(row),
    attempt: numberOf(row, "ATTEMPT"),
    maxAttempts: numberOf(row, "MAX_ATTEMPTS"),
    crashCount: numberOf(row, "CRASH_COUNT"),
    interruptCount: numberOf(row, "INTERRUPT_COUNT"),
    nextRunAt: dateOrNull(row, "NEXT_RUN_AT_MS"),
    cancelRequested: numberOf(row, "CANCEL_REQUESTED") === 1,
    claimedAt: dateOf(row, "NOW_MS"),
    queueMs: Math.max(0, numberOf(row, "QUEUE_MS")),
  };
}

/** The audit says what became of the runs of dead workers. */
async function recordLostRuns(connection: Connection, claimed: Claim): Promise<void> {
  await connection.execute(
    `UPDATE REPORT_RUN SET OUTCOME = 'LOST', FINISHED_AT = SYSDATE(), ERROR_CODE = 'crashed',
       ERROR_MESSAGE = 'the worker stopped giving signs of life'
     WHERE CONFIG_ID = ? AND FENCE < ? AND OUTCOME IS NULL`,
    [claimed.configId, claimed.fence],
  );
}

async function startRun(
  connection: Connection,
  worker: WorkerIdentity,
  claimed: Claim,
): Promise<void> {
  await connection.execute(
    `INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, REPORT_NAME, REPORT_TYPE, FENCE, ATTEMPT, SCHEDULED_FOR, WORKER_ID, VERSION,
       STARTED_AT, QUEUE_MS, CONFIG_SHA256)
     SELECT ?, CONFIG_ID, REPORT_NAME, REPORT_TYPE, FENCE, ATTEMPT, NEXT_RUN_AT, WORKER_ID, ?, SYSDATE(), ?, ?
     FROM REPORT_CONFIG WHERE CONFIG_ID = ? AND CLAIM_TOKEN = ?`,
    [
      claimed.runId,
      worker.version,
      claimed.queueMs,
      hashRow(claimed.row),
      claimed.configId,
      claimed.token,
    ],
  );
}

function hashRow(row: ReportRow): string {
  const { configId: _identity, maxAttempts: _limit, ...request } = row;
  return createHash("sha256").update(JSON.stringify(request)).digest("hex");
}

async function plan(
  connection: Connection,
  candidate: Candidate,
  nextRunAt: Date,
): Promise<boolean> {
  const { rowsAffected } = await connection.execute(
    `UPDATE REPORT_CONFIG SET NEXT_RUN_AT = ?::TIMESTAMP_NTZ, UPDATED_AT = SYSDATE()
     WHERE CONFIG_ID = ? AND FENCE = ? AND STATUS = 'PENDING' AND NEXT_RUN_AT IS NULL`,
    [timestampText(nextRunAt), candidate.configId, candidate.fence],
  );
  return rowsAffected === 1;
}

async function readCancelRequested(
  connection: Connection,
  claims: readonly Claim[],
): Promise<Claim[]> {
  if (claims.length === 0) return [];
  const { rows } = await connection.execute(
    `SELECT CONFIG_ID FROM REPORT_CONFIG
     WHERE CANCEL_REQUESTED_AT IS NOT NULL AND CONFIG_ID IN (${claims.map(() => "?").join(", ")})`,
    claims.map((claimed) => claimed.configId),
  );
  const requested = new Set(rows.map((row) => textOf(row, "CONFIG_ID")));
  return claims.filter((claimed) => requested.has(claimed.configId));
}

async function readDepth(connection: Connection, leaseSeconds: number): Promise<QueueDepth> {
  const { rows } = await connection.execute(
    `SELECT SUM(PENDING) AS PENDING_COUNT, SUM(RUNNING) AS RUNNING_COUNT,
       MIN(IFF(PENDING = 0, DUE_AT_MS, NULL)) AS NEXT_DUE_AT_MS
     FROM (
       SELECT IFF(${IS_DUE} OR (C.STATUS = 'PROCESSING' AND ${LEASE_ENDS_AT} < SYSDATE()), 1, 0) AS PENDING,
         IFF(C.STATUS = 'PROCESSING' AND ${LEASE_ENDS_AT} >= SYSDATE(), 1, 0) AS RUNNING,
         DATE_PART(epoch_millisecond, IFF(C.STATUS = 'PROCESSING', ${LEASE_ENDS_AT}, ${DUE_AT})) AS DUE_AT_MS
       FROM REPORT_CONFIG C ${LAST_BEATS}
       WHERE C.STATUS IN ('PENDING', 'PROCESSING')
       UNION ALL
       SELECT IFF(${IS_DELIVERY_DUE}, 1, 0), 0,
         DATE_PART(epoch_millisecond, IFF(STATE = 'NEW', COALESCE(RUN_AFTER, CREATED_AT), LEASE_UNTIL))
       FROM REPORT_DELIVERY
       WHERE STATE IN ('NEW', 'SENDING')
     )`,
    [leaseSeconds, leaseSeconds, leaseSeconds],
  );
  const row = rows[0] ?? {};
  return {
    pending: Number(row["PENDING_COUNT"] ?? 0),
    running: Number(row["RUNNING_COUNT"] ?? 0),
    nextDueAt: dateOrNull(row, "NEXT_DUE_AT_MS"),
  };
}

async function readNow(connection: Connection): Promise<Date> {
  const { rows } = await connection.execute(
    "SELECT DATE_PART(epoch_millisecond, SYSDATE()) AS NOW_MS",
  );
  return dateOf(rows[0] ?? {}, "NOW_MS");
}
