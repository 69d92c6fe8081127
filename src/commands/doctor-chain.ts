import type { Config } from "../config.ts";
import { type Chain, type ChainTask, FUNCTION, PROCEDURES, STREAM } from "../snowflake/chain.ts";
import type { Finding } from "./findings.ts";

const SETUP = "run report-service setup";

/** Who looks at the chain, and at which. */
export interface Onlooker {
  /** Of the session. */
  readonly role: string;
  readonly names: Pick<Config["setupNames"], "role" | "workerRole" | "taskRole">;
  /** The local Snowflake, where the service itself makes the function when it starts. */
  readonly isLocal: boolean;
}

/** What is right and wrong with the chain, each with the statement that mends it. */
export function judgeChain(chain: Chain, onlooker: Onlooker): Finding[] {
  return [
    judgeStream(chain, onlooker),
    judgeProcedures(chain, onlooker),
    judgeFunction(chain, onlooker),
    ...chain.tasks.map((task) => judgeTask(chain.schema, task, onlooker)),
  ];
}

/**
 * SHOW lists what a role has a privilege on. The worker's has one on the tasks and, on purpose, on nothing else of the
 * chain, so that what it does not see there says nothing.
 */
function judgeUnseen(
  check: string,
  what: string,
  { role, names }: Onlooker,
  missing: { readonly text: string; readonly advice: string },
): Finding {
  if (check !== "task" && role.toUpperCase() === names.workerRole.toUpperCase()) {
    const text = `not checked: ${what} not visible to ${role}; run doctor as ${names.role}`;
    return { check, isOk: true, text, advice: null };
  }
  const advice = `${missing.advice}; or, if it is there, run doctor with a role that sees it, such as ${names.role}`;
  return { check, isOk: false, text: missing.text, advice };
}

function judgeStream({ schema, stream }: Chain, onlooker: Onlooker): Finding {
  const check = "stream";
  if (stream === null) {
    const text = `${STREAM} is missing, or may not be seen: new reports wait for REPORT_SAFETY_TASK`;
    return judgeUnseen(check, `${STREAM} is`, onlooker, { text, advice: SETUP });
  }
  if (!stream.isStale) {
    const until =
      stream.staleAfter === null ? "" : `, stale after ${stream.staleAfter} UTC unless it is read`;
    return { check, isOk: true, text: `${STREAM}${until}`, advice: null };
  }
  return {
    check,
    isOk: false,
    text: `${STREAM} is stale: it cannot be read any more. No report is lost, for REPORT_CONFIG has them all; REPORT_SAFETY_TASK wakes a worker for them every 30 minutes`,
    advice: `CREATE OR REPLACE STREAM ${schema}.${STREAM} COPY GRANTS ON TABLE ${schema}.REPORT_CONFIG APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE; then ${SETUP}`,
  };
}

function judgeProcedures({ procedures }: Chain, onlooker: Onlooker): Finding {
  const missing = PROCEDURES.filter((name) => !procedures.includes(name));
  const check = "procedures";
  if (missing.length === 0) {
    return { check, isOk: true, text: PROCEDURES.join(", "), advice: null };
  }
  const names = missing.join(", ");
  const text = `${names} missing, or may not be seen`;
  return judgeUnseen(check, `${names} are`, onlooker, { text, advice: SETUP });
}

function judgeFunction({ hasFunction }: Chain, onlooker: Onlooker): Finding {
  const check = "function";
  if (hasFunction) return { check, isOk: true, text: FUNCTION, advice: null };
  if (onlooker.isLocal) {
    const text = `${FUNCTION} is made by report-service worker`;
    return { check, isOk: true, text, advice: null };
  }
  return judgeUnseen(check, `${FUNCTION} is`, onlooker, {
    text: `${FUNCTION} is missing, or may not be seen: nothing wakes a worker but its polling`,
    advice: "run snowflake/run_after_deploy.sql, which the deploy writes",
  });
}

function judgeTask(schema: string, task: ChainTask, onlooker: Onlooker): Finding {
  const { name, state, lastRun, lastFailure } = task;
  const check = "task";
  if (state === null) {
    const text = `${name} is missing, or may not be seen`;
    return judgeUnseen(check, `${name} is`, onlooker, { text, advice: SETUP });
  }
  const failed =
    lastFailure === null ? "" : `; failed at ${lastFailure.at} UTC: ${oneLine(lastFailure.error)}`;
  if (state === "suspended") {
    const because = task.suspendedBecause === null ? "" : ` (${task.suspendedBecause})`;
    const { names } = onlooker;
    const advice = `ALTER TASK ${schema}.${name} RESUME; as ${names.role}, or another role that has ${names.taskRole}, which owns it`;
    return { check, isOk: false, text: `${name} is suspended${because}${failed}`, advice };
  }
  if (lastRun !== null && lastRun === lastFailure) {
    const advice = "mend that; its next run tries again, and nothing is lost until then";
    return { check, isOk: false, text: `${name}${failed}`, advice };
  }
  const ran = lastRun === null ? "has not run yet" : `ran at ${lastRun.at} UTC`;
  return { check, isOk: true, text: `${name} ${ran}`, advice: null };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
