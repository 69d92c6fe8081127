/** A change of a task that no statement asks for: its failures counted, its suspension. */

import { fullName } from "../catalog.ts";
import { newTransaction, type Server } from "../execution.ts";
import { writeEntries } from "../storage.ts";
import type { TaskEntry } from "./task-entry.ts";

/** What is locked to change a task; no table has such a name. */
export function taskLock(path: readonly string[]): readonly string[] {
  return ["@TASK", ...path];
}

const LOCK_TIMEOUT_MS = 60_000;

/**
 * Replaces the task by what `change` makes of it, in the catalog and in the file. A task that was dropped, suspended
 * or replaced since `task` was read is left alone.
 */
export async function changeTask(
  server: Server,
  task: TaskEntry,
  change: (current: TaskEntry) => TaskEntry,
): Promise<void> {
  const transaction = newTransaction(server, false);
  try {
    await server.locks.acquire({
      resource: fullName(taskLock(task.path)),
      owner: transaction,
      queryId: task.id,
      timeoutMs: LOCK_TIMEOUT_MS,
      signal: new AbortController().signal,
    });
    const { catalog } = server.storage;
    const current = catalog.task(task.path);
    const isSame = current?.id === task.id && current.resumedAtMs === task.resumedAtMs;
    const changed = isSame ? change(current) : undefined;
    if (changed !== undefined) {
      const connection = await transaction.begin("UTC");
      for (const sql of writeEntries([changed], [])) await connection.run(sql);
    }
    await transaction.commit();
    if (changed !== undefined) catalog.put(changed);
  } catch (error) {
    await transaction.rollback();
    throw error;
  }
}
