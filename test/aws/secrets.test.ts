import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { readSecret } from "../../src/aws/secrets.ts";
import { ReportError } from "../../src/report/errors.ts";
import { useAws } from "../support/moto.ts";

const NAME = "report-service/snowflake";
const CANARY = "canary-5f1d-password";

/** What says where Secrets Manager is, if at all; each test says so itself. */
const NOWHERE = { AWS_ENDPOINT_URL: undefined, AWS_ENDPOINT_URL_SECRETS_MANAGER: undefined };

interface Call {
  readonly target: string | null;
  readonly authorization: string | null;
  readonly body: unknown;
}

/** Speaks the JSON 1.1 protocol of Secrets Manager as far as GetSecretValue goes. */
function startSecretsManager() {
  const calls: Call[] = [];
  const replies: Response[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      calls.push({
        target: request.headers.get("x-amz-target"),
        authorization: request.headers.get("authorization"),
        body: await request.json(),
      });
      return replies.shift() ?? new Response("no reply was prepared", { status: 418 });
    },
  });
  return { calls, replies, endpoint: `http://127.0.0.1:${server.port}`, server };
}

function reply(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/x-amz-json-1.1" },
  });
}

function secretReply(fields: object): Response {
  return reply({
    ARN: "arn",
    Name: NAME,
    VersionId: "1",
    VersionStages: ["AWSCURRENT"],
    ...fields,
  });
}

function errorReply(type: string, message: string, status = 400): Response {
  return reply({ __type: type, message, Message: message }, status);
}

let aws: ReturnType<typeof startSecretsManager>;
let environment: Disposable;
beforeAll(() => {
  aws = startSecretsManager();
});
beforeEach(() => {
  environment = useAws(aws.endpoint, NOWHERE);
});
afterEach(() => {
  environment[Symbol.dispose]();
  aws.calls.length = 0;
  aws.replies.length = 0;
});
afterAll(async () => {
  await aws.server.stop(true);
});

async function refusalOf(step: Promise<unknown>): Promise<ReportError> {
  const thrown: unknown = await step.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
  if (!(thrown instanceof ReportError)) throw new Error(String(thrown));
  expect(thrown.code).toBe("configuration");
  expect(thrown.message).toContain(NAME);
  return thrown;
}

