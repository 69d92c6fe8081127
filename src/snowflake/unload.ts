import { createHash } from "node:crypto";
import { ReportError } from "../report/errors.ts";
import type { Row } from "../report/table.ts";
import { writeGuardCount, writeUnload } from "../report/unload.ts";
import { quoteText } from "../report/unload-sql.ts";
import type { Stage, StagedFile, UnloadRequest } from "../worker/ports.ts";
import { readReply } from "./raw-rows.ts";
import { openSession, type Session } from "./session.ts";
import { CONTROL_SESSION, type ParameterValues, type SnowflakeSettings } from "./settings.ts";
import { downloadFile, streamFile } from "./staged-download.ts";

export interface StageOptions {
  /** DATABASE.SCHEMA.STAGE, as it stands in SQL. */
  readonly name: string;
  /** More than this makes several files of one. Snowflake's limit, and the default, is 5 GiB. */
  readonly fileBytesMax?: number;
}

const FILE_BYTES_MAX = 5_368_709_120;
const WATCHDOG_MS = 15_000;
/** Of GET_PRESIGNED_URL: seven days. Source: Snowflake SQL reference. */
const LINK_SECONDS_MAX = 604_800;
/** For the worker itself, which reads at once. */
const READ_LINK_SECONDS = 3_600;

/**
 * A stage that the queue's role may read and write (READ and WRITE). RESULT_SCAN asks for the user of the query and not
 * for its role, so the role that runs report SQL needs no privilege on the stage, where the files of everybody's reports
 * are. The session is opened when it is first needed.
 */
