-- Enhanced Report Service, script 4 of 5: the tasks.
--
-- Each is suspended, made with CREATE OR ALTER and, at the end, resumed. CREATE OR ALTER keeps grants and history, which
-- OR REPLACE drops, and brings a task of an earlier version up to this one, which IF NOT EXISTS does not; it wants the task
-- suspended. Should this script stop halfway, run it again: until then `report-service doctor` names what is suspended.
--
-- The role that runs this needs EXECUTE TASK on the account. All use the warehouse that the reports use: a task that runs
-- wakes it for a minute at least, which is why two of the three run seldom.

USE SCHEMA REPORTING_DB.CONFIG;

ALTER TASK IF EXISTS ECS_TRIGGER_TASK SUSPEND;
ALTER TASK IF EXISTS REPORT_SAFETY_TASK SUSPEND;
ALTER TASK IF EXISTS REPORT_PRUNE_TASK SUSPEND;

-- WHEN is looked at without the warehouse, so two minutes cost nothing while nobody asks for a report.
-- SUSPEND_TASK_AFTER_NUM_FAILURES = 0: never. The default of 10 would end all triggers after an endpoint had been down for
-- 20 minutes, silently and for good; a run that fails leaves its rows in the stream, so the one after the outage sends them.
-- Five minutes of time limit: Snowflake repeats a call that is answered with 429 or 5xx for a time that is not documented.
CREATE OR ALTER TASK ECS_TRIGGER_TASK
  WAREHOUSE = COMPUTE_WH
  SCHEDULE = '2 MINUTES'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  USER_TASK_TIMEOUT_MS = 300000
  COMMENT = 'Enhanced Report Service: wakes a worker within two minutes of an INSERT into REPORT_CONFIG'
  WHEN SYSTEM$STREAM_HAS_DATA('REPORTING_DB.CONFIG.REPORT_CONFIG_INSERT_STREAM')
AS
  CALL SEND_ECS_TRIGGER();

-- For what the stream cannot tell: retries, scheduled reports, dead workers, owed messages. Every 30 minutes, as the service
-- is polled at least; it never suspends itself either, because it is the one that catches what the other missed.
CREATE OR ALTER TASK REPORT_SAFETY_TASK
  WAREHOUSE = COMPUTE_WH
  SCHEDULE = '30 MINUTES'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 0
  USER_TASK_TIMEOUT_MS = 300000
  COMMENT = 'Enhanced Report Service: wakes a worker when reports or messages are waiting that no trigger told of'
AS
  CALL TRIGGER_IF_DUE();

-- Nobody waits for this one, and a failure that repeats wants a person: three, then it stays suspended until somebody looks.
CREATE OR ALTER TASK REPORT_PRUNE_TASK
  WAREHOUSE = COMPUTE_WH
  SCHEDULE = 'USING CRON 17 3 * * * UTC'
  SUSPEND_TASK_AFTER_NUM_FAILURES = 3
  USER_TASK_TIMEOUT_MS = 300000
  COMMENT = 'Enhanced Report Service: deletes old beats from WORKER_HEARTBEAT each night'
AS
  CALL PRUNE_WORKER_HEARTBEAT();

ALTER TASK REPORT_PRUNE_TASK RESUME;
ALTER TASK REPORT_SAFETY_TASK RESUME;
ALTER TASK ECS_TRIGGER_TASK RESUME;
