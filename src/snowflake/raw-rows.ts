import { messageOf, ReportError } from "../report/errors.ts";
import type { Column, ColumnType, Row, Table } from "../report/table.ts";
import { BATCH_ROWS, type RawChunk, takeBatches } from "./chunk-rows.ts";
import { readConvertedRows } from "./converted-rows.ts";
import type { DriverColumn } from "./driver.ts";
import type { StatementReply } from "./statement-run.ts";

/**
 * The part of the driver's statement record that holds a result, as of snowflake-sdk 3.3.0
 * (connection/statement.js calls `complete` as a method of it; connection/result/{result,chunk}.js).
 */
interface RawContext {
  readonly result: { readonly _chunks: readonly RawChunk[]; readonly _version: string };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isRawChunk(value: unknown): value is RawChunk {
  if (!isObject(value) || typeof value["load"] !== "function") return false;
  return typeof value["clearRows"] === "function" && "_rowset" in value;
}

function isRawContext(value: unknown): value is RawContext {
  if (!isObject(value) || !isObject(value["result"])) return false;
  const chunks = value["result"]["_chunks"];
  // Version 0 packs the zone of a timestamp_tz into its number; every server of today sends version 1.
  return Array.isArray(chunks) && chunks.every(isRawChunk) && value["result"]["_version"] === "1";
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long nothing may arrive; the time the reader of the rows takes does not count. */
  readonly timeoutMs: number;
}

/** Chunks fetched ahead: with two in flight the network is never idle, and memory is two chunks and one batch of rows. */
const CHUNKS_AHEAD = 1;
/**
 * The garbage of a process that holds more than RESIDENT_BYTES is collected each time that it has grown by GROWTH_BYTES:
 * the driver leaves four times a chunk's size behind (pieces, the whole, the text), which the collector sees late. A
 * collection takes some 55 ms. A million rows of ten columns (130 MB of text) peak at 330 MB and take 1.7 s, against
 * 400 MB and 1.5 s. Small results never pay for it.
 */
const RESIDENT_BYTES = 300_000_000;
const GROWTH_BYTES = 64_000_000;

/**
 * The result as a table of wire cells. The driver's own row stream makes an object of every row and converts every
 * value: 12.5 s and 0.9 GB for 1.2 million rows of four columns, one a timestamp, against 1.1 s and 0.38 GB here.
 * It is used, and `degraded` is true, when the driver's inside is not as expected.
 */
export function openTable(
  reply: StatementReply,
  options: ReadOptions,
): { table: Table; degraded: boolean } {
  const { statement, context } = reply;
  const columns = (statement.getColumns() ?? []).map(describeColumn);
  const degraded = !isRawContext(context);
  const rows = degraded
    ? readConvertedRows(statement, columns, BATCH_ROWS)
    : readRawRows(context, columns);
  const facts = { rowCount: statement.getNumRows(), queryId: statement.getQueryId() };
  const batches = readOnce(guardBatches(rows, facts, options));
  return { table: { columns, rowCount: facts.rowCount, batches }, degraded };
}

/** All rows of a small result. */
export async function readReply(
  reply: StatementReply,
  timeoutMs = 60_000,
): Promise<readonly Row[]> {
  const { table } = openTable(reply, { timeoutMs });
  const batches = await Array.fromAsync(table.batches);
  return batches.flat();
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  fixed: "fixed",
  real: "real",
  boolean: "boolean",
  date: "date",
  time: "time",
  timestamp_ntz: "timestamp_ntz",
  timestamp_ltz: "timestamp_ltz",
  timestamp_tz: "timestamp_tz",
  binary: "binary",
  variant: "variant",
  object: "object",
  map: "object",
  array: "array",
};

function describeColumn(column: DriverColumn): Column {
  const type = TYPES[column.getType().toLowerCase()] ?? "text";
  const hasScale = type === "fixed" || type.startsWith("time");
  return {
    name: column.getName(),
    type,
    nullable: column.isNullable(),
    precision: type === "fixed" ? column.getPrecision() : 0,
    scale: hasScale ? column.getScale() : 0,
  };
}

async function* readRawRows(
  context: RawContext,
  columns: readonly Column[],
): AsyncGenerator<readonly Row[]> {
  const chunks = context.result._chunks;
  const loads = new Map<RawChunk, Promise<LoadResult>>();
  // What a process already holds (a local Snowflake, say) is no garbage of this result.
  let collectAbove = limitFrom(process.memoryUsage.rss());
  for (const [index, chunk] of chunks.entries()) {
    for (const next of chunks.slice(index, index + 1 + CHUNKS_AHEAD)) {
      if (!loads.has(next)) loads.set(next, loadChunk(next));
    }
    const loaded = await loads.get(chunk);
    if (loaded?.error) throw loaded.error;
    loads.delete(chunk);
    yield* takeBatches(chunk, columns.length);
    if (process.memoryUsage.rss() < collectAbove) continue;
    Bun.gc(true);
    collectAbove = limitFrom(process.memoryUsage.rss());
  }
}

function limitFrom(residentBytes: number): number {
  return Math.max(RESIDENT_BYTES, residentBytes + GROWTH_BYTES);
}

/** Never rejects: a chunk that was fetched ahead may fail before anybody waits for it. */
type LoadResult = { readonly error: unknown };

function loadChunk(chunk: RawChunk): Promise<LoadResult> {
  const { promise, resolve } = Promise.withResolvers<LoadResult>();
  chunk.load((error) => resolve({ error }));
  return promise;
}

/** A generator that is read a second time would just be empty. */
function readOnce<T>(generator: AsyncGenerator<T>): AsyncIterable<T> {
  let taken = false;
  return {
    [Symbol.asyncIterator]() {
      if (taken) throw new Error("the rows of a result can be read once");
      taken = true;
      return generator;
    },
  };
}

/** Adds to the rows: the abort, the time limit, and the count at the end. */
async function* guardBatches(
  rows: AsyncGenerator<readonly Row[]>,
  facts: { rowCount: number; queryId: string },
  options: ReadOptions,
): AsyncGenerator<readonly Row[]> {
  let count = 0;
  try {
    for (;;) {
      const next = await takeNext(rows, options);
      if (next.done === true) break;
      count += next.value.length;
      yield next.value;
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    const progress = `${count} of ${facts.rowCount} rows read`;
    throw missingRows(`${messageOf(error)} (${progress})`, facts.queryId);
  } finally {
    release(rows);
  }
  if (count !== facts.rowCount) {
    throw missingRows(`${count} rows arrived of ${facts.rowCount}`, facts.queryId);
  }
}

/** Whoever stops reading early lets go of the stream; how that one ends is nobody's concern any more. */
function release(rows: AsyncGenerator<readonly Row[]>): void {
  rows.return(undefined).catch(() => undefined);
}

async function takeNext(
  rows: AsyncGenerator<readonly Row[]>,
  { signal, timeoutMs }: ReadOptions,
): Promise<IteratorResult<readonly Row[], unknown>> {
  signal?.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const watchdog = setTimeout(
    () => reject(new Error(`no row arrived for ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([rows.next(), promise]);
  } finally {
    clearTimeout(watchdog);
    signal?.removeEventListener("abort", onAbort);
  }
}

function missingRows(message: string, queryId: string): ReportError {
  return new ReportError("rows_missing", `the result is incomplete: ${message}`, {
    warehouse: { queryId },
  });
}
