import { join } from "node:path";
import type { Job, Measure } from "./side.ts";

/** Runs one side in a process of its own. Throws when it fails or does other rows than it was told. */
export async function runSide(job: Job): Promise<Measure> {
  await using child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "side.ts"), JSON.stringify(job)],
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${job.side} failed (see above)`);
  const measured: Measure = JSON.parse(text);
  if (measured.rowCount !== job.rowCount) {
    throw new Error(`${job.side} did ${measured.rowCount} of ${job.rowCount} rows`);
  }
  return measured;
}

export interface Server extends AsyncDisposable {
  readonly url: string;
}

/** The local Snowflake in a process of its own. */
export async function startServer(): Promise<Server> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "server.ts")], {
    // Closed with this process, however it ends: then the server ends too.
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const url = new TextDecoder().decode(value).trim();
  if (!url.startsWith("http")) throw new Error("the local Snowflake did not start");
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
