import { createHash, randomUUID } from "node:crypto";
import type { ReportRow } from "../report/request.ts";
import type { Candidate, Claim } from "../worker/ports.ts";
import type { Connection } from "./connection.ts";
import { DUE_AT, OWNER_MAY_RUN, ROW_COLUMNS } from "./queue-sql.ts";
import { dateOf, dateOrNull, numberOf, reportRowOf, type ResultRow, textOf } from "./rows.ts";

/** Who claims. */
export interface WorkerIdentity {
  readonly workerId: string;
  /** Eight hexadecimal digits, new at each start; claim tokens begin with it. */
  readonly bootId: string;
  readonly version: string;
}

/** Compare-and-set on the fence, then a read-back by token. Null: somebody was faster, or the owner's limit is reached. */
export async function claim(
  connection: Connection,
  worker: WorkerIdentity,
  { leaseSeconds, perOwnerMax }: { leaseSeconds: number; perOwnerMax: number },
  candidate: Candidate,
): Promise<Claim | null> {
  const limit = ownerLimit(candidate, perOwnerMax);
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
       AND ((STATUS = 'PENDING' ${limit.condition}) OR (STATUS = 'PROCESSING' AND COALESCE(LEASE_UNTIL, TO_TIMESTAMP_NTZ(0)) < SYSDATE()))`,
    [
      token,
      worker.workerId,
      runId,
      leaseSeconds,
      candidate.configId,
      candidate.fence,
      ...limit.binds,
    ],
  );
  const read = await readClaim(connection, candidate.configId, token, runId);
  if (read === null) return null;
  const claimed = { ...read, takenOver: candidate.expired };
  if (candidate.expired) await recordLostRuns(connection, claimed);
  await startRun(connection, worker, claimed);
  return claimed;
}

/**
 * Counted again when claimed, since others may have claimed after the candidates were read. Two claims of the same
 * moment do not see each other, so the limit can be passed by as many. Taking over a dead worker's report adds none.
 */
function ownerLimit(
  { owner }: Candidate,
  perOwnerMax: number,
): { condition: string; binds: (string | number)[] } {
  return owner === null
    ? { condition: "", binds: [] }
    : { condition: `AND ${OWNER_MAY_RUN}`, binds: [owner, perOwnerMax] };
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
): Promise<Omit<Claim, "takenOver"> | null> {
  const { rows } = await connection.execute(
    `SELECT ${ROW_COLUMNS}, C.ATTEMPT, C.CRASH_COUNT, C.INTERRUPT_COUNT,
       DATE_PART(epoch_millisecond, C.NEXT_RUN_AT) AS NEXT_RUN_AT_MS,
       DATE_PART(epoch_millisecond, C.WAITING_SINCE) AS WAITING_SINCE_MS,
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

function claimOf(
  row: ResultRow,
  token: string,
  runId: string,
): Omit<Claim, "rowsClaimed" | "takenOver"> {
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
    waitingSince: dateOrNull(row, "WAITING_SINCE_MS"),
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
  // A worker that died right after its claim had no time to write its run.
  await connection.execute(
    `INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, REPORT_NAME, REPORT_TYPE, FENCE, ATTEMPT, FINISHED_AT, OUTCOME, ERROR_CODE, ERROR_MESSAGE)
     SELECT UUID_STRING(), CONFIG_ID, REPORT_NAME, REPORT_TYPE, FENCE - 1, ATTEMPT - 1, SYSDATE(), 'LOST', 'crashed',
       'the worker stopped giving signs of life before it had begun'
     FROM REPORT_CONFIG
     WHERE CONFIG_ID = ? AND CLAIM_TOKEN = ?
       AND NOT EXISTS (SELECT 1 FROM REPORT_RUN R WHERE R.CONFIG_ID = REPORT_CONFIG.CONFIG_ID AND R.FENCE = REPORT_CONFIG.FENCE - 1)`,
    [claimed.configId, claimed.token],
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