describe("a secret", () => {
  test("comes as the object that its JSON text holds", async () => {
    aws.replies.push(
      secretReply({ SecretString: `{"account":"ab12","port":443,"password":"${CANARY}"}` }),
    );
    expect(await readSecret(NAME, { endpoint: aws.endpoint })).toEqual({
      account: "ab12",
      port: 443,
      password: CANARY,
    });
    expect(aws.calls).toHaveLength(1);
    expect(aws.calls[0]?.target).toBe("secretsmanager.GetSecretValue");
    expect(aws.calls[0]?.body).toEqual({ SecretId: NAME });
    expect(aws.calls[0]?.authorization).toMatch(
      /Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-central-1\/secretsmanager\//,
    );
  });

  test("is asked for where AWS_ENDPOINT_URL_SECRETS_MANAGER says", async () => {
    process.env["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = aws.endpoint;
    aws.replies.push(secretReply({ SecretString: "{}" }));
    expect(await readSecret(NAME)).toEqual({});
    expect(aws.calls).toHaveLength(1);
  });

  test.each([
    ["the option", NAME, "us-east-2", "us-east-2"],
    [
      "the ARN",
      `arn:aws:secretsmanager:ap-south-1:123456789012:secret:${NAME}-AbCdEf`,
      undefined,
      "ap-south-1",
    ],
  ])("is asked for in the region of %s", async (_source, secretId, region, expected) => {
    aws.replies.push(secretReply({ SecretString: "{}" }));
    await readSecret(secretId, { endpoint: aws.endpoint, ...(region !== undefined && { region }) });
    expect(aws.calls[0]?.authorization).toContain(`/${expected}/secretsmanager/`);
  });

  test("is asked for again after a server error", async () => {
    aws.replies.push(
      errorReply("InternalServiceError", "sorry", 500),
      secretReply({ SecretString: '{"a":1}' }),
    );
    expect(await readSecret(NAME, { endpoint: aws.endpoint })).toEqual({ a: 1 });
    expect(aws.calls).toHaveLength(2);
  });
});

describe("a secret that holds something else is refused, without a word of it", () => {
  test.each([CANARY, `{"password": ${CANARY}`, `"${CANARY}"`, `["${CANARY}"]`, "null", "1", ""])(
    "%p",
    async (text) => {
      aws.replies.push(secretReply({ SecretString: text }));
      const error = await refusalOf(readSecret(NAME, { endpoint: aws.endpoint }));
      expect(error.message).toContain("is not a JSON object; store it as one");
      expect(error.retryable).toBe(false);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
    },
  );

  test("bytes", async () => {
    aws.replies.push(secretReply({ SecretBinary: Buffer.from(CANARY).toString("base64") }));
    const error = await refusalOf(readSecret(NAME, { endpoint: aws.endpoint }));
    expect(error.message).toContain("is binary; store it as text");
    expect(inspect(error, { depth: 9 })).not.toContain("canary");
  });
});

describe("a secret that cannot be read says what to do", () => {
  test.each([
    [
      "ResourceNotFoundException",
      "can't find the specified secret.",
      "create it, or correct SNOWFLAKE_SECRET_ID",
    ],
    [
      "AccessDeniedException",
      "User: arn:aws:sts::1:assumed-role/worker/x is not authorized",
      "allow secretsmanager:GetSecretValue on it to this role",
    ],
    ["DecryptionFailure", "can't decrypt", "allow kms:Decrypt on its key"],
    ["InvalidRequestException", "marked for deletion", "restore it"],
    ["UnrecognizedClientException", "The security token is invalid.", "AWS does not know them"],
    ["ExpiredTokenException", "The security token is expired", "they have expired"],
    ["ValidationException", "Member must satisfy length", "Member must satisfy length"],
  ])("%s", async (type, message, advice) => {
    aws.replies.push(errorReply(type, message));
    const error = await refusalOf(readSecret(NAME, { endpoint: aws.endpoint }));
    expect(error.message).toContain(advice);
    expect(error.message).toContain(type);
    expect(error.retryable).toBe(false);
    expect(error.cause).toBeInstanceOf(Error);
    expect(aws.calls).toHaveLength(1);
  });

  test("without a region", async () => {
    using _ = useAws(aws.endpoint, { ...NOWHERE, AWS_REGION: undefined });
    const error = await refusalOf(readSecret(NAME, { endpoint: aws.endpoint }));
    expect(error.message).toContain("no AWS region is set; set AWS_REGION");
    expect(error.retryable).toBe(false);
  });

  test("without credentials", async () => {
    const nobody = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    using _ = useAws(aws.endpoint, { ...NOWHERE, ...nobody });
    const error = await refusalOf(readSecret(NAME, { endpoint: aws.endpoint }));
    expect(error.message).toContain("without AWS credentials");
    expect(error.retryable).toBe(false);
    expect(aws.calls).toEqual([]);
  });
});

describe("a secret that cannot be read now can be read later", () => {
  test("when nothing answers", async () => {
    const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const endpoint = `http://127.0.0.1:${closed.port}`;
    await closed.stop(true);
    const error = await refusalOf(readSecret(NAME, { endpoint }));
    expect(error.message).toContain("Secrets Manager is out of reach");
    expect(error.retryable).toBe(true);
  });

  test.each([
    ["ThrottlingException", 400],
    ["InternalServiceError", 500],
  ])("when the service keeps answering %s", async (type, status) => {
    for (let call = 0; call < 3; call += 1) aws.replies.push(errorReply(type, "later", status));
    const error = await refusalOf(readSecret(NAME, { endpoint: aws.endpoint }));
    expect(error.message).toContain(type);
    expect(error.retryable).toBe(true);
    expect(aws.calls).toHaveLength(3);
  });
});
