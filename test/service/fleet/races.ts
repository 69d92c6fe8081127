import { z } from "zod";
import { addReport } from "../../../src/snowflake/reports.ts";
import { eventually } from "../service.ts";
import type { Fleet } from "./fleet.ts";
import type { FunctionCall } from "./function.ts";

/** What was going on at the moment of an INSERT. */
export const MOMENTS = [
  "nobody was there",
  "a worker started, worked or waited",
  "an empty queue was being told",
  "nobody was wanted any more, and the worker not yet told to stop",
  "a worker was on its way out",
] as const;

export type Moment = (typeof MOMENTS)[number];

/** One INSERT against workers that go. Times on the clock of `performance.now()`. */
interface Race {
  readonly configIds: readonly string[];
  readonly beganMs: number;
  readonly insertedMs: number;
}

export interface RaceResult {
  readonly races: number;
  readonly reports: number;
  readonly moments: Readonly<Record<Moment, number>>;
  /** Races of reports that went to a worker which was there at the INSERT, and to one that came later. */
  readonly servedBy: { readonly sameWorker: number; readonly laterWorker: number };
  readonly workers: number;
  /** The race that waited longest from its INSERT to its last file, and what happened meanwhile. */
  readonly slowest: Served;
}

interface Served {
  readonly waitedMs: number;
  readonly story: string;
}

/** Times of a worker that goes as soon as it can. */
export const RACING = {
  IDLE_GRACE: "100ms",
  LEASE_DURATION: "6s",
  HEARTBEAT_INTERVAL: "500ms",
  WORKER_CONCURRENCY: "2",
} as const;

/** A row that nobody serves by then is lost: nothing else would wake a worker for it before the regular tick. */
const SERVED_WITHIN_MS = 60_000;
/** Somebody will want to know what happened. */
const LONG_MS = 20_000;
/** Beyond what a worker needs to see that it may go. */
const ANCHOR_WAIT_MS = 3_000;
/** More than one worker is wanted for this many. */
const BURST = 7;

/** Inserts `count` times around the moments at which workers go. Throws an Error that tells what was lost, and when. */
export async function runRaces(
  fleet: Fleet,
  count: number,
  random: () => number,
): Promise<RaceResult> {
  const races: Race[] = [];
  const waiting: Promise<Served>[] = [];
  for (let number = 1; number <= count; number += 1) {
    await untilMoment(fleet, random);
    const race = await insert(fleet, number, random() < 0.1 ? BURST : 1);
    races.push(race);
    const served = untilServed(fleet, race);
    // Told by the one who waits for all of them.
    served.catch(() => {});
    waiting.push(served);
    // Half of the races overlap the one before them.
    if (random() < 0.5) await served;
  }
  const served = await Promise.all(waiting);
  const [slowest] = served.sort((a, b) => b.waitedMs - a.waitedMs);
  if (slowest === undefined) throw new Error("there was no race");
  return await summarise(fleet, races, slowest);
}

/** One of the moments that matter, and up to 300 ms more. */
async function untilMoment(fleet: Fleet, random: () => number): Promise<void> {
  const { functions, ecs } = fleet;
  const callsBefore = functions.calls.length;
  const stoppedBefore = ecs.tasks.filter(({ stoppedMs }) => stoppedMs !== null).length;
  const tells = (): FunctionCall | undefined =>
    functions.calls.slice(callsBefore).find(tellsOfNone);
  const anchors: [reached: () => boolean, spreadMs: number][] = [
    [() => true, 300],
    [() => tells() !== undefined, 60],
    [() => (tells()?.endedMs ?? null) !== null, 150],
    [() => ecs.tasks.filter(({ stoppedMs }) => stoppedMs !== null).length > stoppedBefore, 300],
  ];
  const [reached, spreadMs] = anchors[Math.floor(random() * anchors.length)] ?? [() => true, 300];
  const endMs = performance.now() + ANCHOR_WAIT_MS;
  while (!reached() && performance.now() < endMs) await Bun.sleep(1);
  await Bun.sleep(random() * spreadMs);
}

