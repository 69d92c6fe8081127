import { describe, expect, test } from "bun:test";
import { Wake } from "../../src/worker/wake.ts";

const LONG_MS = 60_000;

/** Whether the wait ends without its time running out. */
async function ends(waiting: Promise<void>): Promise<boolean> {
  return await Promise.race([waiting.then(() => true), Bun.sleep(5).then(() => false)]);
}

describe("Wake", () => {
  test("a sleeper is woken by a call", async () => {
    const wake = new Wake();
    const waiting = wake.wait(wake.ticket(), LONG_MS);
    wake.wakeAll();
    expect(await ends(waiting)).toBe(true);
  });

  test("all sleepers are woken by one call", async () => {
    const wake = new Wake();
    const sleepers = [1, 2, 3].map(() => wake.wait(wake.ticket(), LONG_MS));
    wake.wakeAll();
    expect(await Promise.all(sleepers.map(ends))).toEqual([true, true, true]);
  });

  test("a call between looking for work and going to sleep is not lost", async () => {
    const wake = new Wake();
    const ticket = wake.ticket();
    wake.wakeAll();
    expect(await ends(wake.wait(ticket, LONG_MS))).toBe(true);
  });

  test("a call before looking for work wakes nobody later", async () => {
    const wake = new Wake();
    wake.wakeAll();
    const waiting = wake.wait(wake.ticket(), LONG_MS);
    expect(await ends(waiting)).toBe(false);
    wake.wakeAll();
    await waiting;
  });

  test("without a call the wait ends when its time is over", async () => {
    const wake = new Wake();
    await wake.wait(wake.ticket(), 2);
    expect(await ends(wake.wait(wake.ticket(), 0))).toBe(true);
  });
});
