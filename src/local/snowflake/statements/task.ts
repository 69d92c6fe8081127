/** CREATE TASK, ALTER TASK, EXECUTE TASK. */

import { completePath, fullName } from "../engine/catalog.ts";
import { EngineError, type EngineResult } from "../engine.ts";
import { alreadyExists, compilationError, doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { taskLock } from "../engine/tasks/task-change.ts";
import { checkCondition, readsStream } from "../engine/tasks/task-condition.ts";
import { isStarted, type TaskDefinition, type TaskEntry } from "../engine/tasks/task-entry.ts";
import { requireOwnerPrivileges } from "../engine/tasks/task-owner.ts";
import { contextOf, namesOf } from "../translate/context.ts";
import { TokenReader } from "../translate/tokens.ts";
import { changeCatalog, exists } from "./ddl.ts";
import { EMPTY_TASK, readTaskOption, unsetTaskOption } from "./task-options.ts";

const DONE = "Statement executed successfully.";

/** CREATE [OR REPLACE | OR ALTER] TASK [IF NOT EXISTS] name options [WHEN condition] AS statement. */
export async function createTask(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("CREATE");
  const orReplace = reader.take("OR", "REPLACE");
  const orAlter = !orReplace && reader.take("OR", "ALTER");
  reader.expect("TASK");
  const ifNotExists = reader.take("IF", "NOT", "EXISTS");
  const path = completePath(reader.path(), namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const existing = catalog.task(path);
  if (existing !== undefined && ifNotExists) return exists(path[2]);
  if (existing !== undefined && !orReplace && !orAlter) throw alreadyExists(fullName(path));
  const definition = readDefinition(reader, execution);
  if (existing !== undefined && orAlter)
    return await redefine(existing, () => definition, execution);
  const now = execution.server.tasks.now();
  const owner = execution.state.role ?? "";
  const entry = { ...newTask(path, definition), createdAtMs: now, owner };
  await changeCatalog(execution, [taskLock(path)], () => ({ put: [entry] }));
  return statusResult(`Task ${path[2]} successfully created.`);
}

function newTask(path: TaskEntry["path"], definition: TaskDefinition): TaskEntry {
  return {
    kind: "task",
    id: crypto.randomUUID(),
    path,
    createdAtMs: 0,
    owner: "",
    resumedAtMs: null,
    committedAtMs: null,
    suspendedAtMs: null,
    suspendedReason: null,
    failureCount: 0,
    ...definition,
  };
}

function readDefinition(reader: TokenReader, execution: Execution): TaskDefinition {
  let definition = EMPTY_TASK;
  while (!reader.at("AS") && !reader.at("WHEN")) {
    if (reader.done) throw reader.unexpected();
    if (!reader.take("COPY", "GRANTS")) definition = readTaskOption(reader, definition);
    reader.take(",");
  }
  if (reader.take("WHEN")) {
    const condition = reader.textUntil((token) => token.kind === "word" && token.value === "AS");
    if (condition === "") throw reader.unexpected();
    definition = { ...definition, condition };
  }
  reader.expect("AS");
  const body = reader.rest();
  if (body === "") throw reader.unexpected();
  const complete = { ...definition, body };
  checkDefinition(complete, execution);
  return complete;
}

/** Warehouses that nobody has to make. */
const IMPLICIT_WAREHOUSE = "COMPUTE_WH";

function checkDefinition(task: TaskDefinition, execution: Execution): void {
  const { warehouse, condition, compute } = task;
  const isKnown =
    warehouse === null ||
    warehouse === IMPLICIT_WAREHOUSE ||
    execution.server.storage.catalog.container("warehouse", [warehouse]) !== undefined;
  if (!isKnown) throw doesNotExist("Warehouse", fullName([warehouse]));
  if (condition !== null) checkCondition(condition, contextOf(execution));
  const [size] = Object.keys(compute);
  if (warehouse !== null && size !== undefined)
    throw compilationError(`WAREHOUSE and ${size} cannot both be set for a task`);
  const isTriggered = task.schedule === null && readsStream(condition);
  if (isTriggered && warehouse === null && compute.TARGET_COMPLETION_INTERVAL === undefined)
    throw compilationError("A triggered task needs a WAREHOUSE or TARGET_COMPLETION_INTERVAL");
}

/** ALTER TASK [IF EXISTS] name RESUME | SUSPEND | SET ... | UNSET ... | MODIFY AS | MODIFY WHEN | REMOVE WHEN. */
export async function alterTask(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("ALTER", "TASK");
  const isOptional = reader.take("IF", "EXISTS");
  const path = completePath(reader.path(), namesOf(execution));
  const task = execution.server.storage.catalog.task(path);
  if (task === undefined) {
    if (isOptional) return statusResult(DONE);
    throw doesNotExist("Task", fullName(path));
  }
  if (reader.take("RESUME")) return await resume(task, reader, execution);
  if (reader.take("SUSPEND")) return await suspend(task, reader, execution);
  const edit = readEdit(reader);
  return await redefine(
    task,
    (current) => {
      const definition = edit(current);
      checkDefinition(definition, execution);
      return definition;
    },
    execution,
  );
}

type Edit = (task: TaskDefinition) => TaskDefinition;

function readEdit(reader: TokenReader): Edit {
  if (reader.take("MODIFY", "AS")) {
    const body = reader.rest();
    if (body === "") throw reader.unexpected();
    return (task) => ({ ...task, body });
  }
  if (reader.take("MODIFY", "WHEN")) {
    const condition = reader.rest();
    return (task) => ({ ...task, condition });
  }
  if (reader.take("REMOVE", "WHEN")) {
    reader.expectEnd();
    return (task) => ({ ...task, condition: null });
  }
  if (reader.take("SET")) return readSet(reader);
  if (reader.take("UNSET")) return readUnset(reader);
  throw unsupported(`ALTER TASK ${reader.peek()?.value ?? ""}`.trim());
}

/** The text is read again for the task as it is when its turn has come. */
function readSet(reader: TokenReader): Edit {
  const text = reader.rest();
  const edit: Edit = (task) => {
    const options = new TokenReader(text);
    let changed = task;
    do {
      changed = readTaskOption(options, changed);
      options.take(",");
    } while (!options.done);
    return changed;
  };
  edit(EMPTY_TASK);
  return edit;
}

function readUnset(reader: TokenReader): Edit {
  const names: string[] = [];
  do {
    names.push(reader.name());
    reader.take(",");
  } while (!reader.done);
  return (task) => names.reduce((changed, name) => unsetTaskOption(name, changed), task);
}

/** Throws EngineError 091421 for a task that is started. */
async function redefine(
  { path }: TaskEntry,
  edit: (current: TaskEntry) => TaskDefinition,
  execution: Execution,
): Promise<EngineResult> {
  return await change(path, execution, (task) => {
    if (isStarted(task)) throw notSuspended(task);
    return { ...task, ...edit(task) };
  });
}

function notSuspended({ path }: TaskEntry): EngineError {
  return new EngineError(
    "091421",
    "22000",
    `Unable to update graph with root task ${fullName(path)} since that root task is not suspended.`,
  );
}

async function resume(
  { path }: TaskEntry,
  reader: TokenReader,
  execution: Execution,
): Promise<EngineResult> {
  reader.expectEnd();
  return await change(path, execution, (task) => {
    if (isStarted(task)) return task;
    if (task.schedule === null && !readsStream(task.condition))
      throw compilationError(
        `Task ${fullName(path)} cannot be resumed: it has no SCHEDULE, and no WHEN with SYSTEM$STREAM_HAS_DATA.`,
      );
    requireOwnerPrivileges(execution.server, task);
    const now = execution.server.tasks.now();
    return { ...task, resumedAtMs: now, committedAtMs: now, failureCount: 0 };
  });
}

async function suspend(
  { path }: TaskEntry,
  reader: TokenReader,
  execution: Execution,
): Promise<EngineResult> {
  reader.expectEnd();
  const suspendedAtMs = execution.server.tasks.now();
  return await change(path, execution, (task) =>
    isStarted(task)
      ? { ...task, resumedAtMs: null, suspendedAtMs, suspendedReason: "USER_SUSPENDED" }
      : task,
  );
}

async function change(
  path: TaskEntry["path"],
  execution: Execution,
  edit: (task: TaskEntry) => TaskEntry,
): Promise<EngineResult> {
  await changeCatalog(execution, [taskLock(path)], () => {
    const task = execution.server.storage.catalog.task(path);
    if (task === undefined) throw doesNotExist("Task", fullName(path));
    const edited = edit(task);
    return edited === task ? {} : { put: [edited] };
  });
  return statusResult(DONE);
}

/** EXECUTE TASK name: it runs soon, whether it is started or not; the statement does not wait for it. */
export function executeTask(execution: Execution): EngineResult {
  const reader = new TokenReader(execution.sql);
  reader.expect("EXECUTE", "TASK");
  const path = completePath(reader.path(), namesOf(execution));
  if (!reader.done) throw unsupported(`EXECUTE TASK ${reader.rest()}`);
  const task = execution.server.storage.catalog.task(path);
  if (task === undefined) throw doesNotExist("Task", fullName(path));
  requireOwnerPrivileges(execution.server, task);
  execution.server.tasks.execute(task);
  return statusResult(`Task ${path[2]} is scheduled to run immediately.`);
}
