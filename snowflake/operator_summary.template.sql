-- Enhanced Report Service, an optional script: the daily summary for whoever operates the service.
--
-- `report-service setup` runs it behind the others when OPERATOR_EMAIL is set, and fills in that address. In a worksheet, put
-- it in by hand. It can be run again: a summary that is there stays as it is, whatever was changed about it, also when it was
-- cancelled. What it counts is in the view, which is replaced by a newer one; what it shows is in its row.
--
-- The summary is a report like any other, made under the role of report SQL, which otherwise knows nothing of the queue. So
-- that role is given this one view, which has neither SQL nor recipients nor files: names of reports, figures, and the error
-- messages that REPORT_STATUS shows to everybody who asks for reports.

USE SCHEMA REPORTING_DB.CONFIG;

-- A row for each run that ended, each message, and each report or message that waits. SEVERITY: 5 failed, 4 waits, 3 was not
-- sent, 2 was late or missed, 1 was mended since or is tried again, 0 is well.
CREATE OR REPLACE VIEW REPORT_ACTIVITY
  COPY GRANTS
  COMMENT = 'Enhanced Report Service: runs, messages and what waits, as far as the operators'' summary needs them'
AS
SELECT
  'RUN' AS KIND,
  R.CONFIG_ID,
  R.REPORT_NAME,
  R.FINISHED_AT AS HAPPENED_AT,
  R.OUTCOME AS STATE,
  R.IS_LATE,
  R.ROW_COUNT,
  DATEDIFF(millisecond, R.STARTED_AT, R.FINISHED_AT) / 1000 AS SECONDS,
  CASE
    WHEN R.OUTCOME IN ('FAILED', 'RETRY', 'LOST') AND R.IS_MENDED THEN 1
    WHEN R.OUTCOME = 'FAILED' THEN 5
    WHEN R.OUTCOME IN ('RETRY', 'LOST') THEN 1
    WHEN R.IS_LATE THEN 2
    ELSE 0
  END AS SEVERITY,
  CASE
    WHEN R.OUTCOME IN ('FAILED', 'RETRY', 'LOST') THEN COALESCE(R.ERROR_CODE, 'unknown') || ': ' || COALESCE(LEFT(REPLACE(R.ERROR_MESSAGE, CHR(10), ' '), 500), '')
    WHEN R.OUTCOME = 'MISSED' THEN 'missed: a time was left out by its MISFIRE_POLICY'
    WHEN R.IS_LATE THEN COALESCE(R.REASON, 'late: it began over an hour behind its time')
  END AS PROBLEM,
  CASE
    WHEN R.OUTCOME IN ('FAILED', 'RETRY', 'LOST') AND R.IS_MENDED THEN 'Nothing: a later run went well'
    WHEN R.OUTCOME IN ('RETRY', 'LOST') THEN 'Nothing: it is tried again'
    WHEN R.OUTCOME = 'FAILED' AND R.ERROR_CODE IN ('invalid_report', 'statement_refused')
      THEN 'Correct the row in REPORT_CONFIG, then: report-service retry ' || R.CONFIG_ID
    WHEN R.OUTCOME = 'FAILED' THEN 'When the cause is gone: report-service retry ' || R.CONFIG_ID
    WHEN R.IS_LATE THEN 'report-service show ' || R.CONFIG_ID
  END AS WHAT_TO_DO
FROM (
  SELECT
    A.*,
    -- By any later run: the newest may have just begun.
    COALESCE(
      MAX(IFF(A.OUTCOME IN ('COMPLETED', 'SKIPPED'), A.FINISHED_AT, NULL)) OVER (PARTITION BY A.CONFIG_ID) > A.FINISHED_AT,
      FALSE
    ) AS IS_MENDED,
    A.OUTCOME = 'MISSED' OR (
      A.OUTCOME = 'COMPLETED'
      AND (COALESCE(A.REASON, '') LIKE 'late,%' OR COALESCE(A.STARTED_AT > DATEADD(hour, 1, A.SCHEDULED_FOR), FALSE))
    ) AS IS_LATE
  FROM REPORT_RUN A
  WHERE A.FINISHED_AT IS NOT NULL AND A.OUTCOME <> 'WAITING'
) R

