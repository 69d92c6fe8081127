import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { awsEnvironment } from "../support/moto.ts";

setDefaultTimeout(20_000);

/** Speaks the protocols of Secrets Manager and Lambda as far as a worker that starts needs them. */
const opened = new AsyncDisposableStack();
let url = "";
let heard: unknown[] = [];
let secret: () => Response = noValue;
let leaving: () => Response = () => Response.json({ desiredCount: 0 });

const SAID = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";

function noValue(): Response {
  const headers = { "x-amzn-errortype": "ResourceNotFoundException" };
  return Response.json({ message: SAID }, { status: 400, headers });
}

beforeAll(() => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/") return secret();
      heard.push({ pathname, event: await request.json() });
      return leaving();
    },
  });
  opened.defer(() => server.stop(true));
  url = `http://127.0.0.1:${server.port}`;
});
beforeEach(() => {
  heard = [];
  secret = noValue;
  leaving = () => Response.json({ desiredCount: 0 });
});
afterAll(async () => await opened.disposeAsync());

/** The worker of the command line, in a process that knows nothing but this. */
async function startWorker(
  changes: Record<string, string> = {},
): Promise<{ exitCode: number; said: string }> {
  const environment = {
    PATH: process.env["PATH"] ?? "",
    ...awsEnvironment(url),
    SNOWFLAKE_SECRET_ID: "report-service/snowflake",
    TRIGGER_FUNCTION: "report-service-trigger",
    ECS_AGENT_URI: "http://127.0.0.1:9/api/task",
    ...changes,
  };
  const child = Bun.spawn(
    [process.execPath, "--no-env-file", join(import.meta.dir, "../../src/main.ts"), "worker"],
    { env: environment, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, said: out + said };
}

const REASON = `Secret "report-service/snowflake" does not exist in this account and region, or has no value yet; create it, or correct SNOWFLAKE_SECRET_ID or AWS_REGION (ResourceNotFoundException: ${SAID})`;

test("a task whose secret has no value gives its place back, says why and ends with 78", async () => {
  const { exitCode, said } = await startWorker();
  expect(said).toBe(`report-service: ${REASON}\n`);
  expect(exitCode).toBe(78);
  expect(heard).toEqual([
    {
      pathname: "/2015-03-31/functions/report-service-trigger/invocations",
      event: { source: "worker", unable: { reason: REASON } },
    },
  ]);
});

test("so does a task whose secret lacks a field", async () => {
  secret = () => Response.json({ SecretString: '{"account": "a", "user": "U"}' });
  const { exitCode, said } = await startWorker();
  expect(said).toContain("report-service: secret report-service/snowflake: SNOWFLAKE_ACCOUNT");
  expect(exitCode).toBe(78);
  expect(heard).toHaveLength(1);
});

test("so does a task with a wrong setting", async () => {
  const { exitCode } = await startWorker({ POLL_INTERVAL: "often" });
  expect(exitCode).toBe(78);
  const reason = expect.stringContaining("POLL_INTERVAL: must be a duration");
  expect(heard).toMatchObject([{ event: { source: "worker", unable: { reason } } }]);
});

test("a task that cannot read its secret for now keeps its place, and is started again", async () => {
  secret = () => Response.json({ message: "try again" }, { status: 500 });
  const { exitCode, said } = await startWorker();
  expect(said).toContain("cannot be read now: Secrets Manager is out of reach");
  expect(exitCode).toBe(78);
  expect(heard).toEqual([]);
});

test("who is no task of ECS has no place to give back", async () => {
  const { exitCode } = await startWorker({ ECS_AGENT_URI: "" });
  expect(exitCode).toBe(78);
  expect(heard).toEqual([]);
});

test("a place that cannot be given back is told, and the reason all the same", async () => {
  leaving = () =>
    Response.json(
      { Message: "not authorized" },
      { status: 403, headers: { "x-amzn-errortype": "AccessDeniedException" } },
    );
  const { exitCode, said } = await startWorker();
  expect(said).toContain(
    "the number of workers stays as it is: lambda:InvokeFunction on the function report-service-trigger: this role may not; allow lambda:InvokeFunction on it",
  );
  expect(said).toContain(`report-service: ${REASON}\n`);
  expect(exitCode).toBe(78);
});
