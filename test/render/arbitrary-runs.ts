/** Runs a property and, when it fails, says how to run that very case again. */
import * as fc from "fast-check";

/** ROUNDTRIP_SEED repeats a run; ROUNDTRIP_PATH goes straight to the case that fast-check had shrunk it to. */
const { ROUNDTRIP_SEED, ROUNDTRIP_PATH } = process.env;

/** For a test of many cases, in place of bun's 5 s. */
export const TIME_MAX_MS = 90_000;
/** A failure is shrunk so long, and then told as far as it was shrunk. */
const SHRINKING_MAX_MS = 20_000;

/** Of this run of the tests: another one each time, so that each run tries other data. */
export const seed: number =
  ROUNDTRIP_SEED === undefined ? Date.now() % 2 ** 31 : Number(ROUNDTRIP_SEED);

/** Behind the message of a failure: the command line that repeats it. */
export function repeatLine(file: string, path: string | null = null): string {
  const settings = [`ROUNDTRIP_SEED=${seed}`, ...(path === null ? [] : [`ROUNDTRIP_PATH=${path}`])];
  return `To repeat: ${settings.join(" ")} bun test test/render/${file}`;
}

/** Throws with the smallest table found and the line that repeats it. */
export async function holdsForAll<T>(
  file: string,
  numRuns: number,
  arbitrary: fc.Arbitrary<T>,
  predicate: (value: T) => Promise<void>,
): Promise<void> {
  let shrinkUntilMs = Infinity;
  const property = fc.asyncProperty(arbitrary, async (value) => {
    // To pass is what ends the shrinking.
    if (performance.now() > shrinkUntilMs) return;
    try {
      await predicate(value);
    } catch (failure) {
      shrinkUntilMs = Math.min(shrinkUntilMs, performance.now() + SHRINKING_MAX_MS);
      throw failure;
    }
  });
  const path = ROUNDTRIP_PATH === undefined ? {} : { path: ROUNDTRIP_PATH };
  const details = await fc.check(property, { numRuns, seed, ...path });
  if (!details.failed) return;
  throw new Error(
    `${fc.defaultReportMessage(details)}\n${repeatLine(file, details.counterexamplePath)}`,
    { cause: details.errorInstance },
  );
}
