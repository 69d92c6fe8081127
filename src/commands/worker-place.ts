import type { ConsolaInstance } from "consola";
import type { Config } from "../config.ts";
import { asReportError, ReportError } from "../report/errors.ts";

type Place = Pick<Config["cloud"], "agentUrl" | "triggerFunction">;

/**
 * Runs a worker. A task that what it was told keeps from working, such as a secret without a value, gives its place back
 * before it ends: ECS would start it again at once, for ever. Its reports stay where they are; the next trigger or tick
 * raises a worker that reads its settings anew. What ended it is thrown in any case.
 */
export async function leavingPlace(
  place: Place,
  log: Pick<ConsolaInstance, "warn">,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof ReportError && isLasting(thrown)) await leave(place, thrown.message, log);
    throw thrown;
  }
}

/** A secret that is out of reach for now is read by the next start. */
function isLasting({ code, retryable }: ReportError): boolean {
  return code === "configuration" && !retryable;
}

async function leave(
  { agentUrl, triggerFunction }: Place,
  reason: string,
  log: Pick<ConsolaInstance, "warn">,
): Promise<void> {
  // Outside of ECS nobody starts it again, and the place of a task is not its own.
  if (agentUrl === null || triggerFunction === null) return;
  try {
    const { openTriggerFunction } = await import("../aws/trigger-function.ts");
    await using called = await openTriggerFunction(triggerFunction);
    await called.leave(reason);
  } catch (thrown) {
    log.warn(`the number of workers stays as it is: ${asReportError(thrown).message}`);
  }
}
