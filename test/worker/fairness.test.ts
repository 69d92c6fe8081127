import { describe, expect, test } from "bun:test";
import { claimNext, laneFilters } from "../../src/worker/lanes.ts";
import { createClock } from "../support/clock.ts";
import { createDatabase, type Database, type Worker } from "../support/database.ts";
import { DAILY_AT_NINE } from "../support/factories.ts";

/**
 * What a flood does to everybody else: lanes and claims are the worker's own code, the tables are in memory, time is
 * simulated. Every figure is printed, so that a change of the rules shows.
 */

const MINUTE_MS = 60_000;
const WORKERS = 3;
const LANES = 2;

interface Job {
  readonly owner: string;
  readonly kind: "flood" | "adhoc" | "scheduled";
  readonly dueMs: number;
  readonly lastsMs: number;
}

/** Mulberry32: the same figures at every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 500 reports of one owner at once; 40 of twenty others over the next hours, and 60 SCHEDULED ones on the half hours. */
function aFlood(random: () => number): Job[] {
  const lastsMs = (): number => (0.5 + random() * 2) * MINUTE_MS;
  const jobs: Job[] = [];
  for (let index = 0; index < 500; index += 1) {
    jobs.push({ owner: "flood@example.com", kind: "flood", dueMs: 0, lastsMs: lastsMs() });
  }
  for (let index = 0; index < 40; index += 1) {
    const owner = `person-${index % 20}@example.com`;
    jobs.push({ owner, kind: "adhoc", dueMs: random() * 180 * MINUTE_MS, lastsMs: lastsMs() });
  }
  for (let index = 0; index < 60; index += 1) {
    const owner = `schedule-${index % 10}@example.com`;
    const dueMs = (index % 6) * 30 * MINUTE_MS;
    jobs.push({ owner, kind: "scheduled", dueMs, lastsMs: lastsMs() });
  }
  return jobs;
}

interface Figures {
  readonly longestMinutes: Record<Job["kind"], number>;
  readonly runningOfFloodMax: number;
  readonly endMinutes: number;
}

async function simulate(jobs: readonly Job[], perOwnerMax: number): Promise<Figures> {
  const clock = createClock();
  const startMs = clock.now().getTime();
  // No worker dies here, so no lease runs out.
  const database = createDatabase(clock, 1_000 * 60 * MINUTE_MS, perOwnerMax);
  const byId = new Map(jobs.map((job, index) => [`report-${index}`, job]));
  for (const [configId, job] of byId) addJob(database, configId, job, startMs);
  const lanes = Array.from({ length: WORKERS * LANES }, (_, index) => ({
    lane: index % LANES,
    queue: database.queueOf(workerOf(Math.floor(index / LANES))),
    claims: 0,
    running: null as { configId: string; endMs: number } | null,
  }));
  const waits: Record<Job["kind"], number> = { flood: 0, adhoc: 0, scheduled: 0 };
  let runningOfFloodMax = 0;
  let left = jobs.length;
  while (left > 0) {
    const now = clock.now().getTime();
    for (const lane of lanes) {
      if (lane.running === null || lane.running.endMs > now) continue;
      const report = database.reports.get(lane.running.configId);
      if (report !== undefined) report.status = "COMPLETED";
      lane.running = null;
      left -= 1;
    }
    for (const lane of lanes) {
      if (lane.running !== null) continue;
      const filters = laneFilters(lane.lane, LANES, lane.claims + 1);
      const claim = await claimNext(lane.queue, filters);
      const job = byId.get(claim?.configId ?? "");
      if (claim === null || job === undefined) continue;
      lane.claims += 1;
      lane.running = { configId: claim.configId, endMs: now + job.lastsMs };
      waits[job.kind] = Math.max(waits[job.kind], now - startMs - job.dueMs);
    }
    const running = lanes.filter(
      (lane) => byId.get(lane.running?.configId ?? "")?.kind === "flood",
    );
    runningOfFloodMax = Math.max(runningOfFloodMax, running.length);
    await advance(clock, lanes, byId, startMs);
  }
  const minutes = (ms: number): number => Math.round((ms / MINUTE_MS) * 10) / 10;
  return {
    longestMinutes: {
      flood: minutes(waits.flood),
      adhoc: minutes(waits.adhoc),
      scheduled: minutes(waits.scheduled),
    },
    runningOfFloodMax,
    endMinutes: minutes(clock.now().getTime() - startMs),
  };
}

function workerOf(index: number): Worker {
  return { workerId: `worker-${index}`, bootId: `b007000${index}` };
}

function addJob(database: Database, configId: string, job: Job, startMs: number): void {
  const at = startMs + Math.round(job.dueMs);
  const row = { configId, ownerEmail: job.owner, reportName: configId };
  if (job.kind === "scheduled") {
    database.add({ ...row, ...DAILY_AT_NINE }, { nextRunAt: at, createdAt: 0 });
  } else {
    database.add(row, { createdAt: at });
  }
}

/** To the next moment at which anything can happen: a report ends or becomes due. */
async function advance(
  clock: ReturnType<typeof createClock>,
  lanes: readonly { running: { endMs: number } | null }[],
  jobs: ReadonlyMap<string, Job>,
  startMs: number,
): Promise<void> {
  const now = clock.now().getTime();
  const ends = lanes.flatMap(({ running }) => (running === null ? [] : [running.endMs]));
  const dues = [...jobs.values()].map(({ dueMs }) => startMs + Math.round(dueMs));
  const later = [...ends, ...dues].filter((at) => at > now);
  if (later.length > 0) await clock.advance(Math.ceil(Math.min(...later) - now));
}

function print(what: string, figures: Figures): void {
  const { flood, adhoc, scheduled } = figures.longestMinutes;
  process.stdout.write(
    `${what}: longest wait ADHOC of others ${adhoc} min, SCHEDULED ${scheduled} min, of the flood ${flood} min; ` +
      `at most ${figures.runningOfFloodMax} of the flood at a time; all done after ${figures.endMinutes} min\n`,
  );
}

describe("500 reports of one owner on three workers of two lanes", () => {
  const jobs = aFlood(seeded(20_260_302));

  test("with a limit of 3 hold nobody else up, and starve nobody", async () => {
    const limited = await simulate(jobs, 3);
    print("at most 3 an owner", limited);
    expect(limited.runningOfFloodMax).toBe(3);
    expect(limited.longestMinutes.adhoc).toBeLessThanOrEqual(5);
    expect(limited.longestMinutes.scheduled).toBeLessThanOrEqual(60);
    // 500 reports of at most two and a half minutes, three at a time.
    expect(limited.longestMinutes.flood).toBeLessThan((500 / 3) * 2.5);
  }, 30_000);

  test("without one hold up others far longer, which is why there is one", async () => {
    const limited = await simulate(jobs, 3);
    const open = await simulate(jobs, 1_000);
    print("no limit", open);
    expect(open.runningOfFloodMax).toBeGreaterThan(3);
    expect(open.longestMinutes.adhoc).toBeGreaterThan(limited.longestMinutes.adhoc * 5);
    // The age of a report and every fourth claim keep SCHEDULED ones alive even then.
    expect(open.longestMinutes.scheduled).toBeLessThan(120);
  }, 30_000);
});
