import { asReportError, ReportError } from "../report/errors.ts";
import type { WorkerEvent } from "./events.ts";
import type { Clock, Queue, QueueDepth } from "./ports.ts";

/** Who decides how many workers there are, and what keeps this one from being stopped at work. */
export interface Scaling {
  /** Why it is refused; null: it is not. Throws ReportError when it cannot be asked for. */
  protect(): Promise<string | null>;
  release(): Promise<void>;
  /** Tells what is seen of the queue; resolves when the number of workers has been written. */
  observe(depth: QueueDepth): Promise<void>;
}

export interface AttendanceSettings {
  /** How long the queue must be empty before that is told. */
  readonly idleGraceMs: number;
  /** How often a working worker tells what it sees, so that others are called when much is waiting. */
  readonly observeIntervalMs: number;
  /** A protection that is older is renewed. */
  readonly protectionRenewMs: number;
}

interface AttendancePorts {
  readonly queue: Pick<Queue, "depth">;
  readonly scaling: Scaling;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly tell: (event: WorkerEvent) => void;
}

/**
 * How a worker is there: protected while it works, and gone when nothing is left. No row is lost between the last look
 * at an empty queue and the end of the task, whatever the order of events; test/trigger/scaling-model.ts tries them all.
 */
export interface Attendance {
  /** Before claiming. Throws ReportError when the protection is refused: then nothing may be claimed. */
  beginWork(): Promise<void>;
  /** While reports run: keeps the protection alive and tells what is waiting. Never throws. */
  keepUp(): Promise<void>;
  /**
   * When no report of this worker runs. Tells of an empty queue once it has been empty for the grace time, and looks
   * again after the answer. `untilDueMs`: until something is due that is not yet; Infinity: nothing is planned.
   * `again`: there is something; otherwise look again after at most `waitMs`.
   */
  rest(
    depth: QueueDepth,
    untilDueMs: number,
  ): Promise<{ readonly again: boolean; readonly waitMs: number }>;
  /** After everything has ended: the last look. Never throws. */
  leave(): Promise<void>;
}

/** Of the grace time: a row that comes meanwhile is seen after that. */
const LOOKS_IN_GRACE = 3;

export function createAttendance(ports: AttendancePorts, settings: AttendanceSettings): Attendance {
  const { clock, scaling } = ports;
  const protection = createProtection(ports, settings);
  let observedAtMs = -Infinity;
  let emptySinceMs: number | null = null;
  let telling: Promise<void> = Promise.resolve();

  /** One observation at a time, in the order in which they were seen. */
  const observe = async (depth: QueueDepth): Promise<void> => {
    observedAtMs = clock.monotonicMs();
    const told = telling.then(() => scaling.observe(depth));
    telling = told.catch(() => {});
    await told;
  };
  return {
    beginWork: async () => {
      emptySinceMs = null;
      await protection.hold();
    },
    keepUp: () =>
      attempt(ports, async () => {
        await protection.hold();
        if (clock.monotonicMs() - observedAtMs < settings.observeIntervalMs) return;
        await observe(await ports.queue.depth());
      }),
    rest: async (depth, untilDueMs) => {
      await protection.release();
      const waitMs = settings.idleGraceMs / LOOKS_IN_GRACE;
      const nowMs = clock.monotonicMs();
      // What is due within another grace time is waited for: whoever is woken for it would be there later than that.
      const isExpecting = untilDueMs < settings.idleGraceMs;
      if (depth.pending > 0 || depth.running > 0 || isExpecting) {
        emptySinceMs = null;
        return { again: false, waitMs };
      }
      emptySinceMs ??= nowMs;
      if (nowMs - emptySinceMs < settings.idleGraceMs) return { again: false, waitMs };
      // Told again after another grace time: a trigger may have raised the number for nothing.
      emptySinceMs = nowMs;
      await observe(depth);
      const seen = await ports.queue.depth();
      if (seen.pending === 0) return { again: false, waitMs };
      await observe(seen);
      return { again: true, waitMs };
    },
    leave: () =>
      attempt(ports, async () => {
        await protection.release();
        // An observation of this worker that is still on its way could lower the number after everybody has looked.
        await telling;
        const depth = await ports.queue.depth();
        if (depth.pending > 0) await observe(depth);
      }),
  };
}

interface Protection {
  /** Throws ReportError when it is refused. */
  hold(): Promise<void>;
  release(): Promise<void>;
}

/** One step at a time: a release that is on its way must not overtake the protection that follows it. */
function createProtection(
  { scaling, clock }: Pick<AttendancePorts, "scaling" | "clock">,
  { protectionRenewMs }: Pick<AttendanceSettings, "protectionRenewMs">,
): Protection {
  let heldAtMs: number | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = async (step: () => Promise<void>): Promise<void> => {
    const done = turn.then(step);
    turn = done.catch(() => {});
    await done;
  };
  return {
    hold: () =>
      inTurn(async () => {
        const age = heldAtMs === null ? Infinity : clock.monotonicMs() - heldAtMs;
        if (age < protectionRenewMs) return;
        const refusal = await scaling.protect();
        if (refusal !== null) {
          const reason = `the task is not protected, so nothing is claimed: ${refusal}`;
          throw new ReportError("internal", reason);
        }
        heldAtMs = clock.monotonicMs();
      }),
    release: () =>
      inTurn(async () => {
        if (heldAtMs === null) return;
        heldAtMs = null;
        await scaling.release();
      }),
  };
}

/** What cannot be told now is told by the next look, and at the latest the regular tick finds out. */
async function attempt(ports: AttendancePorts, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (thrown) {
    ports.tell({ kind: "unobserved", error: asReportError(thrown) });
  }
}
