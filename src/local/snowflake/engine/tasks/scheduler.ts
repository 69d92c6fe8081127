/** Runs the tasks that are resumed, each when its time comes, one run of a task at a time. */

import { fullName } from "../catalog.ts";
import type { Server } from "../execution.ts";
import { systemClock, type TaskClock } from "./clock.ts";
import { changeTask } from "./task-change.ts";
import { isStarted, taskNumber, type TaskEntry } from "./task-entry.ts";
import { newTaskRun, type PlannedRun, TaskHistory, type TaskRun } from "./task-history.ts";
import {
  type FinishedRun,
  type OpenTaskSession,
  runTask,
  type TaskOutcome,
  type TaskRunner,
} from "./task-run.ts";
import { MINUTE_MS, nextRunMs, readTaskSchedule } from "./task-schedule.ts";

export interface TaskSettings {
  /**
   * How long a minute of a task's schedule lasts, in milliseconds: a schedule of n minutes runs every n ticks, one of
   * n seconds every n / 60, and so do the waits of tasks that a stream triggers. Times of cron, and
   * USER_TASK_TIMEOUT_MS, stay what they are. Default 60,000.
   */
  readonly taskTickMs?: number;
  readonly taskClock?: TaskClock;
  /** Told of each run that has ended, also of one that was skipped; of several attempts, of the last. */
  readonly onTaskEnd?: (run: Readonly<TaskRun>) => void;
}

/** How often the stream of a task without a schedule is looked at. */
const TRIGGER_CHECK_MS = 10_000;

interface Plan {
  readonly planned: PlannedRun;
  readonly cancel: () => void;
}

export class TaskScheduler {
  private readonly history = new TaskHistory();
  private readonly clock: TaskClock;
  private readonly tickMs: number;
  private readonly onTaskEnd: TaskSettings["onTaskEnd"];
  private readonly plans = new Map<string, Plan>();
  /** The last run of each task that has one under way or waiting. */
  private readonly runs = new Map<string, Promise<void>>();
  private readonly lastRunMs = new Map<string, number>();
  private readonly closing = new AbortController();
  private runner: TaskRunner | undefined;

  constructor({ taskTickMs = MINUTE_MS, taskClock = systemClock, onTaskEnd }: TaskSettings) {
    this.tickMs = taskTickMs;
    this.onTaskEnd = onTaskEnd;
    this.clock = taskClock;
  }

  /** Milliseconds since the epoch, as tasks have it. */
  now(): number {
    return this.clock.now();
  }

  /** From here on what the catalog says is resumed runs. */
  start(server: Server, openSession: OpenTaskSession): void {
    const { clock, history } = this;
    this.runner = { server, clock, history, openSession, signal: this.closing.signal };
    this.refresh();
  }

  /** To be called after the catalog has changed: plans the next run of what is resumed, forgets what is not. */
  refresh(): void {
    if (this.runner === undefined || this.closing.signal.aborted) return;
    const started = this.runner.server.storage.catalog.listTasks().filter(isStarted);
    const known = new Map(started.map((task) => [fullName(task.path), task]));
    for (const [name, { planned, cancel }] of this.plans) {
      const task = known.get(name);
      if (task?.id === planned.task.id && task.resumedAtMs === planned.task.resumedAtMs) continue;
      cancel();
      this.plans.delete(name);
    }
    for (const [name, task] of known)
      if (!this.plans.has(name) && !this.runs.has(name)) this.plan(name, task);
  }

  /** EXECUTE TASK: once, as soon as no other run of it is under way. */
  execute(task: TaskEntry): void {
    const planned: PlannedRun = { task, scheduledAtMs: this.now(), from: "EXECUTE TASK" };
    this.clock.schedule(0, () => this.enqueue(planned));
  }

  /** DuckDB's SELECT of TASK_HISTORY, as far as it may be seen. */
  selectHistory(isShown: (run: TaskRun) => boolean): string {
    const next = [...this.plans.values()]
      .filter(({ planned }) => planned.from === "SCHEDULE")
      .map(({ planned }) => newTaskRun(planned, 1, null));
    return this.history.select(next, isShown);
  }

  /** DuckDB's SELECT of the view ACCOUNT_USAGE.TASK_HISTORY: the runs that have ended. */
  selectCompleted(): string {
    return this.history.select([], (run) => run.COMPLETED_TIME !== null);
  }

