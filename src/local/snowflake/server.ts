import { openEngine } from "./engine/duckdb-engine.ts";
import { createSampleData } from "./sample/sample-data.ts";
import { type LocalSnowflake, type ServeOptions, serveSnowflake } from "./wire/serve.ts";

export type { LocalSnowflake } from "./wire/serve.ts";

export interface LocalSnowflakeOptions extends ServeOptions {
  /** The DuckDB file; default in memory. */
  readonly file?: string;
  /** Line items of the sample data, which set the size of its other tables; default 60,000, 0 is none. */
  readonly sampleLineItems?: number;
}

const SAMPLE_LINE_ITEMS = 60_000;

/** Starts the engine, fills in the sample data, listens. Throws when the file or the port cannot be had. */
export async function startLocalSnowflake(
  options: LocalSnowflakeOptions = {},
): Promise<LocalSnowflake> {
  const { file, sampleLineItems = SAMPLE_LINE_ITEMS, ...serveOptions } = options;
  const engine = await openEngine(file === undefined ? {} : { file });
  try {
    if (sampleLineItems > 0) await createSampleData(engine, sampleLineItems);
    return serveSnowflake(engine, serveOptions);
  } catch (error) {
    await engine.close();
    throw error;
  }
}
