import type { ConsolaInstance } from "consola";
import { asReportError } from "../report/errors.ts";
import type { SnowflakeAccess } from "../snowflake-access.ts";
import type { WorkerEvent } from "../worker/events.ts";
import type { Clock } from "../worker/ports.ts";
import type { StopSignal } from "./stop.ts";

const RETRY_MIN_MS = 5_000;
const RETRY_MAX_MS = 5 * 60_000;

interface Opening {
  readonly access: Pick<SnowflakeAccess, "refresh">;
  readonly log: Pick<ConsolaInstance, "info" | "warn">;
  /** Of each wait, as of those of a worker that is open. */
  readonly tell: (event: WorkerEvent) => void;
  readonly clock: Pick<Clock, "sleep">;
  readonly stopped: Promise<StopSignal>;
}

/**
 * Opens what needs Snowflake. An outage at start is waited out: a worker that exits would be started again at once. After
 * a refused login it is tried at once when the secret says something else by then. Null: stopped meanwhile.
 */
export async function openWhenReachable<T>(
  open: () => Promise<T>,
  { access, log, tell, clock, stopped }: Opening,
): Promise<T | null> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await open();
    } catch (thrown) {
      const error = asReportError(thrown);
      if (error.code !== "warehouse_unavailable" && error.code !== "login_refused") throw error;
      if (error.code === "login_refused" && (await isRenewed(access, log))) continue;
      const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1));
      tell({ kind: "backing-off", error, delayMs });
      const waiting = new AbortController();
      const slept = clock.sleep(delayMs, waiting.signal).then(() => null);
      const signal = await Promise.race([stopped, slept]);
      waiting.abort();
      if (signal !== null) return null;
    }
  }
}

/** Whether the secret says something else than before. A secret that cannot be read now is told, and changes nothing. */
export async function isRenewed(
  access: Pick<SnowflakeAccess, "refresh">,
  log: Pick<ConsolaInstance, "info" | "warn">,
): Promise<boolean> {
  try {
    const isChanged = await access.refresh();
    if (isChanged) log.info("the secret has changed; logging in with what it says now");
    return isChanged;
  } catch (thrown) {
    log.warn(asReportError(thrown).message);
    return false;
  }
}
