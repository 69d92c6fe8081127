import { rm } from "node:fs/promises";
import { join } from "node:path";
import { asReportError, ReportError } from "../report/errors.ts";
import {
  type Attendance,
  type AttendanceSettings,
  createAttendance,
  type Scaling,
} from "./attendance.ts";
import { type DeliverPorts, deliverNext, type DeliverSettings } from "./deliver.ts";
import type { WorkerEvent } from "./events.ts";
import { execute } from "./execute.ts";
import { claimNext, laneFilters } from "./lanes.ts";
import type { CandidateFilter, Claim, Heartbeat, QueueDepth } from "./ports.ts";
import type { ExecutePorts, ExecuteSettings } from "./run.ts";
import { supervise } from "./supervision.ts";
import { Wake } from "./wake.ts";

export interface LoopPorts extends Omit<ExecutePorts, "onProgress">, DeliverPorts {
  readonly heartbeat: Heartbeat;
  /** Null: nobody starts and stops workers, as on a laptop. */
  readonly scaling: Scaling | null;
  readonly tell: (event: WorkerEvent) => void;
}

export interface LoopSettings extends ExecuteSettings, DeliverSettings, AttendanceSettings {
  /** Reports at a time. */
  readonly concurrency: number;
  readonly pollIntervalMs: number;
  /** How often running reports are looked after: lease, cancel requests. */
  readonly superviseIntervalMs: number;
  /** End when nothing is due, instead of waiting for more. */
  readonly once: boolean;
}

export interface Loop {
  /** Look for work now. */
  wake(): void;
  /**
   * Claims no more, lets running reports end for `graceMs`, then cancels their queries and gives them back.
   * Resolves when the worker holds nothing.
   */
  stop(graceMs: number): Promise<void>;
  /** Resolves when the loop has ended; rejects when it could not go on (a defect, not an outage). */
  readonly ended: Promise<void>;
}

const BACK_OFF_MIN_MS = 5_000;
const BACK_OFF_MAX_MS = 5 * 60_000;

/** Starts the lanes of a worker. */
export function startLoop(ports: LoopPorts, settings: LoopSettings): Loop {
  const state: LoopState = {
    ports,
    settings,
    running: new Map(),
    stopping: new AbortController(),
    interrupting: new AbortController(),
    wake: new Wake(),
    claiming: 0,
    attendance:
      ports.scaling === null
        ? null
        : createAttendance({ ...ports, scaling: ports.scaling }, settings),
  };
  ports.tell({ kind: "started", lanes: settings.concurrency });
  const ended = runLanes(state);
  return {
    wake: () => {
      ports.tell({ kind: "triggered" });
      state.wake.wakeAll();
    },
    stop: async (graceMs) => {
      ports.tell({ kind: "stopping", running: state.running.size });
      state.stopping.abort();
      state.wake.wakeAll();
      const deadline = setTimeout(
        () => state.interrupting.abort(new ReportError("interrupted", "the worker stops")),
        graceMs,
      );
      await ended.finally(() => clearTimeout(deadline));
    },
    ended,
  };
}

interface LoopState {
  readonly ports: LoopPorts;
  readonly settings: LoopSettings;
  readonly running: Map<Claim, AbortController>;
  /** Claim no more. */
  readonly stopping: AbortController;
  /** The time to stop in is over, for what runs and for a claim that is still on its way. */
  readonly interrupting: AbortController;
  readonly wake: Wake;
  /** Lanes that are about to claim. */
  claiming: number;
  readonly attendance: Attendance | null;
}