async function insert(fleet: Fleet, number: number, reports: number): Promise<Race> {
  const beganMs = performance.now();
  const configIds = Array.from({ length: reports }, (_, index) => `race-${number}-${index + 1}`);
  const [only] = configIds;
  if (configIds.length === 1 && only !== undefined) {
    await addReport(fleet.connection, { ...reportOf(only), CONFIG_ID: only });
  } else {
    const rows = configIds.map((id) => {
      const { REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT } = reportOf(id);
      return `('${id}', '${REPORT_NAME}', '${REPORT_SQL}', '${OUTPUT_FORMAT}', '${id}@example.com')`;
    });
    await fleet.connection.execute(
      `INSERT INTO REPORT_CONFIG (CONFIG_ID, REPORT_NAME, REPORT_SQL, OUTPUT_FORMAT, OWNER_EMAIL) VALUES ${rows.join(", ")}`,
    );
  }
  return { configIds, beganMs, insertedMs: performance.now() };
}

function reportOf(configId: string) {
  return { REPORT_NAME: configId, REPORT_SQL: "SELECT 1 AS N", OUTPUT_FORMAT: "CSV" };
}

async function untilServed(fleet: Fleet, { configIds, insertedMs }: Race): Promise<Served> {
  const places = configIds.map(() => "?").join(", ");
  const sql = `SELECT COUNT(*) AS N FROM REPORT_CONFIG WHERE STATUS = 'COMPLETED' AND CONFIG_ID IN (${places})`;
  const isServed = async (): Promise<boolean> => {
    const { rows } = await fleet.connection.execute(sql, configIds);
    return Number(rows[0]?.["N"]) === configIds.length;
  };
  await eventually(`${configIds.join(", ")} to be completed`, isServed, SERVED_WITHIN_MS).catch(
    (thrown: unknown) => {
      throw new Error(tellStory(fleet, insertedMs), { cause: thrown });
    },
  );
  const waitedMs = performance.now() - insertedMs;
  return { waitedMs, story: tellStory(fleet, insertedMs) };
}

async function summarise(
  fleet: Fleet,
  races: readonly Race[],
  slowest: Served,
): Promise<RaceResult> {
  const moments = Object.fromEntries(MOMENTS.map((moment) => [moment, 0])) as Record<
    Moment,
    number
  >;
  const servers = await readServers(fleet);
  const servedBy = { sameWorker: 0, laterWorker: 0 };
  for (const { configIds, beganMs, insertedMs } of races) {
    const atMs = (beganMs + insertedMs) / 2;
    moments[momentAt(fleet, atMs)] += 1;
    const there = fleet.ecs.tasks
      .filter((task) => task.startedMs <= atMs && (task.endedMs ?? Infinity) > atMs)
      .map(({ id }) => id);
    const isSame = configIds.every((id) => there.includes(servers.get(id) ?? ""));
    servedBy[isSame ? "sameWorker" : "laterWorker"] += 1;
  }
  const reports = races.reduce((sum, { configIds }) => sum + configIds.length, 0);
  const workers = fleet.ecs.tasks.length;
  return { races: races.length, reports, moments, servedBy, workers, slowest };
}

/** The worker of each report's only run. Throws an Error when there was more than one. */
async function readServers({ connection }: Fleet): Promise<Map<string, string>> {
  const { rows } = await connection.execute(
    "SELECT CONFIG_ID, WORKER_ID, OUTCOME FROM REPORT_RUN WHERE STARTSWITH(CONFIG_ID, 'race-')",
  );
  const servers = new Map<string, string>();
  for (const row of rows) {
    const configId = row["CONFIG_ID"] ?? "";
    if (servers.has(configId)) throw new Error(`${configId} ran more than once`);
    servers.set(configId, row["WORKER_ID"] ?? "");
  }
  return servers;
}

