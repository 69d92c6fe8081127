import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { messageOf, ReportError } from "../report/errors.ts";
import { print } from "./output.ts";

const TIMEOUT_MS = 30_000;

export const trigger = defineCommand({
  meta: { name: "trigger", description: "Wake the service: POST to TRIGGER_URL" },
  args: {
    url: { type: "string", description: "Where to post (default: TRIGGER_URL)" },
  },
  run: async ({ args }) => {
    const url = args.url ?? loadConfig().triggerUrl;
    const response = await post(url);
    const body = (await response.text()).trim();
    if (!response.ok) {
      throw new ReportError("delivery_failed", `${url} answered ${response.status}: ${body}`);
    }
    print(body);
  },
});

async function post(url: string): Promise<Response> {
  try {
    const headers = { "content-type": "application/json" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await fetch(url, { method: "POST", body: "{}", headers, signal });
  } catch (error) {
    throw new ReportError(
      "delivery_failed",
      `${url} cannot be reached (${messageOf(error)}); is a worker running? bun run worker`,
      { cause: error },
    );
  }
}
