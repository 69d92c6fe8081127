import { once } from "node:events";
import { Writable } from "node:stream";
import { DEFAULT_PRESENTATION, type CreateRenderer } from "../../src/render/renderer.ts";
import type { ByteSink, RenderContext } from "../../src/render/renderer.ts";
import { parseOptions } from "../../src/report/options.ts";
import { COLUMNS, createPool, takeBatches } from "./rows.ts";
import type { Job, Side } from "./side.ts";

export function createContext({ rowCount, pdfRowsMax }: Job): RenderContext {
  const options = parseOptions({ pdf: { rowsMax: pdfRowsMax } });
  if ("problems" in options) throw new Error(options.problems.join("; "));
  return {
    reportName: "Bench",
    runId: "run-1",
    queryId: "query-1",
    rowCount,
    parameters: {},
    generatedAt: new Date("2026-01-02T03:04:05Z"),
    dataAsOf: new Date("2026-01-02T03:04:05Z"),
    timezone: "UTC",
    options,
    presentation: DEFAULT_PRESENTATION,
  };
}

/** Counts bytes and lets them go. */
export interface CountingSink extends ByteSink {
  sizeBytes: number;
}

export function createSink(): CountingSink {
  return {
    sizeBytes: 0,
    write(bytes) {
      this.sizeBytes += bytes.byteLength;
    },
  };
}

/** The same for those who write to a stream. */
export function createStreamSink(): { stream: Writable; sizeBytes: () => number } {
  let sizeBytes = 0;
  const stream = new Writable({
    write(piece: Uint8Array, _encoding, done) {
      sizeBytes += piece.byteLength;
      done();
    },
  });
  return { stream, sizeBytes: () => sizeBytes };
}

/** One of our renderers over rows in memory. */
export function renderWith(load: () => Promise<CreateRenderer>): Side {
  return async (job) => {
    const { rowCount } = job;
    const createRenderer = await load();
    const pool = createPool();
    return async () => {
      const sink = createSink();
      const renderer = createRenderer(createContext(job), sink);
      await renderer.begin(COLUMNS);
      for (const batch of takeBatches(pool, rowCount)) await renderer.rows(batch);
      const summary = await renderer.finish();
      return { rowCount: summary.rowCount, sizeBytes: sink.sizeBytes };
    };
  };
}

/** Waits until a stream takes more, as its `write` asked for. */
export async function drained(stream: NodeJS.EventEmitter): Promise<void> {
  await once(stream, "drain");
}