function momentAt({ ecs, functions }: Fleet, atMs: number): Moment {
  const there = ecs.tasks.filter(
    ({ startedMs, endedMs }) => startedMs <= atMs && (endedMs ?? Infinity) > atMs,
  );
  if (there.length === 0) return "nobody was there";
  if (there.every(({ stoppedMs }) => (stoppedMs ?? Infinity) <= atMs)) {
    return "a worker was on its way out";
  }
  const calls = functions.calls.filter(({ startedMs }) => startedMs <= atMs);
  const isTelling = calls.some((call) => tellsOfNone(call) && (call.endedMs ?? Infinity) > atMs);
  if (isTelling) return "an empty queue was being told";
  const ended = calls.filter(({ endedMs }) => (endedMs ?? Infinity) <= atMs);
  const last = ended.sort((a, b) => (a.endedMs ?? 0) - (b.endedMs ?? 0)).at(-1);
  return last !== undefined && tellsOfNone(last)
    ? "nobody was wanted any more, and the worker not yet told to stop"
    : "a worker started, worked or waited";
}

const observed = z.object({
  observation: z.object({ pending: z.literal(0), running: z.literal(0) }),
});

export function tellsOfNone({ from, event }: FunctionCall): boolean {
  return from === "worker" && observed.safeParse(event).success;
}

/** What happened around a moment, for somebody who looks for what was lost. */
function tellStory({ ecs, functions }: Fleet, atMs: number): string {
  const lines: [number, string][] = [[atMs, "INSERT"]];
  for (const { from, event, startedMs, endedMs, result } of functions.calls) {
    const what = from === "worker" ? JSON.stringify(event) : from;
    const count = readDesiredCount(result) ?? "failed";
    lines.push([startedMs, `${what} begins`], [endedMs ?? Infinity, `${what}: ${count}`]);
  }
  for (const { id, startedMs, stoppedMs, endedMs, exitCode } of ecs.tasks) {
    lines.push([startedMs, `${id} starts`], [stoppedMs ?? Infinity, `${id} SIGTERM`]);
    lines.push([endedMs ?? Infinity, `${id} ends with ${exitCode}`]);
  }
  const near = lines.filter(([ms]) => ms > atMs - 3_000 && ms < atMs + SERVED_WITHIN_MS);
  return near
    .sort(([a], [b]) => a - b)
    .map(([ms, text]) => `${(ms - atMs).toFixed(0).padStart(7)} ms  ${text}`)
    .join("\n");
}

/** The number of workers that a call led to; null: it failed. */
export function readDesiredCount(result: unknown): number | null {
  const answered = z.object({ body: z.string() }).safeParse(result);
  const said: unknown = answered.success ? JSON.parse(answered.data.body) : result;
  const counted = z.object({ desiredCount: z.number() });
  const rows = z.object({ data: z.tuple([z.tuple([z.literal(0), counted])]) });
  return (
    rows.safeParse(said).data?.data[0][1].desiredCount ??
    counted.safeParse(said).data?.desiredCount ??
    null
  );
}

/** mulberry32: the same numbers from the same seed. Source: github.com/bryc/code, PRNGs. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function describeRaces(result: RaceResult, seed: number): string {
  const { races, reports, moments, servedBy, workers, slowest } = result;
  return [
    `  ${races} races of ${reports} reports (seed ${seed}), ${workers} workers, the longest wait ${(slowest.waitedMs / 1_000).toFixed(1)} s`,
    ...MOMENTS.map((moment) => `  ${String(moments[moment]).padStart(5)}  ${moment}`),
    `  ${String(servedBy.sameWorker).padStart(5)}  were served by a worker that was there, ${servedBy.laterWorker} by one that came`,
    ...(slowest.waitedMs > LONG_MS ? [slowest.story] : []),
  ].join("\n");
}