UNION ALL

-- A message belongs to the time when it was sent, or was last to be tried. Why it was not sent may name a recipient, so that
-- is left to REPORT_DELIVERY.
SELECT
  'MESSAGE',
  M.CONFIG_ID,
  M.REPORT_NAME,
  COALESCE(M.SENT_AT, M.RUN_AFTER, M.CREATED_AT),
  M.STATE,
  FALSE,
  NULL,
  NULL,
  IFF(M.STATE = 'SENT', 0, 3),
  CASE
    WHEN M.STATE = 'FAILED' THEN 'a message by ' || M.CHANNEL || ' was not sent'
    WHEN M.STATE = 'UNKNOWN' THEN 'nobody can tell whether a message by ' || M.CHANNEL || ' was sent'
  END,
  IFF(M.STATE = 'SENT', NULL, 'report-service show ' || M.CONFIG_ID || ' says why')
FROM (
  SELECT D.*, R.REPORT_NAME
  FROM REPORT_DELIVERY D
  LEFT JOIN REPORT_RUN R ON R.RUN_ID = D.RUN_ID
  WHERE D.STATE IN ('SENT', 'FAILED', 'UNKNOWN')
) M

UNION ALL

SELECT
  'WAITING',
  D.CONFIG_ID,
  R.REPORT_NAME,
  D.CREATED_AT,
  D.STATE,
  FALSE,
  NULL,
  NULL,
  4,
  'a message by ' || D.CHANNEL || ' is not sent yet',
  'report-service show ' || D.CONFIG_ID || ' says why'
FROM REPORT_DELIVERY D
LEFT JOIN REPORT_RUN R ON R.RUN_ID = D.RUN_ID
WHERE D.STATE IN ('NEW', 'SENDING')

UNION ALL

-- A SCHEDULED report that FAILED for good runs no more until somebody looks after it.
SELECT
  'WAITING',
  W.CONFIG_ID,
  W.REPORT_NAME,
  CASE
    WHEN W.STATUS <> 'PENDING' THEN W.UPDATED_AT
    WHEN W.WAITING_SINCE IS NOT NULL THEN W.WAITING_SINCE
    WHEN W.LAST_ERROR IS NULL THEN GREATEST(W.ASKED_FOR, COALESCE(W.RUN_AFTER, W.ASKED_FOR))
    ELSE W.ASKED_FOR
  END,
  W.STATUS,
  FALSE,
  NULL,
  NULL,
  4,
  CASE
    WHEN W.STATUS = 'FAILED' THEN 'stopped: ' || COALESCE(LEFT(REPLACE(W.LAST_ERROR, CHR(10), ' '), 500), 'unknown')
    WHEN W.STATUS = 'PROCESSING' THEN 'is still being made'
    WHEN W.WAITING_SINCE IS NOT NULL THEN 'waits for its data'
    WHEN W.LAST_ERROR IS NOT NULL THEN 'is tried again and again: ' || LEFT(REPLACE(W.LAST_ERROR, CHR(10), ' '), 500)
    ELSE 'is due, and no worker has taken it'
  END,
  CASE
    WHEN W.STATUS = 'FAILED' THEN 'Correct it, then: report-service retry ' || W.CONFIG_ID || '; or end it: report-service cancel ' || W.CONFIG_ID
    WHEN W.STATUS = 'PROCESSING' THEN 'Wait, or stop it: report-service cancel ' || W.CONFIG_ID
    WHEN W.WAITING_SINCE IS NOT NULL OR W.LAST_ERROR IS NOT NULL THEN 'report-service show ' || W.CONFIG_ID
    ELSE 'report-service doctor'
  END
