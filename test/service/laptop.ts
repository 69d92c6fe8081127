import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openControl } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import type { Connection } from "../../src/snowflake/connection.ts";
import { localSettings } from "../../src/snowflake-access.ts";
import { eventually, type Process, REPORT_SERVICE, startProcess } from "./service.ts";

/** Processes of the service as on a laptop, where no Snowflake is configured, with a folder of their own. */
export interface Laptop extends AsyncDisposable {
  start(args: readonly string[], environment?: Record<string, string>): Process;
  /** Over the wire, as any client. */
  connect(url: string): Promise<Connection>;
}

export async function openLaptop(): Promise<Laptop> {
  const folder = await mkdtemp(join(tmpdir(), "report-service-laptop-"));
  await using opened = new AsyncDisposableStack();
  opened.defer(async () => await rm(folder, { recursive: true, force: true }));
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    LOCAL_SNOWFLAKE_PORT: "0",
    LOCAL_SNOWFLAKE_FILE: "memory",
    LOCAL_SNOWFLAKE_LINE_ITEMS: "3000",
    LOCAL_TASK_TICK: "100ms",
    OUTPUT_FOLDER: join(folder, "out"),
    SCRATCH_FOLDER: join(folder, "scratch"),
    PORT: "0",
  };
  const owned = opened.move();
  return {
    start: (args, extra = {}) => {
      const started = startProcess(
        [...REPORT_SERVICE, ...args],
        { ...environment, ...extra },
        folder,
      );
      owned.defer(async () => {
        started.child.kill("SIGKILL");
        await started.ended;
      });
      return started;
    },
    connect: async (url) => {
      const connection = await openControl(localSettings(loadConfig({}), url));
      return owned.use(connection);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** What a process says sooner or later; the first group of `pattern`. */
export async function readWritten(started: Process, pattern: RegExp): Promise<string> {
  return await eventually(`the process to write ${pattern.source}`, async () => {
    if (started.child.exitCode !== null) throw new Error(`it has ended: ${started.written()}`);
    return pattern.exec(started.written())?.at(1);
  });
}
