import type { ConsolaInstance } from "consola";
import type { TaskRun } from "../local/snowflake/server.ts";

/**
 * Tells the person at a local Snowflake what its tasks run into: each problem once until it changes, and its end.
 * Nothing while all is well.
 */
export function noticeTasks(
  log: Pick<ConsolaInstance, "info" | "warn" | "error">,
): (run: Readonly<TaskRun>) => void {
  const problems = new Map<string, string>();
  return ({ DATABASE_NAME, SCHEMA_NAME, NAME, STATE, ERROR_MESSAGE }) => {
    if (STATE === "SUCCEEDED") {
      if (problems.delete(NAME)) log.info(`task ${NAME} succeeds again`);
      return;
    }
    if (STATE !== "FAILED" && STATE !== "FAILED_AND_AUTO_SUSPENDED") return;
    const text = oneLine(ERROR_MESSAGE ?? "");
    const problem = `${STATE} ${text.replaceAll(QUERY_ID, "")}`;
    if (problems.get(NAME) === problem) return;
    problems.set(NAME, problem);
    if (STATE === "FAILED") {
      log.warn(`task ${NAME} failed: ${text}; nothing is lost, its next run tries again`);
      return;
    }
    const resume = `ALTER TASK ${DATABASE_NAME}.${SCHEMA_NAME}.${NAME} RESUME;`;
    log.error(`task ${NAME} failed too often and is suspended: ${text}; go on with ${resume}`);
  };
}

/** Differs in each run, whatever the problem. */
const QUERY_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{9,}[:\d]*/g;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
