import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { openSlackSender, readWebhooks } from "../../src/notify/slack.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Message } from "../../src/report/message.ts";
import { claimTo, messageOf } from "./mail-fixtures.ts";

const PATH = "/services/T000/B000/canary-5f1d";
const opened = new AsyncDisposableStack();
let origin = "";
let received: { path: string; type: string | null; body: Record<string, unknown> }[] = [];
let answer: () => Response = () => new Response("ok");

beforeAll(() => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      const type = request.headers.get("content-type");
      received.push({ path, type, body: (await request.json()) as Record<string, unknown> });
      return answer();
    },
  });
  opened.defer(() => server.stop(true));
  origin = `http://127.0.0.1:${server.port}`;
});
beforeEach(() => {
  received = [];
  answer = () => new Response("ok");
});
afterAll(async () => await opened.disposeAsync());

async function send(message: Message = messageOf(), name = "finance"): Promise<string> {
  const webhooks = { finance: `${origin}${PATH}`, elsewhere: "https://evil.example/x" };
  const sender = openSlackSender({ webhooks, allowedOrigin: origin });
  return await sender.send(claimTo(name, { channel: "SLACK" }), message);
}

async function problemOf(name?: string): Promise<ReportError> {
  const problem: unknown = await send(messageOf(), name).catch((error: unknown) => error);
  if (!(problem instanceof ReportError)) throw new Error(`it was sent: ${String(problem)}`);
  expect(Bun.inspect(problem)).not.toContain("canary");
  return problem;
}

describe("a notice to Slack", () => {
  test("is a header and a section for each part of the text", async () => {
    expect(
      await send(messageOf({ text: "Title\n\nFiles\n  a <b> & c\n\nFigures\n  Rows: 4\n" })),
    ).toBe("slack");
    expect(received).toEqual([
      {
        path: PATH,
        type: "application/json",
        body: {
          text: "Pricing summary (4 rows)",
          blocks: [
            { type: "header", text: { type: "plain_text", text: "Pricing summary (4 rows)" } },
            { type: "section", text: { type: "mrkdwn", text: "Files\n  a &lt;b&gt; &amp; c" } },
            { type: "section", text: { type: "mrkdwn", text: "Figures\n  Rows: 4\n" } },
          ],
        },
      },
    ]);
  });

  test("has no empty section, for which Slack would refuse the whole message", async () => {
    await send(messageOf({ text: "Title\n\nWhy\n  line 1\n\n\n\n  line 2\n" }));
    const blocks = received[0]?.body["blocks"] as { text: { text: string } }[];
    expect(blocks.map(({ text }) => text.text)).toEqual([
      "Pricing summary (4 rows)",
      "Why\n  line 1",
      "  line 2\n",
    ]);
  });

  test("keeps to the limits of Slack's blocks", async () => {
    const text = `Title\n\n${`${"y".repeat(4_000)}\n\n`.repeat(60)}end`;
    await send(messageOf({ subject: `${"x".repeat(149)}😀`, text }));
    const blocks = received[0]?.body["blocks"] as { text: { text: string } }[];
    expect(blocks).toHaveLength(50);
    expect(blocks[0]?.text.text).toBe(`${"x".repeat(149)}\ufffd`);
    expect(blocks[1]?.text.text).toHaveLength(3_000);
  });

  test.each([
    [400, "invalid_payload", false],
    [403, "action_prohibited", false],
    [404, "channel_not_found", false],
    [410, "channel_is_archived", false],
    [500, "rollup_error", true],
    [200, "<html>a proxy's page</html>", true],
    [302, "", true],
  ])(
    "that is answered with %i %s is not sent; tried again: %p",
    async (status, said, retryable) => {
      answer = () => new Response(said, { status });
      expect(await problemOf()).toMatchObject({
        code: "delivery_failed",
        retryable,
        retryAfterMs: null,
        message: `the webhook "finance" answered ${status}: ${said}`,
      });
    },
  );

  test.each([
    ["30", 30_000],
    ["999999", 3_600_000],
    ["soon", null],
    ["Wed, 21 Oct 2026 07:28:00 GMT", null],
  ])(
    "that comes too soon waits as long as Slack says: Retry-After %s",
    async (wait, retryAfterMs) => {
      answer = () =>
        new Response("rate_limited", { status: 429, headers: { "retry-after": wait } });
      expect(await problemOf()).toMatchObject({ retryable: true, retryAfterMs });
    },
  );

  test("to a webhook that nobody configured is refused, with those there are", async () => {
    expect(await problemOf("toString")).toMatchObject({
      code: "recipient_refused",
      message:
        'SLACK_WEBHOOK: "toString" is not configured (there is: finance, elsewhere); add it to slackWebhooks in the secret',
    });
  });

  test("goes to Slack alone", async () => {
    expect(await problemOf("elsewhere")).toMatchObject({
      code: "recipient_refused",
      message: `the webhook "elsewhere" is not at ${origin}`,
    });
    expect(received).toEqual([]);
  });

  test("that nobody takes is tried again, and the URL is no part of what is told", async () => {
    const webhooks = { finance: `http://127.0.0.1:9${PATH}` };
    const sender = openSlackSender({ webhooks, allowedOrigin: "http://127.0.0.1:9" });
    const problem: unknown = await sender
      .send(claimTo("finance"), messageOf())
      .catch((error: unknown) => error);
    expect(problem).toMatchObject({ code: "delivery_failed", retryable: true });
    expect(Bun.inspect(problem)).not.toContain("canary");
  });

  test("cannot be asked for afterwards", async () => {
    expect(await openSlackSender({ webhooks: {} }).find("d")).toBeUndefined();
  });
});

describe("the webhooks of a secret", () => {
  test("are names and URLs, and none when there is no such field", () => {
    const slackWebhooks = { finance: "https://hooks.slack.com/services/x" };
    expect(readWebhooks({ account: "a", slackWebhooks })).toEqual(slackWebhooks);
    expect(readWebhooks({ account: "a" })).toEqual({});
  });

  test.each([
    ["canary-5f1d"],
    [{ finance: "http://canary-5f1d" }],
    [{ finance: 5 }],
    [["canary-5f1d"]],
  ])("are refused when they are %j, without a word of them", (slackWebhooks) => {
    const read = (): unknown => readWebhooks({ slackWebhooks });
    expect(read).toThrow("slackWebhooks in the secret has to be an object of names and https URLs");
    expect(read).not.toThrow("canary");
  });
});