export function openStage(
  settings: SnowflakeSettings,
  options: StageOptions,
): Stage & AsyncDisposable {
  let session: Promise<Session> | undefined;
  const open = async (): Promise<Session> => {
    const opening = (session ??= openSession(settings, { sessionParameters: CONTROL_SESSION }));
    return await opening.catch((error: unknown) => {
      if (session === opening) session = undefined;
      throw error;
    });
  };
  const run: RunStatement = async (sql, { signal, seconds, parameters }) => {
    const limitSeconds = seconds ?? settings.timeouts.statementMs / 1000;
    const reply = await (
      await open()
    ).run({
      sql,
      binds: [],
      parameters: { STATEMENT_TIMEOUT_IN_SECONDS: limitSeconds, ...parameters },
      requestId: crypto.randomUUID(),
      timeoutMs: limitSeconds * 1000 + WATCHDOG_MS,
      signal,
      // Files are written over, removed or signed: each can be done twice.
      whenGone: "resend",
    });
    return await readReply(reply, settings.timeouts.rowsMs);
  };
  const { rowsMs } = settings.timeouts;
  return {
    unload: (request, signal) => unload(run, options, rowsMs, request, signal),
    remove: async (prefix) => {
      await run(`REMOVE ${quoteText(`@${options.name}/${prefix}`)}`, {});
    },
    read: async (uri) =>
      await downloadFile(await signUrl(run, parseUri(uri), READ_LINK_SECONDS), rowsMs),
    link: async (uri) => await signUrl(run, parseUri(uri), LINK_SECONDS_MAX),
    async [Symbol.asyncDispose]() {
      const opened = await session?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

interface RunOptions {
  readonly signal?: AbortSignal;
  /** Limit of the statement; default: that of the queue's statements. */
  readonly seconds?: number;
  readonly parameters?: ParameterValues;
}

type RunStatement = (sql: string, options: RunOptions) => Promise<readonly Row[]>;

interface Place {
  readonly stage: string;
  readonly path: string;
}

async function unload(
  run: RunStatement,
  { name, fileBytesMax = FILE_BYTES_MAX }: StageOptions,
  idleMs: number,
  request: UnloadRequest,
  signal: AbortSignal,
): ReturnType<Stage["unload"]> {
  const location = `@${name}/${request.key}`;
  const options: RunOptions = {
    signal,
    seconds: request.timeoutSeconds,
    parameters: { TIMEZONE: request.unload.timezone, QUERY_TAG: JSON.stringify(request.tag) },
  };
  const copy = async (isSingle: boolean): Promise<readonly Row[]> =>
    await run(writeUnload(request.unload, { location, isSingle, fileBytesMax }), options);
  const written = await copy(true).catch(async (error: unknown) => {
    if (!isTooLarge(error)) throw error;
    await run(`REMOVE ${quoteText(location)}`, { signal });
    return await copy(false);
  });
  const listed = await run(`LIST ${quoteText(location)}`, { signal });
  const files: StagedFile[] = [];
  for (const { path, ...file } of matchFiles(written, listed, name, request.key)) {
    const url = await signUrl(run, { stage: name, path }, READ_LINK_SECONDS, signal);
    const sha256 = await hashFile(url, file.sizeBytes, idleMs, signal, request.onBytes);
    files.push({ ...file, sha256 });
  }
  const count = writeGuardCount(request.unload);
  const [counted] = count === null ? [] : await run(count, options);
  return { files, guardedCells: Number(counted?.[0] ?? 0) };
}

/** "Max file size (5368709120) exceeded for unload single file mode. Please increase MAX_FILE_SIZE copy option ...". */
function isTooLarge(error: unknown): boolean {
  return error instanceof ReportError && /max file size .*exceeded/i.test(error.message);
}

interface UnhashedFile extends Omit<StagedFile, "sha256"> {
  readonly path: string;
}

/**
 * What COPY says of its files, with where LIST finds them: an external stage gives the whole address, an internal one
 * its own name and the path in it.
 */
function matchFiles(
  written: readonly Row[],
  listed: readonly Row[],
  stage: string,
  key: string,
): UnhashedFile[] {
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  return written.map(([name, , rowCount]) => {
    const fileName = (name ?? "").split("/").at(-1) ?? "";
    const path = `${folder}${fileName}`;
    const found = listed.find(([address]) => address?.endsWith(path));
    const [address, sizeBytes] = found ?? [];
    if (address === undefined || address === null)
      throw new ReportError("store_failed", `${path} was unloaded, but the stage does not list it`);
    const uri = address.includes("://") ? address : `snowflake://${stage}/${path}`;
    return { uri, path, sizeBytes: Number(sizeBytes), rowCount: Number(rowCount) };
  });
}

async function signUrl(
  run: RunStatement,
  { stage, path }: Place,
  seconds: number,
  signal?: AbortSignal,
): Promise<string> {
  const sql = signStatement({ stage, path }, seconds);
  const [row] = await run(sql, signal === undefined ? {} : { signal });
  const url = row?.[0] ?? null;
  if (url !== null) return url;
  throw new ReportError("store_failed", `Snowflake gave no URL for ${path} in ${stage}`);
}

function signStatement({ stage, path }: Place, seconds: number): string {
  return `SELECT GET_PRESIGNED_URL(@${stage}, ${quoteText(path)}, ${seconds})`;
}

/** What gives a link of seven days to `snowflake://<stage>/<key>`. Throws ReportError `store_failed` for another address. */
export function writeSigning(uri: string): string {
  return signStatement(parseUri(uri), LINK_SECONDS_MAX);
}

const URI = /^snowflake:\/\/((?:"(?:[^"]|"")+"|[\w$]+)(?:\.(?:"(?:[^"]|"")+"|[\w$]+)){0,2})\/(.+)$/;

function parseUri(uri: string): Place {
  const [, stage, path] = URI.exec(uri) ?? [];
  if (stage !== undefined && path !== undefined) return { stage, path };
  throw new ReportError("store_failed", `${uri} is not in a stage`, { retryable: false });
}

/** Of all bytes, as a recipient would get them; the file passes through and is not kept. */
async function hashFile(
  url: string,
  sizeBytes: number,
  idleMs: number,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const hash = createHash("sha256");
  let received = 0;
  for await (const chunk of streamFile(url, idleMs, signal)) {
    hash.update(chunk);
    received += chunk.byteLength;
    onBytes(chunk.byteLength);
  }
  if (received === sizeBytes) return hash.digest("hex");
  const message = `the stage lists ${sizeBytes} bytes of a file, but ${received} came`;
  throw new ReportError("store_failed", message);
}
