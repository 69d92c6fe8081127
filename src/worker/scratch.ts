import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * A folder of this process below `folder`, after what dead processes left there was removed: a killed worker leaves
 * files of any size. Folders of workers that live beside this one are left alone.
 */
export async function openScratch(folder: string, bootId: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const [, processId] = /^(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
    if (processId === undefined || isOther(Number(processId))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
  const own = join(folder, `${process.pid}-${bootId}`);
  await mkdir(own);
  return own;
}

/** Whether another process of this number lives; in a container a former worker had our own. */
function isOther(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