  /** Cancels what runs and waits for its end. */
  async close(): Promise<void> {
    this.closing.abort();
    for (const { cancel } of this.plans.values()) cancel();
    this.plans.clear();
    await Promise.all(this.runs.values());
  }

  private plan(name: string, task: TaskEntry): void {
    const scheduledAtMs = this.nextRunMs(name, task);
    const from = task.schedule === null ? "TRIGGER" : "SCHEDULE";
    const planned = { task, scheduledAtMs, from } as const;
    const cancel = this.clock.schedule(scheduledAtMs - this.now(), () => this.fire(name, planned));
    this.plans.set(name, { planned, cancel });
  }

  private nextRunMs(name: string, task: TaskEntry): number {
    const now = this.now();
    if (task.schedule !== null)
      return nextRunMs(readTaskSchedule(task.schedule), task.resumedAtMs ?? now, now, this.tickMs);
    const seconds = taskNumber(task, "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS");
    const earliest = (this.lastRunMs.get(name) ?? 0) + this.scaled(seconds * 1000);
    return Math.max(now + this.scaled(TRIGGER_CHECK_MS), earliest);
  }

  private scaled(ms: number): number {
    return Math.max((ms * this.tickMs) / MINUTE_MS, 1);
  }

  private async fire(name: string, planned: PlannedRun): Promise<void> {
    const left = planned.scheduledAtMs - this.now();
    // A timer has a longest delay, and may be early by a part of a millisecond.
    if (left > 0) {
      const cancel = this.clock.schedule(left, () => this.fire(name, planned));
      this.plans.set(name, { planned, cancel });
      return;
    }
    this.plans.delete(name);
    // While a run is under way the times that pass are left out, as Snowflake does; its end plans the next one.
    if (!this.runs.has(name)) await this.enqueue(planned);
  }

  private async enqueue(planned: PlannedRun): Promise<void> {
    const name = fullName(planned.task.path);
    const run = (this.runs.get(name) ?? Promise.resolve()).then(() => this.run(name, planned));
    this.runs.set(name, run);
    try {
      await run;
    } finally {
      if (this.runs.get(name) === run) this.runs.delete(name);
    }
    this.refresh();
  }

  private async run(name: string, { task, scheduledAtMs, from }: PlannedRun): Promise<void> {
    const { runner } = this;
    if (runner === undefined || runner.signal.aborted) return;
    const current = runner.server.storage.catalog.task(task.path);
    if (current?.id !== task.id) return;
    const startedAtMs = this.now();
    const planned = { task: current, scheduledAtMs, from };
    const finished = await runTask(planned, this.followingMs(current, startedAtMs), runner);
    if (finished.outcome !== "idle") this.lastRunMs.set(name, startedAtMs);
    await settle(current, finished, runner);
    if (finished.run !== undefined) this.onTaskEnd?.(finished.run);
  }

  private followingMs(task: TaskEntry, now: number): number | null {
    if (task.schedule === null || task.resumedAtMs === null) return null;
    return nextRunMs(readTaskSchedule(task.schedule), task.resumedAtMs, now, this.tickMs);
  }
}

const COUNTED: ReadonlySet<TaskOutcome> = new Set(["succeeded", "failed"]);

/** A failure counts, a success takes the count back, and the last failure that is allowed suspends the task. */
async function settle(
  task: TaskEntry,
  { outcome, run }: FinishedRun,
  { server, clock }: TaskRunner,
): Promise<void> {
  const isUnchanged = outcome === "succeeded" && task.failureCount === 0;
  if (!isStarted(task) || !COUNTED.has(outcome) || isUnchanged) return;
  await changeTask(server, task, (current) => {
    if (outcome === "succeeded") return { ...current, failureCount: 0 };
    const failureCount = current.failureCount + 1;
    const limit = taskNumber(current, "SUSPEND_TASK_AFTER_NUM_FAILURES");
    if (limit === 0 || failureCount < limit) return { ...current, failureCount };
    if (run !== undefined) run.STATE = "FAILED_AND_AUTO_SUSPENDED";
    return {
      ...current,
      failureCount,
      resumedAtMs: null,
      suspendedAtMs: clock.now(),
      suspendedReason: "SUSPENDED_DUE_TO_ERRORS",
    };
  });
}
