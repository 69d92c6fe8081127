import { defineCommand } from "citty";
import { ReportError } from "../report/errors.ts";
import { findReport, retryReport } from "../snowflake/reports.ts";
import { withControl } from "./control.ts";
import { print } from "./output.ts";

export const retry = defineCommand({
  meta: { name: "retry", description: "Ask for a report again, with all its attempts" },
  args: {
    id: { type: "positional", required: true, description: "CONFIG_ID, or the beginning of it" },
  },
  run: async ({ args }) => {
    const { report, isAsked } = await withControl(async ({ connection }) => {
      const report = await findReport(connection, args.id);
      return { report, isAsked: await retryReport(connection, report.configId) };
    });
    if (!isAsked) {
      throw new ReportError("invalid_report", `${report.name} is being worked on; cancel it first`);
    }
    print(`${report.name}: PENDING; report-service trigger does it now`);
  },
});
