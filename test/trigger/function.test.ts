import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { GetParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLinkRevocation } from "../../src/aws/link-revocation.ts";
import { linkIdOf, linkMarkerKey, signLink } from "../../src/report/link.ts";
import { openLinks } from "../../src/trigger/links.ts";
import { awsEnvironment, lackingMoto, type Moto, startMoto, useAws } from "../support/moto.ts";
import {
  bundleForNode,
  FUNCTION_IN_BUN,
  type FunctionProcess,
  lackingNode,
  startFunction,
} from "./function-process.ts";

setDefaultTimeout(60_000);

const CLUSTER = "report-service-cluster";
const BUCKET = "report-files";
const ROLE = "arn:aws:iam::123456789012:role/wake-up";
const FILE = "reports/report-1/f1-run-1/sales-2026-11-23.pdf";

/** As API Gateway sends it to a proxy integration; the fields that the function has no use for are left in. */
function apiEvent(method: string, more: object): object {
  return {
    resource: "/trigger",
    path: "/trigger",
    httpMethod: method,
    headers: { Accept: "*/*", Host: "a1b2c3.execute-api.eu-central-1.amazonaws.com" },
    multiValueHeaders: { Accept: ["*/*"] },
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      resourceId: "x1",
      resourcePath: "/trigger",
      httpMethod: method,
      requestId: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
      accountId: "123456789012",
      identity: { sourceIp: "203.0.113.7", userAgent: "Mozilla/5.0", userArn: null },
      stage: "prod",
      apiId: "a1b2c3",
    },
    body: null,
    isBase64Encoded: false,
    ...more,
  };
}

function clickEvent(url: string): object {
  const token = url.split("/r/")[1] ?? "";
  return apiEvent("GET", {
    resource: "/r/{token}",
    path: `/r/${token}`,
    pathParameters: { token },
  });
}

function observationEvent(
  pending: number,
  running: number,
  nextDueAt: string | null = null,
): object {
  const oldestPendingAt = pending === 0 ? null : "2026-11-23T08:00:00.000Z";
  return { source: "worker", observation: { pending, running, nextDueAt, oldestPendingAt } };
}

