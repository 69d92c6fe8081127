-- Enhanced Report Service, script 3 of 5: the procedures.
--
-- For the tasks of script 4: SEND_ECS_TRIGGER, TRIGGER_IF_DUE, PRUNE_WORKER_HEARTBEAT.
-- For people:  CALL REQUEST_REPORT('Name', 'SELECT ...', 'PDF,EXCEL', 'ann@example.com', '{"title": "..."}');
--              CALL CANCEL_REPORT('<CONFIG_ID>');
--              CALL RETRY_REPORT('<CONFIG_ID>');
--
-- All run with the rights of their owner and in its schema, so their callers need USAGE on them and nothing else.
-- COPY GRANTS, because OR REPLACE alone drops what was granted on them.
-- In a JavaScript procedure the names of arguments are in upper case, and a VARIANT is an object.

USE SCHEMA REPORTING_DB.CONFIG;

-- One transaction. The INSERT consumes the stream, also when it gives no row: SYSTEM$STREAM_HAS_DATA may say TRUE for changes
-- that an append-only stream does not show, and goes on saying so until the stream is read. Whatever fails rolls the offset
-- back, so the next run of the task sees the same rows. A call that reached the endpoint is not undone by that: the next one
-- comes a second time, which is harmless, because a trigger only says "there is work".
CREATE OR REPLACE PROCEDURE SEND_ECS_TRIGGER()
  COPY GRANTS
  RETURNS VARIANT
  LANGUAGE JAVASCRIPT
  COMMENT = 'Enhanced Report Service: reads REPORT_CONFIG_INSERT_STREAM into REPORT_TRIGGER_LOG and wakes a worker; returns {consumed, triggered, message}'
  EXECUTE AS OWNER
AS
$$
function run(sqlText, binds) {
  return snowflake.createStatement({ sqlText: sqlText, binds: binds }).execute();
}

function readValue(sqlText, binds) {
  const rows = run(sqlText, binds);
  rows.next();
  return rows.getColumnValue(1);
}

// The function answers what the endpoint answered; status 200 alone does not mean that the service was started.
function callTrigger(reason) {
  let answer;
  try {
    answer = readValue("SELECT TRIGGER_ECS_SERVICE(?)", [reason]);
  } catch (error) {
    if (!/unknown (user-defined )?function/i.test(error.message)) throw error;
    throw new Error("the function TRIGGER_ECS_SERVICE is missing, or the owner of this procedure may not use it: "
      + "run run_after_deploy.sql, which the deploy writes. Nothing is lost until then");
  }
  const value = typeof answer === "string" ? JSON.parse(answer) : answer;
  if (!value || value.ok !== true) {
    throw new Error("the trigger endpoint refused: " + (value && value.message ? value.message : JSON.stringify(value)));
  }
  return value.message;
}

run("BEGIN TRANSACTION", []);
try {
  const triggerId = readValue("SELECT UUID_STRING()", []);
  const consumed = readValue(
    "INSERT INTO REPORT_TRIGGER_LOG (TRIGGER_ID, CONFIG_ID, REPORT_NAME)"
      + " SELECT ?, CONFIG_ID, REPORT_NAME FROM REPORT_CONFIG_INSERT_STREAM",
    [triggerId]
  );
  const message = consumed > 0 ? callTrigger("stream") : "the stream gave no row";
  run("COMMIT", []);
  return { consumed: Number(consumed), triggered: consumed > 0, message: message };
} catch (error) {
  run("ROLLBACK", []);
  throw error;
}
$$;

-- A trigger can be late (the endpoint was down, a worker died, a retry or a scheduled report is due), so this looks at the
-- queue itself. What counts is what a worker would take: reports that are due, reports whose worker is dead, messages that are
-- owed. A lease lasts at least until LEASE_UNTIL and 300 seconds behind the last beat; should LEASE_DURATION be longer, this
-- wakes a worker once too often.
CREATE OR REPLACE PROCEDURE TRIGGER_IF_DUE()
  COPY GRANTS
  RETURNS VARIANT
  LANGUAGE JAVASCRIPT
  COMMENT = 'Enhanced Report Service: wakes a worker when reports or messages are waiting; returns {due, expired, undelivered, triggered, message}'
  EXECUTE AS OWNER
AS
$$
function readRow(sqlText, binds) {
  const rows = snowflake.createStatement({ sqlText: sqlText, binds: binds }).execute();
  rows.next();
  return rows;
}

