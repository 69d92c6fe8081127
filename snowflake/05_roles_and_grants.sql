-- Enhanced Report Service, script 5 of 5: who may do what.
--
--   REPORT_WORKER_ROLE   the queue: what the worker's bookkeeping reads and writes. SNOWFLAKE_ROLE of the service.
--   REPORT_READER_ROLE   report SQL: reads what the company lets it read, and nothing of the queue. SNOWFLAKE_READER_ROLE.
--                        (For the daily summary, operator_summary.template.sql lets it read one view of figures.)
--   REPORT_TASK_ROLE     owns the tasks and the procedures. Nobody logs in with it: it acts only through their bodies.
--   REPORT_USER_ROLE     people who ask for reports. Grant it to them, or to a role of theirs.
--   CORTEX_USER_ROLE     the people who run the service: the role that `report-service setup` and `doctor` work with. It
--                        has all of the four, so that it can replace what they own and be asked to look after it.
--   REPORT_SERVICE_USER  the user that the service logs in as.
--
-- Run it as ACCOUNTADMIN: EXECUTE TASK and the roles of the database SNOWFLAKE can be granted by nobody else. It can be run
-- again, and has to be after script 3 and after run_after_deploy.sql, where OR REPLACE drops what was granted.
-- A role that is granted to nobody cannot be looked after by anybody, so SYSADMIN gets all of them too.

USE SCHEMA REPORTING_DB.CONFIG;

CREATE ROLE IF NOT EXISTS REPORT_WORKER_ROLE
  COMMENT = 'Enhanced Report Service: the queue, the runs and the deliveries';
CREATE ROLE IF NOT EXISTS REPORT_READER_ROLE
  COMMENT = 'Enhanced Report Service: report SQL; reads only, and nothing of the queue';
CREATE ROLE IF NOT EXISTS REPORT_TASK_ROLE
  COMMENT = 'Enhanced Report Service: owns the tasks and the procedures; granted to no user';
CREATE ROLE IF NOT EXISTS REPORT_USER_ROLE
  COMMENT = 'Enhanced Report Service: people who ask for reports and see what became of them';
CREATE ROLE IF NOT EXISTS CORTEX_USER_ROLE
  COMMENT = 'Enhanced Report Service: people who set the service up and run it';

-- The roles are looked after from above.
GRANT ROLE REPORT_WORKER_ROLE TO ROLE SYSADMIN;
GRANT ROLE REPORT_READER_ROLE TO ROLE SYSADMIN;
GRANT ROLE REPORT_TASK_ROLE TO ROLE SYSADMIN;
GRANT ROLE REPORT_USER_ROLE TO ROLE SYSADMIN;
GRANT ROLE REPORT_WORKER_ROLE TO ROLE CORTEX_USER_ROLE;
GRANT ROLE REPORT_READER_ROLE TO ROLE CORTEX_USER_ROLE;
GRANT ROLE REPORT_TASK_ROLE TO ROLE CORTEX_USER_ROLE;
GRANT ROLE REPORT_USER_ROLE TO ROLE CORTEX_USER_ROLE;

-- REPORT_COST reads QUERY_ATTRIBUTION_HISTORY with the rights of its owner, which is whoever ran script 1.
GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE CORTEX_USER_ROLE;

-- Every session needs its warehouse; who does not see database and schema does not see what is in them.
GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE REPORT_WORKER_ROLE;
GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE REPORT_READER_ROLE;
GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE REPORT_TASK_ROLE;
GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE REPORT_USER_ROLE;
GRANT USAGE ON DATABASE REPORTING_DB TO ROLE REPORT_WORKER_ROLE;
GRANT USAGE ON DATABASE REPORTING_DB TO ROLE REPORT_TASK_ROLE;
GRANT USAGE ON DATABASE REPORTING_DB TO ROLE REPORT_USER_ROLE;
GRANT USAGE ON SCHEMA REPORTING_DB.CONFIG TO ROLE REPORT_WORKER_ROLE;
GRANT USAGE ON SCHEMA REPORTING_DB.CONFIG TO ROLE REPORT_TASK_ROLE;
GRANT USAGE ON SCHEMA REPORTING_DB.CONFIG TO ROLE REPORT_USER_ROLE;

