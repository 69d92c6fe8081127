import type { Network } from "./network.ts";
import { type DeploymentSettings, stageName } from "./settings.ts";
import { REPORTS_PREFIX, type Stores } from "./stores.ts";
import type { Trigger } from "./trigger.ts";

/** Known before anything is made, so that the function and the task role can name each other. */
export interface WorkerNames {
  readonly cluster: string;
  readonly service: string;
}

export function workerNames(stage: string): WorkerNames {
  return {
    cluster: stageName("report-service-cluster", stage),
    service: stageName("report-service", stage),
  };
}

/** The user of the image, who owns nothing but the scratch volume. */
const USER = "10001:10001";
const SCRATCH = "/scratch";

/** The cluster and the service, of which there are none until the trigger asks for one. */
export function createWorker(
  settings: DeploymentSettings,
  network: Network,
  stores: Stores,
  trigger: Trigger,
  names: WorkerNames,
): void {
  const cluster = new sst.aws.Cluster("Cluster", {
    vpc: network.vpc,
    transform: {
      cluster: {
        name: names.cluster,
        settings: [{ name: "containerInsights", value: "enabled" }],
      },
    },
  });
  const architecture = settings.DEPLOY_ARCHITECTURE;
  new sst.aws.Service("Worker", {
    cluster,
    cpu: "0.5 vCPU",
    memory: "1 GB",
    architecture,
    image: { context: ".", dockerfile: "Dockerfile" },
    // No health check of ECS, which takes no notice of the image's: it would stop a worker that waits for a Snowflake that
    // cannot be reached. A worker that hangs loses its lease, and its reports go to another.
    // A deploy does not wait either: a task that works on a report is protected and may go on for hours.
    wait: false,
    // SST's own policies would follow CPU and memory, and stop tasks that the queue needs.
    scaling: {
      min: 0,
      max: settings.DEPLOY_WORKERS_MAX,
      cpuUtilization: false,
      memoryUtilization: false,
    },
    logging: { name: stageName("/ecs/report-service", $app.stage), retention: "1 month" },
    environment: createEnvironment(settings, stores, trigger),
    permissions: listPermissions(stores, trigger, names),
    dev: { command: "bun run worker" },
    transform: {
      service: (args, options) => {
        args.name = names.service;
        args.enableExecuteCommand = false;
        args.networkConfiguration = {
          assignPublicIp: network.assignsPublicIp,
          subnets: $util.output(args.networkConfiguration).apply((value) => value?.subnets ?? []),
          securityGroups: $util
            .output(args.networkConfiguration)
            .apply((value) => value?.securityGroups ?? []),
        };
        // The trigger's function owns the count; a deploy must not stop what is running.
        options.ignoreChanges = [...(options.ignoreChanges ?? []), "desiredCount"];
      },
      taskDefinition: (args) => {
        args.volumes = [{ name: "scratch" }];
        args.containerDefinitions = $util.output(args.containerDefinitions).apply(hardenContainers);
      },
      // Its default may read every secret and parameter of the account, and nothing here is injected.
      executionRole: (args) => {
        delete args.inlinePolicies;
      },
      taskRole: (args) => {
        args.inlinePolicies = $util.output(args.inlinePolicies).apply(withoutShell);
      },
    },
  });
}

/** ECS's own names: stopTimeout 120 s is the most that Fargate gives. */
function hardenContainers(definitions: string): string {
  const containers: object[] = JSON.parse(definitions);
  return JSON.stringify(
    containers.map((container) => ({
      ...container,
      user: USER,
      stopTimeout: 120,
      readonlyRootFilesystem: true,
      pseudoTerminal: false,
      portMappings: [],
      mountPoints: [{ sourceVolume: "scratch", containerPath: SCRATCH }],
      linuxParameters: { capabilities: { drop: ["ALL"] } },
    })),
  );
}

/** SST adds four ssmmessages actions on everything, for a shell that a read-only root does not allow anyway. */
function withoutShell(
  policies: aws.types.input.iam.RoleInlinePolicy[] | undefined,
): aws.types.input.iam.RoleInlinePolicy[] {
  return (policies ?? []).map(({ name, policy }) => ({
    ...(name === undefined ? {} : { name }),
    policy: $util.output(policy).apply((text) => {
      const document: { Statement: { Action: string | string[] }[] } = JSON.parse(text ?? "{}");
      const Statement = document.Statement.filter(
        ({ Action }) => ![Action].flat().some((action) => action.startsWith("ssmmessages:")),
      );
      return JSON.stringify({ ...document, Statement });
    }),
  }));
}

/** What only a task has: a laptop has other folders, nobody who reads metrics, and a Snowflake of its own. */
const OF_TASK = { SCRATCH_FOLDER: SCRATCH, METRICS: "emf" } as const;

function createEnvironment(
  settings: DeploymentSettings,
  stores: Stores,
  trigger: Trigger,
): Record<string, $util.Input<string>> {
  const { passed, MAIL_FROM } = settings;
  return {
    ...passed,
    ...(MAIL_FROM === undefined ? {} : { MAIL_FROM }),
    REPORT_BUCKET: stores.bucket.name,
    REPORT_BUCKET_PREFIX: REPORTS_PREFIX,
    TRIGGER_FUNCTION: trigger.function.name,
    TRIGGER_URL: trigger.url,
    ...($dev ? {} : { SNOWFLAKE_SECRET_ID: stores.secret.arn, ...OF_TASK }),
  };
}

/** All that a worker may do in AWS. */
function listPermissions(
  stores: Stores,
  trigger: Trigger,
  names: WorkerNames,
): { actions: string[]; resources: $util.Input<string>[] }[] {
  const region = aws.getRegionOutput().region;
  const account = aws.getCallerIdentityOutput().accountId;
  const partition = aws.getPartitionOutput().partition;
  const { bucket, topic, identityArn, secret } = stores;
  return [
    { actions: ["secretsmanager:GetSecretValue"], resources: [secret.arn] },
    {
      // To begin, to fill and to end an upload in parts is s3:PutObject too.
      actions: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
      resources: [$interpolate`${bucket.arn}/${REPORTS_PREFIX}*`],
    },
    { actions: ["sns:Publish"], resources: [topic.arn] },
    ...(identityArn === null ? [] : [{ actions: ["ses:SendRawEmail"], resources: [identityArn] }]),
    { actions: ["lambda:InvokeFunction"], resources: [trigger.function.arn] },
    {
      // A task's id is not known before it runs; its cluster is.
      actions: ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
      resources: [$interpolate`arn:${partition}:ecs:${region}:${account}:task/${names.cluster}/*`],
    },
  ];
}
