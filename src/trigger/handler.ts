import { ECSClient } from "@aws-sdk/client-ecs";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SSMClient } from "@aws-sdk/client-ssm";
import { serve, type TriggerPorts } from "./answers.ts";
import { readEvent } from "./event.ts";
import { readLinkKey } from "./link-key.ts";
import { type Links, openLinks } from "./links.ts";
import { openEcsScaler, openLocalScaler, type Scaler } from "./scaler.ts";
import { readSettings, type TriggerSettings } from "./settings.ts";
import { openWakeUps, type WakeUps } from "./wake-up.ts";

/** What Lambda tells of a call, as far as it matters here. */
interface LambdaContext {
  readonly invokedFunctionArn: string;
}

/**
 * What API Gateway waits for ends within the function's 25 s, before it gives up after 29 s: a trigger's two calls of three
 * attempts, a click's three of two. What a worker sends may take more calls; it hears of an end that came too soon.
 */
const NETWORK = {
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 3_500, throwOnRequestTimeout: true },
  maxAttempts: 2,
} as const;

/** Opened by the first event and kept for those that follow, as long as Lambda keeps this process. */
let ports: TriggerPorts | null = null;

/** The service's one function: the trigger, the tick, what workers see, and the links in mails. */
export async function handler(event: unknown, context: LambdaContext): Promise<unknown> {
  ports ??= openPorts(readSettings(process.env), context.invokedFunctionArn);
  return await serve(readEvent(event), ports);
}

function openPorts(settings: TriggerSettings, functionArn: string): TriggerPorts {
  return {
    scaler: openScaler(settings),
    links: openStoredLinks(settings),
    workersMax: settings.WORKERS_MAX,
    wakeUps: openPlannedWakeUps(settings, functionArn),
    workerName: settings.WORKER_MODE === "local" ? "Local worker" : "ECS service",
    log: (line) => {
      process.stdout.write(`${line}\n`);
    },
    now: () => new Date(),
  };
}

function openScaler(of: TriggerSettings): Scaler {
  if (of.WORKER_MODE === "local") return openLocalScaler(of.LOCAL_TRIGGER_URL);
  const clients = {
    raising: new ECSClient({ ...NETWORK, maxAttempts: 3 }),
    lowering: new ECSClient({ ...NETWORK, maxAttempts: 1 }),
  };
  return openEcsScaler(clients, { cluster: of.ECS_CLUSTER, service: of.ECS_SERVICE });
}

function openPlannedWakeUps(of: TriggerSettings, functionArn: string): WakeUps | null {
  if (of.SCHEDULER_ROLE_ARN === undefined || of.WORKER_MODE === "local") return null;
  return openWakeUps(new SchedulerClient(NETWORK), {
    name: of.WAKE_UP_NAME,
    functionArn,
    roleArn: of.SCHEDULER_ROLE_ARN,
  });
}

function openStoredLinks(of: TriggerSettings): Links {
  const parameters = new SSMClient(NETWORK);
  let key: Promise<string> | null = null;
  const readKey = (): Promise<string> => {
    key ??= readLinkKey(parameters, of.LINK_KEY_PARAMETER).catch((thrown: unknown) => {
      key = null;
      throw thrown;
    });
    return key;
  };
  const isEmulated = of.AWS_ENDPOINT_URL !== undefined;
  return openLinks(new S3Client({ ...NETWORK, forcePathStyle: isEmulated }), {
    bucket: of.BUCKET,
    baseUrl: of.LINK_BASE_URL,
    days: of.LINK_DAYS,
    readKey,
    now: () => new Date(),
  });
}
