/** The options of CREATE TASK and ALTER TASK. Source: docs.snowflake.com/en/sql-reference/sql/create-task. */

import { compilationError, invalidParameterValue, unsupported } from "../engine/errors.ts";
import { defaultParameters, type ParameterValue, withParameter } from "../engine/parameters.ts";
import {
  COMPUTE_OPTIONS,
  type ComputeOption,
  TASK_NUMBERS,
  type TaskDefinition,
  type TaskNumber,
} from "../engine/tasks/task-entry.ts";
import { readTaskSchedule } from "../engine/tasks/task-schedule.ts";
import type { TokenReader } from "../translate/tokens.ts";

export const EMPTY_TASK: TaskDefinition = {
  warehouse: null,
  compute: {},
  schedule: null,
  numbers: {},
  parameters: {},
  comment: "",
  condition: null,
  body: "",
};

/** What a real account knows and this one does not; nothing of it is left out in silence. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  "CONFIG",
  "ERROR_INTEGRATION",
  "SUCCESS_INTEGRATION",
  "LOG_LEVEL",
  "FINALIZE",
  "AFTER",
  "WITH",
  "TAG",
  "CONTACT",
  "EXECUTE",
  "CLONE",
]);
/** Words of an option whose only value here is that of one run at a time. */
const ONE_AT_A_TIME: Readonly<Record<string, string>> = {
  ALLOW_OVERLAPPING_EXECUTION: "FALSE",
  OVERLAP_POLICY: "NO_OVERLAP",
};

const SIZE = /^X*(?:SMALL|MEDIUM|LARGE)$|^X(?:2|3)LARGE$/;

/** The definition with one more `NAME = value`. Throws EngineError naming an option that is not kept here. */
export function readTaskOption(reader: TokenReader, task: TaskDefinition): TaskDefinition {
  const name = reader.name();
  if (UNSUPPORTED.has(name)) throw unsupported(`TASK ${name}`);
  reader.expect("=");
  if (name === "WAREHOUSE") return { ...task, warehouse: readWarehouse(reader) };
  const value = readValue(reader);
  if (name === "SCHEDULE") {
    readTaskSchedule(String(value));
    return { ...task, schedule: String(value) };
  }
  if (name === "COMMENT") return { ...task, comment: String(value) };
  if (name in ONE_AT_A_TIME) return requireOneAtATime(name, value, task);
  if (isCompute(name))
    return { ...task, compute: { ...task.compute, [name]: readCompute(name, value) } };
  if (isNumber(name))
    return { ...task, numbers: { ...task.numbers, [name]: readNumber(name, value) } };
  return { ...task, parameters: { ...task.parameters, ...readParameter(name, value) } };
}

/** The definition with an option as if it had never been given. */
export function unsetTaskOption(name: string, task: TaskDefinition): TaskDefinition {
  if (UNSUPPORTED.has(name)) throw unsupported(`TASK ${name}`);
  if (name === "WAREHOUSE") return { ...task, warehouse: null };
  if (name === "SCHEDULE") return { ...task, schedule: null };
  if (name === "COMMENT") return { ...task, comment: "" };
  if (name in ONE_AT_A_TIME) return task;
  if (isCompute(name)) return { ...task, compute: without(task.compute, name) };
  if (isNumber(name)) return { ...task, numbers: without(task.numbers, name) };
  if (name in task.parameters) return { ...task, parameters: without(task.parameters, name) };
  withParameter(defaultParameters(), name, "");
  return task;
}

function without<Value extends object>(options: Value, name: string): Value {
  const rest = { ...options };
  Reflect.deleteProperty(rest, name);
  return rest;
}

function readWarehouse(reader: TokenReader): string {
  return reader.peek()?.kind === "string" ? reader.string().toUpperCase() : reader.name();
}

function readValue(reader: TokenReader): ParameterValue {
  const sign = reader.take("-") ? "-" : "";
  const token = reader.next();
  if (token.kind === "string") return token.value;
  if (token.kind === "number") return Number(sign + token.value);
  if (token.kind !== "word") throw reader.unexpected();
  return token.value;
}

function requireOneAtATime(
  name: string,
  value: ParameterValue,
  task: TaskDefinition,
): TaskDefinition {
  if (String(value).toUpperCase() === ONE_AT_A_TIME[name]) return task;
  throw unsupported(`TASK ${name} = ${value}`);
}

function isCompute(name: string): name is ComputeOption {
  return COMPUTE_OPTIONS.some((option) => option === name);
}

function readCompute(name: ComputeOption, value: ParameterValue): string {
  const text = String(value);
  if (name === "TARGET_COMPLETION_INTERVAL") {
    if (readTaskSchedule(text).kind !== "interval") throw invalidParameterValue(text, name);
    return text;
  }
  const size = text.toUpperCase().replaceAll("-", "");
  if (!SIZE.test(size)) throw invalidParameterValue(text, name);
  return size;
}

function isNumber(name: string): name is TaskNumber {
  return Object.hasOwn(TASK_NUMBERS, name);
}

function readNumber(name: TaskNumber, value: ParameterValue): number {
  const { least, most } = TASK_NUMBERS[name];
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most)
    throw invalidParameterValue(String(value), name);
  return number;
}

/** A session parameter of the runs. Throws EngineError 001008 for one that there is not. */
function readParameter(name: string, value: ParameterValue): Record<string, ParameterValue> {
  if (name === "AUTOCOMMIT") throw compilationError("AUTOCOMMIT cannot be set for a task");
  withParameter(defaultParameters(), name, value);
  return { [name]: value };
}
