import { messageOf } from "../report/errors.ts";

/** What the function asks of AWS, for whoever has to mend it. */
export interface FunctionCall {
  /** The permission that it needs, such as "ecs:UpdateService". */
  readonly action: string;
  /** What it is done to. */
  readonly on: string;
  /** What is wrong, by the error's name. */
  readonly advice?: Readonly<Record<string, string>>;
}

const DENIED: ReadonlySet<string> = new Set(["AccessDenied", "AccessDeniedException"]);

/** Makes an Error of one line that names the resource, and the permission when that is what is missing. */
export function explainCall({ action, on, advice }: FunctionCall, thrown: unknown): Error {
  const name = thrown instanceof Error ? thrown.name : "";
  const denied = DENIED.has(name) ? `the function's role lacks ${action} on it` : undefined;
  const why = denied ?? advice?.[name] ?? messageOf(thrown).replace(/\s+/g, " ");
  return new Error(`${action} on ${on}: ${why}`, { cause: thrown });
}
