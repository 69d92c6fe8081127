import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { version } from "../package.json" with { type: "json" };
import { openSurroundings } from "./adapters.ts";
import type { Config } from "./config.ts";
import { loadPresentation } from "./render/presentation.ts";
import { loadRenderers } from "./render/renderers.ts";
import { type Connection, openConnection } from "./snowflake/connection.ts";
import { openLedger } from "./snowflake/ledger.ts";
import { openQueue } from "./snowflake/queue.ts";
import { type Reader, openReader } from "./snowflake/reader.ts";
import { startHeartbeat } from "./snowflake/heartbeat.ts";
import { CONTROL_SESSION, type SnowflakeSettings } from "./snowflake/settings.ts";
import { openStage } from "./snowflake/unload.ts";
import type { WorkerEvent } from "./worker/events.ts";
import { openScratch } from "./worker/scratch.ts";
import { type Loop, type LoopPorts, type LoopSettings, startLoop } from "./worker/loop.ts";
import { joinStores } from "./worker/stores.ts";
import type { Clock } from "./worker/ports.ts";

export const VERSION = version;

/** The connection for the queue's tables. */
export async function openControl(settings: SnowflakeSettings): Promise<Connection> {
  const queryTag = JSON.stringify({ app: "report-service", purpose: "queue" });
  return await openConnection(settings, { sessionParameters: CONTROL_SESSION, queryTag });
}

export async function openReportReader(
  settings: SnowflakeSettings,
  config: Config,
): Promise<Reader> {
  return await openReader(settings, config.readerRole === null ? {} : { role: config.readerRole });
}

const HEARTBEAT_THREAD = new URL("./heartbeat-thread.ts", import.meta.url);

/** A worker of this process, and what has to be closed after it has stopped. */
export interface RunningWorker extends AsyncDisposable {
  readonly loop: Loop;
}

/** Opens everything a worker needs and starts it. Throws when Snowflake cannot be reached or says no. */
export async function startWorker(
  config: Config,
  settings: SnowflakeSettings,
  options: {
    readonly once: boolean;
    readonly tell: (event: WorkerEvent) => void;
    readonly print: (line: string) => void;
    /** Slack's addresses by name, of the secret. */
    readonly webhooks?: Readonly<Record<string, string>>;
    readonly onBeatFailure: (message: string) => void;
  },
): Promise<RunningWorker> {
  const { worker } = config;
  const bootId = randomBytes(4).toString("hex");
  await using opened = new AsyncDisposableStack();
  const control = opened.use(await openControl(settings));
  const reader = opened.use(await openReportReader(settings, config));
  const beat = { snowflake: settings, workerId: worker.id, bootId, intervalMs: worker.heartbeatMs };
  const heartbeat = opened.use(startHeartbeat(beat, HEARTBEAT_THREAD, options.onBeatFailure));
  const leaseSeconds = worker.leaseMs / 1_000;
  const identity = { workerId: worker.id, bootId, version: VERSION };
  const scratchFolder = await openScratch(worker.scratchFolder, bootId);
  opened.defer(async () => await rm(scratchFolder, { recursive: true, force: true }));
  const { print, webhooks = {} } = options;
  const around = { print, webhooks, clock: systemClock };
  const surroundings = opened.use(await openSurroundings(config, around));
  const stage = opened.use(openStage(settings, { name: worker.pushDownStage }));
  const ports: LoopPorts = {
    queue: openQueue(control, identity, {
      leaseSeconds,
      perOwnerMax: worker.reportsPerOwnerMax,
    }),
    ledger: openLedger(control, leaseSeconds),
    warehouse: reader,
    store: joinStores(surroundings.store, stage),
    stage,
    senders: surroundings.senders,
    scaling: surroundings.scaling,
    renderers: await loadRenderers(),
    heartbeat,
    clock: systemClock,
    tell: options.tell,
  };
  const presentation = await loadPresentation(config.presentation);
  const loop = startLoop(ports, {
    ...loopSettings(config, scratchFolder, options.once),
    presentation,
  });
  const owned = opened.move();
  return { loop, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** The worker fences itself at 80 % of its lease, before anybody may take over. */
const SELF_FENCE_PART = 0.8;
const SUPERVISE_INTERVAL_MAX_MS = 5_000;
/** Half of what a task's protection lasts. */
const PROTECTION_RENEW_MS = 60 * 60_000;

function loopSettings(
  config: Config,
  scratchFolder: string,
  once: boolean,
): Omit<LoopSettings, "presentation"> {
  const { worker, mail } = config;
  return {
    once,
    scratchFolder,
    concurrency: worker.concurrency,
    pollIntervalMs: worker.pollIntervalMs,
    queryTimeoutSeconds: worker.queryTimeoutSeconds,
    pushDownRows: worker.pushDownRows,
    superviseIntervalMs: Math.min(SUPERVISE_INTERVAL_MAX_MS, worker.leaseMs / 20),
    selfFenceMs: worker.leaseMs * SELF_FENCE_PART,
    operatorEmail: mail.operator,
    attachmentBytesMax: mail.attachmentBytesMax,
    idleGraceMs: worker.idleGraceMs,
    observeIntervalMs: worker.idleGraceMs,
    protectionRenewMs: PROTECTION_RENEW_MS,
  };
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  random: Math.random,
  sleep: async (ms, signal) => {
    // An abort ends the sleep; whoever sleeps looks at the signal.
    await delay(ms, undefined, { signal }).catch(() => {});
  },
};
