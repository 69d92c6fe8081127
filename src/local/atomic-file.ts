import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { messageOf } from "../report/errors.ts";

/**
 * Puts a file in its place in one step, so that nobody ever sees half of it: `write` fills a temporary file beside
 * `path`, which is then renamed over it. Makes the folders on the way. Leaves nothing behind when `write` throws.
 */
export async function placeFile(
  path: string,
  write: (temporaryPath: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporaryPath = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomUUID()}`);
  try {
    await write(temporaryPath);
    await rename(temporaryPath, path);
  } finally {
    await rm(temporaryPath, { force: true });
  }
}

/** What the system said of a file, with what to do about it. `variable` is the setting that names the folder. */
export function explainFileError(thrown: unknown, folder: string, variable: string): string {
  switch (errorCode(thrown)) {
    case "ENOSPC":
    case "EDQUOT":
      return `No space is left for ${folder}: free some, or set ${variable} to a folder on another disk`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `${folder} may not be written to: give this user the permission, or set ${variable} to another folder (${messageOf(thrown)})`;
    case "ENOTDIR":
    case "EEXIST":
      return `${folder} is not a folder: move that file away, or set ${variable} to a folder (${messageOf(thrown)})`;
    default:
      return `${folder}: ${messageOf(thrown)}`;
  }
}

/** The system's code, such as "ENOENT"; empty: it has none. */
export function errorCode(thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
  return typeof code === "string" ? code : "";
}
