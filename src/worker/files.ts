import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type {
  ByteSink,
  RenderContext,
  Renderer,
  Renderers,
  RenderSummary,
} from "../render/renderer.ts";
import {
  artifactFileName,
  artifactKey,
  artifactMediaType,
  type Format,
  givenFileName,
} from "../report/artifact.ts";
import { messageOf, ReportError } from "../report/errors.ts";
import type { Row, Table } from "../report/table.ts";
import type { RenderedFile } from "./ports.ts";

/** What names a run's files. */
export interface FileNaming {
  readonly configId: string;
  readonly fence: number;
  readonly runId: string;
  readonly reportName: string;
  readonly asOf: Date;
  /** Of a burst: a folder for the files of one rendering, and the name that its recipients chose. */
  readonly rendering?: { readonly folder: string; readonly fileName: string | null };
}

export interface RenderedFormat extends RenderedFile {
  readonly format: Format;
  readonly fileName: string;
  readonly summary: RenderSummary;
}

/**
 * Renders every format from one pass over the table into files in `folder`. Throws ReportError: what the table throws,
 * `render_failed`, or `rows_missing` when a renderer took another number of rows than the warehouse reported.
 */
export async function renderFiles(
  table: Table,
  formats: readonly Format[],
  context: RenderContext,
  options: {
    renderers: Renderers;
    folder: string;
    naming: FileNaming;
    signal: AbortSignal;
    /** Rows taken from the table and bytes written, of all files together. */
    onProgress: (rowCount: number, sizeBytes: number) => void;
  },
): Promise<RenderedFormat[]> {
  await mkdir(options.folder, { recursive: true });
  const jobs: FormatJob[] = [];
  try {
    for (const format of formats) jobs.push(await openJob(format, context, options));
    await streamRows(table, jobs, options.signal, options.onProgress);
    const rendered: RenderedFormat[] = [];
    for (const job of jobs) rendered.push(await finishJob(job, table.rowCount));
    return rendered;
  } finally {
    await Promise.allSettled(jobs.map((job) => job.sink.close()));
  }
}

interface FormatJob {
  readonly format: Format;
  readonly fileName: string;
  readonly key: string;
  readonly mediaType: string;
  readonly sink: HashingFile;
  readonly renderer: Renderer;
}

async function openJob(
  format: Format,
  context: RenderContext,
  options: { renderers: Renderers; folder: string; naming: FileNaming },
): Promise<FormatJob> {
  const { naming } = options;
  const gzip = format === "CSV" && context.options.csv.gzip;
  const fileName = nameFile(naming, format, gzip);
  const folder = naming.rendering === undefined ? "" : `${naming.rendering.folder}/`;
  const sink = await HashingFile.create(join(options.folder, fileName));
  try {
    return {
      format,
      fileName,
      key: artifactKey(naming.configId, naming.fence, naming.runId, `${folder}${fileName}`),
      mediaType: artifactMediaType(format, gzip),
      sink,
      renderer: await guard({ format }, () => options.renderers[format](context, sink)),
    };
  } catch (error) {
    await sink.close();
    throw error;
  }
}

function nameFile(naming: FileNaming, format: Format, gzip: boolean): string {
  const { reportName, configId, asOf, rendering } = naming;
  const given = rendering?.fileName ?? null;
  return given === null
    ? artifactFileName(reportName, configId, format, asOf, gzip)
    : givenFileName(given, format, gzip);
}

async function streamRows(
  table: Table,
  jobs: readonly FormatJob[],
  signal: AbortSignal,
  onProgress: (rowCount: number, sizeBytes: number) => void,
): Promise<void> {
  for (const job of jobs) await guard(job, () => job.renderer.begin(table.columns));
  let rowCount = 0;
  for await (const batch of table.batches) {
    signal.throwIfAborted();
    await renderBatch(jobs, batch);
    rowCount += batch.length;
    onProgress(rowCount, sumSizes(jobs));
  }
  signal.throwIfAborted();
}

/** Side by side: while one renderer waits for its threads or its file, the next one works. Ends when all have. */
async function renderBatch(jobs: readonly FormatJob[], batch: readonly Row[]): Promise<void> {
  const steps = jobs.map((job) => guard(job, () => job.renderer.rows(batch)));
  for (const step of await Promise.allSettled(steps)) {
    if (step.status === "rejected") throw step.reason;
  }
}

function sumSizes(jobs: readonly FormatJob[]): number {
  return jobs.reduce((total, job) => total + job.sink.sizeBytes, 0);
}

async function finishJob(job: FormatJob, rowsReported: number): Promise<RenderedFormat> {
  const summary = await guard(job, () => job.renderer.finish());
  if (summary.rowCount !== rowsReported) {
    throw new ReportError(
      "rows_missing",
      `${job.format} holds ${summary.rowCount} rows, but the warehouse reported ${rowsReported}`,
    );
  }
  const { format, fileName, key, mediaType, sink } = job;
  await guard(job, () => sink.close());
  const { path, sizeBytes } = sink;
  return { format, fileName, key, mediaType, path, sizeBytes, sha256: sink.digest(), summary };
}

async function guard<T>(job: Pick<FormatJob, "format">, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof ReportError) throw error;
    throw renderError(job.format, error);
  }
}

/** `render_failed`, which a later attempt can mend when the disk was full. */
export function renderError(what: string, thrown: unknown): ReportError {
  const full = thrown instanceof Error && "code" in thrown && thrown.code === "ENOSPC";
  const reason = full ? "the disk is full" : messageOf(thrown);
  return new ReportError("render_failed", `${what}: ${reason}`, { cause: thrown, retryable: full });
}

const BUFFER_BYTES = 1 << 20;

/**
 * A file on disk that knows its size and hash. Bytes are copied at once, so the caller may use its buffer again. What is
 * gathered is written while the next is gathered; a failure is thrown by one of the next calls.
 */
class HashingFile implements ByteSink {
  readonly path: string;
  sizeBytes = 0;
  #hash: Hash = createHash("sha256");
  #handle: FileHandle;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #spare = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  /** The latest write, of the bytes in `#spare`; null before the first. */
  #writing: Promise<void> | null = null;
  #open = true;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<HashingFile> {
    return new HashingFile(path, await open(path, "w"));
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.sizeBytes += bytes.byteLength;
    this.#hash.update(bytes);
    if (this.#buffered + bytes.byteLength > BUFFER_BYTES) return this.#begin(bytes.slice());
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.byteLength;
  }

  /** Closing twice is closing once. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    try {
      await this.#flush();
      await this.#writing;
    } finally {
      await this.#handle.close();
    }
  }

  /** Lower-case hexadecimal; once, after close. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  /** Begins the next buffer with `own`. */
  async #begin(own: Uint8Array): Promise<void> {
    await this.#flush();
    if (own.byteLength <= BUFFER_BYTES) {
      this.#buffer.set(own);
      this.#buffered = own.byteLength;
    } else {
      await this.#writing;
      await this.#handle.appendFile(own);
    }
  }

  /** Ends when the buffer is free again, not when its bytes are in the file. */
  async #flush(): Promise<void> {
    await this.#writing;
    if (this.#buffered === 0) return;
    const filled = this.#buffer.subarray(0, this.#buffered);
    [this.#buffer, this.#spare] = [this.#spare, this.#buffer];
    this.#buffered = 0;
    this.#writing = this.#handle.appendFile(filled);
    // Whoever awaits it next is told.
    this.#writing.catch(() => undefined);
  }
}
