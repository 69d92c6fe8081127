import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openScratch } from "../../src/worker/scratch.ts";

test("what dead workers left is removed, what living ones use stays, and so does anything else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "scratch-test-"));
  const dead = Bun.spawn(["true"]);
  await dead.exited;
  const living = Bun.spawn(["sleep", "30"]);
  const names = [
    `${dead.pid}-0123abcd`,
    `${living.pid}-0123abcd`,
    `${process.pid}-0123abcd`,
    "notes",
  ];
  for (const name of names) await mkdir(join(folder, name, "run"), { recursive: true });
  const own = await openScratch(folder, "89abcdef");
  expect(own).toBe(join(folder, `${process.pid}-89abcdef`));
  expect(new Set(await readdir(folder))).toEqual(
    new Set([`${living.pid}-0123abcd`, `${process.pid}-89abcdef`, "notes"]),
  );
  living.kill();
  await rm(folder, { recursive: true });
});
