import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { messageOf, ReportError } from "../report/errors.ts";
import { print } from "./output.ts";

/** Less than what a container engine gives the whole check. */
const TIMEOUT_MS = 5_000;

/** For a container's HEALTHCHECK, which knows 0 (healthy) and 1 (unhealthy) only: wrong settings are 1, too. */
export const health = defineCommand({
  meta: { name: "health", description: "Ask the worker on this machine whether it is well" },
  run: async () => {
    try {
      print(await askWorker(`http://127.0.0.1:${loadConfig().worker.port}/health`));
    } catch (thrown) {
      throw new ReportError("delivery_failed", messageOf(thrown), { cause: thrown });
    }
  },
});

/** By node:http, which goes through no proxy, whatever is configured for the world outside. */
async function askWorker(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  get(url, { signal }, resolve).on("error", (error) =>
    reject(new Error(`no worker answers at ${url}: ${error.message}`, { cause: error })),
  );
  const response = await promise;
  const body = (await text(response)).trim();
  if (response.statusCode === 200) return body;
  throw new Error(`${url} answered ${response.statusCode}: ${body}`);
}
