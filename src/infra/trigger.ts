import { type DeploymentSettings, stageName } from "./settings.ts";
import { LINKS_PREFIX, REPORTS_PREFIX, type Stores } from "./stores.ts";
import type { WorkerNames } from "./worker.ts";

export interface Trigger {
  readonly function: sst.aws.Function;
  /** `https://.../prod/trigger` */
  readonly url: $util.Output<string>;
  /** Assumed by Snowflake. */
  readonly snowflakeRole: aws.iam.Role;
  /** Null: the signature is enough. */
  readonly apiKey: $util.Output<string> | null;
}

const STAGE = "prod";

/** The API, the one function behind it, its tick, and the role by which Snowflake may call it. */
export function createTrigger(
  settings: DeploymentSettings,
  stores: Stores,
  names: WorkerNames,
): Trigger {
  const snowflakeRole = createSnowflakeRole(settings);
  const api = createApi(snowflakeRole);
  const fn = createFunction(settings, stores, names, api);
  const isKeyed = settings.DEPLOY_API_KEY;
  api.route("POST /trigger", fn.arn, { auth: { iam: true }, apiKey: isKeyed });
  // Who opens a link has no AWS account: the signature in the link is what lets in.
  api.route("GET /r/{token}", fn.arn, { auth: false });
  api.deploy();
  const apiKey = limitCalls(api, isKeyed);
  allowSnowflake(api, snowflakeRole);
  new sst.aws.CronV2("Tick", {
    schedule: `rate(${settings.DEPLOY_TICK_MINUTES} minutes)`,
    function: fn.arn,
    event: { source: "schedule" },
    enabled: !$dev,
    retries: 3,
  });
  return { function: fn, url: $interpolate`${api.url}trigger`, snowflakeRole, apiKey };
}

/** Until Snowflake's side is known nobody may assume it. */
function createSnowflakeRole(settings: DeploymentSettings): aws.iam.Role {
  const { SNOWFLAKE_API_AWS_IAM_USER_ARN: user, SNOWFLAKE_API_AWS_EXTERNAL_ID: id } = settings;
  const statement =
    user === undefined
      ? { Effect: "Deny", Principal: { AWS: "*" }, Action: "sts:AssumeRole" }
      : {
          Effect: "Allow",
          Principal: { AWS: user },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "sts:ExternalId": id } },
        };
  return new aws.iam.Role("SnowflakeRole", {
    name: stageName("report-service-snowflake", $app.stage),
    description: "Assumed by Snowflake's API integration to call POST /trigger",
    assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
  });
}

function createApi(snowflakeRole: aws.iam.Role): sst.aws.ApiGatewayV1 {
  const account = aws.getCallerIdentityOutput().accountId;
  const partition = aws.getPartitionOutput().partition;
  // Snowflake's session of the role is always called "snowflake".
  const snowflake = $interpolate`arn:${partition}:sts::${account}:assumed-role/${snowflakeRole.name}/snowflake`;
  const policy = $jsonStringify({
    Version: "2012-10-17",
    Statement: [
      allow({ AWS: snowflake }, "execute-api:/*/POST/trigger"),
      allow("*", "execute-api:/*/GET/r/*"),
    ],
  });
  return new sst.aws.ApiGatewayV1("Api", {
    endpoint: { type: "regional" },
    // On, it would add a method that asks nobody who he is.
    cors: false,
    accessLog: { retention: "1 month" },
    transform: {
      api: { policy, description: "Wakes the report service" },
      stage: (args) => {
        args.stageName = STAGE;
        args.accessLogSettings = $util.output(args.accessLogSettings).apply((log) => ({
          destinationArn: log?.destinationArn ?? "",
          format: withoutPath(log?.format ?? "{}"),
        }));
      },
    },
  });
}

/** A path has the token of a link in it, which opens a file to whoever reads the log; `resourcePath` has not. */
function withoutPath(format: string): string {
  const { path: _, ...fields }: Record<string, string> = JSON.parse(format);
  return JSON.stringify(fields);
}

function allow(principal: unknown, resource: string): object {
  return {
    Effect: "Allow",
    Principal: principal,
    Action: "execute-api:Invoke",
    Resource: resource,
  };
}

function allowSnowflake(api: sst.aws.ApiGatewayV1, role: aws.iam.Role): void {
  new aws.iam.RolePolicy("SnowflakeMayTrigger", {
    role: role.name,
    policy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "execute-api:Invoke",
          Resource: $interpolate`${api.nodes.api.executionArn}/${STAGE}/POST/trigger`,
        },
      ],
    }),
  });
}

