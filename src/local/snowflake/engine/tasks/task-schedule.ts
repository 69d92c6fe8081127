/** When a task runs. Source: docs.snowflake.com/en/sql-reference/sql/create-task (SCHEDULE). */

import { nextOccurrence, type Schedule } from "../../../../report/schedule.ts";
import { ReportError } from "../../../../report/errors.ts";
import { isTimezone } from "../../../../report/options.ts";
import { compilationError } from "../errors.ts";

export type TaskSchedule =
  | { readonly kind: "interval"; readonly everyMs: number }
  | { readonly kind: "cron"; readonly cron: Schedule };

export const MINUTE_MS = 60_000;

const UNIT_MS: Readonly<Record<string, number>> = { S: 1000, M: MINUTE_MS, H: 60 * MINUTE_MS };
const INTERVAL = /^\s*(\d+)\s*(S|SECONDS?|M|MINUTES?|H|HOURS?)\s*$/i;
const CRON = /^\s*USING\s+CRON\s+((?:\S+\s+){5})(\S+)\s*$/i;
const SECONDS_LEAST = 10;
/** Eight days; Snowflake takes no interval above. */
const INTERVAL_MOST_MS = 11_520 * MINUTE_MS;

/** Reads the text of SCHEDULE. Throws EngineError that shows it. */
export function readTaskSchedule(text: string): TaskSchedule {
  const interval = INTERVAL.exec(text);
  if (interval !== null) return readInterval(text, Number(interval[1]), interval[2] ?? "");
  const [, fields = "", timezone = ""] = CRON.exec(text) ?? refuse(text, "");
  if (!isTimezone(timezone)) refuse(text, `: '${timezone}' is no time zone`);
  const cron = { cron: fields.trim().replaceAll(/\s+/g, " "), timezone };
  nextCron(cron, Date.now(), text);
  return { kind: "cron", cron };
}

function readInterval(text: string, count: number, unit: string): TaskSchedule {
  const everyMs = count * (UNIT_MS[unit[0]?.toUpperCase() ?? ""] ?? 0);
  if (everyMs < SECONDS_LEAST * 1000 || everyMs > INTERVAL_MOST_MS)
    refuse(text, `: it must be from ${SECONDS_LEAST} seconds to 11520 minutes`);
  return { kind: "interval", everyMs };
}

function nextCron(cron: Schedule, afterMs: number, text: string): number {
  try {
    return nextOccurrence(cron, new Date(afterMs)).getTime();
  } catch (error) {
    if (!(error instanceof ReportError)) throw error;
    return refuse(text, `: ${error.message.replace(/^SCHEDULE_CRON: /, "")}`);
  }
}

/**
 * The first time after `afterMs`. Intervals count from `anchorMs`, and a minute of them lasts `tickMs`; cron goes by
 * the clock on the wall whatever `tickMs` is.
 */
export function nextRunMs(
  schedule: TaskSchedule,
  anchorMs: number,
  afterMs: number,
  tickMs: number,
): number {
  if (schedule.kind === "cron")
    return nextCron(schedule.cron, afterMs, `USING CRON ${schedule.cron.cron}`);
  const everyMs = Math.max((schedule.everyMs * tickMs) / MINUTE_MS, 1);
  return anchorMs + (Math.floor((afterMs - anchorMs) / everyMs) + 1) * everyMs;
}

function refuse(text: string, why: string): never {
  throw compilationError(`invalid value '${text}' for property 'SCHEDULE'${why}`);
}
