import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { messageOf, ReportError } from "../report/errors.ts";
import type { RenderedFile, Store } from "../worker/ports.ts";
import { errorCode, explainFileError, placeFile } from "./atomic-file.ts";

/**
 * Keeps files in a folder, each under its key as a path. The URI of a file, and the link to it, is its file: URL.
 * An abort rejects with the signal's reason and leaves no file.
 */
export function openFolderStore(folder: string): Store {
  const root = resolve(folder);
  return {
    async put(file, signal) {
      signal.throwIfAborted();
      const path = join(root, ...splitKey(file.key));
      try {
        await placeFile(path, (temporaryPath) => copyFile(file, root, temporaryPath, signal));
      } catch (thrown) {
        signal.throwIfAborted();
        throw explainPut(thrown, root);
      }
      return { uri: pathToFileURL(path).href };
    },
    read: (uri) => readStored(root, uri),
    link: (artifact) => Promise.resolve(artifact.uri),
  };
}

/** The parts of a key. Refuses what would lead out of the folder on any system. */
function splitKey(key: string): string[] {
  const parts = key.split("/");
  const strange = (part: string): boolean =>
    part === "" || part === "." || part === ".." || /[\\:\0]/.test(part);
  if (parts.some(strange)) {
    throw refuse(`The key ${JSON.stringify(key)} does not name a file inside the store`);
  }
  return parts;
}

async function copyFile(
  file: RenderedFile,
  root: string,
  temporaryPath: string,
  signal: AbortSignal,
): Promise<void> {
  await keepInside(root, dirname(temporaryPath));
  await pipeline(
    createReadStream(file.path, { highWaterMark: CHUNK_BYTES }),
    createWriteStream(temporaryPath, { flags: "wx" }),
    { signal },
  );
  const { sizeBytes, sha256 } = await measureFile(temporaryPath, signal);
  if (sizeBytes !== file.sizeBytes || sha256 !== file.sha256) {
    throw new ReportError(
      "store_failed",
      `${file.key} was stored with ${sizeBytes} bytes and SHA-256 ${sha256}, but was rendered with ${file.sizeBytes} and ${file.sha256}`,
    );
  }
}

const CHUNK_BYTES = 1 << 20;

async function measureFile(
  path: string,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  await pipeline(
    createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        sizeBytes += chunk.length;
      }
    },
    { signal },
  );
  return { sizeBytes, sha256: hash.digest("hex") };
}

async function readStored(root: string, uri: string): Promise<Uint8Array> {
  const path = parseUri(uri);
  if (!isInside(root, path)) throw refuse(`${uri} is outside the store ${root}`);
  try {
    await keepInside(root, path);
    return await readFile(path);
  } catch (thrown) {
    if (thrown instanceof ReportError) throw thrown;
    if (errorCode(thrown) !== "ENOENT") {
      throw new ReportError("store_failed", `${uri}: ${messageOf(thrown)}`, { cause: thrown });
    }
    throw refuse(`${uri} is no longer there: it was moved or deleted after it was stored`);
  }
}

function parseUri(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (thrown) {
    throw refuse(`${JSON.stringify(uri)} is not the URL of a file: ${messageOf(thrown)}`);
  }
}

/** A symbolic link may lead out of the folder although the path does not. */
async function keepInside(root: string, path: string): Promise<void> {
  const real = await realpath(path);
  if (!isInside(await realpath(root), real)) {
    throw refuse(`${path} leads to ${real}, which is outside the store`);
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function refuse(message: string): ReportError {
  return new ReportError("store_failed", message, { retryable: false });
}

function explainPut(thrown: unknown, root: string): ReportError {
  if (thrown instanceof ReportError) return thrown;
  return new ReportError("store_failed", explainFileError(thrown, root, "OUTPUT_FOLDER"), {
    cause: thrown,
  });
}