/** A trigger is needed once in two minutes; the rest is for links, which all who got a mail may open at once. */
const CALLS_PER_SECOND = 25;
const CALLS_AT_ONCE = 100;

/** Gives back the key, if one is asked for. */
function limitCalls(api: sst.aws.ApiGatewayV1, isKeyed: boolean): $util.Output<string> | null {
  new aws.apigateway.MethodSettings("Throttle", {
    restApi: api.nodes.api.id,
    // The stage has to be there first, and so has what the address is made of.
    stageName: api.url.apply(() => STAGE),
    methodPath: "*/*",
    settings: {
      throttlingRateLimit: CALLS_PER_SECOND,
      throttlingBurstLimit: CALLS_AT_ONCE,
      metricsEnabled: true,
    },
  });
  if (!isKeyed) return null;
  const throttle = { rate: CALLS_PER_SECOND, burst: CALLS_AT_ONCE };
  return api.addUsagePlan("Callers", { throttle }).addApiKey("Snowflake").value;
}

function createFunction(
  settings: DeploymentSettings,
  stores: Stores,
  names: WorkerNames,
  api: sst.aws.ApiGatewayV1,
): sst.aws.Function {
  const region = aws.getRegionOutput().region;
  const account = aws.getCallerIdentityOutput().accountId;
  const partition = aws.getPartitionOutput().partition;
  const arn = (service: string, rest: string): $util.Output<string> =>
    $interpolate`arn:${partition}:${service}:${region}:${account}:${rest}`;
  const wakeUpName = stageName("report-service-wake-up", $app.stage);
  const linkKey = `/report-service/${$app.stage}/link-key`;
  const schedulerRole = createSchedulerRole();
  const fn = new sst.aws.Function("Trigger", {
    handler: "src/trigger/handler.handler",
    runtime: "nodejs22.x",
    architecture: "arm64",
    // API Gateway waits for 29 seconds.
    timeout: "25 seconds",
    memory: "256 MB",
    logging: { retention: "1 month" },
    environment: {
      WORKER_MODE: $dev ? "local" : "ecs",
      ECS_CLUSTER: names.cluster,
      ECS_SERVICE: names.service,
      WORKERS_MAX: String(settings.DEPLOY_WORKERS_MAX),
      SCHEDULER_ROLE_ARN: schedulerRole.arn,
      WAKE_UP_NAME: wakeUpName,
      BUCKET: stores.bucket.name,
      LINK_BASE_URL: $interpolate`https://${api.nodes.api.id}.execute-api.${region}.amazonaws.com/${STAGE}/`,
      LINK_KEY_PARAMETER: linkKey,
      LINK_DAYS: String(settings.DEPLOY_LINK_DAYS),
    },
    permissions: [
      {
        actions: ["ecs:DescribeServices", "ecs:UpdateService"],
        resources: [arn("ecs", `service/${names.cluster}/${names.service}`)],
      },
      {
        actions: ["scheduler:CreateSchedule", "scheduler:UpdateSchedule"],
        resources: [arn("scheduler", `schedule/default/${wakeUpName}`)],
      },
      { actions: ["iam:PassRole"], resources: [schedulerRole.arn] },
      {
        actions: ["ssm:GetParameter", "ssm:PutParameter"],
        resources: [arn("ssm", `parameter${linkKey}`)],
      },
      {
        actions: ["s3:GetObject"],
        resources: [
          $interpolate`${stores.bucket.arn}/${REPORTS_PREFIX}*`,
          $interpolate`${stores.bucket.arn}/${LINKS_PREFIX}*`,
        ],
      },
      {
        actions: ["s3:PutObject"],
        resources: [$interpolate`${stores.bucket.arn}/${LINKS_PREFIX}*`],
      },
    ],
  });
  allowWakeUp(schedulerRole, fn);
  return fn;
}

/** By which EventBridge Scheduler calls the function at the next due time, for this account alone. */
function createSchedulerRole(): aws.iam.Role {
  const account = aws.getCallerIdentityOutput().accountId;
  return new aws.iam.Role("WakeUpRole", {
    description: "Calls the trigger when a report is due and nobody is awake",
    assumeRolePolicy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "scheduler.amazonaws.com" },
          Action: "sts:AssumeRole",
          Condition: { StringEquals: { "aws:SourceAccount": account } },
        },
      ],
    }),
  });
}

function allowWakeUp(role: aws.iam.Role, fn: sst.aws.Function): void {
  new aws.iam.RolePolicy("WakeUpMayCall", {
    role: role.name,
    policy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: fn.arn }],
    }),
  });
}
