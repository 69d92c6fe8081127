/** Conditions that several statements of the queue and the ledger share, so that "due" means one thing. */

const NEVER = "TO_TIMESTAMP_NTZ(0)";

/** Rows are written by hand, so the type is compared as the worker reads it. */
export const IS_SCHEDULED = "UPPER(TRIM(C.REPORT_TYPE)) = 'SCHEDULED'";

/** When a waiting report is, or was, due. */
export const DUE_AT = `GREATEST(COALESCE(C.RUN_AFTER, C.CREATED_AT), IFF(${IS_SCHEDULED}, COALESCE(C.NEXT_RUN_AT, C.CREATED_AT), C.CREATED_AT))`;

export const IS_DUE = `(C.STATUS = 'PENDING' AND ${DUE_AT} <= SYSDATE())`;

/** Needs LAST_BEATS joined. A lease that was never written has run out. */
export const LEASE_ENDS_AT = `GREATEST(COALESCE(C.LEASE_UNTIL, ${NEVER}), COALESCE(DATEADD(second, ?, B.LAST_BEAT_AT), ${NEVER}))`;

/** The beats of one start of a worker: its claim tokens begin with the boot id. */
export const LAST_BEATS = `LEFT JOIN (
  SELECT WORKER_ID, BOOT_ID, MAX(BEAT_AT) AS LAST_BEAT_AT FROM WORKER_HEARTBEAT GROUP BY WORKER_ID, BOOT_ID
) B ON B.WORKER_ID = C.WORKER_ID AND STARTSWITH(C.CLAIM_TOKEN, B.BOOT_ID)`;

/** Whose reports are counted together. */
export const OWNER = "COALESCE(C.OWNER_EMAIL, C.CREATED_BY)";

/** How many of an owner run now; a dead worker's count until another worker has taken them over. */
export const OWNERS_RUNNING = `LEFT JOIN (
  SELECT ${OWNER} AS OWNER, COUNT(*) AS RUNNING FROM REPORT_CONFIG C WHERE C.STATUS = 'PROCESSING' GROUP BY ${OWNER}
) O ON O.OWNER = ${OWNER}`;

/** Binds: the owner, how many of theirs may run. */
export const OWNER_MAY_RUN = `(SELECT COUNT(*) FROM REPORT_CONFIG C WHERE C.STATUS = 'PROCESSING' AND ${OWNER} = ?) < ?`;

/** Without an alias, because an UPDATE uses it too. */
export const IS_DELIVERY_DUE = `(
  (STATE = 'NEW' AND COALESCE(RUN_AFTER, CREATED_AT) <= SYSDATE())
  OR (STATE = 'SENDING' AND COALESCE(LEASE_UNTIL, ${NEVER}) < SYSDATE())
)`;

/** What a claim read and a candidate read have in common: the row as its author wrote it. */
export const ROW_COLUMNS = `C.CONFIG_ID, C.REPORT_NAME, C.REPORT_TYPE, C.REPORT_SQL, C.PARAMETERS, C.OUTPUT_FORMAT, C.OPTIONS,
  C.SCHEDULE_CRON, C.TIMEZONE, C.MISFIRE_POLICY, C.EMAIL_RECIPIENTS, C.SNS_TOPIC_ARN, C.SLACK_WEBHOOK, C.OWNER_EMAIL,
  C.MAX_ATTEMPTS, C.FENCE, DATE_PART(epoch_millisecond, C.AS_OF) AS AS_OF_MS`;

/** UTC wall time, as `?::TIMESTAMP_NTZ` reads it. */
export function timestampText(instant: Date): string {
  return instant.toISOString().slice(0, -1);
}