function callTrigger(reason) {
  let answer;
  try {
    answer = readRow("SELECT TRIGGER_ECS_SERVICE(?)", [reason]).getColumnValue(1);
  } catch (error) {
    if (!/unknown (user-defined )?function/i.test(error.message)) throw error;
    throw new Error("the function TRIGGER_ECS_SERVICE is missing, or the owner of this procedure may not use it: "
      + "run run_after_deploy.sql, which the deploy writes. Nothing is lost until then");
  }
  const value = typeof answer === "string" ? JSON.parse(answer) : answer;
  if (!value || value.ok !== true) {
    throw new Error("the trigger endpoint refused: " + (value && value.message ? value.message : JSON.stringify(value)));
  }
  return value.message;
}

const reports = readRow(
  `SELECT
     COALESCE(SUM(IFF(C.STATUS = 'PENDING' AND GREATEST(
       COALESCE(C.RUN_AFTER, C.CREATED_AT),
       IFF(UPPER(TRIM(C.REPORT_TYPE)) = 'SCHEDULED', COALESCE(C.NEXT_RUN_AT, C.CREATED_AT), C.CREATED_AT)
     ) <= SYSDATE(), 1, 0)), 0) AS DUE,
     COALESCE(SUM(IFF(C.STATUS = 'PROCESSING' AND GREATEST(
       COALESCE(C.LEASE_UNTIL, TO_TIMESTAMP_NTZ(0)),
       COALESCE(DATEADD(second, 300, B.LAST_BEAT_AT), TO_TIMESTAMP_NTZ(0))
     ) < SYSDATE(), 1, 0)), 0) AS EXPIRED
   FROM REPORT_CONFIG C
   LEFT JOIN (
     SELECT WORKER_ID, BOOT_ID, MAX(BEAT_AT) AS LAST_BEAT_AT FROM WORKER_HEARTBEAT GROUP BY WORKER_ID, BOOT_ID
   ) B ON B.WORKER_ID = C.WORKER_ID AND STARTSWITH(C.CLAIM_TOKEN, B.BOOT_ID)
   WHERE C.STATUS IN ('PENDING', 'PROCESSING')`,
  []
);
const messages = readRow(
  `SELECT COUNT(*) FROM REPORT_DELIVERY
   WHERE (STATE = 'NEW' AND COALESCE(RUN_AFTER, CREATED_AT) <= SYSDATE())
      OR (STATE = 'SENDING' AND COALESCE(LEASE_UNTIL, TO_TIMESTAMP_NTZ(0)) < SYSDATE())`,
  []
);
const due = Number(reports.getColumnValue(1));
const expired = Number(reports.getColumnValue(2));
const undelivered = Number(messages.getColumnValue(1));
const triggered = due + expired + undelivered > 0;
const message = triggered ? callTrigger("due") : "nothing is waiting";
return { due: due, expired: expired, undelivered: undelivered, triggered: triggered, message: message };
$$;

-- The queue needs the last five minutes of beats. Seven days tell which workers were alive when something went wrong.
CREATE OR REPLACE PROCEDURE PRUNE_WORKER_HEARTBEAT()
  COPY GRANTS
  RETURNS FLOAT
  LANGUAGE JAVASCRIPT
  COMMENT = 'Enhanced Report Service: deletes beats of more than seven days ago; returns how many'
  EXECUTE AS OWNER
AS
$$
const deleted = snowflake
  .createStatement({ sqlText: "DELETE FROM WORKER_HEARTBEAT WHERE BEAT_AT < DATEADD(day, -7, SYSDATE())" })
  .execute();
deleted.next();
return Number(deleted.getColumnValue(1));
$$;

-- The worker checks the row when it takes it and names what is wrong in LAST_ERROR; here only what cannot be a row is refused.
-- CURRENT_USER is the user of the caller's session, also in a procedure that has its owner's rights.
CREATE OR REPLACE PROCEDURE REQUEST_REPORT(
  REPORT_NAME VARCHAR,
  REPORT_SQL VARCHAR,
  OUTPUT_FORMAT VARCHAR,
  EMAIL_RECIPIENTS VARCHAR,
  OPTIONS VARCHAR DEFAULT NULL
)
  COPY GRANTS
  RETURNS VARCHAR
  LANGUAGE JAVASCRIPT
  COMMENT = 'Enhanced Report Service: asks for a report, to be made at once; OPTIONS is a JSON object; returns its CONFIG_ID'
  EXECUTE AS OWNER
AS
$$
function refuse(problem) {
  throw new Error("REQUEST_REPORT: " + problem);
}

function isEmpty(text) {
  return text === undefined || text === null || text.trim() === "";
}

