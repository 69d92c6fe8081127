import { defineCommand } from "citty";
import type { ConsolaInstance } from "consola";
import { startWorker, systemClock } from "../app.ts";
import { type Config, loadConfig, loadPlace } from "../config.ts";
import { startEndpoint } from "../local/endpoint.ts";
import { createLog } from "../log.ts";
import { openSnowflake, type SnowflakeAccess } from "../snowflake-access.ts";
import { describeEvent, describeProgress, type WorkerEvent } from "../worker/events.ts";
import { metricLines } from "../worker/metrics.ts";
import { setUp } from "./control.ts";
import { pointTrigger } from "./local-chain.ts";
import { print } from "./output.ts";
import { createProgressLine } from "./progress.ts";
import { type StopSignal, untilStopped } from "./stop.ts";
import { noticeTasks } from "./task-notices.ts";
import { isRenewed, openWhenReachable } from "./worker-opening.ts";
import { leavingPlace } from "./worker-place.ts";

export const worker = defineCommand({
  meta: {
    name: "worker",
    description:
      "Process reports until stopped; look for them every POLL_INTERVAL and on POST /trigger",
  },
  run: async () => {
    const stopped = untilStopped();
    await leavingPlace(loadPlace(), async () => {
      const config = loadConfig();
      const log = createLog(config.logLevel);
      await using access = await openSnowflake(config, noticeTasks(log));
      if (access.local?.isStarted === true) {
        await setUp(access, { operatorEmail: config.mail.operator });
      }
      if (access.local !== null) showLocal(log, config, access.local);
      while ((await workUntilEnd(config, access, log, stopped)) === "renewed");
    });
  },
});

/**
 * Works with the settings as they are now. "renewed": a login was refused, and the secret has others; everything is
 * closed, and reports that ran have ended or were given back. "ended": the worker was told to stop, or is.
 */
async function workUntilEnd(
  config: Config,
  access: SnowflakeAccess,
  log: ConsolaInstance,
  stopped: Promise<StopSignal>,
): Promise<"renewed" | "ended"> {
  const renewal = Promise.withResolvers<"renewed">();
  const tell = logEvents(log, config);
  const options = {
    once: false,
    tell: (event: WorkerEvent) => {
      tell(event);
      if (event.kind !== "backing-off" || event.error.code !== "login_refused") return;
      void isRenewed(access, log).then((isNew) => isNew && renewal.resolve("renewed"));
    },
    print: (line: string) => log.info(line),
    onBeatFailure: (message: string) => log.warn(`heartbeat: ${message}`),
  };
  const open = async () =>
    await startWorker(config, access.settings, { ...options, webhooks: access.webhooks });
  const opening = { access, log, tell, clock: systemClock, stopped };
  const running = await openWhenReachable(open, opening);
  if (running === null) return "ended";
  await using opened = running;
  const endpoint = startEndpoint({
    port: config.worker.port,
    onTrigger: () => opened.loop.wake(),
    health: () => ({ worker: config.worker.id, snowflake: access.settings.account }),
  });
  try {
    if (access.local !== null) await pointTrigger(access.settings, config, endpoint.url);
    const minutes = Math.round(config.worker.pollIntervalMs / 6_000) / 10;
    log.info(`looks for reports every ${minutes} min, and at once on POST ${endpoint.url}`);
    const end = await Promise.race([stopped, opened.loop.ended, renewal.promise]);
    // Ctrl-C on a laptop gives reports back at once; SIGTERM lets them end.
    await opened.loop.stop(end === "SIGTERM" || end === "renewed" ? config.worker.stopGraceMs : 0);
    return end === "renewed" ? "renewed" : "ended";
  } finally {
    await endpoint.stop();
  }
}

/** What a worker tells, as log lines, and as metrics where they are wanted; progress only where a person watches. */
export function logEvents(
  log: ConsolaInstance,
  { cloud }: Pick<Config, "cloud">,
): (event: WorkerEvent) => void {
  const progress = createProgressLine(process.stderr);
  return (event) => {
    if (cloud.writesMetrics) for (const line of metricLines(event, systemClock.now())) print(line);
    if (event.kind === "progress" && !progress.isHidden) {
      progress.show(describeProgress(event.progress));
      return;
    }
    const { level, text } = describeEvent(event);
    progress.clear();
    log[level](text);
  };
}

function showLocal(
  log: ConsolaInstance,
  config: Config,
  { url, isStarted }: NonNullable<SnowflakeAccess["local"]>,
): void {
  const { database, schema } = config.names;
  const data = config.local.file ?? "in memory, gone when this ends";
  log.box(
    [
      "No Snowflake is configured: this is the local one.",
      `${url}  account local, any user and password`,
      ...(isStarted ? [`data   ${data}`] : []),
      `files  ${config.outputFolder}/   mail  ${config.outputFolder}/outbox/`,
      "Ask for a report:  report-service add --help",
      `or INSERT INTO ${database}.${schema}.REPORT_CONFIG with any Snowflake client`,
    ].join("\n"),
  );
}
