/** A task as the catalog keeps it. */

import type { ParameterValue } from "../parameters.ts";

export const TASK_NUMBERS = {
  SUSPEND_TASK_AFTER_NUM_FAILURES: { default: 10, least: 0, most: 2 ** 31 - 1 },
  TASK_AUTO_RETRY_ATTEMPTS: { default: 0, least: 0, most: 30 },
  USER_TASK_TIMEOUT_MS: { default: 3_600_000, least: 0, most: 604_800_000 },
  USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS: { default: 30, least: 10, most: 604_800 },
} as const;

export type TaskNumber = keyof typeof TASK_NUMBERS;

export const COMPUTE_OPTIONS = [
  "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE",
  "TARGET_COMPLETION_INTERVAL",
  "SERVERLESS_TASK_MIN_STATEMENT_SIZE",
  "SERVERLESS_TASK_MAX_STATEMENT_SIZE",
] as const;

export type ComputeOption = (typeof COMPUTE_OPTIONS)[number];

/** What CREATE TASK says, and ALTER TASK changes. */
export interface TaskDefinition {
  readonly warehouse: string | null;
  /** Kept and shown: there are no machines here to be sized. Only those that were set. */
  readonly compute: Readonly<Partial<Record<ComputeOption, string>>>;
  /** As written: "2 MINUTES", "USING CRON 0 9 * * * UTC"; null for a task that its stream triggers. */
  readonly schedule: string | null;
  /** Only those that were set. */
  readonly numbers: Readonly<Partial<Record<TaskNumber, number>>>;
  /** Session parameters of its runs. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly comment: string;
  /** Snowflake's SQL of WHEN. */
  readonly condition: string | null;
  /** The statement that it runs. */
  readonly body: string;
}

/** Source: docs.snowflake.com/en/sql-reference/sql/show-tasks. */
export type SuspendedReason = "USER_SUSPENDED" | "SUSPENDED_DUE_TO_ERRORS" | "GRANT_OWNERSHIP";

export interface TaskEntry extends TaskDefinition {
  readonly kind: "task";
  readonly id: string;
  readonly path: readonly [string, string, string];
  readonly createdAtMs: number;
  readonly owner: string;
  /** Since when it is started, which is where a schedule of minutes counts from; null while it is suspended. */
  readonly resumedAtMs: number | null;
  /** When its definition was last started with, or null. */
  readonly committedAtMs: number | null;
  readonly suspendedAtMs: number | null;
  readonly suspendedReason: SuspendedReason | null;
  /** Failed runs since the last one that succeeded. */
  readonly failureCount: number;
}

export function taskNumber(task: TaskDefinition, name: TaskNumber): number {
  return task.numbers[name] ?? TASK_NUMBERS[name].default;
}

export function isStarted(task: TaskEntry): boolean {
  return task.resumedAtMs !== null;
}
