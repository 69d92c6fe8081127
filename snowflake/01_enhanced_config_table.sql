-- Enhanced Report Service, script 1 of 5: the tables, stage and views of the queue and its audit trail.
--
-- Run it as it stands in a worksheet, or let `report-service setup` run it. It can be run again: nothing that exists is
-- replaced, because CREATE OR REPLACE TABLE would drop grants, lose rows and make the stream on REPORT_CONFIG stale.
-- Every time is UTC in TIMESTAMP_NTZ through SYSDATE(); durations are in milliseconds.
--
-- CHECK constraints are on what the service itself relies on: a state that it does not know would never be worked off. What a
-- person writes has none, because the worker answers a wrong row better: by name, reason and mail, in LAST_ERROR. A table made
-- by the first version has none either, and gets none here, because a constraint cannot be added IF NOT EXISTS. Who wants them
-- there runs once, for each: ALTER TABLE REPORT_CONFIG ADD CHECK (STATUS IN ('PENDING', ...)) ENABLE NOVALIDATE;

CREATE DATABASE IF NOT EXISTS REPORTING_DB
  COMMENT = 'Enhanced Report Service: what is asked for, what was done, what was sent';

CREATE SCHEMA IF NOT EXISTS REPORTING_DB.CONFIG
  COMMENT = 'Queue and audit trail of the Enhanced Report Service';

USE SCHEMA REPORTING_DB.CONFIG;

