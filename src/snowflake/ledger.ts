import { randomUUID } from "node:crypto";
import { z } from "zod";
import { CHANNELS, DELIVERY_KINDS } from "../report/delivery.ts";
import type { DeliveryClaim, DeliveryResult, Ledger } from "../worker/ports.ts";
import type { BindValue, Connection } from "./connection.ts";
import { IS_DELIVERY_DUE } from "./queue-sql.ts";
import { numberOf, type ResultRow, textOf } from "./rows.ts";
import { openSettledRuns, readRecipients } from "./settled-runs.ts";

const CANDIDATES_MAX = 5;

/** The delivery ledger in REPORT_DELIVERY: claims and fences as in the queue, for messages. */
export function openLedger(connection: Connection, leaseSeconds: number): Ledger {
  const runs = openSettledRuns(connection);
  return {
    claimDue: (runId) => claimDue(connection, leaseSeconds, runId),
    run: (runId, recipient) =>
      recipient === undefined ? runs.run(runId) : runs.runOf(runId, recipient),
    recipients: (runId) => readRecipients(connection, runId),
    recordIfOwned: (claim, result) => recordResult(connection, claim, result),
  };
}

async function claimDue(
  connection: Connection,
  leaseSeconds: number,
  runId: string | null,
): Promise<DeliveryClaim | null> {
  for (const row of await readDue(connection, runId)) {
    const token = randomUUID();
    await connection.execute(
      `UPDATE REPORT_DELIVERY SET STATE = 'SENDING', CLAIM_TOKEN = ?, FENCE = FENCE + 1, ATTEMPT = ATTEMPT + 1,
         LEASE_UNTIL = DATEADD(second, ?, SYSDATE())
       WHERE DELIVERY_ID = ? AND FENCE = ? AND ${IS_DELIVERY_DUE}`,
      [token, leaseSeconds, textOf(row, "DELIVERY_ID"), numberOf(row, "FENCE")],
    );
    const takenOver = textOf(row, "STATE") === "SENDING";
    const claim = await readClaim(connection, textOf(row, "DELIVERY_ID"), token, takenOver);
    if (claim !== null) return claim;
  }
  return null;
}

async function readDue(connection: Connection, runId: string | null): Promise<ResultRow[]> {
  const { rows } = await connection.execute(
    `SELECT DELIVERY_ID, FENCE, STATE FROM REPORT_DELIVERY
     WHERE ${IS_DELIVERY_DUE} ${runId === null ? "" : "AND RUN_ID = ?"}
     ORDER BY CREATED_AT, IFF(KIND = 'SUMMARY', 1, 0), DELIVERY_ID LIMIT ${CANDIDATES_MAX}`,
    runId === null ? [] : [runId],
  );
  return rows;
}

/** The token read back is the claim, whatever became of the reply to the UPDATE. */
async function readClaim(
  connection: Connection,
  deliveryId: string,
  token: string,
  takenOver: boolean,
): Promise<DeliveryClaim | null> {
  const { rows } = await connection.execute(
    `SELECT DELIVERY_ID, RUN_ID, CHANNEL, TARGET, KIND, RECIPIENT_KEY, FENCE, ATTEMPT FROM REPORT_DELIVERY
     WHERE DELIVERY_ID = ? AND CLAIM_TOKEN = ? AND STATE = 'SENDING'`,
    [deliveryId, token],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return {
    deliveryId,
    token,
    takenOver,
    fence: numberOf(row, "FENCE"),
    runId: textOf(row, "RUN_ID"),
    channel: z.enum(CHANNELS).parse(row["CHANNEL"]),
    target: textOf(row, "TARGET"),
    kind: z.enum(DELIVERY_KINDS).parse(row["KIND"]),
    recipientKey: row["RECIPIENT_KEY"] ?? null,
    attempt: numberOf(row, "ATTEMPT"),
  };
}

async function recordResult(
  connection: Connection,
  claim: DeliveryClaim,
  result: DeliveryResult,
): Promise<boolean> {
  const { assignments, binds } = assign(result);
  const { rowsAffected } = await connection.execute(
    `UPDATE REPORT_DELIVERY SET CLAIM_TOKEN = NULL, LEASE_UNTIL = NULL, STATE = ?, ${assignments}
     WHERE DELIVERY_ID = ? AND CLAIM_TOKEN = ? AND FENCE = ? AND STATE = 'SENDING'`,
    [result.state, ...binds, claim.deliveryId, claim.token, claim.fence],
  );
  return rowsAffected === 1;
}

function assign(result: DeliveryResult): { assignments: string; binds: BindValue[] } {
  switch (result.state) {
    case "SENT":
      return {
        assignments: "SENT_AT = SYSDATE(), PROVIDER_ID = ?, ERROR = NULL",
        binds: [result.providerId],
      };
    case "NEW":
      return {
        assignments: "RUN_AFTER = DATEADD(millisecond, ?, SYSDATE()), ERROR = ?",
        binds: [result.delayMs, result.error],
      };
    case "FAILED":
    case "UNKNOWN":
      return { assignments: "ERROR = ?", binds: [result.error] };
  }
}
