import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { explainAws } from "../../src/aws/failure.ts";
import { openSesTransport } from "../../src/aws/ses.ts";
import { openSnsSender } from "../../src/aws/sns.ts";
import { openTriggerFunction } from "../../src/aws/trigger-function.ts";
import { openS3Store } from "../../src/aws/s3-store.ts";
import { ReportError } from "../../src/report/errors.ts";
import { claimTo, messageOf } from "../notify/mail-fixtures.ts";
import { createClock } from "../support/clock.ts";
import { useAws } from "../support/moto.ts";

/** An AWS that says no. The message of each call is answered with the failure that it names. */
interface Failure {
  readonly status: number;
  readonly name: string;
  readonly says: string;
}

const opened = new AsyncDisposableStack();
let failure: Failure = { status: 500, name: "InternalFailure", says: "" };
let calls = 0;

function queryError({ status, name, says }: Failure): Response {
  const error = `<Type>Sender</Type><Code>${name}</Code><Message>${says}</Message>`;
  return new Response(
    `<ErrorResponse><Error>${error}</Error><RequestId>1</RequestId></ErrorResponse>`,
    {
      status,
      headers: { "content-type": "text/xml" },
    },
  );
}

function restError({ status, name, says }: Failure): Response {
  return new Response(`<Error><Code>${name}</Code><Message>${says}</Message></Error>`, { status });
}

function jsonError({ status, name, says }: Failure): Response {
  return Response.json({ Message: says }, { status, headers: { "x-amzn-errortype": name } });
}

beforeAll(() => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      calls += 1;
      const { pathname } = new URL(request.url);
      if (pathname === "/") return queryError(failure);
      return pathname.startsWith("/2015-03-31/functions") ? jsonError(failure) : restError(failure);
    },
  });
  opened.defer(() => server.stop(true));
  opened.use(useAws(`http://127.0.0.1:${server.port}`));
});
afterAll(async () => await opened.disposeAsync());

async function problemOf(step: () => Promise<unknown>): Promise<ReportError> {
  const problem: unknown = await step().catch((error: unknown) => error);
  if (!(problem instanceof ReportError)) throw new Error(`no ReportError: ${String(problem)}`);
  return problem;
}

const STEPS = {
  ses: async () => {
    await using transport = await openSesTransport();
    const raw = new Uint8Array(10);
    await transport.send({ from: "r@example.com", to: "a@example.com", raw, deliveryId: "d" });
  },
  sns: async () => {
    await using sender = await openSnsSender();
    await sender.send(claimTo("arn:aws:sns:eu-central-1:123456789012:t"), messageOf());
  },
  s3: async () => {
    const createLink = async (): Promise<string> => "";
    await using store = await openS3Store({
      bucket: "files",
      prefix: "",
      forcePathStyle: true,
      createLink,
      clock: createClock(),
    });
    await store.read("s3://files/a.pdf");
  },
  lambda: async () => {
    await using fn = await openTriggerFunction("trigger");
    await fn.observe({ pending: 0, running: 0, nextDueAt: null, oldestPendingAt: null });
  },
  link: async () => {
    await using fn = await openTriggerFunction("trigger");
    await fn.createLink("a.pdf", "a.pdf");
  },
} as const;

type Step = keyof typeof STEPS;

