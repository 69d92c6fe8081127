import { Cron } from "croner";
import { messageOf, ReportError } from "./errors.ts";
import { isTimezone } from "./options.ts";

/** When a SCHEDULED report runs: a checked cron text in a zone. */
export interface Schedule {
  readonly cron: string;
  readonly timezone: string;
}

export const MISFIRE_POLICIES = ["RUN_ONCE", "SKIP", "RUN_ALL"] as const;
export type MisfirePolicy = (typeof MISFIRE_POLICIES)[number];

/** What to do about a SCHEDULED report whose time has come. */
export interface DueOccurrence {
  /** The occurrence that this attempt is for. */
  readonly occurrence: Date;
  /** False: the misfire policy drops it, and the attempt is the record of that. */
  readonly run: boolean;
  /** Other occurrences that are dropped, oldest first, for the audit; at most 1,000 of them. */
  readonly missed: readonly Date[];
}

const CRON_LENGTH_MAX = 100;
const SPACING_MIN_MS = 5 * 60_000;
/** Every active day has the same times, so one whole day shows the closest two. */
const SPACING_CHECKED_MS = 25 * 3_600_000;
const DAY_MS = 86_400_000;
const LATE_MAX_MS = 6 * 3_600_000;
/** A wake-up of the sleeping service may be this late, so it is no reason to drop an occurrence. */
const WAKE_UP_LATE_MAX_MS = 35 * 60_000;
const RUN_ALL_MAX = 10;
/** Older missed occurrences are told as the one that was due first: 31 days of every five minutes are 8,928. */
const SCANNED_MAX_MS = 31 * DAY_MS;
const MISSED_TOLD_MAX = 1_000;

/**
 * Checks a cron text of exactly five fields and an IANA zone. `now` is where "does it ever run" is asked from.
 * Throws ReportError `invalid_report` naming the column.
 */
export function parseSchedule(cronText: string, timezone: string, now: Date): Schedule {
  const cron = cronText.trim();
  if (cron.length > CRON_LENGTH_MAX) refuse(`is longer than ${CRON_LENGTH_MAX} characters`);
  if (cron.split(/\s+/).length !== 5) {
    refuse(`must have five fields (minute hour day month weekday), not "${cron}"`);
  }
  if (!isTimezone(timezone)) {
    throw new ReportError("invalid_report", `TIMEZONE: "${timezone}" is not an IANA time zone`);
  }
  const schedule = { cron, timezone };
  checkOccurrences(schedule, now);
  return schedule;
}

/** The first occurrence after `after`, in UTC. */
export function nextOccurrence(schedule: Schedule, after: Date): Date {
  const next = openCron(schedule).nextRun(after);
  // croner answers null for a date that never comes, such as 30 February.
  if (next === null) refuse(`"${schedule.cron}" never comes again`);
  return next;
}

/**
 * The occurrence that `instant` belongs to: itself, when it is one, else the one before it, as for a time that a person
 * asked for. Null: there is none before it.
 */
export function occurrenceBefore(schedule: Schedule, instant: Date): Date | null {
  const [previous] = openCron(schedule).previousRuns(1, new Date(instant.getTime() + 1_000));
  return previous ?? null;
}

/**
 * Decides which occurrence runs now, given the one that is due (`planned`) and the time. RUN_ONCE runs the newest that
 * is late by at most half a period (and 6 hours), SKIP only when that is no later than a wake-up can be either (35
 * minutes), RUN_ALL the oldest of at most ten. A retry (`attempt` over 1) stays with the occurrence that it began.
 */
export function chooseOccurrence(
  schedule: Schedule,
  policy: MisfirePolicy,
  planned: Date,
  attempt: number,
  now: Date,
): DueOccurrence {
  const due = attempt > 1 ? [planned] : dueOccurrences(schedule, planned, now);
  const newest = due.at(-1);
  if (newest === undefined || attempt > 1) return { occurrence: planned, run: true, missed: [] };
  if (policy === "RUN_ALL") {
    const dropped = due.slice(0, -RUN_ALL_MAX);
    return { occurrence: due[dropped.length] ?? newest, run: true, missed: dropped };
  }
  const run = !isTooLate(schedule, policy, newest, now);
  return { occurrence: newest, run, missed: due.slice(0, -1) };
}

function isTooLate(
  schedule: Schedule,
  policy: MisfirePolicy,
  occurrence: Date,
  now: Date,
): boolean {
  const periodMs = nextOccurrence(schedule, occurrence).getTime() - occurrence.getTime();
  const capMs = policy === "SKIP" ? WAKE_UP_LATE_MAX_MS : LATE_MAX_MS;
  return now.getTime() - occurrence.getTime() > Math.min(periodMs / 2, capMs);
}

function dueOccurrences(schedule: Schedule, nextRunAt: Date, now: Date): Date[] {
  if (nextRunAt > now) return [];
  const cron = openCron(schedule);
  const due = [nextRunAt];
  const scannedFrom = Math.max(nextRunAt.getTime(), now.getTime() - SCANNED_MAX_MS);
  let occurrence = cron.nextRun(new Date(scannedFrom));
  while (occurrence !== null && occurrence <= now) {
    due.push(occurrence);
    occurrence = cron.nextRun(occurrence);
  }
  return due.length > MISSED_TOLD_MAX ? [nextRunAt, ...due.slice(1 - MISSED_TOLD_MAX)] : due;
}

/** Asked in UTC, where no change of the clocks moves two times together: the answer is the same on every day. */
function checkOccurrences(schedule: Schedule, now: Date): void {
  const cron = openCron({ ...schedule, timezone: "UTC" });
  const first = nextOccurrence(schedule, now).getTime();
  const fromMs = first - (first % DAY_MS);
  let previous = cron.nextRun(new Date(fromMs - 1));
  while (previous !== null && previous.getTime() < fromMs + SPACING_CHECKED_MS) {
    const next = cron.nextRun(previous);
    if (next !== null && next.getTime() - previous.getTime() < SPACING_MIN_MS) {
      refuse(`"${schedule.cron}" runs more often than every 5 minutes`);
    }
    previous = next;
  }
}

function openCron(schedule: Schedule): Cron {
  try {
    return new Cron(schedule.cron, { timezone: schedule.timezone, mode: "5-part" });
  } catch (error) {
    refuse(`"${schedule.cron}" is not a cron expression: ${messageOf(error)}`);
  }
}

function refuse(reason: string): never {
  throw new ReportError("invalid_report", `SCHEDULE_CRON: ${reason}`);
}
