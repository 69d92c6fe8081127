import type { Report } from "../report/request.ts";
import {
  chooseOccurrence,
  type DueOccurrence,
  nextOccurrence,
  type Schedule,
} from "../report/schedule.ts";
import type { Run } from "./run.ts";

/** Notes which occurrence a run of a SCHEDULED report is for. False: its misfire policy drops it. */
export function isOccurrenceToRun(run: Run, report: Report): boolean {
  if (report.schedule === null) return true;
  const due = occurrenceOf(run, report, report.schedule);
  run.facts.scheduledFor = due.occurrence;
  run.facts.missed = due.missed;
  return due.run;
}

function occurrenceOf(run: Run, report: Report, schedule: Schedule): DueOccurrence {
  const { claimedAt, nextRunAt, takenOver, waitingSince } = run.claim;
  const planned = nextRunAt ?? claimedAt;
  // Lateness is what waiting for data is about; only the next occurrence makes this one a missed one.
  if (waitingSince !== null && nextOccurrence(schedule, planned) > claimedAt) {
    return { occurrence: planned, run: true, missed: [] };
  }
  // What a dead worker chose was never written, so its successor chooses again.
  const attempt = takenOver ? 1 : run.claim.attempt;
  return chooseOccurrence(schedule, report.misfirePolicy, planned, attempt, claimedAt);
}
