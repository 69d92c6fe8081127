import type { Candidate, CandidateFilter, Claim, Queue } from "./ports.ts";
import { ReportError } from "../report/errors.ts";
import { parseReport } from "../report/request.ts";
import { nextOccurrence } from "../report/schedule.ts";

/** Each fourth claim of a worker takes the oldest SCHEDULED report, so that ADHOC ones never starve it. */
const SCHEDULED_EVERY = 4;
const CANDIDATES_MAX = 5;
const READS_MAX = 20;

/** Which reports a lane looks for at its n-th claim (from 1), the first choice first. */
export function laneFilters(lane: number, lanes: number, claimNumber: number): CandidateFilter[] {
  // With two lanes or more, one is for people who wait.
  if (lanes > 1 && lane === 0) return ["adhoc"];
  return claimNumber % SCHEDULED_EVERY === 0 ? ["oldest-scheduled", "any"] : ["any"];
}

/**
 * Claims the first report that nobody else was faster at. Null: nothing is due. `beginWork` is asked when there is
 * something to claim; what it throws keeps this worker from claiming.
 */
export async function claimNext(
  queue: Queue,
  filters: readonly CandidateFilter[],
  beginWork: () => Promise<void> = async () => {},
): Promise<Claim | null> {
  for (const filter of filters) {
    const claim = await claimFiltered(queue, filter, beginWork);
    if (claim !== null) return claim;
  }
  return null;
}

/** Reads again when there were candidates and all were lost to others; then others are at work, and this lane waits. */
async function claimFiltered(
  queue: Queue,
  filter: CandidateFilter,
  beginWork: () => Promise<void>,
): Promise<Claim | null> {
  for (let read = 0; read < READS_MAX; read += 1) {
    const candidates = await queue.candidates(filter, CANDIDATES_MAX);
    if (candidates.length === 0) return null;
    await beginWork();
    for (const candidate of candidates) {
      const claim = await takeCandidate(queue, candidate);
      if (claim !== null) return claim;
    }
  }
  return null;
}

async function takeCandidate(queue: Queue, candidate: Candidate): Promise<Claim | null> {
  if (!candidate.unplanned) return await queue.claimIfUnchanged(candidate);
  const first = await firstOccurrence(queue, candidate);
  if (first === null) return await queue.claimIfUnchanged(candidate);
  await queue.planIfUnchanged(candidate, first);
  return null;
}

/** Null: the row is malformed, and it is claimed now so that it fails with the reason before its time comes. */
async function firstOccurrence(queue: Queue, candidate: Candidate): Promise<Date | null> {
  const now = await queue.now();
  try {
    const { schedule } = parseReport(candidate.row, now);
    return schedule === null ? null : nextOccurrence(schedule, now);
  } catch (thrown) {
    if (thrown instanceof ReportError) return null;
    throw thrown;
  }
}
