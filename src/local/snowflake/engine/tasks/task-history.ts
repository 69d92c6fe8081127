/**
 * INFORMATION_SCHEMA.TASK_HISTORY: the last runs of tasks, kept in memory, and the next one of each.
 * Source: docs.snowflake.com/en/sql-reference/functions/task_history.
 */

import { selectJson } from "../history.ts";
import type { TaskEntry } from "./task-entry.ts";

export type TaskRunState =
  | "SCHEDULED"
  | "EXECUTING"
  | "SUCCEEDED"
  | "FAILED"
  | "FAILED_AND_AUTO_SUSPENDED"
  | "CANCELLED"
  | "SKIPPED";

/** How a run came about: by its schedule, by its stream, or by EXECUTE TASK. */
export type ScheduledFrom = "SCHEDULE" | "TRIGGER" | "EXECUTE TASK";

export interface TaskRun {
  QUERY_ID: string | null;
  readonly NAME: string;
  readonly DATABASE_NAME: string;
  readonly SCHEMA_NAME: string;
  readonly QUERY_TEXT: string;
  readonly CONDITION_TEXT: string | null;
  STATE: TaskRunState;
  ERROR_CODE: string | null;
  ERROR_MESSAGE: string | null;
  readonly SCHEDULED_TIME: string;
  QUERY_START_TIME: string | null;
  readonly NEXT_SCHEDULED_TIME: string | null;
  COMPLETED_TIME: string | null;
  readonly ROOT_TASK_ID: string;
  readonly RUN_ID: number;
  readonly RETURN_VALUE: null;
  readonly SCHEDULED_FROM: ScheduledFrom;
  readonly ATTEMPT_NUMBER: number;
}

const RUNS_MAX = 10_000;

const COLUMNS = {
  QUERY_ID: "VARCHAR",
  NAME: "VARCHAR",
  DATABASE_NAME: "VARCHAR",
  SCHEMA_NAME: "VARCHAR",
  QUERY_TEXT: "VARCHAR",
  CONDITION_TEXT: "VARCHAR",
  STATE: "VARCHAR",
  ERROR_CODE: "VARCHAR",
  ERROR_MESSAGE: "VARCHAR",
  SCHEDULED_TIME: "TIMESTAMPTZ",
  QUERY_START_TIME: "TIMESTAMPTZ",
  NEXT_SCHEDULED_TIME: "TIMESTAMPTZ",
  COMPLETED_TIME: "TIMESTAMPTZ",
  ROOT_TASK_ID: "VARCHAR",
  RUN_ID: "DECIMAL(38,0)",
  RETURN_VALUE: "VARCHAR",
  SCHEDULED_FROM: "VARCHAR",
  ATTEMPT_NUMBER: "DECIMAL(38,0)",
} as const satisfies Record<keyof TaskRun, string>;

export interface PlannedRun {
  readonly task: TaskEntry;
  readonly scheduledAtMs: number;
  readonly from: ScheduledFrom;
}

export function newTaskRun(
  { task, scheduledAtMs, from }: PlannedRun,
  attempt: number,
  nextAtMs: number | null,
): TaskRun {
  const [database, schema, name] = task.path;
  return {
    QUERY_ID: null,
    NAME: name,
    DATABASE_NAME: database,
    SCHEMA_NAME: schema,
    QUERY_TEXT: task.body,
    CONDITION_TEXT: task.condition,
    STATE: "SCHEDULED",
    ERROR_CODE: null,
    ERROR_MESSAGE: null,
    SCHEDULED_TIME: timeText(scheduledAtMs),
    QUERY_START_TIME: null,
    NEXT_SCHEDULED_TIME: nextAtMs === null ? null : timeText(nextAtMs),
    COMPLETED_TIME: null,
    ROOT_TASK_ID: task.id,
    RUN_ID: Math.round(scheduledAtMs),
    RETURN_VALUE: null,
    SCHEDULED_FROM: from,
    ATTEMPT_NUMBER: attempt,
  };
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

export class TaskHistory {
  private runs: TaskRun[] = [];

  add(run: TaskRun): void {
    this.runs.push(run);
    if (this.runs.length > RUNS_MAX * 1.1) this.runs = this.runs.slice(-RUNS_MAX);
  }

  /** DuckDB's SELECT of the runs that may be seen, and of those that are planned. */
  select(planned: readonly TaskRun[], isShown: (run: TaskRun) => boolean): string {
    return selectJson([...planned, ...this.runs.slice(-RUNS_MAX)].filter(isShown), COLUMNS);
  }
}
