/** One batch of rows sent to an external function's service, until it has answered for good. */

import type { ApiIntegrationEntry, ExternalFunctionEntry } from "../routines.ts";
import type { Running } from "../running.ts";
import { type CallName, readReply, requestFailed, serviceRefused } from "./reply.ts";
import { type Batch, compressBody, writeBody, writeHeaders } from "./request.ts";
import type { ExternalCallSettings } from "./settings.ts";

interface Exchange {
  readonly call: CallName;
  readonly url: string;
  readonly running: Running;
  readonly settings: ExternalCallSettings;
}

interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly contentMd5: string | null;
}

const RETRY_DELAY_MAX_MS = 5_000;
/** Of a refusal's body, in the error. */
const SHOWN_CHARACTERS_MAX = 1_000;

/**
 * The value of each row, as JSON text. Network errors, 429 and 5xx are tried again with the same batch id until
 * `retryTotalMs` has passed; a 202 is followed by GETs; anything else that is not the documented 200 fails at once.
 * Throws EngineError, or the reason that the statement was stopped for.
 */
export async function callService(
  entry: ExternalFunctionEntry,
  integration: ApiIntegrationEntry,
  batch: Batch,
  running: Running,
  settings: ExternalCallSettings,
): Promise<string[]> {
  const call = { name: entry.path[2], batchId: batch.id };
  const exchange = { call, url: entry.url, running, settings };
  const headers = writeHeaders(entry, batch, integration.apiKey);
  const getHeaders = new Headers(headers);
  getHeaders.delete("content-type");
  const body = compressBody(writeBody(batch), entry, headers);
  let answer = await sendUntilAnswered(exchange, { method: "POST", headers, body });
  const pollUntilMs = performance.now() + settings.pollTotalMs;
  for (let delayMs = settings.retryDelayMs; answer.status === 202; delayMs = nextDelay(delayMs)) {
    if (performance.now() >= pollUntilMs)
      throw requestFailed(call, `the service was not done after ${settings.pollTotalMs / 1000} s`);
    await running.sleep(delayMs);
    answer = await sendUntilAnswered(exchange, { method: "GET", headers: getHeaders });
  }
  if (answer.status !== 200) throw serviceRefused(call, answer.status, shownBody(answer));
  return readReply(call, answer.body, answer.contentMd5, batch.rows.length);
}

function nextDelay(delayMs: number): number {
  return Math.min(delayMs * 2, RETRY_DELAY_MAX_MS);
}

function shownBody({ body }: Answer): string {
  return new TextDecoder().decode(body).slice(0, SHOWN_CHARACTERS_MAX);
}

function isWorthAnother({ status }: Answer): boolean {
  return status === 429 || status >= 500;
}

async function sendUntilAnswered(exchange: Exchange, init: RequestInit): Promise<Answer> {
  const { call, running, settings } = exchange;
  const untilMs = performance.now() + settings.retryTotalMs;
  for (let delayMs = settings.retryDelayMs; ; delayMs = nextDelay(delayMs)) {
    const answer = await send(exchange, init);
    if (!("problem" in answer) && !isWorthAnother(answer)) return answer;
    if (performance.now() + delayMs >= untilMs)
      throw "problem" in answer
        ? requestFailed(call, answer.problem)
        : serviceRefused(call, answer.status, shownBody(answer));
    await running.sleep(delayMs);
  }
}

/** One request with its answer's body. Throws only when the statement was stopped. */
async function send(
  { url, running, settings }: Exchange,
  init: RequestInit,
): Promise<Answer | { readonly problem: string }> {
  const timeout = AbortSignal.timeout(settings.requestTimeoutMs);
  const signal = AbortSignal.any([running.signal, timeout]);
  try {
    const response = await fetch(url, { ...init, signal, redirect: "manual" });
    const body = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, body, contentMd5: response.headers.get("content-md5") };
  } catch (thrown) {
    running.signal.throwIfAborted();
    if (timeout.aborted) return { problem: "Timeout was reached" };
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return {
      problem: `Remote service cannot be reached. Check the endpoint URL and try again. (${detail})`,
    };
  }
}
