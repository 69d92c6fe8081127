import { defineCommand } from "citty";
import { openSnowflake } from "../app.ts";
import { loadConfig } from "../config.ts";
import { SCRIPTS } from "../snowflake/script-files.ts";
import { renderScript } from "../snowflake/scripts.ts";
import { setUp } from "./control.ts";
import { print } from "./output.ts";

export const setup = defineCommand({
  meta: {
    name: "setup",
    description: "Create the tables and views in Snowflake; can be run again",
  },
  args: {
    print: {
      type: "boolean",
      description: "Show the scripts with your names in them; run nothing",
    },
  },
  run: async ({ args }) => {
    const config = loadConfig();
    if (args.print) {
      for (const { text } of SCRIPTS) print(renderScript(text, config.names));
      return;
    }
    await using access = await openSnowflake(config);
    await setUp(access, ({ status, statement, script, line }) =>
      print(`${status.padEnd(9)}  ${script}:${line}  ${statement}`),
    );
  },
});