FROM (
  SELECT
    C.*,
    CASE
      WHEN UPPER(TRIM(C.REPORT_TYPE)) = 'SCHEDULED' THEN COALESCE(C.NEXT_RUN_AT, C.CREATED_AT)
      -- Of one that a person asked for again, CREATED_AT says when it was first asked for.
      WHEN C.LAST_ERROR IS NULL THEN C.UPDATED_AT
      ELSE C.CREATED_AT
    END AS ASKED_FOR
  FROM REPORT_CONFIG C
  WHERE C.STATUS IN ('PENDING', 'PROCESSING') OR (C.STATUS = 'FAILED' AND UPPER(TRIM(C.REPORT_TYPE)) = 'SCHEDULED')
) W;

-- The one thing of the queue that report SQL may read; of the worker's role where SNOWFLAKE_READER_ROLE is not set.
GRANT USAGE ON DATABASE REPORTING_DB TO ROLE REPORT_READER_ROLE;
GRANT USAGE ON SCHEMA REPORTING_DB.CONFIG TO ROLE REPORT_READER_ROLE;
GRANT SELECT ON VIEW REPORT_ACTIVITY TO ROLE REPORT_READER_ROLE;
GRANT SELECT ON VIEW REPORT_ACTIVITY TO ROLE REPORT_WORKER_ROLE;

