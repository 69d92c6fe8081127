import { type ArgsDef, parseArgs } from "citty";
import { ReportError } from "../report/errors.ts";

/**
 * citty passes over what a command does not know, so that a slip (`--recipient`) would ask for something else than was
 * meant. Throws ReportError `invalid_report` for it, and citty's own error for what is missing.
 */
export function refuseUnknown(command: string, rawArgs: readonly string[], known: ArgsDef): void {
  const parsed = parseArgs([...rawArgs], known);
  // citty gives "as-of-then" as "asOfThen", too.
  const names = new Set(Object.keys(known).flatMap((name) => [name, camelCase(name)]));
  const option = Object.keys(parsed).find((name) => name !== "_" && !names.has(name));
  if (option !== undefined) {
    const dashes = option.length === 1 ? "-" : "--";
    throw new ReportError("invalid_report", `${command} has no ${dashes}${option} (see --help)`);
  }
  const places = Object.values(known).filter(({ type }) => type === "positional").length;
  const extra = parsed._[places];
  if (extra === undefined) return;
  throw new ReportError("invalid_report", `${command} has no place for "${extra}" (see --help)`);
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
