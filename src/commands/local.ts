import { defineCommand } from "citty";
import { localSettings, startLocal } from "../app.ts";
import { loadConfig } from "../config.ts";
import { createLog } from "../log.ts";
import { setUp } from "./control.ts";
import { untilStopped } from "./stop.ts";

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
    const log = createLog(config.logLevel);
    await using server = await startLocal(config);
    const settings = localSettings(config, server.url);
    await setUp({ settings, local: null, [Symbol.asyncDispose]: async () => {} }, () => {});
    log.info(`local Snowflake on ${server.url}: account local, any user and password`);
    log.info("sample data in SNOWFLAKE_SAMPLE_DATA.TPCH_SF1; Ctrl-C ends it");
    await untilStopped();
  },
});
