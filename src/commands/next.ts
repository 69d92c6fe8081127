import { defineCommand } from "citty";
import { ReportError } from "../report/errors.ts";
import { nextOccurrence, parseSchedule, type Schedule } from "../report/schedule.ts";
import { findReport, readSchedule } from "../snowflake/reports.ts";
import { withControl } from "./control.ts";
import { formatTable, formatTime, print, printJson } from "./output.ts";

const TIMES_COUNT = 5;

export const next = defineCommand({
  meta: { name: "next", description: "Show the next five times of a SCHEDULED report" },
  args: {
    id: { type: "positional", required: false, description: "CONFIG_ID, or the beginning of it" },
    cron: { type: "string", description: "Five fields, instead of a report", valueHint: "cron" },
    timezone: { type: "string", description: "IANA zone of --cron", valueHint: "zone" },
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    refuseMixture(args);
    const now = new Date();
    const { schedule, first } =
      args.cron === undefined
        ? await readReport(args.id, now)
        : { schedule: parseSchedule(args.cron, args.timezone ?? "UTC", now), first: null };
    const times = listTimes(schedule, first, now);
    if (args.json) printJson({ ...schedule, times });
    else print(describeTimes(schedule, times));
  },
});

function refuseMixture(
  args: Partial<Record<"id" | "cron" | "timezone", string | undefined>>,
): void {
  const { id, cron, timezone } = args;
  if (cron === undefined && timezone !== undefined) {
    throw new ReportError("invalid_report", "--timezone goes with --cron; a report has its own");
  }
  if (cron !== undefined && id !== undefined) {
    throw new ReportError("invalid_report", "give a CONFIG_ID or --cron, not both");
  }
}

/** The schedule of a report, and the time that it is planned for. */
async function readReport(
  id: string | undefined,
  now: Date,
): Promise<{ schedule: Schedule; first: Date | null }> {
  if (id === undefined) throw new ReportError("invalid_report", "give a CONFIG_ID, or --cron");
  return await withControl(async ({ connection }) => {
    const report = await findReport(connection, id);
    const { type, cron, timezone } = await readSchedule(connection, report.configId);
    if (type.trim().toUpperCase() !== "SCHEDULED") {
      throw new ReportError("invalid_report", `${report.name} is ${type}, so it has no times`);
    }
    return { schedule: parseSchedule(cron, timezone, now), first: report.nextRunAt };
  });
}

function listTimes(schedule: Schedule, first: Date | null, now: Date): Date[] {
  const times = [first ?? nextOccurrence(schedule, now)];
  for (let last = times[0]; last !== undefined && times.length < TIMES_COUNT; last = times.at(-1)) {
    times.push(nextOccurrence(schedule, last));
  }
  return times;
}

function describeTimes({ cron, timezone }: Schedule, times: readonly Date[]): string {
  const rows = times.map((time) => [formatLocal(time, timezone), formatTime(time)]);
  return [`${cron}  in ${timezone}`, formatTable(["LOCAL", "UTC"], rows)].join("\n\n");
}

/** Such as "Sun 2026-03-08 03:00:00 -04:00". */
export function formatLocal(instant: Date, timezone: string): string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: timezone,
    calendar: "gregory",
    numberingSystem: "latn",
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  const parts = Object.fromEntries(
    format.formatToParts(instant).map(({ type, value }) => [type, value]),
  );
  const offset = (parts["timeZoneName"] ?? "").replace("GMT", "") || "+00:00";
  const day = [parts["year"], parts["month"], parts["day"]].join("-");
  const time = [parts["hour"], parts["minute"], parts["second"]].join(":");
  return `${(parts["weekday"] ?? "").slice(0, 3)} ${day} ${time} ${offset}`;
}
