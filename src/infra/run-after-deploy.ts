import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderRunAfterDeploy } from "../snowflake/run-after-deploy.ts";
import { type DeploymentSettings, stageName } from "./settings.ts";
import type { Trigger } from "./trigger.ts";

/**
 * Writes what Snowflake has to be told of the trigger: snowflake/run_after_deploy.sql, or run_after_deploy-STAGE.sql. It may
 * hold an API key, so that nobody else may read it, and git does not see it. `sst diff` and `sst dev` write nothing. Gives
 * back its path below the project's folder, once it is there.
 */
export function writeRunAfterDeploy(
  settings: DeploymentSettings,
  { url, snowflakeRole, apiKey }: Trigger,
): $util.Output<string> {
  const path = `snowflake/${stageName("run_after_deploy", $app.stage)}.sql`;
  return $util.all([url, snowflakeRole.arn, apiKey ?? ""]).apply(async ([url, roleArn, key]) => {
    if ($dev || $util.runtime.isDryRun()) return path;
    const root = $cli.paths.root;
    const template = await readFile(join(root, TEMPLATE), "utf8");
    const target = { url, roleArn, ...(key === "" ? {} : { apiKey: key }) };
    const script = renderRunAfterDeploy(template, target, settings.names);
    await writeFile(join(root, path), script, { mode: 0o600 });
    return path;
  });
}

const TEMPLATE = "snowflake/run_after_deploy.template.sql";
