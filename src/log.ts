import { type ConsolaInstance, createConsola, LogLevels } from "consola";
import type { Config } from "./config.ts";

const LEVELS = {
  DEBUG: LogLevels.debug,
  INFO: LogLevels.info,
  WARN: LogLevels.warn,
  ERROR: LogLevels.error,
} as const satisfies Record<Config["logLevel"], number>;

/** Lines for people on a terminal; JSON lines for CloudWatch anywhere else. */
export function createLog(
  level: Config["logLevel"],
  output: NodeJS.WriteStream = process.stderr,
): ConsolaInstance {
  if (output.isTTY) {
    return createConsola({ level: LEVELS[level], stdout: output, stderr: output });
  }
  return createConsola({
    level: LEVELS[level],
    reporters: [
      {
        log: ({ type, args, date }) => {
          const line = {
            time: date.toISOString(),
            level: type,
            message: args.map(String).join(" "),
          };
          output.write(`${JSON.stringify(line)}\n`);
        },
      },
    ],
  });
}
