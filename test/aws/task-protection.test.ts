import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { openTaskProtection } from "../../src/aws/task-protection.ts";
import { ReportError } from "../../src/report/errors.ts";

const opened = new AsyncDisposableStack();
const ARN = "arn:aws:ecs:us-east-1:123456789012:task/cluster/1234567890abcdef0";
const PROTECTED = {
  protection: { ExpirationDate: "2026-11-23T09:00:00Z", ProtectionEnabled: true, TaskArn: ARN },
};
let url = "";
let received: { method: string; path: string; body: unknown }[] = [];
let answer: () => Response | Promise<Response> = () => Response.json(PROTECTED);

/** The ECS agent as far as the endpoint goes. Its answers are those of its documentation. */
beforeAll(() => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      received.push({ method: request.method, path, body: await request.json() });
      return await answer();
    },
  });
  opened.defer(() => server.stop(true));
  url = `http://127.0.0.1:${server.port}/api/1234`;
});
beforeEach(() => {
  received = [];
});
afterAll(async () => await opened.disposeAsync());

async function problemOf(timeoutMs?: number): Promise<ReportError> {
  const problem: unknown = await openTaskProtection(url, timeoutMs)
    .protect(20)
    .catch((error: unknown) => error);
  if (!(problem instanceof ReportError)) throw new Error(`it did not throw: ${String(problem)}`);
  return problem;
}

describe("the protection of a task", () => {
  test("is asked of the agent for so many minutes", async () => {
    answer = () => Response.json(PROTECTED);
    expect(await openTaskProtection(url).protect(20)).toBeNull();
    expect(received).toEqual([
      {
        method: "PUT",
        path: "/api/1234/task-protection/v1/state",
        body: { ProtectionEnabled: true, ExpiresInMinutes: 20 },
      },
    ]);
  });

  test("is given back", async () => {
    answer = () => Response.json({ protection: { ProtectionEnabled: false, TaskArn: ARN } });
    await openTaskProtection(url).release();
    expect(received[0]?.body).toEqual({ ProtectionEnabled: false });
  });

  test("that ECS refuses with status 200 is no protection, and says why", async () => {
    answer = () =>
      Response.json({
        failure: { Arn: ARN, Reason: "DEPLOYMENT_BLOCKED", Detail: "too many are protected" },
      });
    expect(await openTaskProtection(url).protect(20)).toBe(
      "DEPLOYMENT_BLOCKED: too many are protected",
    );
    expect(openTaskProtection(url).release()).rejects.toMatchObject({
      message: "the task stays protected: DEPLOYMENT_BLOCKED: too many are protected",
    });
  });

  test.each([{}, { protection: null }, { protection: { ProtectionEnabled: false } }])(
    "is not believed when the answer is %j",
    async (body) => {
      answer = () => Response.json(body);
      expect(await openTaskProtection(url).protect(20)).toBe("ECS does not say why");
    },
  );

  test("without the permission names it and what it is for, and is not tried again", async () => {
    const error = { Arn: ARN, Code: "AccessDeniedException", Message: "User is not authorized" };
    answer = () => Response.json({ requestID: "1", error }, { status: 400 });
    expect(await problemOf()).toMatchObject({
      code: "configuration",
      retryable: false,
      message:
        "the task may not protect itself; allow ecs:UpdateTaskProtection on the cluster's tasks to the task role (User is not authorized)",
    });
  });

  test.each([
    [
      400,
      { error: { Code: "InvalidParameterException", Message: "expiresInMinutes" } },
      "InvalidParameterException: expiresInMinutes",
    ],
    [
      500,
      { error: { Code: "ServerException", Message: "RequestError" } },
      "ServerException: RequestError",
    ],
  ])("that is answered with %i passes", async (status, body, told) => {
    answer = () => Response.json(body, { status });
    expect(await problemOf()).toMatchObject({
      code: "internal",
      retryable: true,
      message: `the ECS agent answered ${status}: ${told}`,
    });
  });

  test("that is answered with something else than JSON passes", async () => {
    answer = () => new Response("<html>", { status: 200 });
    expect(await problemOf()).toMatchObject({ message: "the ECS agent answered 200: <html>" });
  });

  test("that is not answered is given up after a while", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    answer = () => promise;
    expect(await problemOf(50)).toMatchObject({
      code: "internal",
      retryable: true,
      message: expect.stringContaining("the ECS agent is out of reach: "),
    });
    resolve(new Response());
  });
});
