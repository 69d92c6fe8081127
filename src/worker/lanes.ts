import type { Candidate, CandidateFilter, Claim, Queue } from "./ports.ts";
import { asReportError } from "../report/errors.ts";
import { nextOccurrence, parseSchedule } from "../report/schedule.ts";

/** Each fourth claim of a worker takes the oldest SCHEDULED report, so that ADHOC ones never starve it. */
const SCHEDULED_EVERY = 4;
const CANDIDATES_MAX = 5;

/** Which reports a lane looks for at its n-th claim (from 1), the first choice first. */
export function laneFilters(lane: number, lanes: number, claimNumber: number): CandidateFilter[] {
  // With two lanes or more, one is for people who wait.
  if (lanes > 1 && lane === 0) return ["adhoc"];
  return claimNumber % SCHEDULED_EVERY === 0 ? ["oldest-scheduled", "any"] : ["any"];
}

/** Claims the first report that nobody else was faster at. Null: nothing is due. */
export async function claimNext(
  queue: Queue,
  filters: readonly CandidateFilter[],
): Promise<Claim | null> {
  for (const filter of filters) {
    const claim = await claimFiltered(queue, filter);
    if (claim !== null) return claim;
  }
  return null;
}

/** Reads again as long as there were candidates and all were lost to others. */
async function claimFiltered(queue: Queue, filter: CandidateFilter): Promise<Claim | null> {
  for (;;) {
    const candidates = await queue.candidates(filter, CANDIDATES_MAX);
    if (candidates.length === 0) return null;
    for (const candidate of candidates) {
      const claim = await takeCandidate(queue, candidate);
      if (claim !== null) return claim;
    }
  }
}

async function takeCandidate(queue: Queue, candidate: Candidate): Promise<Claim | null> {
  if (!candidate.unplanned) return await queue.claimIfUnchanged(candidate);
  const first = await firstOccurrence(queue, candidate);
  if (first === null) return await queue.claimIfUnchanged(candidate);
  await queue.planIfUnchanged(candidate, first);
  return null;
}

/** Null: the cron or the zone is wrong, and the report is claimed so that it fails with the reason. */
async function firstOccurrence(queue: Queue, candidate: Candidate): Promise<Date | null> {
  const { scheduleCron, timezone } = candidate.row;
  try {
    const now = await queue.now();
    const zone = timezone === null || timezone.trim() === "" ? "UTC" : timezone.trim();
    return nextOccurrence(parseSchedule(scheduleCron ?? "", zone, now), now);
  } catch (thrown) {
    const error = asReportError(thrown);
    if (error.code !== "invalid_report") throw error;
    return null;
  }
}
