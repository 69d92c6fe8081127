import { createAlarms } from "./alarms.ts";
import { createDashboard } from "./dashboard.ts";
import { createNetwork } from "./network.ts";
import { writeRunAfterDeploy } from "./run-after-deploy.ts";
import { readDeploymentSettings } from "./settings.ts";
import { createStores } from "./stores.ts";
import { createTrigger } from "./trigger.ts";
import { createWorker, workerNames } from "./worker.ts";

/** Everything, and what a person needs to know of it afterwards. Throws when the settings are wrong. */
export function createDeployment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, $util.Input<string>> {
  const settings = readDeploymentSettings(environment);
  const names = workerNames($app.stage);
  const stores = createStores(settings);
  const trigger = createTrigger(settings, stores, names);
  createWorker(settings, createNetwork(settings), stores, trigger, names);
  // In `sst dev` nothing ticks, so those that hear silence would speak for ever.
  if (!$dev) createAlarms(settings, trigger);
  createDashboard(settings, trigger, names);
  return {
    triggerUrl: trigger.url,
    runAfterDeploy: writeRunAfterDeploy(settings, trigger),
    snowflakeRole: trigger.snowflakeRole.arn,
    bucket: stores.bucket.name,
    topic: stores.topic.arn,
    secret: stores.secret.name,
    cluster: names.cluster,
    service: names.service,
  };
}
