/**
 * The files of all stages, on this machine. A file's name has its whole path in it, escaped: so a name can begin with
 * another one, as in an object store, and no name leads out of the folder.
 */

import { createHash, randomUUID } from "node:crypto";
import { createReadStream, rmSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EngineError } from "../../engine.ts";
import { fullName } from "../catalog.ts";
import type { StageEntry } from "./stage-entry.ts";

export interface StagedFile {
  /** Its path within the stage. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** Told apart from a file that is being written. */
const STORED = "_";
/** What file systems allow in one name. */
const NAME_BYTES_MAX = 255;

export class StageFiles implements Disposable {
  /** Absolute, without a slash at its end. */
  readonly folder: string;
  private readonly isTemporary: boolean;

  /** Beside the data file, or in a temporary folder that goes with the server. */
  constructor(dataFile: string | undefined) {
    this.isTemporary = dataFile === undefined;
    const temporary = join(tmpdir(), `local-snowflake-${randomUUID()}`);
    this.folder = resolve(dataFile === undefined ? temporary : `${dataFile}.stages`);
  }

  /** Where a staged file lies, whether it is there or not. Throws EngineError for a name that is too long. */
  pathOf(stage: StageEntry, name: string): string {
    const stored = STORED + encodeURIComponent(name);
    if (Buffer.byteLength(stored) > NAME_BYTES_MAX) {
      const message = `The local Snowflake stores no file under a name as long as '${name}'.`;
      throw new EngineError("000002", "0A000", message);
    }
    return join(this.folderOf(stage), stored);
  }

  /** The files whose names begin with a prefix, by name. */
  async list(stage: StageEntry, prefix: string): Promise<StagedFile[]> {
    const stored = await listFolder(this.folderOf(stage));
    const names = stored
      .filter((file) => file.startsWith(STORED))
      .map((file) => decodeURIComponent(file.slice(STORED.length)))
      .filter((name) => name.startsWith(prefix))
      .sort();
    return await Promise.all(names.map((name) => this.describe(stage, name)));
  }

  private async describe(stage: StageEntry, name: string): Promise<StagedFile> {
    const { size, mtimeMs } = await stat(this.pathOf(stage, name));
    return { name, sizeBytes: size, modifiedAtMs: Math.round(mtimeMs) };
  }

  /** Hexadecimal. */
  async hashMd5(stage: StageEntry, name: string): Promise<string> {
    const hash = createHash("md5");
    for await (const bytes of createReadStream(this.pathOf(stage, name))) hash.update(bytes);
    return hash.digest("hex");
  }

  /** A path to write a file to before it is `keep`t under its name. */
  async draft(stage: StageEntry): Promise<string> {
    await mkdir(this.folderOf(stage), { recursive: true });
    return join(this.folderOf(stage), `.${randomUUID()}`);
  }

  async keep(stage: StageEntry, draft: string, name: string): Promise<void> {
    await rename(draft, this.pathOf(stage, name));
  }

  async remove(stage: StageEntry, name: string): Promise<void> {
    await rm(this.pathOf(stage, name), { force: true });
  }

  /** Takes the stage with all its files away. */
  async clear(stage: StageEntry): Promise<void> {
    await rm(this.folderOf(stage), { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    if (this.isTemporary) rmSync(this.folder, { recursive: true, force: true });
  }

  private folderOf(stage: StageEntry): string {
    return join(this.folder, encodeURIComponent(fullName(stage.path)));
  }
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
