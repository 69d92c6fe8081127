import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Evaluation, Options, Recorded } from "./evaluate.ts";

const root = resolve(import.meta.dir, "../..");
const isInstalled = existsSync(join(root, ".sst/platform/node_modules/@pulumi/pulumi"));
const isRequired = process.env["REQUIRE_INFRA"] === "1";
const lacking = isInstalled ? null : "the SST platform is not installed: bun run infra:install";
if (lacking !== null && !isRequired)
  process.stderr.write(`infrastructure not checked: ${lacking}\n`);

/** Of the mocks. */
const API_KEY = "k".repeat(40);

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource?: string | string[];
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

async function evaluate(options: Options): Promise<Evaluation> {
  const environment = { PATH: process.env["PATH"], HOME: process.env["HOME"] };
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "evaluate.ts"), JSON.stringify(options)],
    { env: environment, stdout: "pipe", stderr: "pipe" },
  );
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(errors).toBe("");
  return JSON.parse(output) as Evaluation;
}

function all({ resources }: Evaluation, type: string): Recorded[] {
  return resources.filter((resource) => resource.type.endsWith(`:${type}`));
}

function one(evaluation: Evaluation, type: string, name?: string): Recorded {
  const found = all(evaluation, type).filter(
    (resource) => name === undefined || resource.name === name,
  );
  if (found.length !== 1) throw new Error(`${found.length} of ${type} ${name ?? ""}`);
  return found[0] as Recorded;
}

/** Secret values are wrapped by Pulumi. */
function plain(value: unknown): unknown {
  return typeof value === "object" && value !== null && "value" in value ? value.value : value;
}

function statementsOf(policy: unknown): Statement[] {
  const document: unknown = typeof policy === "string" ? JSON.parse(policy) : policy;
  return (document as { Statement: Statement[] }).Statement;
}

/** The statements of a role's own policy, as "action on resource". */
function grantsOf(role: Recorded): string[] {
  const policies = (role.inputs["inlinePolicies"] ?? []) as { policy: string }[];
  return policies
    .flatMap(({ policy }) => statementsOf(policy))
    .flatMap(({ Action, Resource }) =>
      [Action]
        .flat()
        .flatMap((action) => [Resource ?? []].flat().map((on) => `${action} on ${on}`)),
    )
    .map((grant) => grant.replace(/-[a-z]{8}(?=$|\/)/, "-*"))
    .sort();
}

/** Every statement of every policy, as [where, statement]; what Snowflake, AWS or anybody may assume is not among them. */
function allStatements(evaluation: Evaluation): [string, Statement][] {
  return evaluation.resources.flatMap(({ type, name, inputs }) => {
    const inline = (inputs["inlinePolicies"] ?? []) as { policy: string }[];
    const isPolicy = type.startsWith("aws:") && inputs["policy"] !== undefined;
    const policies = [
      ...inline.map(({ policy }) => policy),
      ...(isPolicy ? [inputs["policy"]] : []),
    ];
    return policies
      .flatMap(statementsOf)
      .map((statement): [string, Statement] => [name, statement]);
  });
}

/** What is allowed with a wildcard, or to everybody: "who: action on resource". */
function openGrants(evaluation: Evaluation): string[] {
  return allStatements(evaluation)
    .filter(([, { Effect }]) => Effect === "Allow")
    .flatMap(([name, { Action, Resource, Principal }]) =>
      [Action].flat().flatMap((action) =>
        [Resource ?? "*"].flat().map((on) => ({
          text: `${name}: ${action} on ${on}`,
          isOpen: `${action}${on}`.includes("*") || JSON.stringify(Principal ?? "").includes('"*"'),
        })),
      ),
    )
    .filter(({ isOpen }) => isOpen)
    .map(({ text }) => text)
    .sort();
}

