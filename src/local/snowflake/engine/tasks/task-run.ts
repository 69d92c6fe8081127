/** One run of a task: its condition, its attempts, and what they leave in the history. */

import type { EngineSession, SessionContext, Statement } from "../../engine.ts";
import { EngineError } from "../../engine.ts";
import { newQueryId } from "../../wire/query-id.ts";
import { fullName } from "../catalog.ts";
import { asEngineError, cancelled, timedOut } from "../errors.ts";
import type { Server } from "../execution.ts";
import { defaultParameters, type Parameters, withStatementParameters } from "../parameters.ts";
import type { TaskClock } from "./clock.ts";
import { holds } from "./task-condition.ts";
import { requireOwnerPrivileges } from "./task-owner.ts";
import { taskNumber, type TaskEntry } from "./task-entry.ts";
import {
  newTaskRun,
  type PlannedRun,
  type TaskHistory,
  timeText,
  type TaskRun,
} from "./task-history.ts";

export type OpenTaskSession = (
  context: SessionContext,
  parameters: Parameters,
) => Promise<EngineSession>;

export interface TaskRunner {
  readonly server: Server;
  readonly clock: TaskClock;
  readonly history: TaskHistory;
  readonly openSession: OpenTaskSession;
  /** Aborted when the server ends: what runs is cancelled. */
  readonly signal: AbortSignal;
}

/** "idle": there was nothing to run for, and a stream's task leaves no trace of that. */
export type TaskOutcome = "succeeded" | "failed" | "skipped" | "cancelled" | "idle";

export interface FinishedRun {
  readonly outcome: TaskOutcome;
  /** The last attempt. */
  readonly run: TaskRun | undefined;
}

/** Runs a task to its end; a statement that fails is an outcome, not an error. */
export async function runTask(
  planned: PlannedRun,
  nextAtMs: number | null,
  runner: TaskRunner,
): Promise<FinishedRun> {
  const first = newTaskRun(planned, 1, nextAtMs);
  const condition = await askCondition(planned.task, runner);
  if (condition !== true) return skip(first, condition, planned, runner);
  const attempts = taskNumber(planned.task, "TASK_AUTO_RETRY_ATTEMPTS") + 1;
  for (let attempt = 1; ; attempt++) {
    const run = attempt === 1 ? first : newTaskRun(planned, attempt, nextAtMs);
    const outcome = await runAttempt(planned.task, run, runner);
    if (outcome !== "failed" || attempt === attempts) return { outcome, run };
  }
}

async function askCondition(
  task: TaskEntry,
  { server }: TaskRunner,
): Promise<boolean | EngineError> {
  try {
    return await holds(server, task);
  } catch (thrown) {
    return asEngineError(thrown);
  }
}

/** Source of the code and the sentence: TASK_HISTORY of real accounts. */
const CONDITION_FALSE = new EngineError(
  "0040003",
  "",
  "Conditional expression for task evaluated to false.",
);

function skip(
  run: TaskRun,
  condition: false | EngineError,
  { from }: PlannedRun,
  { clock, history }: TaskRunner,
): FinishedRun {
  if (condition === false && from === "TRIGGER") return { outcome: "idle", run: undefined };
  history.add(run);
  const outcome = condition === false ? "skipped" : "failed";
  finish(run, outcome, condition === false ? CONDITION_FALSE : condition, clock);
  return { outcome, run };
}

async function runAttempt(
  task: TaskEntry,
  run: TaskRun,
  runner: TaskRunner,
): Promise<"succeeded" | "failed" | "cancelled"> {
  const { clock, history, signal } = runner;
  const statement = newStatement(task.body);
  run.QUERY_ID = statement.queryId;
  run.STATE = "EXECUTING";
  run.QUERY_START_TIME = timeText(clock.now());
  history.add(run);
  try {
    requireOwnerPrivileges(runner.server, task);
    await executeBody(task, statement, runner);
    finish(run, "succeeded", undefined, clock);
    return "succeeded";
  } catch (thrown) {
    const outcome = signal.aborted ? "cancelled" : "failed";
    finish(run, outcome, asEngineError(thrown), clock);
    return outcome;
  }
}

async function executeBody(
  task: TaskEntry,
  statement: Statement,
  { clock, openSession, signal }: TaskRunner,
): Promise<void> {
  const session = await openSession(contextOfTask(task), parametersOf(task));
  const stop = (): void => session.cancel(statement.queryId);
  const limit = startTimeout(task, clock, stop);
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) throw cancelled();
    const { batches } = await session.execute(statement);
    // Rows are read to their end: only then is a query done.
    for await (const _rows of batches);
  } catch (thrown) {
    throw limit.isReached() ? timedOut(limit.seconds) : thrown;
  } finally {
    limit.cancel();
    signal.removeEventListener("abort", stop);
    await session.close();
  }
}

function newStatement(sql: string): Statement {
  return { queryId: newQueryId(), sql, binds: {}, parameters: {}, describeOnly: false };
}

/** Snowflake runs tasks as this user, with the owner's privileges. */
function contextOfTask({ path, warehouse, owner }: TaskEntry): SessionContext {
  const role = fullName([owner]);
  return { user: "SYSTEM", role, database: path[0], schema: path[1], warehouse };
}

function parametersOf(task: TaskEntry): Parameters {
  return withStatementParameters(defaultParameters(), task.parameters);
}

/** USER_TASK_TIMEOUT_MS; 0 is none. STATEMENT_TIMEOUT_IN_SECONDS is the statement's own business. */
function startTimeout(
  task: TaskEntry,
  clock: TaskClock,
  stop: () => void,
): { isReached: () => boolean; cancel: () => void; seconds: number } {
  const timeoutMs = taskNumber(task, "USER_TASK_TIMEOUT_MS");
  let isReached = false;
  const reach = async (): Promise<void> => {
    isReached = true;
    stop();
  };
  const cancel = timeoutMs === 0 ? (): void => {} : clock.schedule(timeoutMs, reach);
  return { isReached: () => isReached, cancel, seconds: timeoutMs / 1000 };
}

const STATES = {
  succeeded: "SUCCEEDED",
  failed: "FAILED",
  skipped: "SKIPPED",
  cancelled: "CANCELLED",
} as const;

function finish(
  run: TaskRun,
  outcome: keyof typeof STATES,
  error: EngineError | undefined,
  clock: TaskClock,
): void {
  run.STATE = STATES[outcome];
  run.ERROR_CODE = error?.code ?? null;
  run.ERROR_MESSAGE = error?.message ?? null;
  run.COMPLETED_TIME = timeText(clock.now());
}
