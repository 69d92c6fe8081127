import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { version } from "../package.json" with { type: "json" };
import type { Config } from "./config.ts";
import { openFolderStore } from "./local/folder-store.ts";
import { openNoticeSender } from "./local/notice.ts";
import { openOutbox } from "./local/outbox.ts";
import { openEmailSender } from "./notify/email.ts";
import { loadPresentation } from "./render/presentation.ts";
import type { Renderers } from "./render/renderer.ts";
import { ReportError } from "./report/errors.ts";
import { mergeSecret } from "./snowflake/access.ts";
import { type Connection, openConnection } from "./snowflake/connection.ts";
import { openLedger } from "./snowflake/ledger.ts";
import { openQueue } from "./snowflake/queue.ts";
import { type Reader, openReader } from "./snowflake/reader.ts";
import { startHeartbeat } from "./snowflake/heartbeat.ts";
import { CONTROL_SESSION, DEFAULT_TIMEOUTS, type SnowflakeSettings } from "./snowflake/settings.ts";
import type { WorkerEvent } from "./worker/events.ts";
import { openScratch } from "./worker/scratch.ts";
import { type Loop, type LoopPorts, type LoopSettings, startLoop } from "./worker/loop.ts";
import type { Clock, Store } from "./worker/ports.ts";

/** False in the production build, which holds neither DuckDB nor the SQL translator. */
declare const LOCAL_SNOWFLAKE: boolean | undefined;

export const VERSION = version;

/** The Snowflake that the commands work with. */
export interface SnowflakeAccess extends AsyncDisposable {
  readonly settings: SnowflakeSettings;
  /** Null: an account. Otherwise the URL of the local Snowflake, and whether this process started it. */
  readonly local: { readonly url: string; readonly isStarted: boolean } | null;
}

/** Finds the Snowflake that is configured, or the local one: running already, or started for this process. */
export async function openSnowflake(config: Config): Promise<SnowflakeAccess> {
  const { snowflake } = config;
  if (snowflake.kind === "local") return await openLocal(config);
  const settings =
    snowflake.kind === "settings"
      ? snowflake.settings.reveal()
      : await readSecretSettings(snowflake.secretId, snowflake.source.reveal());
  return { settings, local: null, [Symbol.asyncDispose]: async () => {} };
}

async function readSecretSettings(
  secretId: string,
  source: Parameters<typeof mergeSecret>[0],
): Promise<SnowflakeSettings> {
  const { readSecret } = await import("./aws/secrets.ts");
  return mergeSecret(source, secretId, await readSecret(secretId));
}

async function openLocal(config: Config): Promise<SnowflakeAccess> {
  const url = `http://127.0.0.1:${config.local.port}`;
  if (await isLocalSnowflake(url)) {
    const local = { url, isStarted: false };
    return { settings: localSettings(config, url), local, [Symbol.asyncDispose]: async () => {} };
  }
  const server = await startLocal(config);
  return {
    settings: localSettings(config, server.url),
    local: { url: server.url, isStarted: true },
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

/** Starts the local Snowflake in this process. Throws ReportError `configuration` in the production build. */
export async function startLocal(
  config: Config,
): Promise<AsyncDisposable & { readonly url: string }> {
  if (typeof LOCAL_SNOWFLAKE === "undefined" || LOCAL_SNOWFLAKE) {
    const { startLocalSnowflake } = await import("./local/snowflake/server.ts");
    const { file, port, lineItems } = config.local;
    if (file !== null) await mkdir(dirname(resolve(file)), { recursive: true });
    return await startLocalSnowflake({
      port,
      sampleLineItems: lineItems,
      ...(file === null ? {} : { file: resolve(file) }),
    }).catch((thrown: unknown) => {
      if (!(thrown instanceof ReportError)) throw thrown;
      const settings = "see LOCAL_SNOWFLAKE_PORT and LOCAL_SNOWFLAKE_FILE";
      throw new ReportError(thrown.code, `${thrown.message} (${settings})`, { cause: thrown });
    });
  }
  throw new ReportError(
    "configuration",
    "SNOWFLAKE_ACCOUNT: no Snowflake is configured, and this build has no local one; set it or SNOWFLAKE_SECRET_ID",
  );
}

async function isLocalSnowflake(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
    return (await response.text()).includes("local Snowflake");
  } catch {
    return false;
  }
}

/** Any user gets in, so the password is no secret. */
export function localSettings(config: Config, url: string): SnowflakeSettings {
  return {
    account: "local",
    accessUrl: url,
    username: "LOCAL_USER",
    authentication: { method: "password", password: "local" },
    ...config.names,
    ocsp: "off",
    timeouts: DEFAULT_TIMEOUTS,
  };
}

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

/** Loaded when the first file is made: exceljs and pdf-lib cost time and memory that `--version` shall not pay. */
export async function loadRenderers(): Promise<Renderers> {
  const [csv, xlsx, pdf] = await Promise.all([
    import("./render/csv.ts"),
    import("./render/xlsx/renderer.ts"),
    import("./render/pdf/renderer.ts"),
  ]);
  return { CSV: csv.createCsvRenderer, EXCEL: xlsx.createXlsxRenderer, PDF: pdf.createPdfRenderer };
}

export function openStore(config: Config): Store {
  return openFolderStore(resolve(config.outputFolder));
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
  const ports: LoopPorts = {
    queue: openQueue(control, identity, leaseSeconds),
    ledger: openLedger(control, leaseSeconds),
    warehouse: reader,
    store: openStore(config),
    senders: openSenders(config, options.print),
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

function openSenders(config: Config, print: (line: string) => void): LoopPorts["senders"] {
  const { from, recipientDomains } = config.mail;
  const transport = openOutbox(resolve(config.outputFolder, "outbox"));
  return {
    EMAIL: openEmailSender({ from, recipientDomains, transport }),
    SNS: openNoticeSender("SNS", print),
    SLACK: openNoticeSender("SLACK", print),
  };
}

/** The worker fences itself at 80 % of its lease, before anybody may take over. */
const SELF_FENCE_PART = 0.8;
const SUPERVISE_INTERVAL_MAX_MS = 5_000;

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
    superviseIntervalMs: Math.min(SUPERVISE_INTERVAL_MAX_MS, worker.leaseMs / 20),
    selfFenceMs: worker.leaseMs * SELF_FENCE_PART,
    operatorEmail: mail.operator,
    attachmentBytesMax: mail.attachmentBytesMax,
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
