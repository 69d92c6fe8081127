import { defineCommand } from "citty";
import { startWorker } from "../app.ts";
import { loadConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { openSnowflake } from "../snowflake-access.ts";
import { setUp } from "./control.ts";
import { print } from "./output.ts";
import { untilStopped } from "./stop.ts";
import { logEvents } from "./worker.ts";

export const run = defineCommand({
  meta: { name: "run", description: "Process everything that is due, once, and exit" },
  run: async () => {
    const stopped = untilStopped();
    const config = loadConfig();
    const log = createLog(config.logLevel);
    await using access = await openSnowflake(config);
    if (access.local?.isStarted === true) {
      await setUp(access, { operatorEmail: config.mail.operator });
    }
    const logEvent = logEvents(log, config);
    let processed = 0;
    await using worker = await startWorker(config, access.settings, {
      once: true,
      tell: (event) => {
        if (event.kind === "executed") processed += 1;
        logEvent(event);
      },
      print: (line) => log.info(line),
      webhooks: access.webhooks,
      onBeatFailure: (message) => log.warn(`heartbeat: ${message}`),
    });
    const signal = await Promise.race([stopped, worker.loop.ended]);
    if (signal !== undefined) await worker.loop.stop(0);
    print(processed === 1 ? "1 run" : `${processed} runs`);
  },
});
