import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Config, SnowflakeConfig } from "./config.ts";
import type { LocalSnowflakeOptions } from "./local/snowflake/server.ts";
import { readWebhooks } from "./notify/slack.ts";
import { ReportError } from "./report/errors.ts";
import { mergeSecret } from "./snowflake/access.ts";
import { DEFAULT_TIMEOUTS, type SnowflakeSettings } from "./snowflake/settings.ts";

/** False in the production build, which holds neither DuckDB nor the SQL translator. */
declare const LOCAL_SNOWFLAKE: boolean | undefined;

/** The Snowflake that the commands work with. */
export interface SnowflakeAccess extends AsyncDisposable {
  /** As they are now: `refresh` may change them. */
  readonly settings: SnowflakeSettings;
  /** Slack's addresses by name, of the secret; as they are now. */
  readonly webhooks: Readonly<Record<string, string>>;
  /**
   * After a login was refused: reads the secret again. True: it holds something else now, so another login may succeed.
   * Throws ReportError `configuration` when it cannot be read, or holds no settings.
   */
  refresh(): Promise<boolean>;
  /** Null: an account. Otherwise the URL of the local Snowflake, and whether this process started it. */
  readonly local: { readonly url: string; readonly isStarted: boolean } | null;
}

type OnTaskEnd = NonNullable<LocalSnowflakeOptions["onTaskEnd"]>;

/**
 * Finds the Snowflake that is configured, or the local one: running already, or started for this process.
 * `onTaskEnd` hears of the tasks of one that is started.
 */
export async function openSnowflake(
  config: Config,
  onTaskEnd?: OnTaskEnd,
): Promise<SnowflakeAccess> {
  const { snowflake } = config;
  switch (snowflake.kind) {
    case "local":
      return await openLocal(config, onTaskEnd);
    case "secret":
      return await openWithSecret(snowflake);
    case "settings":
      return { ...UNCHANGING, settings: snowflake.settings.reveal(), local: null };
  }
}

/** There is no secret that could say something else later. */
const UNCHANGING = {
  webhooks: {},
  refresh: () => Promise.resolve(false),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

async function openWithSecret(
  snowflake: Extract<SnowflakeConfig, { kind: "secret" }>,
): Promise<SnowflakeAccess> {
  const { secretId, source } = snowflake;
  const { openSecret } = await import("./aws/secrets.ts");
  const secret = openSecret(secretId);
  const read = async (): Promise<Pick<SnowflakeAccess, "settings" | "webhooks">> => {
    const fields = await secret.read();
    const settings = mergeSecret(source.reveal(), secretId, fields);
    return { settings, webhooks: readWebhooks(fields) };
  };
  let known = await read();
  return {
    ...UNCHANGING,
    local: null,
    get settings() {
      return known.settings;
    },
    get webhooks() {
      return known.webhooks;
    },
    refresh: async () => {
      const isChanged = await secret.refresh();
      if (isChanged) known = await read();
      return isChanged;
    },
  };
}

async function openLocal(config: Config, onTaskEnd?: OnTaskEnd): Promise<SnowflakeAccess> {
  const url = `http://127.0.0.1:${config.local.port}`;
  if (await isLocalSnowflake(url)) {
    const local = { url, isStarted: false };
    return { ...UNCHANGING, settings: localSettings(config, url), local };
  }
  const server = await startLocal(config, onTaskEnd);
  return {
    ...UNCHANGING,
    settings: localSettings(config, server.url),
    local: { url: server.url, isStarted: true },
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

/** A trigger that nobody answers is a failure that a person waits to see; the next run of the task repeats it anyway. */
const LOCAL_RETRY_TOTAL_MS = 1_000;

/** Starts the local Snowflake in this process. Throws ReportError `configuration` in the production build. */
export async function startLocal(
  config: Config,
  onTaskEnd?: OnTaskEnd,
): Promise<AsyncDisposable & { readonly url: string }> {
  if (typeof LOCAL_SNOWFLAKE === "undefined" || LOCAL_SNOWFLAKE) {
    const { startLocalSnowflake } = await import("./local/snowflake/server.ts");
    const { file, port, lineItems, taskTickMs } = config.local;
    if (file !== null) await mkdir(dirname(resolve(file)), { recursive: true });
    return await startLocalSnowflake({
      port,
      sampleLineItems: lineItems,
      taskTickMs,
      externalCalls: { retryTotalMs: LOCAL_RETRY_TOTAL_MS },
      ...(onTaskEnd === undefined ? {} : { onTaskEnd }),
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
