import { afterAll, expect } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openControl } from "../../src/app.ts";
import { setUp } from "../../src/commands/control.ts";
import { loadConfig } from "../../src/config.ts";
import {
  type LocalSnowflake,
  type LocalSnowflakeOptions,
  startLocalSnowflake,
} from "../../src/local/snowflake/server.ts";
import type { Connection } from "../../src/snowflake/connection.ts";
import { readHistory } from "../../src/snowflake/reports.ts";
import { localSettings } from "../../src/snowflake-access.ts";
import type { SettledRun } from "../../src/worker/ports.ts";

const root = join(import.meta.dir, "../..");

/** The command line, from its source. */
export const REPORT_SERVICE = ["bun", join(root, "src/main.ts")] as const;

/** A query that does not end by itself. */
export const ENDLESS_SQL = `SELECT SUM(MOD(A.N * B.N, 7)) AS SLOW_SUM
  FROM (SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 1000000))) A
  CROSS JOIN (SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 1000000))) B`;

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
  /** What it has written so far. */
  written(): string;
}

export async function startService(
  options: LocalSnowflakeOptions & { command?: readonly string[] } = {},
): Promise<Service> {
  const folder = await mkdtemp(join(tmpdir(), "report-service-test-"));
  const { command = REPORT_SERVICE, ...local } = options;
  const snowflake = await startLocalSnowflake({ sampleLineItems: 1_000, ...local });
  const config = loadConfig({ OUTPUT_FOLDER: join(folder, "out") });
  const settings = localSettings(config, snowflake.url);
  await setUp({ settings });
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

/** One for all tests of a file, closed behind the last; what most of them do with it beside that. */
export interface SharedService extends Service {
  /** Everything that is due, by one worker process. Gives back what it wrote. */
  runAll(environment?: Record<string, string>): Promise<string>;
  /** The newest first. */
  runsOf(configId: string): Promise<SettledRun[]>;
}

export async function shareService(): Promise<SharedService> {
  const service = await startService();
  afterAll(async () => await service[Symbol.asyncDispose]());
  return {
    ...service,
    runAll: async (environment = {}) => {
      const { exitCode, output } = await service.start(["run"], environment).ended;
      expect(exitCode, output).toBe(0);
      return output;
    },
    runsOf: async (configId) => (await readHistory(service.connection, configId, 20)).runs,
  };
}

export function startProcess(
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
  const output = { stdout: "", stderr: "" };
  const collect = async (name: keyof typeof output): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) output[name] += decoder.decode(chunk, { stream: true });
  };
  const written = (): string => output.stdout + output.stderr;
  const ended = Promise.all([child.exited, collect("stdout"), collect("stderr")]).then(
    ([exitCode]) => ({ exitCode, output: written() }),
  );
  return { child, ended, written };
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
