import { sumSizes } from "../report/artifact.ts";
import type { Settlement } from "../report/outcome.ts";
import type { Claim, RunFacts } from "../worker/ports.ts";
import type { BindValue, Connection, Transaction } from "./connection.ts";
import { timestampText } from "./queue-sql.ts";

/**
 * Settlement, run, missed occurrences and owed deliveries in one transaction, so that a crash right after it loses no
 * message. False: the lease was lost and nothing is written. Said twice, it is done once.
 */
export async function settle(
  connection: Connection,
  claim: Claim,
  settlement: Settlement,
  facts: RunFacts,
): Promise<boolean> {
  return await connection.transaction(async (transaction) => {
    if (!(await settleReport(transaction, claim, settlement))) {
      return await isSettled(transaction, claim, settlement);
    }
    await finishRun(transaction, claim, settlement, facts);
    await recordMissed(transaction, claim, facts.missed);
    await recordDeliveries(transaction, claim, settlement);
    return true;
  });
}

async function settleReport(
  transaction: Transaction,
  claim: Claim,
  settlement: Settlement,
): Promise<boolean> {
  const { assignments, binds } = assign(settlement);
  const { rowsAffected } = await transaction.execute(
    `UPDATE REPORT_CONFIG SET ${assignments.join(", ")}
     WHERE CONFIG_ID = ? AND CLAIM_TOKEN = ? AND FENCE = ? AND STATUS = 'PROCESSING'`,
    [...binds, claim.configId, claim.token, claim.fence],
  );
  // More than one only where rows share a CONFIG_ID, which fails them all: primary keys are not enforced.
  return rowsAffected >= 1;
}

const ATTEMPTS = {
  reset: "ATTEMPT = 0",
  "give-back": "ATTEMPT = GREATEST(ATTEMPT - 1, 0)",
  keep: "ATTEMPT = ATTEMPT",
} as const satisfies Record<Settlement["attempts"], string>;

function assign(settlement: Settlement): { assignments: string[]; binds: BindValue[] } {
  const { error, delayMs, nextRunAt } = settlement;
  const assignments = [
    "STATUS = ?",
    "LAST_ERROR = ?",
    ATTEMPTS[settlement.attempts],
    // A candidate that was seen before this must not be claimed as if nothing had happened.
    "FENCE = FENCE + 1",
    "CLAIM_TOKEN = NULL",
    "LEASE_UNTIL = NULL",
    "UPDATED_AT = SYSDATE()",
  ];
  const binds: BindValue[] = [
    settlement.status,
    error === null ? null : `${error.code}: ${error.message}`,
  ];
  if (delayMs === null) {
    assignments.push("RUN_AFTER = NULL");
  } else {
    assignments.push("RUN_AFTER = DATEADD(millisecond, ?, SYSDATE())");
    binds.push(delayMs);
  }
  if (nextRunAt !== undefined) {
    assignments.push("NEXT_RUN_AT = ?::TIMESTAMP_NTZ");
    binds.push(timestampText(nextRunAt));
  }
  if (settlement.waitingSince !== undefined) {
    assignments.push("WAITING_SINCE = ?::TIMESTAMP_NTZ");
    binds.push(timestampOrNull(settlement.waitingSince));
  }
  if (settlement.interrupted) assignments.push("INTERRUPT_COUNT = INTERRUPT_COUNT + 1");
  if (settlement.runOutcome === "COMPLETED" || settlement.runOutcome === "SKIPPED")
    assignments.push("CRASH_COUNT = 0", "INTERRUPT_COUNT = 0");
  return { assignments, binds };
}

/** The reply to an earlier commit of the same settlement was lost. */
async function isSettled(
  transaction: Transaction,
  claim: Claim,
  settlement: Settlement,
): Promise<boolean> {
  const { rows } = await transaction.execute(
    "SELECT 1 AS SETTLED FROM REPORT_RUN WHERE RUN_ID = ? AND OUTCOME = ?",
    [claim.runId, settlement.runOutcome],
  );
  return rows.length === 1;
}

