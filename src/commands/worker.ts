import { defineCommand } from "citty";
import { setTimeout as delay } from "node:timers/promises";
import type { ConsolaInstance } from "consola";
import { openSnowflake, type RunningWorker, type SnowflakeAccess, startWorker } from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import { startEndpoint } from "../local/endpoint.ts";
import { createLog } from "../log.ts";
import { asReportError } from "../report/errors.ts";
import { describeEvent, describeProgress, type WorkerEvent } from "../worker/events.ts";
import { setUp } from "./control.ts";
import { createProgressLine } from "./progress.ts";
import { type StopSignal, untilStopped } from "./stop.ts";

export const worker = defineCommand({
  meta: {
    name: "worker",
    description:
      "Process reports until stopped; look for them every POLL_INTERVAL and on POST /trigger",
  },
  run: async () => {
    const stopped = untilStopped();
    const config = loadConfig();
    const log = createLog(config.logLevel);
    await using access = await openSnowflake(config);
    if (access.local !== null) await showLocal(log, config, access);
    const running = await startWhenReachable(config, access, log, stopped);
    if (running === null) return;
    await using opened = running;
    const endpoint = startEndpoint({
      port: config.worker.port,
      onTrigger: () => opened.loop.wake(),
      health: () => ({ worker: config.worker.id, snowflake: access.settings.account }),
    });
    const minutes = Math.round(config.worker.pollIntervalMs / 6_000) / 10;
    log.info(
      `looks for reports every ${minutes} min, and at once on POST http://127.0.0.1:${endpoint.port}/trigger`,
    );
    try {
      const signal = await Promise.race([stopped, opened.loop.ended]);
      // Ctrl-C on a laptop gives reports back at once; SIGTERM lets them end.
      await opened.loop.stop(signal === "SIGTERM" ? config.worker.stopGraceMs : 0);
    } finally {
      await endpoint.stop();
    }
  },
});

/** What a worker tells, as log lines; progress only where a person watches. */
export function logEvents(log: ConsolaInstance): (event: WorkerEvent) => void {
  const progress = createProgressLine(process.stderr);
  return (event) => {
    if (event.kind === "progress" && !progress.isHidden) {
      progress.show(describeProgress(event.progress));
      return;
    }
    const { level, text } = describeEvent(event);
    progress.clear();
    log[level](text);
  };
}

async function showLocal(
  log: ConsolaInstance,
  config: Config,
  access: SnowflakeAccess,
): Promise<void> {
  if (access.local?.isStarted === true) await setUp(access, () => {});
  log.box(
    [
      "No Snowflake is configured: this is the local one.",
      `${access.local?.url ?? ""}  account local, any user and password`,
      `data   ${config.local.file ?? "in memory, gone when this ends"}`,
      `files  ${config.outputFolder}/   mail  ${config.outputFolder}/outbox/`,
      "Ask for a report:  report-service add --help",
    ].join("\n"),
  );
}

const RETRY_MIN_MS = 5_000;
const RETRY_MAX_MS = 5 * 60_000;

/** An outage at start is waited out: a worker that exits would be started again at once. Null: stopped meanwhile. */
async function startWhenReachable(
  config: Config,
  access: SnowflakeAccess,
  log: ConsolaInstance,
  stopped: Promise<StopSignal>,
): Promise<RunningWorker | null> {
  const options = {
    once: false,
    tell: logEvents(log),
    print: (line: string) => log.info(line),
    onBeatFailure: (message: string) => log.warn(`heartbeat: ${message}`),
  };
  for (let failures = 1; ; failures += 1) {
    try {
      return await startWorker(config, access.settings, options);
    } catch (thrown) {
      const error = asReportError(thrown);
      if (error.code !== "warehouse_unavailable" && error.code !== "login_refused") throw error;
      const delayMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** (failures - 1));
      log.warn(`${error.code}: ${error.message}; trying again in ${delayMs / 1_000} s`);
      const isStopped = await Promise.race([stopped, delay(delayMs, null)]);
      if (isStopped !== null) return null;
    }
  }
}
