/** What roles may do with tasks: the owner run them, and others see their runs. */

import { type Authority, authorityOfRole, holds } from "../../roles/authority.ts";
import { mayUseWarehouse } from "../../roles/authorize.ts";
import { ACCOUNT, findSecurables, securableOf } from "../../roles/securables.ts";
import { EngineError } from "../../engine.ts";
import type { Server } from "../execution.ts";
import type { TaskEntry } from "./task-entry.ts";
import type { TaskRun } from "./task-history.ts";

/**
 * Asked when a task is resumed or executed, and before each run. Throws EngineError 091089 naming the privilege that the owner
 * is missing.
 */
export function requireOwnerPrivileges(server: Server, task: TaskEntry): void {
  const { catalog } = server.storage;
  const owner = authorityOfRole(catalog, task.owner);
  if (!holds(owner, catalog, ["EXECUTE TASK"], ACCOUNT)) throw missing("EXECUTE TASK privilege");
  if (task.warehouse === null) {
    if (!holds(owner, catalog, ["EXECUTE MANAGED TASK"], ACCOUNT))
      throw missing("EXECUTE MANAGED TASK privilege");
    return;
  }
  const [warehouse] = findSecurables(catalog, "WAREHOUSE", [task.warehouse]);
  if (warehouse === undefined || !mayUseWarehouse(catalog, warehouse, owner))
    throw missing("USAGE privilege on the task's warehouse");
}

/** Which runs TASK_HISTORY shows. Source: docs.snowflake.com/en/sql-reference/functions/task_history (usage notes). */
export function runsShownTo(authority: Authority, { storage }: Server): (run: TaskRun) => boolean {
  const { catalog } = storage;
  if (holds(authority, catalog, ["MONITOR EXECUTION"], ACCOUNT)) return () => true;
  return (run) => {
    const task = catalog.task([run.DATABASE_NAME, run.SCHEMA_NAME, run.NAME]);
    return (
      task !== undefined && holds(authority, catalog, ["MONITOR", "OPERATE"], securableOf(task))
    );
  };
}

/** Source of code and sentence: what real accounts answer. */
function missing(what: string): EngineError {
  const message = `Cannot execute task, ${what} must be granted to owner role`;
  return new EngineError("091089", "23001", message);
}