-- A person fills this with a plain INSERT ... VALUES, so lists are comma-separated text and the JSON columns are text too
-- (PARSE_JSON is not allowed in VALUES). The worker checks every row when it takes it and names the column that is wrong.
CREATE TABLE IF NOT EXISTS REPORT_CONFIG (
  CONFIG_ID           VARCHAR(64)   NOT NULL DEFAULT UUID_STRING() COMMENT 'Identity of the report',
  REPORT_NAME         VARCHAR(200)  NOT NULL COMMENT 'Shown to readers; file names are made from it',
  REPORT_TYPE         VARCHAR(20)   NOT NULL DEFAULT 'ADHOC' COMMENT 'ADHOC: at once, high priority. SCHEDULED: at the times of SCHEDULE_CRON',
  REPORT_SQL          VARCHAR       NOT NULL COMMENT 'One SELECT. It runs under the read-only reader role. :name stands for a value of PARAMETERS',
  PARAMETERS          VARCHAR       COMMENT 'Optional JSON object of named values that are bound to :name in REPORT_SQL, never pasted',
  OUTPUT_FORMAT       VARCHAR(100)  NOT NULL DEFAULT 'PDF' COMMENT 'PDF, EXCEL, CSV, PARQUET or several, separated by commas',
  OPTIONS             VARCHAR       COMMENT 'Optional JSON object: title, columns, page, csv ... as README.md lists them',
  PRIORITY            NUMBER(5,0)   COMMENT 'Smaller is sooner. Default: 10 for ADHOC, 50 for SCHEDULED; waiting lowers it by 1 each 15 minutes',
  SCHEDULE_CRON       VARCHAR(100)  COMMENT 'Five fields, for a SCHEDULED report: minute hour day month weekday',
  TIMEZONE            VARCHAR(64)   COMMENT 'IANA zone of SCHEDULE_CRON and of the times in the files. Default UTC',
  NEXT_RUN_AT         TIMESTAMP_NTZ COMMENT 'UTC. The next occurrence of a SCHEDULED report. Computed; may be given for a first run at a chosen time',
  MISFIRE_POLICY      VARCHAR(20)   NOT NULL DEFAULT 'RUN_ONCE' COMMENT 'What happens to occurrences that were missed: RUN_ONCE, SKIP or RUN_ALL',
  EMAIL_RECIPIENTS    VARCHAR       COMMENT 'Addresses, separated by commas',
  SNS_TOPIC_ARN       VARCHAR(256)  COMMENT 'Topic that is told of each completed run',
  SLACK_WEBHOOK       VARCHAR(100)  COMMENT 'Name of a configured webhook (not its URL, which is a secret)',
  OWNER_EMAIL         VARCHAR(320)  COMMENT 'Told of failures',
  STATUS              VARCHAR(20)   NOT NULL DEFAULT 'PENDING' CHECK (STATUS IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')) COMMENT 'PENDING, PROCESSING, COMPLETED, FAILED or CANCELLED',
  RUN_AFTER           TIMESTAMP_NTZ COMMENT 'UTC. Not before this time (a retry waits here)',
  ATTEMPT             NUMBER(5,0)   NOT NULL DEFAULT 0 CHECK (ATTEMPT >= 0) COMMENT 'Attempts at the present occurrence, counted when claimed',
  MAX_ATTEMPTS        NUMBER(5,0)   NOT NULL DEFAULT 5 COMMENT 'Attempts until a transient failure is final',
  FENCE               NUMBER(18,0)  NOT NULL DEFAULT 0 CHECK (FENCE >= 0) COMMENT 'Rises with each claim; every later write of that worker must carry it',
  CLAIM_TOKEN         VARCHAR(64)   COMMENT 'Secret of the claim that holds the report: boot id and a UUID',
  WORKER_ID           VARCHAR(200)  COMMENT 'Worker that holds, or last held, the report',
  LEASE_UNTIL         TIMESTAMP_NTZ COMMENT 'UTC. The claim holds at least until then; heartbeats of the worker extend it',
  CRASH_COUNT         NUMBER(5,0)   NOT NULL DEFAULT 0 CHECK (CRASH_COUNT >= 0) COMMENT 'How often the lease of a dead worker was taken over within 72 hours',
  CRASHED_AT          TIMESTAMP_NTZ COMMENT 'UTC. The latest of those',
  INTERRUPT_COUNT     NUMBER(5,0)   NOT NULL DEFAULT 0 CHECK (INTERRUPT_COUNT >= 0) COMMENT 'How often a stopping worker gave the report back',
  CANCEL_REQUESTED_AT TIMESTAMP_NTZ COMMENT 'UTC. Set to stop the report; the worker cancels its query in the warehouse',
  LAST_RUN_ID         VARCHAR(64)   COMMENT 'REPORT_RUN.RUN_ID of the latest attempt',
  LAST_ERROR          VARCHAR       COMMENT 'Code and message of the latest failure; empty after a success',
  AS_OF               TIMESTAMP_NTZ COMMENT 'UTC. Optional: the SQL sees the data as they were then (Time Travel)',
  RERUN_OF            VARCHAR(64)   COMMENT 'REPORT_RUN.RUN_ID of the run that this report does again',
  WAITING_SINCE       TIMESTAMP_NTZ COMMENT 'UTC. Since when the data-ready condition of the present occurrence is being checked',
  CREATED_AT          TIMESTAMP_NTZ NOT NULL DEFAULT SYSDATE() COMMENT 'UTC',
  CREATED_BY          VARCHAR(256)  DEFAULT CURRENT_USER() COMMENT 'Snowflake user that asked for the report',
  UPDATED_AT          TIMESTAMP_NTZ NOT NULL DEFAULT SYSDATE() COMMENT 'UTC. Latest change by the service',
  CONSTRAINT REPORT_CONFIG_PK PRIMARY KEY (CONFIG_ID)
) COMMENT = 'Every report that was asked for: insert a row and it is made';

CREATE TABLE IF NOT EXISTS REPORT_RUN (
  RUN_ID         VARCHAR(64)   NOT NULL COMMENT 'Identity of the run',
  CONFIG_ID      VARCHAR(64)   NOT NULL COMMENT 'REPORT_CONFIG.CONFIG_ID',
  REPORT_NAME    VARCHAR(200)  COMMENT 'As it was then',
  REPORT_TYPE    VARCHAR(20)   COMMENT 'As it was then',
  FENCE          NUMBER(18,0)  NOT NULL CHECK (FENCE >= 0) COMMENT 'Fence of the claim; 0 for an occurrence that was missed',
  ATTEMPT        NUMBER(5,0)   NOT NULL CHECK (ATTEMPT >= 0) COMMENT 'Which attempt at the occurrence this was',
  SCHEDULED_FOR  TIMESTAMP_NTZ COMMENT 'UTC. The occurrence of a SCHEDULED report',
  WORKER_ID      VARCHAR(200)  COMMENT 'Worker that made the attempt',
  VERSION        VARCHAR(50)   COMMENT 'Version of the worker',
  STARTED_AT     TIMESTAMP_NTZ COMMENT 'UTC',
  FINISHED_AT    TIMESTAMP_NTZ COMMENT 'UTC. Empty while it runs',
  OUTCOME        VARCHAR(20)   CHECK (OUTCOME IN ('COMPLETED', 'SKIPPED', 'WAITING', 'RETRY', 'FAILED', 'CANCELLED', 'INTERRUPTED', 'LOST', 'MISSED')) COMMENT 'COMPLETED, SKIPPED (its condition was not met), WAITING (its data were not ready), RETRY, FAILED, CANCELLED, INTERRUPTED, LOST (its worker died) or MISSED (not run, by MISFIRE_POLICY)',
  REASON         VARCHAR       COMMENT 'Why it was skipped, waits, or was sent late',
  ERROR_CODE     VARCHAR(50)   COMMENT 'Such as invalid_report, query_failed, query_timeout, crashed',
  ERROR_MESSAGE  VARCHAR       COMMENT 'What went wrong, for a person; never a bound value',
  SQL_STATE      VARCHAR(10)   COMMENT 'Of the failed statement',
  QUERY_ID       VARCHAR(64)   COMMENT 'Snowflake query id of the report''s SQL',
  ROW_COUNT      NUMBER(18,0)  CHECK (ROW_COUNT >= 0) COMMENT 'Rows that the warehouse reported, all of which are in each file',
  QUEUE_MS       NUMBER(18,0)  COMMENT 'From due to claimed',
  QUERY_MS       NUMBER(18,0)  COMMENT 'From the statement to its first row',
  RENDER_MS      NUMBER(18,0)  COMMENT 'Reading the rows and writing the files',
  STORE_MS       NUMBER(18,0)  COMMENT 'Storing the files',
  ARTIFACT_BYTES NUMBER(18,0)  CHECK (ARTIFACT_BYTES >= 0) COMMENT 'Size of all files together',
  ARTIFACTS      VARIANT       COMMENT 'Array of {format, fileName, mediaType, uri, sizeBytes, rowCount, sha256}',
  WARNINGS       VARIANT       COMMENT 'Array of {format, code, count, message}: every change that a format made necessary',
  CONFIG_SHA256  VARCHAR(64)   COMMENT 'Hash of the request as it was then (SQL, parameters, formats, options)',
  SQL_SHA256     VARCHAR(64)   COMMENT 'Hash of REPORT_SQL as it was then',
  PARAMETERS     VARIANT       COMMENT 'The values that were bound, by name; those marked as secret are left out',
  DATA_AS_OF     TIMESTAMP_NTZ COMMENT 'UTC. The rows are as new as this',
  RESULT_SHA256  VARCHAR(64)   COMMENT 'Hash of the columns and rows, when the report asks whether they changed',
  CONSTRAINT REPORT_RUN_PK PRIMARY KEY (RUN_ID)
) COMMENT = 'One row for each attempt at a report; never deleted by the service';

CREATE TABLE IF NOT EXISTS REPORT_DELIVERY (
  DELIVERY_ID VARCHAR(64)   NOT NULL COMMENT 'SHA-256 of run, channel, target, kind and recipient key: the same message has the same identity',
  RUN_ID      VARCHAR(64)   NOT NULL COMMENT 'REPORT_RUN.RUN_ID',
  CONFIG_ID   VARCHAR(64)   NOT NULL COMMENT 'REPORT_CONFIG.CONFIG_ID',
  CHANNEL     VARCHAR(20)   NOT NULL COMMENT 'EMAIL, SNS or SLACK',
  TARGET      VARCHAR(320)  NOT NULL COMMENT 'Address, topic or webhook name',
  KIND        VARCHAR(20)   NOT NULL COMMENT 'RESULT, FAILURE or SUMMARY (of a burst)',
  RECIPIENT_KEY VARCHAR(256) COMMENT 'Of a burst: whose rows the message carries',
  STATE       VARCHAR(20)   NOT NULL CHECK (STATE IN ('NEW', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN')) COMMENT 'NEW, SENDING, SENT, FAILED, or UNKNOWN (the worker died while sending and nobody can tell)',
  FENCE       NUMBER(18,0)  NOT NULL DEFAULT 0 CHECK (FENCE >= 0) COMMENT 'Rises with each claim of the delivery',
  CLAIM_TOKEN VARCHAR(64)   COMMENT 'Secret of the claim that holds the delivery',
  LEASE_UNTIL TIMESTAMP_NTZ COMMENT 'UTC. The claim holds until then',
  ATTEMPT     NUMBER(5,0)   NOT NULL DEFAULT 0 CHECK (ATTEMPT >= 0) COMMENT 'Attempts, counted when claimed',
  RUN_AFTER   TIMESTAMP_NTZ COMMENT 'UTC. Not before this time',
  PROVIDER_ID VARCHAR(1000) COMMENT 'What the provider calls the message',
  ERROR       VARCHAR       COMMENT 'Why it was not sent',
  CREATED_AT  TIMESTAMP_NTZ NOT NULL DEFAULT SYSDATE() COMMENT 'UTC. Written in the transaction that settled the run',
  SENT_AT     TIMESTAMP_NTZ COMMENT 'UTC',
  CONSTRAINT REPORT_DELIVERY_PK PRIMARY KEY (DELIVERY_ID)
) COMMENT = 'The delivery ledger: one row for each message that a run owes';

CREATE TABLE IF NOT EXISTS WORKER_HEARTBEAT (
  WORKER_ID VARCHAR(200)  NOT NULL COMMENT 'Worker',
  BOOT_ID   VARCHAR(16)   NOT NULL COMMENT 'Which start of that worker; claim tokens begin with it',
  BEAT_AT   TIMESTAMP_NTZ NOT NULL DEFAULT SYSDATE() COMMENT 'UTC'
) COMMENT = 'Append-only signs of life; a standard table would serialise updates (error 000625)';

CREATE TABLE IF NOT EXISTS REPORT_TRIGGER_LOG (
  TRIGGER_ID   VARCHAR(64)   NOT NULL COMMENT 'One for each run of SEND_ECS_TRIGGER that consumed rows',
  CONFIG_ID    VARCHAR(64)   NOT NULL COMMENT 'REPORT_CONFIG.CONFIG_ID of the new report',
  REPORT_NAME  VARCHAR(200)  COMMENT 'As it was inserted',
  TRIGGERED_AT TIMESTAMP_NTZ NOT NULL DEFAULT SYSDATE() COMMENT 'UTC'
) COMMENT = 'What SEND_ECS_TRIGGER consumed from REPORT_CONFIG_INSERT_STREAM';

-- Where the warehouse itself writes the files of very large reports (COPY INTO @REPORT_STAGE). Encrypted by Snowflake on its
-- side, because files with the default client-side encryption can be read by Snowflake's own drivers only. Nothing but the
-- worker removes them: delete old ones with REMOVE @REPORT_STAGE/<CONFIG_ID>/. Links to them are good for 7 days.
-- In AWS, a stage on the bucket of all other files puts them under that bucket's links and lifecycle. Once, as ACCOUNTADMIN
-- (then DESC INTEGRATION REPORT_BUCKET gives the user and the external id for the role's trust policy):
--   CREATE STORAGE INTEGRATION REPORT_BUCKET
--     TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE
--     STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::<account>:role/<role>'
--     STORAGE_ALLOWED_LOCATIONS = ('s3://<bucket>/<prefix>/');
--   CREATE STAGE REPORT_BUCKET_STAGE URL = 's3://<bucket>/<prefix>/' STORAGE_INTEGRATION = REPORT_BUCKET;
--   GRANT USAGE ON STAGE REPORT_BUCKET_STAGE TO ROLE REPORT_WORKER_ROLE;
-- and PUSH_DOWN_STAGE=REPORT_BUCKET_STAGE for the worker.
CREATE STAGE IF NOT EXISTS REPORT_STAGE
  ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')
  COMMENT = 'Enhanced Report Service: files of very large reports, written by COPY INTO';

-- Columns that came after the first version, for tables that it made.
ALTER TABLE REPORT_CONFIG ADD COLUMN IF NOT EXISTS AS_OF TIMESTAMP_NTZ COMMENT 'UTC. Optional: the SQL sees the data as they were then (Time Travel)';
ALTER TABLE REPORT_CONFIG ADD COLUMN IF NOT EXISTS RERUN_OF VARCHAR(64) COMMENT 'REPORT_RUN.RUN_ID of the run that this report does again';
ALTER TABLE REPORT_CONFIG ADD COLUMN IF NOT EXISTS WAITING_SINCE TIMESTAMP_NTZ COMMENT 'UTC. Since when the data-ready condition of the present occurrence is being checked';
ALTER TABLE REPORT_RUN ADD COLUMN IF NOT EXISTS REASON VARCHAR COMMENT 'Why it was skipped, waits, or was sent late';
ALTER TABLE REPORT_RUN ADD COLUMN IF NOT EXISTS SQL_SHA256 VARCHAR(64) COMMENT 'Hash of REPORT_SQL as it was then';
ALTER TABLE REPORT_RUN ADD COLUMN IF NOT EXISTS PARAMETERS VARIANT COMMENT 'The values that were bound, by name; those marked as secret are left out';
ALTER TABLE REPORT_RUN ADD COLUMN IF NOT EXISTS DATA_AS_OF TIMESTAMP_NTZ COMMENT 'UTC. The rows are as new as this';
ALTER TABLE REPORT_RUN ADD COLUMN IF NOT EXISTS RESULT_SHA256 VARCHAR(64) COMMENT 'Hash of the columns and rows, when the report asks whether they changed';
ALTER TABLE REPORT_DELIVERY ADD COLUMN IF NOT EXISTS RECIPIENT_KEY VARCHAR(256) COMMENT 'Of a burst: whose rows the message carries';

CREATE OR REPLACE VIEW REPORT_STATUS
  COPY GRANTS
  COMMENT = 'What a person reads: each report with its latest run'
AS
SELECT
  C.CONFIG_ID,
  C.REPORT_NAME,
  C.REPORT_TYPE,
  C.STATUS,
  R.OUTCOME AS LAST_OUTCOME,
  R.REASON AS LAST_REASON,
  R.ROW_COUNT,
  R.ARTIFACTS,
  R.ARTIFACT_BYTES,
  DATEDIFF(millisecond, R.STARTED_AT, R.FINISHED_AT) / 1000 AS SECONDS,
  C.ATTEMPT,
  C.LAST_ERROR,
  C.NEXT_RUN_AT,
  C.RUN_AFTER,
  C.WAITING_SINCE,
  C.WORKER_ID,
  C.OWNER_EMAIL,
  C.CREATED_BY,
  C.CREATED_AT,
  R.STARTED_AT,
  R.FINISHED_AT,
  D.DELIVERIES_SENT,
  D.DELIVERIES_OPEN,
  D.DELIVERIES_FAILED,
  C.LAST_RUN_ID,
  C.RERUN_OF
FROM REPORT_CONFIG C
LEFT JOIN REPORT_RUN R ON R.RUN_ID = C.LAST_RUN_ID
LEFT JOIN (
  SELECT
    RUN_ID,
    COUNT_IF(STATE = 'SENT') AS DELIVERIES_SENT,
    COUNT_IF(STATE IN ('NEW', 'SENDING')) AS DELIVERIES_OPEN,
    COUNT_IF(STATE IN ('FAILED', 'UNKNOWN')) AS DELIVERIES_FAILED
  FROM REPORT_DELIVERY
  GROUP BY RUN_ID
) D ON D.RUN_ID = C.LAST_RUN_ID;

-- An occurrence that was missed and a look at data that are not ready are no runs: they are in no count, average or rate.
CREATE OR REPLACE VIEW REPORT_METRICS_HOURLY
  COPY GRANTS
  COMMENT = 'Figures by hour of finishing (UTC), for dashboards and alarms'
AS
SELECT
  H.HOUR,
  H.RUNS,
  H.COMPLETED,
  H.FAILED,
  H.RETRIED,
  H.SKIPPED,
  H.SECONDS_AVERAGE,
  H.SECONDS_P95,
  H.ERROR_RATE,
  E.ERRORS_BY_CODE,
  H.BYTES,
  H.ROW_COUNT,
  Q.QUEUE_DEPTH_NOW
FROM (
  SELECT
    DATE_TRUNC('hour', FINISHED_AT) AS HOUR,
    COUNT(*) AS RUNS,
    COUNT_IF(OUTCOME = 'COMPLETED') AS COMPLETED,
    COUNT_IF(OUTCOME = 'FAILED') AS FAILED,
    COUNT_IF(OUTCOME = 'RETRY') AS RETRIED,
    COUNT_IF(OUTCOME = 'SKIPPED') AS SKIPPED,
    AVG(DATEDIFF(millisecond, STARTED_AT, FINISHED_AT)) / 1000 AS SECONDS_AVERAGE,
    PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY DATEDIFF(millisecond, STARTED_AT, FINISHED_AT)) / 1000 AS SECONDS_P95,
    COUNT_IF(OUTCOME IN ('FAILED', 'RETRY')) / COUNT(*) AS ERROR_RATE,
    SUM(ARTIFACT_BYTES) AS BYTES,
    SUM(ROW_COUNT) AS ROW_COUNT
  FROM REPORT_RUN
  WHERE FINISHED_AT IS NOT NULL AND OUTCOME NOT IN ('MISSED', 'WAITING')
  GROUP BY DATE_TRUNC('hour', FINISHED_AT)
) H
LEFT JOIN (
  SELECT HOUR, LISTAGG(ERROR_CODE || ' ' || ERRORS, ', ') WITHIN GROUP (ORDER BY ERRORS DESC, ERROR_CODE) AS ERRORS_BY_CODE
  FROM (
    SELECT DATE_TRUNC('hour', FINISHED_AT) AS HOUR, ERROR_CODE, COUNT(*) AS ERRORS
    FROM REPORT_RUN
    WHERE FINISHED_AT IS NOT NULL AND ERROR_CODE IS NOT NULL
    GROUP BY DATE_TRUNC('hour', FINISHED_AT), ERROR_CODE
  )
  GROUP BY HOUR
) E ON E.HOUR = H.HOUR
CROSS JOIN (
  -- All that are due, also those that REPORTS_PER_OWNER_MAX holds back until others of their owner are done.
  SELECT COUNT(*) AS QUEUE_DEPTH_NOW
  FROM REPORT_CONFIG C
  WHERE C.STATUS = 'PENDING' AND GREATEST(
    COALESCE(C.RUN_AFTER, C.CREATED_AT),
    IFF(UPPER(TRIM(C.REPORT_TYPE)) = 'SCHEDULED', COALESCE(C.NEXT_RUN_AT, C.CREATED_AT), C.CREATED_AT)
  ) <= SYSDATE()
) Q;

-- Credits by report and owner, through the QUERY_TAG that the worker sets. A report that does a run again (RERUN_OF) is counted
-- with the report whose run it was. The line without a report is what the service itself costs: its queue and audit.
-- ACCOUNT_USAGE lags by up to eight hours and needs GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER (or IMPORTED PRIVILEGES on
-- SNOWFLAKE) to the role that runs this script.
CREATE OR REPLACE VIEW REPORT_COST
  COPY GRANTS
  COMMENT = 'Warehouse credits by day, report and owner'
AS
SELECT
  H.DAY,
  C.CONFIG_ID,
  C.REPORT_NAME,
  COALESCE(C.OWNER_EMAIL, C.CREATED_BY) AS OWNER,
  COUNT(DISTINCT H.RUN_ID) AS RUNS,
  COUNT(DISTINCT IFF(H.IS_RERUN, H.RUN_ID, NULL)) AS RERUNS,
  COUNT(*) AS QUERIES,
  SUM(H.CREDITS) AS CREDITS
FROM (
  SELECT
    DATE_TRUNC('day', Q.START_TIME) AS DAY,
    TRY_PARSE_JSON(Q.QUERY_TAG):run::VARCHAR AS RUN_ID,
    COALESCE(O.CONFIG_ID, TRY_PARSE_JSON(Q.QUERY_TAG):report::VARCHAR) AS CONFIG_ID,
    A.RERUN_OF IS NOT NULL AS IS_RERUN,
    Q.CREDITS_ATTRIBUTED_COMPUTE AS CREDITS
  FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_ATTRIBUTION_HISTORY Q
  LEFT JOIN REPORT_CONFIG A ON A.CONFIG_ID = TRY_PARSE_JSON(Q.QUERY_TAG):report::VARCHAR
  LEFT JOIN REPORT_RUN O ON O.RUN_ID = A.RERUN_OF
  WHERE STARTSWITH(Q.QUERY_TAG, '{"app":"report-service"')
) H
LEFT JOIN REPORT_CONFIG C ON C.CONFIG_ID = H.CONFIG_ID
GROUP BY H.DAY, C.CONFIG_ID, C.REPORT_NAME, COALESCE(C.OWNER_EMAIL, C.CREATED_BY);
