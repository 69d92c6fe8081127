/** Which signal asked this process to end. */
export type StopSignal = "SIGINT" | "SIGTERM";

const EXIT_FORCED = 130;

/**
 * Listens from the first moment (as process 1 of a container a program without a handler ignores SIGTERM) and resolves
 * at the first signal. A second Ctrl-C ends the process at once.
 */
export function untilStopped(): Promise<StopSignal> {
  const { promise, resolve } = Promise.withResolvers<StopSignal>();
  let isAsked = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (isAsked && signal === "SIGINT") process.exit(EXIT_FORCED);
      isAsked = true;
      resolve(signal);
    });
  }
  return promise;
}
