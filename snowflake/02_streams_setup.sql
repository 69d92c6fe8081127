-- Enhanced Report Service, script 2 of 5: the stream that notices new reports.
--
-- Append-only, because only an INSERT asks for a report: what the workers write into REPORT_CONFIG is none of its business.
-- SHOW_INITIAL_ROWS, because reports may have been asked for before the stream was there: its first reading gives those
-- rows, and so wakes a worker for them. (A reading can only wake: the workers take their reports from REPORT_CONFIG.)
--
-- IF NOT EXISTS, because a replaced stream forgets what it has not shown. A stream that nobody reads for 14 days
-- (MAX_DATA_EXTENSION_TIME_IN_DAYS, or DATA_RETENTION_TIME_IN_DAYS when that is longer) becomes stale and cannot be read
-- again; `report-service doctor` says so and shows the statement that mends it. No report is lost by that.

USE SCHEMA REPORTING_DB.CONFIG;

CREATE STREAM IF NOT EXISTS REPORT_CONFIG_INSERT_STREAM ON TABLE REPORT_CONFIG
  APPEND_ONLY = TRUE
  SHOW_INITIAL_ROWS = TRUE
  COMMENT = 'Enhanced Report Service: rows inserted into REPORT_CONFIG since SEND_ECS_TRIGGER last read it';