/** All that is open, and why: AWS names a task when it runs, a key of S3 when it is written, and a link is for a person. */
const OPEN_GRANTS = [
  "ApiApi: execute-api:Invoke on execute-api:/*/GET/r/*",
  "ApiApi: execute-api:Invoke on execute-api:/*/POST/trigger",
  "TriggerRole: s3:GetObject on arn:aws:s3:::reportsbucket/links/*",
  "TriggerRole: s3:GetObject on arn:aws:s3:::reportsbucket/reports/*",
  "TriggerRole: s3:PutObject on arn:aws:s3:::reportsbucket/links/*",
  "WorkerTaskRole: ecs:GetTaskProtection on arn:aws:ecs:us-east-1:123456789012:task/report-service-cluster/*",
  "WorkerTaskRole: ecs:UpdateTaskProtection on arn:aws:ecs:us-east-1:123456789012:task/report-service-cluster/*",
  "WorkerTaskRole: s3:AbortMultipartUpload on arn:aws:s3:::reportsbucket/reports/*",
  "WorkerTaskRole: s3:GetObject on arn:aws:s3:::reportsbucket/reports/*",
  "WorkerTaskRole: s3:PutObject on arn:aws:s3:::reportsbucket/reports/*",
];

/** Names of this service's metrics that alarms and the dashboard read, by the dimension `Source`. */
function readMetrics(evaluation: Evaluation, source: string): string[] {
  const alarms = all(evaluation, "MetricAlarm")
    .filter(({ inputs }) => (inputs["dimensions"] as Record<string, string>)["Source"] === source)
    .map(({ inputs }) => String(inputs["metricName"]));
  const body = String(plain(one(evaluation, "Dashboard").inputs["dashboardBody"]));
  const charts = [...body.matchAll(/\["ReportService","(\w+)","Source","(\w+)"/g)]
    .filter(([, , of]) => of === source)
    .map(([, name]) => name ?? "");
  const searched = [...body.matchAll(/MetricName=\\"(\w+)\\"/g)].map(([, name]) => name ?? "");
  return [...new Set([...alarms, ...charts, ...(source === "worker" ? searched : [])])].sort();
}

async function namesIn(...files: string[]): Promise<Set<string>> {
  const texts = await Promise.all(files.map((file) => Bun.file(join(root, "src", file)).text()));
  return new Set(
    texts.flatMap((text) => [...text.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? "")),
  );
}

function environmentOf(evaluation: Evaluation): Record<string, string> {
  const { containerDefinitions } = one(evaluation, "TaskDefinition").inputs;
  const [container] = JSON.parse(String(plain(containerDefinitions))) as {
    environment: { name: string; value: string }[];
  }[];
  return Object.fromEntries((container?.environment ?? []).map(({ name, value }) => [name, value]));
}

describe.skipIf(lacking !== null && !isRequired)("sst.config.ts", () => {
  let prod: Evaluation;
  beforeAll(async () => {
    prod = await evaluate({
      stage: "prod",
      environment: { MAIL_FROM: "reports@example.org", OPERATOR_EMAIL: "operators@example.org" },
    });
  }, 90_000);

  describe("the service", () => {
    test("is made with no task, and a deploy leaves the number of tasks alone", () => {
      const { inputs, ignoreChanges } = one(prod, "Service", "WorkerService");
      expect(inputs).toMatchObject({
        name: "report-service",
        desiredCount: 0,
        enableExecuteCommand: false,
        launchType: "FARGATE",
      });
      expect(ignoreChanges).toContain("desiredCount");
    });

    test("follows neither CPU nor memory", () => {
      expect(all(prod, "Policy").filter(({ type }) => type.includes("appautoscaling"))).toEqual([]);
      expect(one(prod, "Target").inputs).toMatchObject({ minCapacity: 0, maxCapacity: 10 });
    });

    test("has the size, the names and the hardening that were asked for", () => {
      const { inputs } = one(prod, "TaskDefinition");
      expect(inputs).toMatchObject({ cpu: "512", memory: "1024", volumes: [{ name: "scratch" }] });
      const [container] = JSON.parse(String(plain(inputs["containerDefinitions"]))) as object[];
      expect(container).toMatchObject({
        user: "10001:10001",
        stopTimeout: 120,
        readonlyRootFilesystem: true,
        mountPoints: [{ sourceVolume: "scratch", containerPath: "/scratch" }],
        linuxParameters: { capabilities: { drop: ["ALL"] } },
        logConfiguration: { options: { "awslogs-group": "/ecs/report-service" } },
      });
      expect(one(prod, "Cluster", "ClusterCluster").inputs).toMatchObject({
        name: "report-service-cluster",
        settings: [{ name: "containerInsights", value: "enabled" }],
      });
    });

    test("is told where its things are, and no secret", () => {
      const environment = environmentOf(prod);
      expect(environment).toMatchObject({
        SNOWFLAKE_SECRET_ID: expect.stringContaining("report-service/snowflake"),
        REPORT_BUCKET: expect.any(String),
        TRIGGER_FUNCTION: expect.any(String),
        SCRATCH_FOLDER: "/scratch",
        MAIL_FROM: "reports@example.org",
      });
      expect(JSON.stringify(environment)).not.toMatch(/password|private_key/i);
      expect(one(prod, "Secret", "Snowflake").inputs).toMatchObject({
        name: "report-service/snowflake",
      });
      expect(all(prod, "SecretVersion")).toEqual([]);
    });
  });

  describe("what each role may do", () => {
    test("a worker: its secret, its files, its topic, its sender, the function, its protection", () => {
      expect(grantsOf(one(prod, "Role", "WorkerTaskRole"))).toMatchSnapshot();
      const execution = one(prod, "Role", "WorkerExecutionRole").inputs;
      expect(execution["inlinePolicies"]).toBeUndefined();
    });

    test("the function: the service, the wake-up, the links", () => {
      expect(grantsOf(one(prod, "Role", "TriggerRole"))).toMatchSnapshot();
    });

    test("nobody may do more than that: what is open is listed here", () => {
      expect(allStatements(prod).length).toBeGreaterThan(20);
      expect(openGrants(prod)).toEqual(OPEN_GRANTS);
      const managed = all(prod, "Role")
        .flatMap(({ inputs }) => (inputs["managedPolicyArns"] ?? []) as string[])
        .map((arn) => arn.split("/").at(-1) ?? "");
      expect(managed.toSorted(Intl.Collator("en").compare)).toEqual([
        "AmazonAPIGatewayPushToCloudWatchLogs",
        "AmazonECSTaskExecutionRolePolicy",
        "AWSLambdaBasicExecutionRole",
      ]);
      expect(all(prod, "RolePolicyAttachment")).toEqual([]);
    });

    test("a new wildcard is seen, wherever it is written", async () => {
      const mutated = await evaluate({
        stage: "prod",
        mutations: [
          { file: "worker.ts", from: "resources: [secret.arn]", to: 'resources: ["*"]' },
          { file: "worker.ts", from: '"sns:Publish"', to: '"sns:*"' },
          { file: "trigger.ts", from: "`schedule/default/${wakeUpName}`", to: "`schedule/*`" },
          {
            file: "trigger.ts",
            from: 'Action: "lambda:InvokeFunction", Resource: fn.arn',
            to: 'Action: "lambda:InvokeFunction", Resource: "*"',
          },
          { file: "trigger.ts", from: "{ AWS: snowflake }", to: '"*"' },
        ],
      });
      const more = openGrants(mutated).filter((grant) => !OPEN_GRANTS.includes(grant));
      expect(more.map((grant) => grant.replace(/-[a-z]{8}$/, ""))).toEqual([
        "TriggerRole: scheduler:CreateSchedule on arn:aws:scheduler:us-east-1:123456789012:schedule/*",
        "TriggerRole: scheduler:UpdateSchedule on arn:aws:scheduler:us-east-1:123456789012:schedule/*",
        "WakeUpMayCall: lambda:InvokeFunction on *",
        "WorkerTaskRole: secretsmanager:GetSecretValue on *",
        "WorkerTaskRole: sns:* on arn:aws:sns:us-east-1:123456789012:report-service-prod-CompletedTopic",
      ]);
      const toAnybody = allStatements(mutated).filter(
        ([, { Effect, Principal }]) => Effect === "Allow" && Principal === "*",
      );
      expect(toAnybody).toHaveLength(2);
    }, 90_000);

    test("anybody may open a link, and nothing else", () => {
      const toAnybody = allStatements(prod).filter(
        ([, { Effect, Principal }]) =>
          Effect === "Allow" && JSON.stringify(Principal ?? "").includes('"*"'),
      );
      expect(toAnybody.map(([name, { Resource }]) => [name, Resource])).toEqual([
        ["ApiApi", "execute-api:/*/GET/r/*"],
      ]);
    });
  });

  describe("the network", () => {
    const types = (evaluation: Evaluation): string[] =>
      [
        ...new Set(
          evaluation.resources
            .map(({ type }) => type)
            .filter((type) => /^aws:(ec2|servicediscovery|route53)\//.test(type))
            .map((type) => type.split(":").at(-1) ?? ""),
        ),
      ].sort();

    test("has by default only parts that cost nothing while idle", () => {
      expect(types(prod)).toEqual([
        "InternetGateway",
        "RouteTable",
        "RouteTableAssociation",
        "SecurityGroup",
        "Subnet",
        "Vpc",
      ]);
      const subnets = all(prod, "Subnet").map(({ inputs }) => inputs);
      expect(subnets).toMatchObject([
        { cidrBlock: "10.0.0.0/20", availabilityZone: "us-east-1a" },
        { cidrBlock: "10.0.16.0/20", availabilityZone: "us-east-1b" },
      ]);
      expect(one(prod, "RouteTable").inputs).toMatchObject({
        routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "NetworkGateway-id" }],
      });
      expect(one(prod, "Service", "WorkerService").inputs).toMatchObject({
        networkConfiguration: {
          assignPublicIp: true,
          subnets: ["NetworkSubnet1-id", "NetworkSubnet2-id"],
          securityGroups: ["WorkerSecurityGroup-id"],
        },
      });
    });

    test("lets nothing in, and out by 443 and 80", () => {
      const { inputs } = one(prod, "SecurityGroup");
      expect(inputs["ingress"]).toBeUndefined();
      expect(inputs["egress"]).toMatchObject([
        { fromPort: 443, toPort: 443 },
        { fromPort: 80, toPort: 80 },
      ]);
    });

    test("can be one that is there", async () => {
      const existing = await evaluate({
        stage: "prod",
        environment: {
          DEPLOY_NETWORK: "existing",
          DEPLOY_VPC_ID: "vpc-1",
          DEPLOY_SUBNET_IDS: "subnet-1, subnet-2",
          DEPLOY_SECURITY_GROUP_IDS: "sg-1",
          DEPLOY_PUBLIC_IP: "true",
        },
      });
      expect(types(existing)).toEqual([]);
      expect(one(existing, "Service", "WorkerService").inputs).toMatchObject({
        networkConfiguration: {
          assignPublicIp: true,
          subnets: ["subnet-1", "subnet-2"],
          securityGroups: ["sg-1"],
        },
      });
    }, 90_000);
  });

  describe("run_after_deploy.sql", () => {
    test("is written with the real URL and role, and without a key", () => {
      const { triggerUrl, snowflakeRole, runAfterDeploy } = prod.outputs;
      expect(runAfterDeploy).toBe("snowflake/run_after_deploy.sql");
      const script = prod.written["run_after_deploy.sql"] ?? "";
      expect(script).toContain(`AS '${String(triggerUrl)}'`);
      expect(script).toContain(`API_AWS_ROLE_ARN = '${String(snowflakeRole)}'`);
      expect(script).toContain("UNSET API_KEY");
      expect(script).toContain("USE SCHEMA REPORTING_DB.CONFIG");
      expect(script.replace(/^--.*$/gm, "")).not.toContain("{{");
    });

    test("is not written by diff nor in dev", async () => {
      const [diff, dev] = await Promise.all([
        evaluate({ stage: "prod", diff: true }),
        evaluate({ stage: "somebody", dev: true }),
      ]);
      expect(diff.written).toEqual({});
      expect(dev.written).toEqual({});
    }, 90_000);
  });

  describe("the API", () => {
    test("takes a signed POST, and links that carry their own signature", () => {
      const methods = all(prod, "Method").map(({ inputs }) => [
        inputs["httpMethod"],
        inputs["authorization"],
        inputs["apiKeyRequired"] ?? false,
      ]);
      expect(methods.toSorted((one, other) => (String(one) < String(other) ? -1 : 1))).toEqual([
        ["GET", "NONE", false],
        ["POST", "AWS_IAM", false],
      ]);
      expect(one(prod, "RestApi").inputs).toMatchObject({
        endpointConfiguration: { types: "REGIONAL" },
      });
      expect(one(prod, "Stage", "ApiStage").inputs).toMatchObject({ stageName: "prod" });
    });

    test("keeps no token of a link in its log", () => {
      const { accessLogSettings } = one(prod, "Stage", "ApiStage").inputs;
      const { format, destinationArn } = accessLogSettings as Record<string, string>;
      const fields: Record<string, string> = JSON.parse(String(format));
      expect(destinationArn).toStartWith("arn:aws:");
      expect(fields).toMatchObject({
        resourcePath: '"$context.resourcePath"',
        status: "$context.status",
        ip: '"$context.identity.sourceIp"',
      });
      expect(fields).not.toHaveProperty("path");
      expect(format).not.toMatch(/\$context\.(path|customDomain|requestOverride)/);
      expect(
        all(prod, "MethodSettings").map(({ inputs }) => inputs["settings"]),
      ).not.toContainEqual(expect.objectContaining({ dataTraceEnabled: true }));
    });

    test("is throttled", () => {
      expect(one(prod, "MethodSettings").inputs).toMatchObject({
        stageName: "prod",
        methodPath: "*/*",
        settings: { throttlingRateLimit: 25, throttlingBurstLimit: 100 },
      });
    });

    test("lets in Snowflake's session of its role, and clicks", () => {
      const statements = statementsOf(one(prod, "RestApi").inputs["policy"]);
      expect(statements.map(({ Principal, Resource }) => [Principal, Resource])).toEqual([
        [
          { AWS: "arn:aws:sts::123456789012:assumed-role/report-service-snowflake/snowflake" },
          "execute-api:/*/POST/trigger",
        ],
        ["*", "execute-api:/*/GET/r/*"],
      ]);
    });

    test("and its schedule call the same function", () => {
      const uris = all(prod, "Integration").map(({ inputs }) => inputs["uri"]);
      expect(new Set(uris).size).toBe(1);
      expect(
        all(prod, "Function").filter(({ type }) => type.startsWith("aws:lambda/")),
      ).toHaveLength(1);
      const schedule = one(prod, "Schedule", "TickSchedule").inputs;
      expect(schedule).toMatchObject({
        scheduleExpression: "rate(30 minutes)",
        state: "ENABLED",
        target: { input: '{"source":"schedule"}' },
      });
    });
  });

  describe("the role for Snowflake", () => {
    test("trusts nobody until Snowflake's side is known", () => {
      const [statement] = statementsOf(
        one(prod, "Role", "SnowflakeRole").inputs["assumeRolePolicy"],
      );
      expect(statement).toMatchObject({ Effect: "Deny", Principal: { AWS: "*" } });
    });

    test("then trusts that user with that external id, and may call one method", async () => {
      const known = await evaluate({
        stage: "prod",
        environment: {
          SNOWFLAKE_API_AWS_IAM_USER_ARN: "arn:aws:iam::999999999999:user/abc",
          SNOWFLAKE_API_AWS_EXTERNAL_ID: "ACCOUNT_SFCRole=1_x=",
          DEPLOY_API_KEY: "true",
          DEPLOY_NETWORK: "private",
          DEPLOY_ARCHITECTURE: "arm64",
          DEPLOY_WORKERS_MAX: "3",
          SNOWFLAKE_DATABASE: "REPORTS",
          QUERY_TIMEOUT: "5m",
        },
      });
      const script = known.written["run_after_deploy.sql"];
      expect(script).toContain(`SET API_KEY = '${API_KEY}'`);
      expect(script).toContain("USE SCHEMA REPORTS.CONFIG");
      expect(environmentOf(known)).toMatchObject({
        SNOWFLAKE_DATABASE: "REPORTS",
        QUERY_TIMEOUT: "5m",
      });
      const [statement] = statementsOf(
        one(known, "Role", "SnowflakeRole").inputs["assumeRolePolicy"],
      );
      expect(statement).toEqual({
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::999999999999:user/abc" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "sts:ExternalId": "ACCOUNT_SFCRole=1_x=" } },
      });
      const [grant] = statementsOf(
        one(known, "RolePolicy", "SnowflakeMayTrigger").inputs["policy"],
      );
      expect(String(grant?.Resource)).toEndWith("/prod/POST/trigger");
      // The other settings of this deployment.
      expect(all(known, "Method").some(({ inputs }) => inputs["apiKeyRequired"] === true)).toBe(
        true,
      );
      expect(all(known, "UsagePlan").length + all(known, "ApiKey").length).toBeGreaterThanOrEqual(
        2,
      );
      expect(one(known, "Service", "WorkerService").inputs).toMatchObject({
        networkConfiguration: { assignPublicIp: false },
      });
      expect(one(known, "TaskDefinition").inputs).toMatchObject({
        runtimePlatform: { cpuArchitecture: "ARM64" },
      });
      expect(one(known, "Target").inputs).toMatchObject({ maxCapacity: 3 });
    }, 90_000);
  });

  test("files are private, encrypted, over TLS only, and go after their time", () => {
    expect(one(prod, "BucketPublicAccessBlock").inputs).toMatchObject({
      blockPublicAcls: true,
      blockPublicPolicy: true,
      restrictPublicBuckets: true,
    });
    expect(JSON.stringify(one(prod, "BucketPolicy").inputs)).toContain("aws:SecureTransport");
    expect(all(prod, "BucketServerSideEncryptionConfiguration")).toHaveLength(1);
    const { rules } = one(prod, "BucketLifecycleConfiguration").inputs;
    // A link that was taken back stays so for as long as its file is there.
    expect(rules).toMatchObject([
      { id: "files", filter: { prefix: "reports/" }, expiration: { days: 90 } },
      { id: "links", filter: { prefix: "links/" }, expiration: { days: 90 } },
      { id: "abandoned-uploads", abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
    ]);
  });

  test("topics take nothing that is not sent over TLS", () => {
    const policies = all(prod, "TopicPolicy").map(({ inputs }) => statementsOf(inputs["policy"]));
    expect(policies).toHaveLength(2);
    for (const statements of policies) {
      expect(statements).toContainEqual(
        expect.objectContaining({
          Effect: "Deny",
          Principal: { AWS: "*" },
          Action: "sns:Publish",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      );
    }
  });

  test("what a person needs afterwards is told", () => {
    expect(prod.outputs).toMatchObject({
      triggerUrl: expect.stringMatching(/^https:.*\/prod\/trigger$/),
      snowflakeRole: "arn:aws:iam::123456789012:role/report-service-snowflake",
      bucket: "reportsbucket",
      topic: expect.stringContaining(":sns:"),
      secret: "report-service/snowflake",
      cluster: "report-service-cluster",
      service: "report-service",
    });
  });

  test("alarms and dashboard read metrics that are written", async () => {
    const byWorker = readMetrics(prod, "worker");
    expect(byWorker).toEqual([
      "DeliveriesFailed",
      "DeliveriesSent",
      "QuerySeconds",
      "RunErrors",
      "RunSeconds",
      "RunsCompleted",
      "RunsFailed",
      "RunsRetried",
      "SnowflakeUnavailable",
    ]);
    const written = await namesIn("worker/metrics.ts");
    for (const name of byWorker) expect(written).toContain(name);
    const byTrigger = readMetrics(prod, "trigger");
    expect(byTrigger).toEqual([
      "OldestPendingSeconds",
      "QueuePending",
      "QueueRunning",
      "TriggerErrors",
    ]);
    const writtenThere = await namesIn("trigger/answers.ts");
    for (const name of byTrigger) expect(writtenThere).toContain(name);
  });

  test("settings that are wrong are named before anything is made", async () => {
    const child = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "evaluate.ts"),
        JSON.stringify({
          stage: "prod",
          environment: { DEPLOY_NETWORK: "mars", QUERY_TIMEOUT: "long" },
        }),
      ],
      {
        env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    const errors = await new Response(child.stderr).text();
    expect(await child.exited).not.toBe(0);
    expect(errors).toMatch(/DEPLOY_NETWORK: .*; QUERY_TIMEOUT: /);
  }, 90_000);

  test("alarms also speak when nothing is heard", () => {
    const alarms = all(prod, "MetricAlarm").map(({ name, inputs }) => [
      name,
      inputs["treatMissingData"],
    ]);
    expect(Object.fromEntries(alarms)).toEqual({
      OldestPendingAlarm: "notBreaching",
      QueueDepthAlarm: "notBreaching",
      TriggerFailureAlarm: "notBreaching",
      NobodyLooksAlarm: "breaching",
      TriggerErrorAlarm: "notBreaching",
      TickAlarm: "breaching",
      FailedRunsAlarm: "notBreaching",
      FailedDeliveriesAlarm: "notBreaching",
      SnowflakeAlarm: "notBreaching",
    });
  });

  test("the dashboard shows reports, queue, tasks, function, Snowflake and cost", () => {
    const { dashboardBody } = one(prod, "Dashboard").inputs;
    const { widgets } = JSON.parse(String(plain(dashboardBody))) as {
      widgets: { properties: { title: string } }[];
    };
    const titles = widgets.map(({ properties }) => properties.title).join("\n");
    for (const word of [
      "Reports per hour",
      "p95",
      "Error rate",
      "Errors",
      "Queue",
      "Oldest",
      "Workers",
      "CPU",
    ]) {
      expect(titles).toContain(word);
    }
    for (const word of ["Memory", "Trigger", "Snowflake", "cost"]) expect(titles).toContain(word);
  });

  test("in dev there is no service, and the function wakes the worker on the laptop", async () => {
    const dev = await evaluate({ stage: "somebody", dev: true });
    expect(all(dev, "Service").filter(({ type }) => type.startsWith("aws:ecs/"))).toEqual([]);
    expect(one(dev, "Schedule", "TickSchedule").inputs).toMatchObject({ state: "DISABLED" });
    const { environment } = one(dev, "Function", "TriggerFunction").inputs as {
      environment: { variables: Record<string, string> };
    };
    expect(environment.variables["WORKER_MODE"]).toBe("local");
    expect(all(dev, "DevCommand")).toHaveLength(1);
    const { command, environment: given } = (dev.handedOn["WorkerDev"]?.["_dev"] ?? {}) as {
      command?: string;
      environment?: Record<string, string>;
    };
    expect(command).toBe("bun run worker");
    // Without the names of a task's folder and secret, and with its own Snowflake.
    expect(Object.keys(given ?? {}).sort()).toEqual([
      "AWS_REGION",
      "REPORT_BUCKET",
      "REPORT_BUCKET_PREFIX",
      "TRIGGER_FUNCTION",
      "TRIGGER_URL",
    ]);
    // Nothing ticks there, so that alarms that hear silence would speak for ever.
    expect(all(dev, "MetricAlarm")).toEqual([]);
  }, 90_000);

  test("a stage that is not prod has names of its own", async () => {
    const test = await evaluate({ stage: "test" });
    expect(one(test, "Cluster", "ClusterCluster").inputs["name"]).toBe(
      "report-service-cluster-test",
    );
    expect(one(test, "Secret", "Snowflake").inputs).toMatchObject({
      name: "report-service/snowflake-test",
      recoveryWindowInDays: 0,
    });
  }, 90_000);
});
