import { openControl } from "../app.ts";
import type { Config } from "../config.ts";
import { renderRunAfterDeploy } from "../snowflake/run-after-deploy.ts";
import { RUN_AFTER_DEPLOY_TEMPLATE } from "../snowflake/script-files.ts";
import { applyScripts } from "../snowflake/script-run.ts";
import type { SnowflakeSettings } from "../snowflake/settings.ts";

/** The local Snowflake signs nothing, so any will do. */
const LOCAL_ROLE_ARN = "arn:aws:iam::000000000000:role/local";

/** What a person writes; Snowflake's scripts know this machine by its number. */
const LOCALHOST = /^http:\/\/localhost(?=[:/])/;

/**
 * Does in the local Snowflake what run_after_deploy.sql does in an account: from now on TRIGGER_ECS_SERVICE posts to `url`.
 * Throws ReportError `configuration` for a URL that is neither https nor on 127.0.0.1.
 */
export async function pointTrigger(
  settings: SnowflakeSettings,
  { names }: Pick<Config, "names">,
  url: string,
): Promise<void> {
  const target = { url: url.replace(LOCALHOST, "http://127.0.0.1"), roleArn: LOCAL_ROLE_ARN };
  const text = renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, target, names);
  await using connection = await openControl(settings);
  await applyScripts(connection, [{ name: "run_after_deploy.sql", text }]);
}
