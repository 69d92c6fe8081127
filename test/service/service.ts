import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localSettings, openControl } from "../../src/app.ts";
import { setUp } from "../../src/commands/control.ts";
import { loadConfig } from "../../src/config.ts";
import { type LocalSnowflake, startLocalSnowflake } from "../../src/local/snowflake/server.ts";
import type { Connection } from "../../src/snowflake/connection.ts";

const root = join(import.meta.dir, "../..");

/** A local Snowflake with the tables, a folder of its own, and workers that are real processes. */
export interface Service extends AsyncDisposable {
  readonly snowflake: LocalSnowflake;
  readonly connection: Connection;
  readonly folder: string;
  /** The environment of a process that uses this Snowflake as an account. */
  readonly environment: Record<string, string>;
  start(args: readonly string[], environment?: Record<string, string>): Process;
}

export interface Process {
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Resolves with everything the process wrote, when it has ended. */
  readonly ended: Promise<{ exitCode: number; output: string }>;
}

export async function startService(
  options: { sampleLineItems?: number; command?: readonly string[] } = {},
): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), "report-service-test-"));
  const snowflake = await startLocalSnowflake({
    sampleLineItems: options.sampleLineItems ?? 1_000,
  });
  const config = loadConfig({ OUTPUT_FOLDER: join(folder, "out") });
  const settings = localSettings(config, snowflake.url);
  await setUp({ settings, local: null, [Symbol.asyncDispose]: async () => {} }, () => {});
  const connection = await openControl(settings);
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    NO_COLOR: "1",
    SNOWFLAKE_ACCOUNT: "local",
    SNOWFLAKE_ACCESS_URL: snowflake.url,
    SNOWFLAKE_USER: "TEST_USER",
    SNOWFLAKE_PASSWORD: "any",
    SNOWFLAKE_OCSP: "off",
    OUTPUT_FOLDER: join(folder, "out"),
    SCRATCH_FOLDER: join(folder, "scratch"),
    PORT: "0",
  };
  const children: Process["child"][] = [];
  const command = options.command ?? ["bun", join(root, "src/main.ts")];
  return {
    snowflake,
    connection,
    folder,
    environment,
    start: (args, extra = {}) => {
      const started = startProcess([...command, ...args], { ...environment, ...extra }, folder);
      children.push(started.child);
      return started;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.exited));
      await connection[Symbol.asyncDispose]();
      await snowflake[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function startProcess(
  command: string[],
  environment: Record<string, string>,
  cwd: string,
): Process {
  const child = Bun.spawn(command, {
    env: environment,
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const ended = Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]).then(([exitCode, stdout, stderr]) => ({ exitCode, output: stdout + stderr }));
  return { child, ended };
}

/** Asks `check` every 50 ms until it gives something, or fails after `timeoutMs` with what was waited for. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    const found = await check();
    if (found !== null && found !== undefined && found !== false) return found;
    await Bun.sleep(50);
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
}