/** A lane that fails ends alone: what the others hold is finished before its error is told. */
async function runLanes(state: LoopState): Promise<void> {
  const { ports, settings } = state;
  const supervisor = new AbortController();
  const supervising = supervise(state, supervisor.signal);
  const lanes = Array.from({ length: settings.concurrency }, (_, lane) => runLane(state, lane));
  const ends = await Promise.allSettled(lanes);
  supervisor.abort();
  await supervising;
  await state.attendance?.leave();
  ports.tell({ kind: "stopped" });
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function runLane(state: LoopState, lane: number): Promise<void> {
  let failures = 0;
  let claims = 0;
  while (!state.stopping.signal.aborted) {
    const ticket = state.wake.ticket();
    try {
      const worked = await workOnce(state, lane, claims + 1);
      if (worked) claims += 1;
      // Messages of other runs do not wait until there is no report left.
      const delivered = !state.stopping.signal.aborted && (await deliverOnce(state, null));
      failures = 0;
      if (worked || delivered) continue;
      if (state.settings.once) return;
      await waitForWork(state, ticket);
    } catch (thrown) {
      failures += 1;
      await backOff(state, asReportError(thrown), failures, ticket);
    }
  }
}

/**
 * Claims and runs one report. False: nothing is due for this lane. Throws what a report was postponed for, so that the
 * lane backs off instead of taking the next report into the same outage.
 */
async function workOnce(state: LoopState, lane: number, claimNumber: number): Promise<boolean> {
  const { ports, settings } = state;
  const filters = laneFilters(lane, settings.concurrency, claimNumber);
  const controller = new AbortController();
  const claim = await claimFor(state, filters, controller);
  if (claim === null) return false;
  ports.tell({ kind: "claimed", claim, lane });
  ports.heartbeat.setActive(true);
  try {
    const onProgress: ExecutePorts["onProgress"] = (progress) =>
      ports.tell({ kind: "progress", progress });
    const signal = AbortSignal.any([controller.signal, state.interrupting.signal]);
    const executed = await execute(claim, { ...ports, onProgress }, settings, signal);
    ports.tell({ kind: "executed", claim, executed });
    if (executed.outcome.kind === "postponed") throw executed.outcome.error;
  } finally {
    state.running.delete(claim);
    ports.heartbeat.setActive(state.running.size > 0);
    await rm(join(settings.scratchFolder, claim.runId), { recursive: true, force: true });
  }
  // A worker that stops leaves messages to the next one: the ledger has them.
  while (!state.stopping.signal.aborted && (await deliverOnce(state, claim.runId)));
  return true;
}

/** Claims the next report and notes that it runs, without a moment in which this worker looks idle. */
async function claimFor(
  state: LoopState,
  filters: readonly CandidateFilter[],
  controller: AbortController,
): Promise<Claim | null> {
  state.claiming += 1;
  try {
    const claim = await claimNext(state.ports.queue, filters, async () =>
      state.attendance?.beginWork(),
    );
    if (claim !== null) state.running.set(claim, controller);
    return claim;
  } finally {
    state.claiming -= 1;
  }
}

async function deliverOnce(state: LoopState, runId: string | null): Promise<boolean> {
  const delivered = await deliverNext(runId, state.ports, state.settings);
  if (delivered === null) return false;
  state.ports.tell({ kind: "delivered", delivered });
  return true;
}

async function waitForWork(state: LoopState, ticket: number): Promise<void> {
  const { ports, settings, wake } = state;
  const depth = await ports.queue.depth();
  const { nextDueAt, pending, heldBack } = depth;
  const now = nextDueAt === null ? null : await ports.queue.now();
  const untilDueMs =
    nextDueAt === null || now === null ? Infinity : nextDueAt.getTime() - now.getTime();
  // What is due now became so a moment ago, or waits for a lane that may take it or for others of its owner to end.
  const capMs = pending + heldBack > 0 ? settings.superviseIntervalMs : settings.pollIntervalMs;
  const restMs = await rest(state, depth, untilDueMs);
  const waitMs = Math.min(capMs, restMs, Math.max(0, untilDueMs) + DUE_MARGIN_MS);
  ports.tell({ kind: "idle", waitMs, nextDueAt });
  await wake.wait(ticket, waitMs);
}

/** How long this lane may wait as far as the number of workers is concerned; milliseconds. */
async function rest(state: LoopState, depth: QueueDepth, untilDueMs: number): Promise<number> {
  if (state.attendance === null || state.running.size + state.claiming > 0) return Infinity;
  const { again, waitMs } = await state.attendance.rest(depth, untilDueMs);
  return again ? 0 : waitMs;
}

/** Waking a moment after the due time finds the report due. */
const DUE_MARGIN_MS = 50;

/** An outage burns no attempts: nothing is claimed until the warehouse answers again. */
async function backOff(
  state: LoopState,
  error: ReportError,
  failures: number,
  ticket: number,
): Promise<void> {
  const { ports, settings, wake } = state;
  if (settings.once) throw error;
  const capMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** (failures - 1));
  const delayMs = Math.round(capMs * (0.5 + ports.clock.random() / 2));
  ports.tell({ kind: "backing-off", error, delayMs });
  await wake.wait(ticket, delayMs);
}