-- The queue. INSERT into REPORT_CONFIG is for `report-service add`, `rerun` and `doctor`. The worker deletes nothing, ever.
GRANT SELECT, INSERT, UPDATE ON TABLE REPORT_CONFIG TO ROLE REPORT_WORKER_ROLE;
-- The audit: written when a run begins and when it ends.
GRANT SELECT, INSERT, UPDATE ON TABLE REPORT_RUN TO ROLE REPORT_WORKER_ROLE;
-- The ledger: messages are owed, claimed and settled.
GRANT SELECT, INSERT, UPDATE ON TABLE REPORT_DELIVERY TO ROLE REPORT_WORKER_ROLE;
-- Beats are appended, and read to see who lives; the task prunes them.
GRANT SELECT, INSERT ON TABLE WORKER_HEARTBEAT TO ROLE REPORT_WORKER_ROLE;
-- `report-service list`, `show` and the metrics.
GRANT SELECT ON VIEW REPORT_STATUS TO ROLE REPORT_WORKER_ROLE;
GRANT SELECT ON VIEW REPORT_METRICS_HOURLY TO ROLE REPORT_WORKER_ROLE;
GRANT SELECT ON VIEW REPORT_COST TO ROLE REPORT_WORKER_ROLE;
-- Files that COPY INTO writes, and the worker links to and removes. Not for the role of report SQL, which could read
-- everybody's: RESULT_SCAN asks for the user of the query, not for its role. WRITE goes only with READ, so in this order.
GRANT READ ON STAGE REPORT_STAGE TO ROLE REPORT_WORKER_ROLE;
GRANT WRITE ON STAGE REPORT_STAGE TO ROLE REPORT_WORKER_ROLE;
-- `report-service doctor` in the container sees whether the tasks run; it cannot change them.
GRANT MONITOR ON TASK ECS_TRIGGER_TASK TO ROLE REPORT_WORKER_ROLE;
GRANT MONITOR ON TASK REPORT_SAFETY_TASK TO ROLE REPORT_WORKER_ROLE;
GRANT MONITOR ON TASK REPORT_PRUNE_TASK TO ROLE REPORT_WORKER_ROLE;

-- Report SQL sees what the company says: add it here, once for what there is and once for what will come. Never the queue:
-- REPORT_CONFIG holds the SQL and the recipients of everybody's reports.
--   GRANT USAGE ON DATABASE <database> TO ROLE REPORT_READER_ROLE;
--   GRANT USAGE ON SCHEMA <database>.<schema> TO ROLE REPORT_READER_ROLE;
--   GRANT SELECT ON ALL TABLES IN SCHEMA <database>.<schema> TO ROLE REPORT_READER_ROLE;
--   GRANT SELECT ON FUTURE TABLES IN SCHEMA <database>.<schema> TO ROLE REPORT_READER_ROLE;
--   GRANT SELECT ON ALL VIEWS IN SCHEMA <database>.<schema> TO ROLE REPORT_READER_ROLE;
--   GRANT SELECT ON FUTURE VIEWS IN SCHEMA <database>.<schema> TO ROLE REPORT_READER_ROLE;
--   GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE_SAMPLE_DATA TO ROLE REPORT_READER_ROLE;  -- for the demo's reports

-- SEND_ECS_TRIGGER reads the stream (and with it its table) into the log, in one transaction.
GRANT SELECT ON STREAM REPORT_CONFIG_INSERT_STREAM TO ROLE REPORT_TASK_ROLE;
GRANT INSERT ON TABLE REPORT_TRIGGER_LOG TO ROLE REPORT_TASK_ROLE;
-- TRIGGER_IF_DUE looks at the queue; REQUEST_REPORT inserts; CANCEL_REPORT and RETRY_REPORT update.
GRANT SELECT, INSERT, UPDATE ON TABLE REPORT_CONFIG TO ROLE REPORT_TASK_ROLE;
GRANT SELECT ON TABLE REPORT_DELIVERY TO ROLE REPORT_TASK_ROLE;
-- TRIGGER_IF_DUE reads the beats, PRUNE_WORKER_HEARTBEAT deletes the old ones.
GRANT SELECT, DELETE ON TABLE WORKER_HEARTBEAT TO ROLE REPORT_TASK_ROLE;
-- A task runs only while its owner has this; ownership does not imply it.
GRANT EXECUTE TASK ON ACCOUNT TO ROLE REPORT_TASK_ROLE;

