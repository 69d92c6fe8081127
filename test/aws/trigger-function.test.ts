import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { openTriggerFunction } from "../../src/aws/trigger-function.ts";
import { readEvent } from "../../src/trigger/event.ts";
import { useAws } from "../support/moto.ts";

/** Speaks Lambda's REST protocol as far as Invoke goes. */
const opened = new AsyncDisposableStack();
let received: { path: string; payload: unknown }[] = [];
let answer: { body: string; failed: boolean } = { body: "null", failed: false };

beforeAll(() => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      received.push({ path: new URL(request.url).pathname, payload: await request.json() });
      const headers = answer.failed ? { "x-amz-function-error": "Unhandled" } : {};
      return new Response(answer.body, { headers });
    },
  });
  opened.defer(() => server.stop(true));
  opened.use(useAws(`http://127.0.0.1:${server.port}`));
});
beforeEach(() => {
  received = [];
});
afterAll(async () => await opened.disposeAsync());

test("an observation arrives as the function reads it", async () => {
  answer = { body: '{"desiredCount":1}', failed: false };
  await using fn = await openTriggerFunction("report-service-trigger");
  const at = new Date("2026-11-23T08:00:00Z");
  await fn.observe({ pending: 3, running: 1, nextDueAt: null, oldestPendingAt: at });
  expect(received).toEqual([
    {
      path: "/2015-03-31/functions/report-service-trigger/invocations",
      payload: {
        source: "worker",
        observation: {
          pending: 3,
          running: 1,
          nextDueAt: null,
          oldestPendingAt: "2026-11-23T08:00:00.000Z",
        },
      },
    },
  ]);
});

test("the function knows each of its events", async () => {
  answer = { body: '{"url":"https://api.example/prod/r/t"}', failed: false };
  await using fn = await openTriggerFunction("trigger");
  await fn.observe({ pending: 0, running: 0, nextDueAt: new Date(0), oldestPendingAt: null });
  await fn.leave("the secret has no value yet");
  await fn.createLink("reports/a.pdf", "a.pdf");
  const kinds = received.map(({ payload }) => readEvent(payload).kind);
  expect(kinds).toEqual(["observation", "unable", "link"]);
});

test("a link is what the function answers", async () => {
  answer = { body: '{"url":"https://api.example/prod/r/t"}', failed: false };
  await using fn = await openTriggerFunction("trigger");
  expect(await fn.createLink("reports/a.pdf", "a.pdf")).toBe("https://api.example/prod/r/t");
  expect(received[0]?.payload).toEqual({
    source: "worker",
    link: { key: "reports/a.pdf", fileName: "a.pdf" },
  });
});

test("what the function throws is passed on, and can be tried again", async () => {
  answer = {
    body: '{"errorType":"Error","errorMessage":"ecs:UpdateService: throttled"}',
    failed: true,
  };
  await using fn = await openTriggerFunction("trigger");
  const observation = { pending: 0, running: 0, nextDueAt: null, oldestPendingAt: null };
  expect(fn.observe(observation)).rejects.toMatchObject({
    code: "internal",
    retryable: true,
    message: "the function trigger failed: ecs:UpdateService: throttled",
  });
});

test.each(["null", "{}", '{"url":"no"}', "not JSON"])("the answer %j is no link", async (body) => {
  answer = { body, failed: false };
  await using fn = await openTriggerFunction("trigger");
  expect(fn.createLink("a", "a")).rejects.toMatchObject({
    code: "delivery_failed",
    message: "the function trigger answered without a link",
  });
});
