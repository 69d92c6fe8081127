/** SHOW TASKS and DESCRIBE TASK. Source: docs.snowflake.com/en/sql-reference/sql/show-tasks. */

import { completePath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { doesNotExist } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { isStarted, type TaskEntry } from "../engine/tasks/task-entry.ts";
import { namesOf } from "../translate/context.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { answerColumns, type Column, readScope, seconds, visible } from "./show-scope.ts";

const COLUMNS: readonly Column<TaskEntry>[] = [
  ["created_on", true, (task) => seconds(task.createdAtMs)],
  ["name", false, (task) => task.path[2]],
  ["id", false, (task) => task.id],
  ["database_name", false, (task) => task.path[0]],
  ["schema_name", false, (task) => task.path[1]],
  ["owner", false, (task) => task.owner],
  ["comment", false, (task) => task.comment],
  ["warehouse", false, (task) => task.warehouse],
  ["schedule", false, (task) => task.schedule],
  ["predecessors", false, () => "[]"],
  ["state", false, (task) => (isStarted(task) ? "started" : "suspended")],
  ["definition", false, (task) => task.body],
  ["condition", false, (task) => task.condition],
  ["allow_overlapping_execution", false, () => "false"],
  ["error_integration", false, () => "null"],
  ["last_committed_on", true, (task) => timeOrNull(task.committedAtMs)],
  ["last_suspended_on", true, (task) => timeOrNull(task.suspendedAtMs)],
  ["owner_role_type", false, () => "ROLE"],
  ["config", false, () => null],
  ["budget", false, () => null],
  ["task_relations", false, () => '{"Predecessors":[]}'],
  ["last_suspended_reason", false, (task) => task.suspendedReason],
  ["success_integration", false, () => "null"],
  ["scheduling_mode", false, ({ warehouse, schedule }) => schedulingMode(warehouse, schedule)],
  [
    "target_completion_interval",
    false,
    ({ compute }) => compute.TARGET_COMPLETION_INTERVAL ?? null,
  ],
];

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : seconds(ms);
}

/** Serverless tasks alone have one. */
function schedulingMode(warehouse: string | null, schedule: string | null): string | null {
  if (warehouse !== null) return null;
  return schedule === null ? "FLEXIBLE" : "FIXED";
}

export function showTasks(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  return answerColumns(
    COLUMNS,
    visible(execution.server.storage.catalog.listTasks(), scope, execution),
  );
}

export function describeTask(reader: TokenReader, execution: Execution): EngineResult {
  const path = completePath(reader.path(), namesOf(execution));
  reader.expectEnd();
  const task = execution.server.storage.catalog.task(path);
  if (task === undefined) throw doesNotExist("Task", fullName(path));
  return answerColumns(COLUMNS, [task]);
}
