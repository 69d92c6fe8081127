import { defineCommand } from "citty";
import { loadConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { localSettings, startLocal } from "../snowflake-access.ts";
import { setUp } from "./control.ts";
import { pointTrigger } from "./local-chain.ts";
import { untilStopped } from "./stop.ts";
import { noticeTasks } from "./task-notices.ts";

export const local = defineCommand({
  meta: { name: "local", description: "Start the local Snowflake alone, for any Snowflake client" },
  args: {
    port: { type: "string", description: "Port on 127.0.0.1 (default: LOCAL_SNOWFLAKE_PORT)" },
    file: {
      type: "string",
      description: "Data file; memory keeps nothing (default: LOCAL_SNOWFLAKE_FILE)",
    },
    scale: {
      type: "string",
      description: "Line items of the sample data (default: LOCAL_SNOWFLAKE_LINE_ITEMS)",
    },
  },
  run: async ({ args }) => {
    const config = loadConfig(undefined, {
      LOCAL_SNOWFLAKE_PORT: args.port,
      LOCAL_SNOWFLAKE_FILE: args.file,
      LOCAL_SNOWFLAKE_LINE_ITEMS: args.scale,
    });
    const stopped = untilStopped();
    const log = createLog(config.logLevel);
    await using server = await startLocal(config, noticeTasks(log));
    const settings = localSettings(config, server.url);
    await setUp({ settings }, { operatorEmail: config.mail.operator });
    await pointTrigger(settings, config, config.triggerUrl);
    log.info(`local Snowflake on ${server.url}: account local, any user and password`);
    log.info(
      `sample data in SNOWFLAKE_SAMPLE_DATA.TPCH_SF1; new reports are told to ${config.triggerUrl}`,
    );
    log.info("bun run worker, in another terminal, makes them; Ctrl-C ends this");
    await stopped;
  },
});
