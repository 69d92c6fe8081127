import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { print } from "./output.ts";
import { callTrigger } from "./trigger-call.ts";

export const trigger = defineCommand({
  meta: { name: "trigger", description: "Wake the service: POST to TRIGGER_URL" },
  args: {
    url: { type: "string", description: "Where to post (default: TRIGGER_URL)" },
  },
  run: async ({ args }) => {
    const config = loadConfig();
    print(await callTrigger(args.url ?? config.triggerUrl, config.triggerApiKey));
  },
});
