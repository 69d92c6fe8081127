/** The records of a result, compressed, in one file or in several. */

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { PassThrough, type Transform } from "node:stream";
import { createDeflate, createDeflateRaw, createGzip } from "node:zlib";
import { asEngineError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { withDeferredTypes } from "../translate/deferred-types.ts";
import { type DraftFile, refuseSize, type UnloadSource, type UnloadTarget } from "./unload.ts";
import { writeCsvRow } from "./unload-csv.ts";
import { readWord } from "./unload-options.ts";

/** One chunk of DuckDB's. */
interface Records {
  readonly text: string;
  readonly count: number;
}

/** Throws EngineError, and then leaves no file. */
export async function writeCsvFiles(
  source: UnloadSource,
  target: UnloadTarget,
  execution: Execution,
): Promise<DraftFile[]> {
  const { options, location } = target;
  const { header, row } = writeCsvRow(source.columns, options.format, execution.parameters);
  const [head] = options.hasHeader ? await readOnce(`SELECT ${header}`, source, execution) : [""];
  const files: DraftFile[] = [];
  let file: DraftWriter | undefined;
  try {
    for await (const records of readRecords(row, source, execution)) {
      file ??= await startFile(head ?? "");
      await file.write(records);
      refuseSize(options, file.outputBytes);
      if (options.isSingle || file.outputBytes < options.fileBytesMax) continue;
      files.push(await file.close());
      file = undefined;
    }
    if (file !== undefined) files.push(await file.close());
    refuseSize(options, files.at(-1)?.outputBytes ?? 0);
    return files;
  } catch (error) {
    await file?.close();
    for (const { draft } of [...files, ...(file === undefined ? [] : [file])])
      await rm(draft, { force: true });
    throw error;
  }

  async function startFile(text: string): Promise<DraftWriter> {
    const draft = await execution.server.storage.stageFiles.draft(location.stage);
    const started = new DraftWriter(
      draft,
      startCompression(readWord(options.format, "COMPRESSION", "AUTO")),
    );
    await started.write({ text, count: 0 });
    return started;
  }
}

async function readOnce(
  sql: string,
  { connection }: UnloadSource,
  { running }: Execution,
): Promise<string[]> {
  const result = await running.run(connection, sql);
  return (await result.getRows()).map(([value]) => String(value));
}

async function* readRecords(
  row: string,
  { sql, columns, connection }: UnloadSource,
  { running }: Execution,
): AsyncGenerator<Records> {
  const names = columns.map((_, index) => `"c${index}"`).join(", ");
  const query = `SELECT ${row} FROM (${sql}) AS q(${names})`;
  const result = await running.watch(connection, () =>
    withDeferredTypes(query, (text) => connection.stream(text)),
  );
  running.track(connection);
  try {
    for (;;) {
      running.signal.throwIfAborted();
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield { text: chunk.getColumnValues(0).join(""), count: chunk.rowCount };
    }
  } catch (error) {
    throw running.signal.aborted ? running.signal.reason : asEngineError(error);
  } finally {
    running.untrack(connection);
  }
}

function startCompression(compression: string): Transform {
  if (compression === "NONE") return new PassThrough();
  if (compression === "DEFLATE") return createDeflate();
  return compression === "RAW_DEFLATE" ? createDeflateRaw() : createGzip();
}

/** A file that is being written. */
class DraftWriter {
  readonly draft: string;
  private readonly compression: Transform;
  private readonly output: WriteStream;
  private rowCount = 0;
  private inputBytes = 0;

  constructor(draft: string, compression: Transform) {
    this.draft = draft;
    this.compression = compression;
    this.output = compression.pipe(createWriteStream(draft));
  }

  /** What has reached the file: compression holds some back until the end. */
  get outputBytes(): number {
    return this.output.bytesWritten;
  }

  async write({ text, count }: Records): Promise<void> {
    const bytes = Buffer.from(text);
    this.rowCount += count;
    this.inputBytes += bytes.length;
    if (bytes.length > 0 && !this.compression.write(bytes)) await once(this.compression, "drain");
  }

  async close(): Promise<DraftFile> {
    this.compression.end();
    await finished(this.output);
    const { draft, rowCount, inputBytes, outputBytes } = this;
    return { draft, rowCount, inputBytes, outputBytes };
  }
}
