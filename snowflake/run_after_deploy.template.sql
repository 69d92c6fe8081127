-- Enhanced Report Service, the last script: how Snowflake reaches the service.
--
-- The deploy fills in the names in double braces and writes run_after_deploy.sql. Run it as a role that may create integrations
-- (ACCOUNTADMIN, unless CREATE INTEGRATION ON ACCOUNT was granted to another). It can be run again, after every deploy.
--
-- The integration is changed, never replaced: a new one would get a new external id, and the trust policy of the AWS role
-- would have to be changed with it.

USE SCHEMA REPORTING_DB.CONFIG;

CREATE API INTEGRATION IF NOT EXISTS REPORT_TRIGGER_API
  API_PROVIDER = aws_api_gateway
  API_AWS_ROLE_ARN = '{{TRIGGER_ROLE_ARN}}'
  API_ALLOWED_PREFIXES = ('{{TRIGGER_URL}}')
  ENABLED = TRUE
  COMMENT = 'Enhanced Report Service: POST /trigger of the service, and nothing else';

ALTER API INTEGRATION REPORT_TRIGGER_API SET
  API_AWS_ROLE_ARN = '{{TRIGGER_ROLE_ARN}}'
  API_ALLOWED_PREFIXES = ('{{TRIGGER_URL}}')
  ENABLED = TRUE
  COMMENT = 'Enhanced Report Service: POST /trigger of the service, and nothing else';

-- Only when the API wants a key besides the signature. Snowflake never shows it again.
ALTER API INTEGRATION REPORT_TRIGGER_API SET API_KEY = '{{TRIGGER_API_KEY}}';

-- One row a call, because a trigger has no content. Not compressed, because the endpoint need not unpack it then. Replaced,
-- because there is no IF NOT EXISTS and no ALTER for its URL; what was granted on it goes with it, so it is granted again.
-- A run of SEND_ECS_TRIGGER that falls between the two fails and is repeated.
CREATE OR REPLACE EXTERNAL FUNCTION TRIGGER_ECS_SERVICE(REASON VARCHAR)
  RETURNS VARIANT
  VOLATILE
  COMMENT = 'Enhanced Report Service: POST /trigger, which starts a worker unless one is there; answers {ok, message}'
  API_INTEGRATION = REPORT_TRIGGER_API
  MAX_BATCH_ROWS = 1
  COMPRESSION = NONE
  AS '{{TRIGGER_URL}}';

-- To the owner of the procedures that call it.
GRANT USAGE ON FUNCTION TRIGGER_ECS_SERVICE(VARCHAR) TO ROLE REPORT_TASK_ROLE;

-- Read from its answer, and put into the trust policy of {{TRIGGER_ROLE_ARN}}:
--   API_AWS_IAM_USER_ARN   Principal.AWS
--   API_AWS_EXTERNAL_ID    Condition.StringEquals."sts:ExternalId"
-- (the deploy takes both as settings and writes the policy). Then try the chain: SELECT TRIGGER_ECS_SERVICE('by hand');
DESC INTEGRATION REPORT_TRIGGER_API;
