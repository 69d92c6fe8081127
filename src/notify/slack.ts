import { z } from "zod";
import { ReportError } from "../report/errors.ts";
import type { Message } from "../report/message.ts";
import type { Sender } from "../worker/ports.ts";

export interface SlackOptions {
  /** URLs by the name that SLACK_WEBHOOK gives; they are secrets. */
  readonly webhooks: Readonly<Record<string, string>>;
  /** Default: Slack's own. */
  readonly allowedOrigin?: string;
}

const TIMEOUT_MS = 10_000;
/** Longer is no answer of a service that limits a rate. */
const RETRY_AFTER_MAX_SECONDS = 3_600;
/** Source: api.slack.com/reference/block-kit/blocks: a header has 150 characters, a section 3,000. */
const HEADER_MAX = 150;
const SECTION_MAX = 3_000;
/** A message has 50 blocks, the header among them. */
const SECTIONS_MAX = 49;
/** Answers after which the same message will never be taken. Source: api.slack.com/messaging/webhooks, "Handling errors". */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 403, 404, 410]);

/**
 * Posts a notice (Block Kit) to an incoming webhook that is configured by name, so that no row can name an address.
 * Throws ReportError `recipient_refused` for a name that is not configured, `delivery_failed` otherwise.
 */
export function openSlackSender(options: SlackOptions): Sender {
  const { webhooks, allowedOrigin = "https://hooks.slack.com" } = options;
  return {
    async send({ target }, message) {
      await post(target, urlOf(target, webhooks, allowedOrigin), message);
      return "slack";
    },
    // An incoming webhook cannot be asked what it was told.
    find: () => Promise.resolve(undefined),
  };
}

/**
 * The webhooks of a secret: its field `slackWebhooks`, an object of names and URLs; without it there are none. Throws
 * ReportError `configuration` that quotes nothing of the secret.
 */
export function readWebhooks(secret: Readonly<Record<string, unknown>>): Record<string, string> {
  const { slackWebhooks = {} } = secret;
  const parsed = z.record(z.string(), z.url({ protocol: /^https$/ })).safeParse(slackWebhooks);
  if (parsed.success) return parsed.data;
  const names = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].filter(Boolean);
  const where = names.length === 0 ? "" : ` (wrong: ${names.join(", ")})`;
  throw new ReportError(
    "configuration",
    `slackWebhooks in the secret has to be an object of names and https URLs${where}`,
  );
}

function urlOf(name: string, webhooks: SlackOptions["webhooks"], allowedOrigin: string): string {
  const url = Object.hasOwn(webhooks, name) ? webhooks[name] : undefined;
  if (url === undefined) {
    const known = Object.keys(webhooks).join(", ") || "none";
    throw new ReportError(
      "recipient_refused",
      `SLACK_WEBHOOK: "${name}" is not configured (there is: ${known}); add it to slackWebhooks in the secret`,
    );
  }
  if (URL.parse(url)?.origin !== allowedOrigin) {
    throw new ReportError("recipient_refused", `the webhook "${name}" is not at ${allowedOrigin}`);
  }
  return url;
}

async function post(name: string, url: string, message: Message): Promise<void> {
  const { status, said, retryAfter } = await send(name, url, blocksOf(message));
  // Slack says "ok" in plain text; a proxy in between may answer 200 too.
  if (status === 200 && said === "ok") return;
  const retryAfterMs = readWait(retryAfter);
  throw new ReportError(
    "delivery_failed",
    `the webhook "${name}" answered ${status}: ${said.slice(0, SAID_MAX)}`,
    {
      retryable: !FINAL_STATUSES.has(status),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    },
  );
}

const SAID_MAX = 200;

/** The error of fetch is left out, because it holds the URL, which is a secret. */
async function send(
  name: string,
  url: string,
  content: object,
): Promise<{ status: number; said: string; retryAfter: string | null }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(content),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const said = (await response.text()).trim();
    return { status: response.status, said, retryAfter: response.headers.get("retry-after") };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.name : "unknown";
    throw new ReportError("delivery_failed", `the webhook "${name}" is out of reach (${reason})`);
  }
}

/** Whole seconds. Source: docs.slack.dev/apis/web-api/rate-limits */
function readWait(retryAfter: string | null): number | null {
  if (retryAfter === null || !/^\d+$/.test(retryAfter)) return null;
  return Math.min(Number(retryAfter), RETRY_AFTER_MAX_SECONDS) * 1_000;
}

/** The subject is the header, and the sections of the text follow; its first is the title again. */
function blocksOf({ subject, text }: Message): object {
  const [, ...rest] = text.split("\n\n");
  // What somebody else wrote may have blank lines in it, and Slack refuses a message for one empty section.
  const sections = rest
    .filter((block) => block.trim() !== "")
    .map((block) => ({
      type: "section",
      text: { type: "mrkdwn", text: cut(escapeMarkup(block), SECTION_MAX) },
    }));
  const header = { type: "header", text: { type: "plain_text", text: cut(subject, HEADER_MAX) } };
  return { text: escapeMarkup(subject), blocks: [header, ...sections.slice(0, SECTIONS_MAX)] };
}

/** Slack refuses the whole message for one text that is too long, and JSON knows no half of a character. */
function cut(text: string, charactersMax: number): string {
  return text.slice(0, charactersMax).toWellFormed();
}

/** Source: api.slack.com/reference/surfaces/formatting, "Escaping text". */
function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