if (isEmpty(REPORT_NAME)) refuse("REPORT_NAME is empty");
if (isEmpty(REPORT_SQL)) refuse("REPORT_SQL is empty; it is one SELECT");
const options = isEmpty(OPTIONS) ? null : OPTIONS;
if (options !== null) {
  let value;
  try {
    value = JSON.parse(options);
  } catch (error) {
    refuse("OPTIONS is no JSON: " + error.message);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("OPTIONS is no JSON object");
}
const ids = snowflake.createStatement({ sqlText: "SELECT UUID_STRING()" }).execute();
ids.next();
const configId = ids.getColumnValue(1);
snowflake
  .createStatement({
    sqlText: "INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT, EMAIL_RECIPIENTS, OPTIONS, CREATED_BY)"
      + " SELECT ?, ?, ?, ?, ?, ?, CURRENT_USER()",
    binds: [
      configId,
      REPORT_NAME,
      REPORT_SQL,
      isEmpty(OUTPUT_FORMAT) ? "PDF" : OUTPUT_FORMAT,
      isEmpty(EMAIL_RECIPIENTS) ? null : EMAIL_RECIPIENTS,
      options,
    ],
  })
  .execute();
return configId;
$$;

CREATE OR REPLACE PROCEDURE CANCEL_REPORT(CONFIG_ID VARCHAR)
  COPY GRANTS
  RETURNS VARCHAR
  LANGUAGE JAVASCRIPT
  COMMENT = 'Enhanced Report Service: stops a report; returns what became of it'
  EXECUTE AS OWNER
AS
$$
function change(sqlText) {
  const rows = snowflake.createStatement({ sqlText: sqlText, binds: [CONFIG_ID] }).execute();
  rows.next();
  return Number(rows.getColumnValue(1));
}

const waiting = change(
  `UPDATE REPORT_CONFIG SET STATUS = 'CANCELLED', CANCEL_REQUESTED_AT = SYSDATE(), UPDATED_AT = SYSDATE()
   WHERE CONFIG_ID = ? AND STATUS = 'PENDING'`
);
if (waiting > 0) return "Cancelled: it was waiting.";
const running = change(
  `UPDATE REPORT_CONFIG SET CANCEL_REQUESTED_AT = SYSDATE(), UPDATED_AT = SYSDATE()
   WHERE CONFIG_ID = ? AND STATUS = 'PROCESSING'`
);
if (running > 0) return "Requested: its worker cancels the query and settles it within seconds.";
const found = snowflake
  .createStatement({ sqlText: "SELECT STATUS FROM REPORT_CONFIG WHERE CONFIG_ID = ?", binds: [CONFIG_ID] })
  .execute();
if (!found.next()) throw new Error("CANCEL_REPORT: there is no report " + CONFIG_ID);
return "Nothing to cancel: it is " + found.getColumnValue(1) + ".";
$$;

CREATE OR REPLACE PROCEDURE RETRY_REPORT(CONFIG_ID VARCHAR)
  COPY GRANTS
  RETURNS VARCHAR
  LANGUAGE JAVASCRIPT
  COMMENT = 'Enhanced Report Service: makes a report again, now and with all its attempts; returns what became of it'
  EXECUTE AS OWNER
AS
$$
const changed = snowflake
  .createStatement({
    sqlText: `UPDATE REPORT_CONFIG SET STATUS = 'PENDING', ATTEMPT = 0, CRASH_COUNT = 0, INTERRUPT_COUNT = 0, RUN_AFTER = NULL,
         CANCEL_REQUESTED_AT = NULL, WAITING_SINCE = NULL, LAST_ERROR = NULL, UPDATED_AT = SYSDATE(),
         NEXT_RUN_AT = IFF(UPPER(TRIM(REPORT_TYPE)) = 'SCHEDULED', SYSDATE(), NULL)
       WHERE CONFIG_ID = ? AND STATUS <> 'PROCESSING'`,
    binds: [CONFIG_ID],
  })
  .execute();
changed.next();
if (Number(changed.getColumnValue(1)) > 0) return "Asked for again: " + wakeWorker();
const found = snowflake
  .createStatement({ sqlText: "SELECT STATUS FROM REPORT_CONFIG WHERE CONFIG_ID = ?", binds: [CONFIG_ID] })
  .execute();
if (!found.next()) throw new Error("RETRY_REPORT: there is no report " + CONFIG_ID);
return "A worker is making it already.";

// The stream shows inserted rows only, so nothing else would wake a worker before REPORT_SAFETY_TASK does.
function wakeWorker() {
  try {
    snowflake.createStatement({ sqlText: "CALL TRIGGER_IF_DUE()" }).execute();
    return "a worker is told.";
  } catch (error) {
    return "it is made within 30 minutes; no worker could be told at once (" + error.message + ").";
  }
}
$$;
