import { openEngine } from "./engine/duckdb-engine.ts";
import type { ExternalCallSettings } from "./engine/external/settings.ts";
import type { TaskSettings } from "./engine/tasks/scheduler.ts";
import { createSampleData } from "./sample/sample-data.ts";
import { type LocalSnowflake, type ServeOptions, serveSnowflake } from "./wire/serve.ts";

export type { TaskRun } from "./engine/tasks/task-history.ts";
export type { LocalSnowflake } from "./wire/serve.ts";

export interface LocalSnowflakeOptions extends ServeOptions, TaskSettings {
  /** The DuckDB file; default in memory. */
  readonly file?: string;
  /** Line items of the sample data, which set the size of its other tables; default 60,000, 0 is none. */
  readonly sampleLineItems?: number;
  /** How long calls of external functions may take; what is left out has its default. */
  readonly externalCalls?: Partial<ExternalCallSettings>;
}

const SAMPLE_LINE_ITEMS = 60_000;

/** Starts the engine, fills in the sample data, listens. Throws when the file or the port cannot be had. */
export async function startLocalSnowflake(
  options: LocalSnowflakeOptions = {},
): Promise<LocalSnowflake> {
  const { sampleLineItems = SAMPLE_LINE_ITEMS } = options;
  const engine = await openEngine(options);
  try {
    if (sampleLineItems > 0) await createSampleData(engine, sampleLineItems);
    return serveSnowflake(engine, options);
  } catch (error) {
    await engine.close();
    throw error;
  }
}
