import { defineCommand } from "citty";
import { openSnowflake } from "../snowflake-access.ts";
import { loadConfig } from "../config.ts";
import type { ObjectChange } from "../snowflake/script-run.ts";
import { renderScripts, setUp } from "./control.ts";
import { print } from "./output.ts";

export const setup = defineCommand({
  meta: {
    name: "setup",
    description:
      "Create everything in Snowflake, or bring it up to date; can be run again. With OPERATOR_EMAIL also the daily summary",
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
      const names = { ...config.names, ...config.setupNames };
      for (const { text } of renderScripts(names, config.mail.operator)) print(text);
      return;
    }
    await using access = await openSnowflake(config);
    const counts = { created: 0, changed: 0, unchanged: 0 };
    const onChange = (change: ObjectChange): void => {
      counts[change.status] += 1;
      print(describeChange(change));
    };
    await setUp(access, {
      names: config.setupNames,
      operatorEmail: config.mail.operator,
      listener: { onFinding: print, onChange },
    });
    print(`${counts.created} created, ${counts.changed} changed, ${counts.unchanged} unchanged`);
  },
});

function describeChange({ status, kind, name, script, line }: ObjectChange): string {
  return `${status.padEnd(9)}  ${kind.padEnd(15)}  ${name.padEnd(50)}  ${script}:${line}`;
}
