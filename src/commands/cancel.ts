import { defineCommand } from "citty";
import { ReportError } from "../report/errors.ts";
import { cancelReport, findReport } from "../snowflake/reports.ts";
import { withControl } from "./control.ts";
import { print } from "./output.ts";

export const cancel = defineCommand({
  meta: {
    name: "cancel",
    description: "Stop a report; a running one is cancelled in the warehouse too",
  },
  args: {
    id: { type: "positional", required: true, description: "CONFIG_ID, or the beginning of it" },
  },
  run: async ({ args }) => {
    const { report, result } = await withControl(async ({ connection }) => {
      const report = await findReport(connection, args.id);
      return { report, result: await cancelReport(connection, report.configId) };
    });
    if (result === "over") {
      throw new ReportError("invalid_report", `${report.name} is over already: ${report.status}`);
    }
    print(
      `${report.name}: ${result === "cancelled" ? "CANCELLED" : "its worker was asked to stop"}`,
    );
  },
});
