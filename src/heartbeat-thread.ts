import { messageOf } from "./report/errors.ts";
import { type Connection, openConnection } from "./snowflake/connection.ts";
import { type HeartbeatStart, SharedPulse } from "./snowflake/heartbeat.ts";
import { CONTROL_SESSION } from "./snowflake/settings.ts";

declare const self: Worker;

/** Work that has not moved for this long hangs: another worker shall take over. */
const PROGRESS_TIMEOUT_MS = 10 * 60_000;

self.addEventListener("message", (event: MessageEvent<HeartbeatStart | "end">) => {
  if (event.data === "end") void end();
  else start(event.data);
});

let connection: Connection | null = null;
let timer: Timer | undefined;
let beating = false;

function start(settings: HeartbeatStart): void {
  const pulse = new SharedPulse(settings.buffer);
  const gate = createProgressGate(pulse);
  timer = setInterval(() => void beatOnce(settings, pulse, gate), settings.intervalMs);
}

async function end(): Promise<void> {
  clearInterval(timer);
  await connection?.[Symbol.asyncDispose]();
  process.exit(0);
}

/** One beat at a time; a slow one is not overtaken. */
async function beatOnce(
  settings: HeartbeatStart,
  pulse: SharedPulse,
  isMoving: () => boolean,
): Promise<void> {
  if (!pulse.isActive() || beating || !isMoving()) return;
  beating = true;
  try {
    const begun = process.hrtime.bigint();
    connection ??= await openConnection(settings.snowflake, { sessionParameters: CONTROL_SESSION });
    await connection.execute("INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID) VALUES (?, ?)", [
      settings.workerId,
      settings.bootId,
    ]);
    pulse.recordBeat(begun);
  } catch (error) {
    self.postMessage(messageOf(error));
  } finally {
    beating = false;
  }
}

function createProgressGate(pulse: SharedPulse): () => boolean {
  let count = pulse.progressCount();
  let movedAtMs = performance.now();
  return () => {
    const isMoved = pulse.progressCount() !== count;
    if (isMoved || !pulse.isActive()) movedAtMs = performance.now();
    count = pulse.progressCount();
    return performance.now() - movedAtMs < PROGRESS_TIMEOUT_MS;
  };
}