async function finishRun(
  transaction: Transaction,
  claim: Claim,
  settlement: Settlement,
  facts: RunFacts,
): Promise<void> {
  const { artifacts, error } = settlement;
  const values: [string, BindValue][] = [
    ["OUTCOME = ?", settlement.runOutcome],
    ["ERROR_CODE = ?", error?.code ?? null],
    ["ERROR_MESSAGE = ?", error?.message ?? null],
    ["SQL_STATE = ?", error?.warehouse.sqlState ?? null],
    ["QUERY_ID = ?", facts.queryId ?? error?.warehouse.queryId ?? null],
    ["ROW_COUNT = ?", facts.rowCount],
    ["QUERY_MS = ?", roundOrNull(facts.queryMs)],
    ["RENDER_MS = ?", roundOrNull(facts.renderMs)],
    ["STORE_MS = ?", roundOrNull(facts.storeMs)],
    ["ARTIFACT_BYTES = ?", sumSizes(artifacts)],
    ["ARTIFACTS = PARSE_JSON(?)", JSON.stringify(artifacts)],
    ["WARNINGS = PARSE_JSON(?)", JSON.stringify(facts.warnings)],
    ["REASON = ?", facts.reason],
    ["SQL_SHA256 = ?", facts.sqlSha256],
    ["PARAMETERS = PARSE_JSON(?)", JSON.stringify(facts.parameters)],
    ["DATA_AS_OF = ?::TIMESTAMP_NTZ", timestampOrNull(facts.dataAsOf)],
    ["RESULT_SHA256 = ?", facts.resultSha256],
  ];
  if (facts.scheduledFor !== null) {
    values.push(["SCHEDULED_FOR = ?::TIMESTAMP_NTZ", timestampText(facts.scheduledFor)]);
  }
  await transaction.execute(
    `UPDATE REPORT_RUN SET FINISHED_AT = SYSDATE(), ${values.map(([assignment]) => assignment).join(", ")}
     WHERE RUN_ID = ?`,
    [...values.map(([, value]) => value), claim.runId],
  );
}

function timestampOrNull(instant: Date | null): string | null {
  return instant === null ? null : timestampText(instant);
}

function roundOrNull(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.round(milliseconds);
}

async function recordMissed(
  transaction: Transaction,
  claim: Claim,
  missed: readonly Date[],
): Promise<void> {
  if (missed.length === 0) return;
  await transaction.execute(
    `INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, REPORT_NAME, REPORT_TYPE, FENCE, ATTEMPT, SCHEDULED_FOR, FINISHED_AT, OUTCOME)
     SELECT UUID_STRING(), ?, ?, 'SCHEDULED', 0, 0, F.VALUE::VARCHAR::TIMESTAMP_NTZ, SYSDATE(), 'MISSED'
     FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) F`,
    [claim.configId, claim.row.reportName, JSON.stringify(missed.map(timestampText))],
  );
}

async function recordDeliveries(
  transaction: Transaction,
  claim: Claim,
  settlement: Settlement,
): Promise<void> {
  if (settlement.deliveries.length === 0) return;
  await transaction.execute(
    `INSERT INTO REPORT_DELIVERY (DELIVERY_ID, RUN_ID, CONFIG_ID, CHANNEL, TARGET, KIND, RECIPIENT_KEY, ERROR, STATE)
     SELECT F.VALUE:deliveryId::VARCHAR, ?, ?, F.VALUE:channel::VARCHAR, F.VALUE:target::VARCHAR, F.VALUE:kind::VARCHAR,
       F.VALUE:recipientKey::VARCHAR, F.VALUE:error::VARCHAR, IFF(F.VALUE:error::VARCHAR IS NULL, 'NEW', 'FAILED')
     FROM TABLE(FLATTEN(INPUT => PARSE_JSON(?))) F`,
    [claim.runId, claim.configId, JSON.stringify(settlement.deliveries)],
  );
}