-- Owner's rights: what the bodies may do is what their owner may do, whoever calls them.
GRANT OWNERSHIP ON PROCEDURE SEND_ECS_TRIGGER() TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON PROCEDURE TRIGGER_IF_DUE() TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON PROCEDURE PRUNE_WORKER_HEARTBEAT() TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON PROCEDURE REQUEST_REPORT(VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR) TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON PROCEDURE CANCEL_REPORT(VARCHAR) TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON PROCEDURE RETRY_REPORT(VARCHAR) TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;

-- A task that changes hands is suspended by Snowflake, and one that runs refuses to; so all are, and are resumed behind it.
ALTER TASK ECS_TRIGGER_TASK SUSPEND;
ALTER TASK REPORT_SAFETY_TASK SUSPEND;
ALTER TASK REPORT_PRUNE_TASK SUSPEND;
GRANT OWNERSHIP ON TASK ECS_TRIGGER_TASK TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON TASK REPORT_SAFETY_TASK TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
GRANT OWNERSHIP ON TASK REPORT_PRUNE_TASK TO ROLE REPORT_TASK_ROLE COPY CURRENT GRANTS;
ALTER TASK REPORT_PRUNE_TASK RESUME;
ALTER TASK REPORT_SAFETY_TASK RESUME;
ALTER TASK ECS_TRIGGER_TASK RESUME;

-- People ask with an INSERT or a CALL and see what became of it. They read no REPORT_CONFIG: neither the SQL nor the
-- recipients of others.
GRANT INSERT ON TABLE REPORT_CONFIG TO ROLE REPORT_USER_ROLE;
GRANT SELECT ON VIEW REPORT_STATUS TO ROLE REPORT_USER_ROLE;
GRANT SELECT ON VIEW REPORT_METRICS_HOURLY TO ROLE REPORT_USER_ROLE;
GRANT USAGE ON PROCEDURE REQUEST_REPORT(VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR) TO ROLE REPORT_USER_ROLE;
GRANT USAGE ON PROCEDURE CANCEL_REPORT(VARCHAR) TO ROLE REPORT_USER_ROLE;
GRANT USAGE ON PROCEDURE RETRY_REPORT(VARCHAR) TO ROLE REPORT_USER_ROLE;

-- The service's user. TYPE = SERVICE has no password and cannot log in to Snowsight. Without DEFAULT_SECONDARY_ROLES = ()
-- all its roles would count at once, and report SQL could write to the queue.
CREATE USER IF NOT EXISTS REPORT_SERVICE_USER
  TYPE = SERVICE
  DEFAULT_ROLE = REPORT_WORKER_ROLE
  DEFAULT_SECONDARY_ROLES = ()
  DEFAULT_WAREHOUSE = COMPUTE_WH
  DEFAULT_NAMESPACE = 'REPORTING_DB.CONFIG'
  COMMENT = 'Enhanced Report Service: the worker';
GRANT ROLE REPORT_WORKER_ROLE TO USER REPORT_SERVICE_USER;
GRANT ROLE REPORT_READER_ROLE TO USER REPORT_SERVICE_USER;

-- It cannot log in until it is told how it proves who it is. Run one of these once:
--   by the role of the ECS task, without any secret (SNOWFLAKE_WORKLOAD_IDENTITY=AWS):
--     ALTER USER REPORT_SERVICE_USER SET WORKLOAD_IDENTITY = (TYPE = AWS ARN = 'arn:aws:iam::<account>:role/<task role>');
--   by a key pair, whose private half is in the secret (the key without its first and last line):
--     ALTER USER REPORT_SERVICE_USER SET RSA_PUBLIC_KEY = '<public key>';
