import { messageOf } from "../report/errors.ts";
import { type Metric, writeMetricLine } from "../report/metric.ts";
import { readTriggerCall, requestIdOf, type TriggerRequest, writeTriggerReply } from "./call.ts";
import type { TriggerEvent, Visitor } from "./event.ts";
import type { Links, OpenedLink } from "./links.ts";
import type { Scaler } from "./scaler.ts";
import { chooseTarget, type Observation, type ScalingEvent } from "./target.ts";
import { type WakeUps, wakeUpTime } from "./wake-up.ts";

export interface TriggerPorts {
  readonly scaler: Scaler;
  readonly workersMax: number;
  /** Null: nothing can be planned, and the regular tick has to do. */
  readonly wakeUps: WakeUps | null;
  readonly links: Links;
  /** One line of the log; a line of metrics among them. */
  readonly log: (line: string) => void;
  readonly now: () => Date;
  /** Such as "ECS service". */
  readonly workerName: string;
}

/** An answer of the API. */
export interface ProxyReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Answers one event. A call and a click are always answered as HTTP; the others throw when they fail, so that their
 * sender learns of it and tries again.
 */
export async function serve(event: TriggerEvent, ports: TriggerPorts): Promise<unknown> {
  switch (event.kind) {
    case "call":
      return await answerCall(event.request, ports);
    case "click":
      return await answerClick(event.token, event.visitor, ports);
    case "tick":
      return { desiredCount: await scale({ kind: "trigger" }, ports) };
    case "observation":
      return { desiredCount: await observe(event.observation, ports) };
    case "unable":
      logFailure(ports, "worker", event.reason);
      return { desiredCount: await scale({ kind: "unable" }, ports) };
    case "link":
      return { url: await ports.links.create(event.key, event.fileName) };
  }
}

async function answerCall(request: TriggerRequest, ports: TriggerPorts): Promise<ProxyReply> {
  const requestId = requestIdOf(request);
  const call = readTriggerCall(request);
  if ("problem" in call) return reply(400, { message: call.problem, requestId });
  try {
    const desiredCount = await scale({ kind: "trigger" }, ports);
    const message = `${ports.workerName} triggered successfully`;
    return reply(200, writeTriggerReply(call.rowNumbers, { message, desiredCount, requestId }));
  } catch (thrown) {
    // 500 makes Snowflake call again, and then fail the procedure, which leaves its rows in the stream.
    logFailure(ports, "trigger", thrown);
    return reply(500, {
      message: `${ports.workerName} was not triggered: ${messageOf(thrown)}`,
      requestId,
    });
  }
}

/** For a trigger always written: what was read may be stale, and a raising that was not needed does no harm. */
async function scale(event: ScalingEvent, ports: TriggerPorts): Promise<number> {
  const desired = await ports.scaler.desired();
  const target = chooseTarget(event, desired, ports.workersMax);
  if (event.kind === "trigger" || target !== desired) {
    await ports.scaler.setDesired(target, desired);
  }
  logMetrics(ports, [{ name: "WorkersDesired", unit: "Count", value: target }]);
  return target;
}

/** The wake-up is planned before the last worker is let go: whoever dies in between, somebody comes back. */
async function observe(observation: Observation, ports: TriggerPorts): Promise<number> {
  const { pending, running, nextDueAt, oldestPendingAt } = observation;
  const now = ports.now();
  const ageMs = oldestPendingAt === null ? 0 : now.getTime() - Date.parse(oldestPendingAt);
  logMetrics(ports, [
    { name: "QueuePending", unit: "Count", value: pending },
    { name: "QueueRunning", unit: "Count", value: running },
    { name: "OldestPendingSeconds", unit: "Seconds", value: Math.max(0, ageMs / 1_000) },
  ]);
  if (pending === 0 && running === 0 && nextDueAt !== null) {
    await planWakeUp(new Date(nextDueAt), ports);
  }
  return await scale({ kind: "observation", observation }, ports);
}

/** Without its wake-up a report is late by the regular tick at most; that is no reason to keep a worker. */
async function planWakeUp(dueAt: Date, ports: TriggerPorts): Promise<void> {
  try {
    await ports.wakeUps?.plan(wakeUpTime(dueAt, ports.now()));
  } catch (thrown) {
    logFailure(ports, "wake-up", thrown);
  }
}

async function answerClick(
  token: string,
  visitor: Visitor,
  ports: TriggerPorts,
): Promise<ProxyReply> {
  const opened = await openOrExplain(token, ports);
  const claim = "claim" in opened ? opened.claim : null;
  const { linkId = null, key = null } = claim ?? {};
  ports.log(JSON.stringify({ event: "link", state: opened.state, linkId, key, ...visitor }));
  switch (opened.state) {
    case "open":
      return {
        statusCode: 302,
        headers: { location: opened.url, "cache-control": "no-store" },
        body: "",
      };
    case "forged":
      return reply(404, { message: "There is no such file" });
    case "expired":
    case "revoked":
      return reply(410, {
        message: "This link is no longer valid; ask the report's owner for the file",
      });
    case "failed":
      return reply(503, { message: "The file cannot be opened now; try again in a few minutes" });
  }
}

/** Whoever clicks is told that it failed, and the log why. */
async function openOrExplain(
  token: string,
  ports: TriggerPorts,
): Promise<OpenedLink | { readonly state: "failed" }> {
  try {
    return await ports.links.open(token);
  } catch (thrown) {
    logFailure(ports, "link", thrown);
    return { state: "failed" };
  }
}

function reply(statusCode: number, body: object): ProxyReply {
  return {
    statusCode,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(body),
  };
}

function logMetrics(ports: TriggerPorts, metrics: readonly Metric[]): void {
  ports.log(writeMetricLine(metrics, { Source: "trigger" }, ports.now()));
}

function logFailure(ports: TriggerPorts, what: string, thrown: unknown): void {
  logMetrics(ports, [{ name: "TriggerErrors", unit: "Count", value: 1 }]);
  ports.log(JSON.stringify({ event: `${what} failed`, message: messageOf(thrown) }));
}
