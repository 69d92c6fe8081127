import { defineCommand } from "citty";
import { ReportError } from "../report/errors.ts";
import { listReports } from "../snowflake/reports.ts";
import { withControl } from "./control.ts";
import { formatStatuses, print, printJson } from "./output.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 10_000;

export const list = defineCommand({
  meta: { name: "list", description: "Show reports with their latest run, the newest first" },
  args: {
    status: {
      type: "enum",
      options: ["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"],
      description: "Only reports of this status",
    },
    limit: { type: "string", default: String(LIMIT_DEFAULT), description: "At most this many" },
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    const limit = parseLimit(args.limit);
    const statuses = await withControl(({ connection }) =>
      listReports(connection, { status: args.status ?? null, limit }),
    );
    if (args.json) printJson(statuses);
    else print(statuses.length === 0 ? "no reports" : formatStatuses(statuses));
  },
});

function parseLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new ReportError(
    "invalid_report",
    `--limit: "${text}" is not a whole number from 1 to ${LIMIT_MAX}`,
  );
}
