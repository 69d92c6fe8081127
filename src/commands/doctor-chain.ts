import { type Chain, type ChainTask, FUNCTION, PROCEDURES, STREAM } from "../snowflake/chain.ts";
import type { Finding } from "./findings.ts";

const SETUP = "run report-service setup";
/** SHOW lists what a role has a privilege on, and the worker's has none on most of the chain. */
const SETUP_OR_ROLE = `${SETUP}; or, if it is there, run doctor with a role that sees it, such as CORTEX_USER_ROLE`;

/**
 * What is right and wrong with the chain, each with the statement that mends it. `isLocal`: the local Snowflake, where the
 * service itself makes the function when it starts.
 */
export function judgeChain(chain: Chain, isLocal: boolean): Finding[] {
  return [
    judgeStream(chain),
    judgeProcedures(chain),
    judgeFunction(chain, isLocal),
    ...chain.tasks.map((task) => judgeTask(chain.schema, task)),
  ];
}

function judgeStream({ schema, stream }: Chain): Finding {
  const check = "stream";
  if (stream === null) {
    const text = `${STREAM} is missing, or may not be seen: new reports wait for REPORT_SAFETY_TASK`;
    return { check, isOk: false, text, advice: SETUP_OR_ROLE };
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

function judgeProcedures({ procedures }: Chain): Finding {
  const missing = PROCEDURES.filter((name) => !procedures.includes(name));
  const check = "procedures";
  return missing.length === 0
    ? { check, isOk: true, text: PROCEDURES.join(", "), advice: null }
    : {
        check,
        isOk: false,
        text: `${missing.join(", ")} missing, or may not be seen`,
        advice: SETUP_OR_ROLE,
      };
}

function judgeFunction({ hasFunction }: Chain, isLocal: boolean): Finding {
  const check = "function";
  if (hasFunction) return { check, isOk: true, text: FUNCTION, advice: null };
  if (isLocal) {
    return {
      check,
      isOk: true,
      text: `${FUNCTION} is made by report-service worker`,
      advice: null,
    };
  }
  return {
    check,
    isOk: false,
    text: `${FUNCTION} is missing, or may not be seen: nothing wakes a worker but its polling`,
    advice:
      "run snowflake/run_after_deploy.sql, which the deploy writes; or, if it is there, run doctor with a role that sees it",
  };
}

function judgeTask(schema: string, task: ChainTask): Finding {
  const { name, state, lastRun, lastFailure } = task;
  const check = "task";
  if (state === null) {
    return {
      check,
      isOk: false,
      text: `${name} is missing, or may not be seen`,
      advice: SETUP_OR_ROLE,
    };
  }
  const failed =
    lastFailure === null ? "" : `; failed at ${lastFailure.at} UTC: ${oneLine(lastFailure.error)}`;
  if (state === "suspended") {
    const because = task.suspendedBecause === null ? "" : ` (${task.suspendedBecause})`;
    const advice = `ALTER TASK ${schema}.${name} RESUME;`;
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
