import type { Settlement } from "../report/outcome.ts";
import type {
  Candidate,
  CandidateFilter,
  Claim,
  CompletedRun,
  Queue,
  QueueDepth,
  RunFacts,
} from "../worker/ports.ts";
import { claim, type WorkerIdentity } from "./claim.ts";
import type { Connection } from "./connection.ts";
import {
  DUE_AT,
  IS_DELIVERY_DUE,
  IS_DUE,
  IS_SCHEDULED,
  LAST_BEATS,
  LEASE_ENDS_AT,
  OWNER,
  OWNERS_RUNNING,
  ROW_COLUMNS,
  timestampText,
} from "./queue-sql.ts";
import { dateOf, dateOrNull, numberOf, reportRowOf, textOf } from "./rows.ts";
import { settle } from "./settle.ts";
import { readServedRecipients } from "./settled-runs.ts";

export interface QueueSettings {
  readonly leaseSeconds: number;
  /** Reports of one owner that may run at a time, over all workers. */
  readonly perOwnerMax: number;
}

/** The queue in REPORT_CONFIG. One statement a function, each with its guard in its WHERE. */
export function openQueue(
  connection: Connection,
  worker: WorkerIdentity,
  { leaseSeconds, perOwnerMax }: QueueSettings,
): Queue {
  return {
    candidates: (filter, limit) =>
      readCandidates(connection, filter, limit, { leaseSeconds, perOwnerMax }),
    claimIfUnchanged: (candidate) =>
      claim(connection, worker, { leaseSeconds, perOwnerMax }, candidate),
    planIfUnchanged: (candidate, nextRunAt) => plan(connection, candidate, nextRunAt),
    settleIfOwned: (claimed: Claim, settlement: Settlement, facts: RunFacts) =>
      settle(connection, claimed, settlement, facts),
    cancelRequested: (claims) => readCancelRequested(connection, claims),
    depth: () => readDepth(connection, { leaseSeconds, perOwnerMax }),
    lastCompleted: (configId) => readLastCompleted(connection, configId),
    servedRecipients: (configId, since) =>
      readServedRecipients(connection, configId, since === null ? null : timestampText(since)),
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
  { leaseSeconds, perOwnerMax }: QueueSettings,
): Promise<Candidate[]> {
  const { where, order } = FILTERS[filter];
  const { rows } = await connection.execute(
    `SELECT ${ROW_COLUMNS},
       IFF(C.STATUS = 'PROCESSING', 1, 0) AS EXPIRED,
       IFF(C.STATUS = 'PENDING' AND ${IS_SCHEDULED} AND C.NEXT_RUN_AT IS NULL, 1, 0) AS UNPLANNED,
       DATE_PART(epoch_millisecond, C.CREATED_AT) AS CREATED_AT_MS, ${OWNER} AS OWNER
     FROM REPORT_CONFIG C ${LAST_BEATS} ${OWNERS_RUNNING}
     WHERE ${where} AND ((${IS_DUE} AND COALESCE(O.RUNNING, 0) < ?) OR (C.STATUS = 'PROCESSING' AND ${LEASE_ENDS_AT} < SYSDATE()))
     ORDER BY ${order}
       COALESCE(C.PRIORITY, IFF(${IS_SCHEDULED}, 50, 10)) - DATEDIFF(minute, ${DUE_AT}, SYSDATE()) / 15,
       C.CREATED_AT, C.CONFIG_ID
     LIMIT ${limit}`,
    [perOwnerMax, leaseSeconds],
  );
  return rows.map((row) => ({
    configId: textOf(row, "CONFIG_ID"),
    fence: numberOf(row, "FENCE"),
    expired: numberOf(row, "EXPIRED") === 1,
    unplanned: numberOf(row, "UNPLANNED") === 1,
    row: reportRowOf(row),
    createdAt: dateOf(row, "CREATED_AT_MS"),
    owner: row["OWNER"] ?? null,
  }));
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

/** Of each owner's due reports as many count as pending as may run beside those that do. */
const REPORTS_DEPTH = `SELECT IFF(D.PLACE <= D.ROOM OR D.IS_EXPIRED = 1, 1, 0) AS PENDING,
    IFF(D.PLACE > D.ROOM, 1, 0) AS HELD_BACK, D.IS_RUNNING AS RUNNING, D.DUE_AT_MS
  FROM (
    SELECT IFF(${IS_DUE}, ROW_NUMBER() OVER (
        PARTITION BY COALESCE(${OWNER}, C.CONFIG_ID), IFF(${IS_DUE}, 1, 0) ORDER BY ${DUE_AT}
      ), NULL) AS PLACE,
      ? - COALESCE(O.RUNNING, 0) AS ROOM,
      IFF(C.STATUS = 'PROCESSING' AND ${LEASE_ENDS_AT} < SYSDATE(), 1, 0) AS IS_EXPIRED,
      IFF(C.STATUS = 'PROCESSING' AND ${LEASE_ENDS_AT} >= SYSDATE(), 1, 0) AS IS_RUNNING,
      DATE_PART(epoch_millisecond, IFF(C.STATUS = 'PROCESSING', ${LEASE_ENDS_AT}, ${DUE_AT})) AS DUE_AT_MS
    FROM REPORT_CONFIG C ${LAST_BEATS} ${OWNERS_RUNNING}
    WHERE C.STATUS IN ('PENDING', 'PROCESSING')
  ) D`;

async function readDepth(
  connection: Connection,
  { leaseSeconds, perOwnerMax }: QueueSettings,
): Promise<QueueDepth> {
  const { rows } = await connection.execute(
    `SELECT SUM(PENDING) AS PENDING_COUNT, SUM(HELD_BACK) AS HELD_BACK_COUNT, SUM(RUNNING) AS RUNNING_COUNT,
       MIN(IFF(PENDING + HELD_BACK = 0, DUE_AT_MS, NULL)) AS NEXT_DUE_AT_MS,
       MIN(IFF(PENDING > 0, DUE_AT_MS, NULL)) AS OLDEST_PENDING_AT_MS
     FROM (
       ${REPORTS_DEPTH}
       UNION ALL
       SELECT IFF(${IS_DELIVERY_DUE}, 1, 0) AS PENDING, 0 AS HELD_BACK, 0 AS RUNNING,
         DATE_PART(epoch_millisecond, IFF(STATE = 'NEW', COALESCE(RUN_AFTER, CREATED_AT), LEASE_UNTIL)) AS DUE_AT_MS
       FROM REPORT_DELIVERY
       WHERE STATE IN ('NEW', 'SENDING')
     )`,
    [perOwnerMax, leaseSeconds, leaseSeconds, leaseSeconds],
  );
  const row = rows[0] ?? {};
  return {
    pending: Number(row["PENDING_COUNT"] ?? 0),
    heldBack: Number(row["HELD_BACK_COUNT"] ?? 0),
    running: Number(row["RUNNING_COUNT"] ?? 0),
    nextDueAt: dateOrNull(row, "NEXT_DUE_AT_MS"),
    oldestPendingAt: dateOrNull(row, "OLDEST_PENDING_AT_MS"),
  };
}

async function readLastCompleted(
  connection: Connection,
  configId: string,
): Promise<CompletedRun | null> {
  const { rows } = await connection.execute(
    `SELECT RUN_ID, RESULT_SHA256, DATE_PART(epoch_millisecond, STARTED_AT) AS STARTED_AT_MS,
       DATE_PART(epoch_millisecond, DATA_AS_OF) AS DATA_AS_OF_MS
     FROM REPORT_RUN WHERE CONFIG_ID = ? AND OUTCOME = 'COMPLETED'
     ORDER BY STARTED_AT DESC, FENCE DESC LIMIT 1`,
    [configId],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return {
    runId: textOf(row, "RUN_ID"),
    startedAt: dateOf(row, "STARTED_AT_MS"),
    dataAsOf: dateOrNull(row, "DATA_AS_OF_MS"),
    resultSha256: row["RESULT_SHA256"] ?? null,
  };
}

async function readNow(connection: Connection): Promise<Date> {
  const { rows } = await connection.execute(
    "SELECT DATE_PART(epoch_millisecond, SYSDATE()) AS NOW_MS",
  );
  return dateOf(rows[0] ?? {}, "NOW_MS");
}
