import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode, explainFileError, placeFile } from "../../src/local/atomic-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atomic-file-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("a file is not in its place before it is whole", async () => {
  const path = join(folder, "deep/er/file.txt");
  let during: string[] = [];
  await placeFile(path, async (temporaryPath) => {
    await writeFile(temporaryPath, "whole");
    during = await readdir(join(folder, "deep/er"));
  });
  expect(during).toHaveLength(1);
  expect(during).not.toContain("file.txt");
  expect(await readdir(join(folder, "deep/er"))).toEqual(["file.txt"]);
  expect(await Bun.file(path).text()).toBe("whole");
});

test("a failed write keeps the former file and leaves nothing behind", async () => {
  const path = join(folder, "file.txt");
  await writeFile(path, "former");
  const failure = new Error("half way");
  const step = placeFile(path, async (temporaryPath) => {
    await writeFile(temporaryPath, "ha");
    throw failure;
  });
  expect(await step.catch((error: unknown) => error)).toBe(failure);
  expect(await readdir(folder)).toEqual(["file.txt"]);
  expect(await Bun.file(path).text()).toBe("former");
});

// Every write to /dev/full fails as on a full disk.
test.skipIf(process.platform !== "linux")("a full disk is named, with what to do", async () => {
  const step = placeFile(join(folder, "file.txt"), () => writeFile("/dev/full", "x".repeat(9_000)));
  const thrown: unknown = await step.catch((error: unknown) => error);
  expect(errorCode(thrown)).toBe("ENOSPC");
  expect(explainFileError(thrown, folder, "OUTPUT_FOLDER")).toBe(
    `No space is left for ${folder}: free some, or set OUTPUT_FOLDER to a folder on another disk`,
  );
});