const TABLE: [Step, number, string, string, string, boolean][] = [
  [
    "ses",
    400,
    "MessageRejected",
    "Email address is not verified.",
    "ses:SendRawEmail on the sender r@example.com: SES rejects the mail to a@example.com; verify the sender in this region, and while the account is in the SES sandbox the recipient too",
    false,
  ],
  [
    "ses",
    403,
    "AccessDenied",
    "User is not authorized",
    "ses:SendRawEmail on the sender r@example.com: this role may not; allow ses:SendRawEmail on the identity that SES names",
    false,
  ],
  [
    "ses",
    400,
    "MailFromDomainNotVerifiedException",
    "not verified",
    "verify the MAIL FROM domain",
    false,
  ],
  [
    "ses",
    400,
    "InvalidParameterValue",
    "Local address contains control",
    "SES does not take the mail to a@example.com as it is",
    false,
  ],
  [
    "ses",
    400,
    "AccountSendingPausedException",
    "paused",
    "SES has paused sending for this account",
    true,
  ],
  [
    "ses",
    403,
    "SignatureDoesNotMatch",
    "The request signature",
    "the AWS credentials are missing or not valid",
    true,
  ],
  [
    "ses",
    403,
    "ExpiredToken",
    "The security token included in the request is expired",
    "the AWS credentials",
    true,
  ],
  [
    "ses",
    400,
    "SomethingNew",
    "of two\n   lines",
    "AWS refuses it (SomethingNew: of two lines)",
    false,
  ],
  [
    "sns",
    404,
    "NotFound",
    "Topic does not exist",
    "sns:Publish on the topic arn:aws:sns:eu-central-1:123456789012:t: there is no such topic; correct SNS_TOPIC_ARN",
    false,
  ],
  ["sns", 403, "AuthorizationError", "User is not authorized", "allow sns:Publish on it", false],
  ["sns", 400, "InvalidParameter", "Invalid parameter: TopicArn", "SNS does not take it", false],
  [
    "s3",
    403,
    "AccessDenied",
    "Access Denied",
    "is no longer there, or this role may not: then allow s3:GetObject on it",
    false,
  ],
  [
    "s3",
    404,
    "NoSuchBucket",
    "The specified bucket does not exist",
    "there is no such bucket; correct REPORT_BUCKET",
    false,
  ],
  [
    "s3",
    400,
    "AuthorizationHeaderMalformed",
    "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
    "it is in another region; set AWS_REGION",
    false,
  ],
  ["s3", 403, "RequestTimeTooSkewed", "The difference is too large", "the AWS credentials", true],
  [
    "lambda",
    403,
    "AccessDeniedException",
    "not authorized to perform",
    "lambda:InvokeFunction on the function trigger: this role may not; allow lambda:InvokeFunction on it",
    false,
  ],
  [
    "lambda",
    404,
    "ResourceNotFoundException",
    "Function not found",
    "there is no such function; correct TRIGGER_FUNCTION",
    false,
  ],
  [
    "link",
    403,
    "AccessDeniedException",
    "not authorized to perform",
    "allow lambda:InvokeFunction on it",
    false,
  ],
];

describe("what AWS refuses is one line with the resource and what to do", () => {
  test.each(TABLE)("%s: %i %s", async (step, status, name, says, told, retryable) => {
    failure = { status, name, says };
    const problem = await problemOf(STEPS[step]);
    expect(problem.message).toContain(told);
    expect(problem.message).toContain(`(${name}`);
    expect(problem.message).not.toContain("\n");
    expect(problem.retryable).toBe(retryable);
  });

  test("the daily quota is waited for, so that the attempts of the ledger outlast it", async () => {
    failure = { status: 400, name: "ThrottlingException", says: "Daily message quota exceeded." };
    calls = 0;
    const problem = await problemOf(STEPS.ses);
    expect(problem).toMatchObject({ retryable: true, retryAfterMs: 14_400_000 });
    expect(problem.message).toContain("the daily quota of SES is used up");
    expect(calls).toBe(4);
  }, 30_000);

  test.each([
    ["ThrottlingException", "Maximum sending rate exceeded.", "AWS throttles it"],
    [
      "TimeoutError",
      "a request has exceeded the configured 30000 ms",
      "AWS does not answer as it should",
    ],
  ])("%s passes, and the ledger waits as long as it thinks right", (name, says, told) => {
    const call = {
      action: "ses:SendRawEmail",
      on: "the sender r@example.com",
      code: "delivery_failed",
    } as const;
    const problem = explainAws(call, Object.assign(new Error(says), { name }));
    expect(problem).toMatchObject({ retryable: true, retryAfterMs: null });
    expect(problem.message).toBe(
      `ses:SendRawEmail on the sender r@example.com: ${told}; it is tried again later (${name}: ${says})`,
    );
  });

  test("an observation is sent once: a later copy of it would be wrong by then", async () => {
    failure = { status: 500, name: "ServiceException", says: "try again" };
    calls = 0;
    const problem = await problemOf(STEPS.lambda);
    expect(problem).toMatchObject({ code: "internal", retryable: true });
    expect(calls).toBe(1);
  });

  test("without a region", async () => {
    using _nowhere = useAws("http://127.0.0.1:9", { AWS_REGION: undefined });
    expect((await problemOf(STEPS.ses)).message).toContain("no AWS region is set; set AWS_REGION");
  });
});