-- The 24 hours before its time, so that a day that is done again is the same day, and one that was missed is made up for
-- (RUN_ALL). What waits is what has been waiting for over an hour. The summary's own runs and messages count only when something
-- was wrong with them: a day of nothing else has no rows, and no mail.
MERGE INTO REPORT_CONFIG C
USING (SELECT 'operator-summary' AS CONFIG_ID) S ON C.CONFIG_ID = S.CONFIG_ID
WHEN NOT MATCHED THEN INSERT
  (CONFIG_ID, REPORT_NAME, REPORT_TYPE, SCHEDULE_CRON, TIMEZONE, MISFIRE_POLICY, OUTPUT_FORMAT, EMAIL_RECIPIENTS, OWNER_EMAIL, OPTIONS, REPORT_SQL)
  VALUES (
  'operator-summary',
  'Report service, daily summary',
  'SCHEDULED',
  '0 6 * * *',
  'UTC',
  'RUN_ALL',
  'PDF,EXCEL',
  '{{OPERATOR_EMAIL}}',
  '{{OPERATOR_EMAIL}}',
  $${
    "title": "Report service: daily summary",
    "subtitle": "The 24 hours before the time it is scheduled for, and what has been waiting for over an hour then. Times are UTC.",
    "sendWhen": "rows",
    "page": { "orientation": "landscape", "margins": 10 },
    "excel": { "sheetName": "Daily summary" },
    "columns": {
      "REPORT": { "label": "Report" },
      "RUNS": { "label": "Runs", "format": "#,##0" },
      "COMPLETED": { "label": "Completed", "format": "#,##0" },
      "FAILED": { "label": "Failed", "format": "#,##0" },
      "LATE": { "label": "Late", "format": "#,##0" },
      "NOT_SENT": { "label": "Not sent", "format": "#,##0" },
      "PROBLEM": { "label": "What is wrong", "width": 28 },
      "WAITING_SINCE": { "label": "Waiting since", "width": 15 },
      "WHAT_TO_DO": { "label": "What to do", "width": 25 },
      "SKIPPED": { "label": "Skipped", "format": "#,##0" },
      "RETRIED": { "label": "Retried", "format": "#,##0" },
      "SENT": { "label": "Sent", "format": "#,##0" },
      "MAYBE_SENT": { "label": "Maybe sent", "format": "#,##0" },
      "ROW_COUNT": { "label": "Rows", "format": "#,##0" },
      "SECONDS_AVERAGE": { "label": "Average seconds", "format": "#,##0.0" },
      "SECONDS_P95": { "label": "p95 seconds", "format": "#,##0.0" }
    }
  }$$,
  $$
WITH TODAY AS (
  SELECT COALESCE(:scheduled_for, SYSDATE()) AS ENDS_AT
),
ACTIVITY AS (
  SELECT
    A.*,
    -- One for each report: the newest of the worst.
    ROW_NUMBER() OVER (PARTITION BY A.CONFIG_ID ORDER BY A.SEVERITY DESC, A.HAPPENED_AT DESC) = 1 AS IS_WORST
  FROM REPORTING_DB.CONFIG.REPORT_ACTIVITY A
  CROSS JOIN TODAY
  WHERE (A.CONFIG_ID <> 'operator-summary' OR A.SEVERITY >= 3)
    AND A.HAPPENED_AT <= IFF(A.KIND = 'WAITING', DATEADD(hour, -1, TODAY.ENDS_AT), TODAY.ENDS_AT)
    AND (A.KIND = 'WAITING' OR A.HAPPENED_AT > DATEADD(hour, -24, TODAY.ENDS_AT))
),
-- Each row counts for its report and for all.
COUNTED AS (
  SELECT IFF(L.IS_TOTAL, '', A.CONFIG_ID) AS GROUP_ID, L.IS_TOTAL, A.*
  FROM ACTIVITY A
  CROSS JOIN (SELECT TRUE AS IS_TOTAL UNION ALL SELECT FALSE) L
)
SELECT
  IFF(IS_TOTAL, 'All reports', MAX(REPORT_NAME)) AS REPORT,
  COUNT_IF(KIND = 'RUN' AND STATE <> 'MISSED') AS RUNS,
  COUNT_IF(KIND = 'RUN' AND STATE = 'COMPLETED') AS COMPLETED,
  COUNT_IF(KIND = 'RUN' AND STATE = 'FAILED') AS FAILED,
  COUNT_IF(IS_LATE) AS LATE,
  COUNT_IF(KIND = 'MESSAGE' AND STATE = 'FAILED') AS NOT_SENT,
  CASE
    WHEN NOT IS_TOTAL THEN MAX(IFF(IS_WORST, PROBLEM, NULL))
    WHEN COUNT_IF(SEVERITY >= 3) = 0 THEN 'Nothing is wrong'
    ELSE COUNT_IF(IS_WORST AND SEVERITY >= 3) || ' of ' || COUNT_IF(IS_WORST) || ' reports to look at'
  END AS PROBLEM,
  TO_VARCHAR(MIN(IFF(KIND = 'WAITING', HAPPENED_AT, NULL)), 'YYYY-MM-DD HH24:MI') AS WAITING_SINCE,
  IFF(IS_TOTAL, NULL, MAX(IFF(IS_WORST, WHAT_TO_DO, NULL))) AS WHAT_TO_DO,
  COUNT_IF(KIND = 'RUN' AND STATE = 'SKIPPED') AS SKIPPED,
  COUNT_IF(KIND = 'RUN' AND STATE IN ('RETRY', 'LOST', 'INTERRUPTED')) AS RETRIED,
  COUNT_IF(KIND = 'MESSAGE' AND STATE = 'SENT') AS SENT,
  COUNT_IF(KIND = 'MESSAGE' AND STATE = 'UNKNOWN') AS MAYBE_SENT,
  SUM(IFF(KIND = 'RUN' AND STATE = 'COMPLETED', COALESCE(ROW_COUNT, 0), 0)) AS ROW_COUNT,
  ROUND(AVG(SECONDS), 1) AS SECONDS_AVERAGE,
  ROUND(PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY SECONDS), 1) AS SECONDS_P95
FROM COUNTED
GROUP BY GROUP_ID, IS_TOTAL
ORDER BY IS_TOTAL DESC, MAX(SEVERITY) DESC, MAX(HAPPENED_AT) DESC, GROUP_ID
$$
);
