import { asReportError, ReportError } from "../report/errors.ts";
import type { Attendance } from "./attendance.ts";
import type { WorkerEvent } from "./events.ts";
import type { Claim, Clock, Heartbeat, Queue } from "./ports.ts";

interface Supervised {
  readonly ports: {
    readonly clock: Pick<Clock, "sleep">;
    readonly heartbeat: Pick<Heartbeat, "ageMs">;
    readonly queue: Pick<Queue, "cancelRequested">;
    readonly tell: (event: WorkerEvent) => void;
  };
  readonly settings: { readonly superviseIntervalMs: number; readonly selfFenceMs: number };
  readonly running: ReadonlyMap<Claim, AbortController>;
  readonly attendance: Attendance | null;
}

/** Looks after what is running until told to end: its lease, and people who want it stopped. */
export async function supervise(state: Supervised, ended: AbortSignal): Promise<void> {
  const { ports, settings, running } = state;
  while (!ended.aborted) {
    await ports.clock.sleep(settings.superviseIntervalMs, ended);
    if (running.size === 0 || ended.aborted) continue;
    if (ports.heartbeat.ageMs() > settings.selfFenceMs) {
      const lost = new ReportError("lease_lost", "no heartbeat reached the database for too long");
      for (const controller of running.values()) controller.abort(lost);
      continue;
    }
    await cancelRequested(state);
    await state.attendance?.keepUp();
  }
}

async function cancelRequested(state: Supervised): Promise<void> {
  try {
    for (const claim of await state.ports.queue.cancelRequested([...state.running.keys()])) {
      state.running.get(claim)?.abort(new ReportError("cancelled", "cancelled by request"));
    }
  } catch (thrown) {
    // A missed look is made good by the next one.
    const delayMs = state.settings.superviseIntervalMs;
    state.ports.tell({ kind: "backing-off", error: asReportError(thrown), delayMs });
  }
}
