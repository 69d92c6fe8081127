import type { Report } from "../report/request.ts";
import type { Claim, Heartbeat, QueryResult, Warehouse } from "./ports.ts";

/** Runs a report's SQL under a QUERY_TAG by which its cost can be found. */
export async function runQuery(
  claim: Claim,
  report: Report,
  ports: { readonly warehouse: Warehouse; readonly heartbeat: Pick<Heartbeat, "progress"> },
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<QueryResult> {
  const query = {
    ...report.statement,
    timeoutSeconds,
    tag: {
      app: "report-service",
      report: claim.configId,
      run: claim.runId,
      attempt: String(claim.attempt),
    },
    timezone: report.timezone,
  };
  return await whileMoving(ports.heartbeat, () => ports.warehouse.query(query, signal));
}

const QUERY_PULSE_MS = 30_000;

/** A query that takes long is no hang: it has a limit of its own, after which it is cancelled in the warehouse. */
async function whileMoving<T>(
  heartbeat: Pick<Heartbeat, "progress">,
  work: () => Promise<T>,
): Promise<T> {
  const pulse = setInterval(() => heartbeat.progress(), QUERY_PULSE_MS);
  try {
    return await work();
  } finally {
    clearInterval(pulse);
  }
}