describe.skipIf(lackingMoto !== "")(`the trigger function in AWS${lackingMoto}`, () => {
  const opened = new AsyncDisposableStack();
  let moto: Moto;
  let ecs: ECSClient;
  let s3: S3Client;
  let nodeCommand: string[] = [];

  beforeAll(async () => {
    moto = opened.use(await startMoto());
    opened.use(useAws(moto.url));
    ecs = new ECSClient();
    s3 = new S3Client({ forcePathStyle: true });
    await createCluster();
    await s3.send(
      new CreateBucketCommand({
        Bucket: BUCKET,
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: FILE, Body: "the file" }));
    const folder = await mkdtemp(join(tmpdir(), "report-trigger-"));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    if (lackingNode === "") nodeCommand = await bundleForNode(folder);
  });
  afterAll(async () => await opened.disposeAsync());

  async function createCluster(): Promise<void> {
    await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
    await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: "report-service",
        containerDefinitions: [{ name: "worker", image: "report-service:1", memory: 1024 }],
      }),
    );
  }

  async function createService(name: string): Promise<void> {
    await ecs.send(
      new CreateServiceCommand({
        cluster: CLUSTER,
        serviceName: name,
        taskDefinition: "report-service",
        desiredCount: 0,
      }),
    );
  }

  async function desiredCount(service: string): Promise<number | undefined> {
    const command = new DescribeServicesCommand({ cluster: CLUSTER, services: [service] });
    return (await ecs.send(command)).services?.[0]?.desiredCount;
  }

  function environment(service: string, more: Record<string, string> = {}): Record<string, string> {
    return {
      ...awsEnvironment(moto.url),
      ECS_CLUSTER: CLUSTER,
      ECS_SERVICE: service,
      SCHEDULER_ROLE_ARN: ROLE,
      WAKE_UP_NAME: `wake-up-${service}`,
      BUCKET,
      LINK_BASE_URL: "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/prod/",
      LINK_KEY_PARAMETER: `/report-service/${service}/link-key`,
      ...more,
    };
  }

  describe.each([
    ["from source in Bun", "in-bun", "", () => FUNCTION_IN_BUN],
    [`bundled in Node.js 22${lackingNode}`, "in-node", lackingNode, () => nodeCommand],
  ] as const)("%s", (_, service, lacking, command) => {
    let fn: FunctionProcess;

    beforeAll(async () => {
      if (lacking !== "") return;
      await createService(service);
      fn = startFunction(command(), environment(service));
    });
    afterAll(async () => await fn?.[Symbol.asyncDispose]());

    async function createLink(): Promise<string> {
      const event = { source: "worker", link: { key: FILE, fileName: "sales-2026-11-23.pdf" } };
      return ((await fn.invoke(event)) as { url: string }).url;
    }

    async function linkKey(): Promise<string> {
      const Name = `/report-service/${service}/link-key`;
      const { Parameter } = await new SSMClient().send(
        new GetParameterCommand({ Name, WithDecryption: true }),
      );
      expect(Parameter?.Type).toBe("SecureString");
      return Parameter?.Value ?? "";
    }

    test.skipIf(lacking !== "")("a call of the API raises the service from 0 to 1", async () => {
      const { statusCode, body, headers } = await fn.request(apiEvent("POST", { body: "{}" }));
      expect(statusCode).toBe(200);
      expect(headers["content-type"]).toBe("application/json");
      expect(JSON.parse(body)).toEqual({
        message: "ECS service triggered successfully",
        desiredCount: 1,
        requestId: expect.any(String),
      });
      expect(await desiredCount(service)).toBe(1);
    });

    test.skipIf(lacking !== "")("a call of Snowflake gets one answer for each row", async () => {
      const rows = Buffer.from(Bun.gzipSync('{"data":[[0,"a"],[1,"b"]]}')).toString("base64");
      const headers = {
        "sf-external-function-format": "json",
        "sf-external-function-query-batch-id": "01b0:1",
        "content-encoding": "gzip",
      };
      const event = apiEvent("POST", { headers, body: rows, isBase64Encoded: true });
      const { statusCode, body } = await fn.request(event);
      expect(statusCode).toBe(200);
      const value = expect.objectContaining({ ok: true, desiredCount: 1, requestId: "01b0:1" });
      expect(JSON.parse(body)).toEqual({
        data: [
          [0, value],
          [1, value],
        ],
      });
    });

    test.skipIf(lacking !== "")("a malformed call is refused", async () => {
      expect((await fn.request(apiEvent("POST", { body: "[" }))).statusCode).toBe(400);
    });

    test.skipIf(lacking !== "")(
      "what a worker sees sets the number, up and down to 0",
      async () => {
        expect(await fn.invoke(observationEvent(23, 1))).toEqual({ desiredCount: 5 });
        expect(await desiredCount(service)).toBe(5);
        expect(await fn.invoke(observationEvent(0, 2))).toEqual({ desiredCount: 2 });
        expect(await fn.invoke(observationEvent(0, 0))).toEqual({ desiredCount: 0 });
        expect(await desiredCount(service)).toBe(0);
      },
    );

    test.skipIf(lacking !== "")("the schedule's tick and the wake-up raise it", async () => {
      expect(await fn.invoke({ source: "schedule" })).toEqual({ desiredCount: 1 });
      await fn.invoke(observationEvent(0, 0));
      expect(await fn.invoke({ source: "wake-up" })).toEqual({ desiredCount: 1 });
      expect(await desiredCount(service)).toBe(1);
    });

    test.skipIf(lacking !== "")(
      "the next due time becomes one entry of the scheduler, which a later one replaces",
      async () => {
        const client = new SchedulerClient();
        const entry = () => client.send(new GetScheduleCommand({ Name: `wake-up-${service}` }));
        await fn.invoke(observationEvent(0, 0, "2099-01-02T03:05:00.000Z"));
        expect(await entry()).toMatchObject({
          ScheduleExpression: "at(2099-01-02T03:04:00)",
          ScheduleExpressionTimezone: "UTC",
          FlexibleTimeWindow: { Mode: "OFF" },
          ActionAfterCompletion: "DELETE",
          Target: {
            Arn: "arn:aws:lambda:eu-central-1:123456789012:function:report-service-trigger",
            RoleArn: ROLE,
            Input: '{"source":"wake-up"}',
          },
        });
        await fn.invoke(observationEvent(0, 0, "2099-01-02T03:00:00.000Z"));
        expect((await entry()).ScheduleExpression).toBe("at(2099-01-02T02:59:00)");
      },
    );

    test.skipIf(lacking !== "")(
      "a link leads to the file, under its name, at every click",
      async () => {
        const url = await createLink();
        expect(url).toStartWith("https://a1b2c3.execute-api.eu-central-1.amazonaws.com/prod/r/");
        for (let click = 0; click < 2; click += 1) {
          const { statusCode, headers } = await fn.request(clickEvent(url));
          expect(statusCode).toBe(302);
          expect(headers["location"]).toContain("X-Amz-Expires=300");
          const file = await fetch(headers["location"] ?? "");
          expect(await file.text()).toBe("the file");
          expect(file.headers.get("content-disposition")).toBe(
            'attachment; filename="sales-2026-11-23.pdf"',
          );
        }
        expect(fn.log).toContainEqual({
          event: "link",
          state: "open",
          linkId: linkIdOf(FILE),
          key: FILE,
          sourceIp: "203.0.113.7",
          userAgent: "Mozilla/5.0",
        });
      },
    );

    test.skipIf(lacking !== "")(
      "a link that was taken back, has expired or is forged opens nothing",
      async () => {
        const url = await createLink();
        const claim = { linkId: linkIdOf(FILE), key: FILE, fileName: "a.pdf", expiresAt: 1_000 };
        const expired = signLink(claim, await linkKey());
        const forged = signLink({ ...claim, expiresAt: 9_999_999_999 }, "another key");
        expect((await fn.request(clickEvent(`x/r/${expired}`))).statusCode).toBe(410);
        expect((await fn.request(clickEvent(`x/r/${forged}`))).statusCode).toBe(404);
        expect((await fn.request(clickEvent("x/r/nonsense"))).statusCode).toBe(404);
        await s3.send(
          new DeleteObjectCommand({ Bucket: BUCKET, Key: linkMarkerKey(linkIdOf(FILE)) }),
        );
        expect((await fn.request(clickEvent(url))).statusCode).toBe(410);
      },
    );

    test.skipIf(lacking !== "")("a name that would end a header is refused", async () => {
      const link = { key: FILE, fileName: 'a"; x="b.pdf' };
      expect(fn.invoke({ source: "worker", link })).rejects.toThrow(
        "is none that this function knows",
      );
    });

    test.skipIf(lacking !== "")("its metrics are lines that CloudWatch reads", async () => {
      const lines = fn.log.filter((line) => "_aws" in line);
      expect(lines.length).toBeGreaterThan(5);
      for (const line of lines) expectMetricLine(line);
    });
  });

  test("two who need the key at once get the same one", async () => {
    await createService("twice");
    await using one = startFunction(FUNCTION_IN_BUN, environment("twice"));
    await using other = startFunction(FUNCTION_IN_BUN, environment("twice"));
    const event = { source: "worker", link: { key: FILE, fileName: "a.pdf" } };
    const links = await Promise.all([one.invoke(event), other.invoke(event)]);
    for (const fn of [one, other]) {
      for (const link of links) {
        const { statusCode } = await fn.request(clickEvent((link as { url: string }).url));
        expect(statusCode).toBe(302);
      }
    }
  });

  test("a link that is taken back while it is made is not made", async () => {
    const key = `${FILE}.raced`;
    const client = new S3Client({ forcePathStyle: true });
    const links = openLinks(client, {
      bucket: BUCKET,
      baseUrl: "https://api.example/prod/",
      days: 30,
      readKey: async () => "the key",
      now: () => new Date(),
    });
    await using revocation = await openLinkRevocation(true);
    let calls = 0;
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args).catch((thrown: unknown) => thrown as never);
        // Between the look whether it was taken back and the writing.
        calls += 1;
        if (calls === 1) await revocation.revoke({ bucket: BUCKET, key }, new Date(0));
        if (answer instanceof Error) throw answer;
        return answer;
      },
      { step: "initialize" },
    );
    const taken = `the links to ${key} were taken back 1970-01-01T00:00:00.000Z`;
    expect(links.create(key, "a.pdf")).rejects.toThrow(taken);
    expect(links.create(key, "a.pdf")).rejects.toThrow(taken);
    const Key = linkMarkerKey(linkIdOf(key));
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
  });

  test("a marker is all that a link leaves in the bucket", async () => {
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: "links/" }),
    );
    expect(Contents.map(({ Key }) => Key)).toEqual([linkMarkerKey(linkIdOf(FILE))]);
  });

  describe("what is missing is told in one line", () => {
    const call = apiEvent("POST", { body: "{}" });

    async function messageWith(values: Record<string, string>): Promise<string> {
      await using fn = startFunction(FUNCTION_IN_BUN, environment("nowhere", values));
      const { statusCode, body } = await fn.request(call);
      expect(statusCode).toBe(500);
      return (JSON.parse(body) as { message: string }).message;
    }

    test("the cluster", async () => {
      expect(await messageWith({ ECS_CLUSTER: "no-cluster" })).toBe(
        'ECS service was not triggered: ecs:DescribeServices on the ECS service "nowhere" in cluster "no-cluster": there is no such cluster',
      );
    });

    test("the service", async () => {
      expect(await messageWith({})).toBe(
        'ECS service was not triggered: there is no ECS service "nowhere" in the cluster "report-service-cluster"',
      );
    });

    /** What ECS answers, by the action; the other one succeeds. */
    function startEcs(action: string, type: string, message: string) {
      const service = { serviceName: "nowhere", status: "ACTIVE", desiredCount: 0 };
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: (request) =>
          request.headers.get("x-amz-target")?.endsWith(`.${action}`) === true
            ? Response.json({ __type: type, message }, { status: 400 })
            : Response.json({ services: [service], failures: [] }),
      });
      const environmentOf = { AWS_ENDPOINT_URL_ECS: `http://127.0.0.1:${server.port}` };
      return { environmentOf, [Symbol.asyncDispose]: () => server.stop(true) };
    }

    test.each([
      ["DescribeServices", "AccessDeniedException", "lacks ecs:DescribeServices on it"],
      ["UpdateService", "AccessDeniedException", "lacks ecs:UpdateService on it"],
      [
        "UpdateService",
        "ThrottlingException",
        "AWS throttles the call; it is tried again at the next trigger",
      ],
      ["UpdateService", "ServiceNotActiveException", "there is no such service"],
      ["UpdateService", "ClientException", "two lines"],
    ])("what hinders %s: %s", async (action, type, told) => {
      await using fake = startEcs(action, type, "two\nlines");
      const message = await messageWith(fake.environmentOf);
      expect(message).toStartWith(
        `ECS service was not triggered: ecs:${action} on the ECS service "nowhere" in cluster "report-service-cluster": `,
      );
      expect(message).toEndWith(told);
    });

    test("a setting", async () => {
      await using fn = startFunction(FUNCTION_IN_BUN, { ECS_CLUSTER: CLUSTER });
      expect(fn.invoke(call)).rejects.toThrow(
        /^The function's environment is wrong: .*BUCKET: .*LINK_BASE_URL: .*LINK_KEY_PARAMETER: .*ECS_SERVICE: /,
      );
    });

    test.each([
      [
        "AccessDeniedException",
        "not authorized to perform: scheduler:UpdateSchedule",
        `; the function's role needs scheduler:UpdateSchedule, scheduler:CreateSchedule and iam:PassRole of ${ROLE}`,
      ],
      ["ValidationException", "Invalid Schedule Expression", ""],
    ])("what hinders a plan, in the log: %s; the worker goes all the same", async (...given) => {
      const [type, Message, advice] = given;
      const headers = { "x-amzn-errortype": type };
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () => Response.json({ Message }, { status: 403, headers }),
      });
      const service = `unplanned-${type}`;
      await createService(service);
      const values = { AWS_ENDPOINT_URL_SCHEDULER: `http://127.0.0.1:${server.port}` };
      await using fn = startFunction(FUNCTION_IN_BUN, environment(service, values));
      const seen = observationEvent(0, 0, "2099-01-02T03:05:00.000Z");
      expect(await fn.invoke(seen)).toEqual({ desiredCount: 0 });
      expect(fn.log).toContainEqual({
        event: "wake-up failed",
        message: `the schedule "wake-up-${service}" cannot be planned (${Message})${advice}`,
      });
      await server.stop(true);
    });

    const link = { source: "worker", link: { key: `${FILE}.new`, fileName: "a.pdf" } };
    const marker = linkMarkerKey(linkIdOf(`${FILE}.new`));

    test.each([
      [403, "AccessDenied", "the function's role lacks s3:PutObject on it"],
      [404, "NoSuchBucket", "there is no such bucket"],
      [400, "Other", "two lines"],
    ])("what hinders a link, to the worker that asks for it: %i %s", async (status, name, told) => {
      const body = `<Error><Code>${name}</Code><Message>two\nlines</Message></Error>`;
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        // S3 answers a HEAD without a body, and 403 where there is nothing and nobody may list.
        fetch: ({ method }) =>
          method === "HEAD"
            ? new Response(null, { status: status === 400 ? 404 : status })
            : new Response(body, { status }),
      });
      const values = { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${server.port}` };
      await using fn = startFunction(FUNCTION_IN_BUN, environment("nowhere", values));
      expect(await fn.invoke(link).catch((error: unknown) => error)).toEqual(
        new Error(`s3:PutObject on ${marker} in the bucket "${BUCKET}": ${told}`),
      );
      await server.stop(true);
    });

    test("the key of the links, to the worker that asks for one", async () => {
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: () =>
          Response.json({ __type: "AccessDeniedException", message: "no" }, { status: 400 }),
      });
      const values = { AWS_ENDPOINT_URL_SSM: `http://127.0.0.1:${server.port}` };
      await using fn = startFunction(FUNCTION_IN_BUN, environment("nowhere", values));
      expect(await fn.invoke(link).catch((error: unknown) => error)).toEqual(
        new Error(
          'ssm:GetParameter on the parameter "/report-service/nowhere/link-key": the function\'s role lacks ssm:GetParameter on it',
        ),
      );
      await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: marker }));
      await server.stop(true);
    });

    test("the bucket of a link, to the one who clicks without a word of it", async () => {
      const Name = "/report-service/nowhere/link-key";
      await new SSMClient().send(
        new PutParameterCommand({ Name, Value: "the key", Type: "SecureString" }),
      );
      const values = { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9" };
      await using fn = startFunction(FUNCTION_IN_BUN, environment("nowhere", values));
      const claim = { linkId: "l", key: FILE, fileName: "a.pdf", expiresAt: 9_999_999_999 };
      const token = signLink(claim, "the key");
      const { statusCode, body } = await fn.request(clickEvent(`x/r/${token}`));
      expect(statusCode).toBe(503);
      expect(JSON.parse(body)).toEqual({
        message: "The file cannot be opened now; try again in a few minutes",
      });
      expect(fn.log).toContainEqual(expect.objectContaining({ TriggerErrors: 1 }));
    });
  });
});

/**
 * The rules of the embedded metric format that a line can break: source
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
function expectMetricLine(line: Record<string, unknown>): void {
  const { Timestamp, CloudWatchMetrics } = line["_aws"] as {
    Timestamp: number;
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: string; Unit: string }[];
    }[];
  };
  expect(Math.abs(Timestamp - Date.now())).toBeLessThan(120_000);
  for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
    expect(Namespace).toBe("ReportService");
    for (const name of Dimensions.flat()) expect(typeof line[name]).toBe("string");
    expect(Metrics.length).toBeGreaterThan(0);
    for (const { Name, Unit } of Metrics) {
      expect(Number.isFinite(line[Name])).toBe(true);
      expect(["Count", "Seconds", "Milliseconds", "Bytes"]).toContain(Unit);
    }
  }
}
