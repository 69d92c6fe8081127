import type { Heartbeat } from "../worker/ports.ts";
import type { SnowflakeSettings } from "./settings.ts";

export interface HeartbeatSettings {
  readonly snowflake: SnowflakeSettings;
  readonly workerId: string;
  readonly bootId: string;
  readonly intervalMs: number;
}

/** What the thread is started with. */
export interface HeartbeatStart extends HeartbeatSettings {
  readonly buffer: SharedArrayBuffer;
}

/** What the two threads share; each number has one writer. Times are system-wide monotonic nanoseconds. */
export class SharedPulse {
  readonly #flags: Int32Array;
  readonly #times: BigInt64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#flags = new Int32Array(buffer, 0, 2);
    this.#times = new BigInt64Array(buffer, 8, 2);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(24);
  }

  /** Main thread. */
  setActive(active: boolean): void {
    const was = Atomics.exchange(this.#flags, 0, active ? 1 : 0);
    if (active && was === 0) Atomics.store(this.#times, 0, process.hrtime.bigint());
  }

  isActive(): boolean {
    return Atomics.load(this.#flags, 0) === 1;
  }

  /** Main thread. */
  progress(): void {
    Atomics.add(this.#flags, 1, 1);
  }

  progressCount(): number {
    return Atomics.load(this.#flags, 1);
  }

  /** Heartbeat thread: a beat that was begun at `begun` has reached the database. */
  recordBeat(begun: bigint): void {
    Atomics.store(this.#times, 1, begun);
  }

  ageMs(): number {
    if (!this.isActive()) return 0;
    const activeSince = Atomics.load(this.#times, 0);
    const lastBeat = Atomics.load(this.#times, 1);
    const latest = lastBeat > activeSince ? lastBeat : activeSince;
    return Number((process.hrtime.bigint() - latest) / 1_000_000n);
  }
}

/**
 * Beats from a thread of its own with a connection of its own: while the main thread was busy it made 0 of 20 beats,
 * a thread 20 of 20. `threadUrl` is the module that the thread runs (src/heartbeat-thread.ts; an executable finds it
 * beside its entry only). `onFailure` hears of beats that did not reach the database; the age tells when it matters.
 */
export function startHeartbeat(
  settings: HeartbeatSettings,
  threadUrl: URL,
  onFailure: (message: string) => void,
): Heartbeat {
  const buffer = SharedPulse.allocate();
  const pulse = new SharedPulse(buffer);
  const thread = new Worker(threadUrl.href);
  thread.addEventListener("message", (event: MessageEvent<string>) => onFailure(event.data));
  thread.addEventListener("error", (event) => onFailure(event.message));
  thread.postMessage({ ...settings, buffer } satisfies HeartbeatStart);
  return {
    setActive: (active) => pulse.setActive(active),
    progress: () => pulse.progress(),
    ageMs: () => pulse.ageMs(),
    [Symbol.asyncDispose]: async () => await endThread(thread),
  };
}

const END_TIMEOUT_MS = 3_000;

/** Lets the thread close its session; a thread that cannot is ended without. */
async function endThread(thread: Worker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, END_TIMEOUT_MS);
  thread.addEventListener("close", () => resolve());
  thread.postMessage("end");
  await promise.finally(() => clearTimeout(timer));
  thread.terminate();
}
