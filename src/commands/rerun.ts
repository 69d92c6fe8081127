import { defineCommand } from "citty";
import { planRerun } from "../report/rerun.ts";
import { findRun } from "../snowflake/audited-runs.ts";
import { addReport } from "../snowflake/reports.ts";
import { checkColumns } from "./add.ts";
import { withControl } from "./control.ts";
import { print, printJson } from "./output.ts";

export const rerun = defineCommand({
  meta: {
    name: "rerun",
    description: "Do a run again, with the values that were bound then, as a new ADHOC report",
  },
  args: {
    id: { type: "positional", required: true, description: "RUN_ID, or the beginning of it" },
    "as-of-then": { type: "boolean", description: "On the data as of then (Time Travel)" },
    send: { type: "boolean", description: "Send it to the report's recipients" },
    changed: { type: "boolean", description: "Go on although REPORT_SQL is another one now" },
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    const { configId, run, row } = await withControl(async ({ connection }) => {
      const found = await findRun(connection, args.id);
      const columns = planRerun(found.run, found.row, {
        isAsOfThen: args["as-of-then"] === true,
        isSent: args.send === true,
        isChangeAccepted: args.changed === true,
      });
      checkColumns(columns);
      return { ...found, configId: await addReport(connection, columns) };
    });
    if (args.json) printJson({ configId, rerunOf: run.runId });
    else print(`${configId}  ${row.reportName}, run ${run.runId} again: PENDING`);
  },
});
