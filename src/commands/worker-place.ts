import type { loadPlace } from "../config.ts";
import { createLog } from "../log.ts";
import { asReportError, ReportError } from "../report/errors.ts";

type Place = ReturnType<typeof loadPlace>;

/**
 * Runs a worker. A task that what it was told keeps from working, such as a wrong setting or a secret without a value, gives its place back
 * before it ends: ECS would start it again at once, for ever. Its reports stay where they are; the next trigger or tick
 * raises a worker that reads its settings anew. What ended it is thrown in any case.
 */
export async function leavingPlace(place: Place, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof ReportError && isLasting(thrown)) await leave(place, thrown.message);
    throw thrown;
  }
}

/** A secret that is out of reach for now is read by the next start. */
function isLasting({ code, retryable }: ReportError): boolean {
  return code === "configuration" && !retryable;
}

async function leave({ agentUrl, triggerFunction }: Place, reason: string): Promise<void> {
  // Outside of ECS nobody starts it again, and the place of a task is not its own.
  if (agentUrl === null || triggerFunction === null) return;
  try {
    const { openTriggerFunction } = await import("../aws/trigger-function.ts");
    await using called = await openTriggerFunction(triggerFunction);
    await called.leave(reason);
  } catch (thrown) {
    createLog("WARN").warn(
      `the number of workers stays as it is: ${asReportError(thrown).message}`,
    );
  }
}
