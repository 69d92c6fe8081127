import { asReportError, ReportError } from "../report/errors.ts";
import { type ScriptStatement, splitStatements } from "../report/script.ts";
import type { Connection } from "./connection.ts";
import { readState } from "./object-states.ts";
import { objectOf, type ScriptObject, usedSchema } from "./script-objects.ts";
import type { Script } from "./scripts.ts";

export type ObjectStatus = "created" | "unchanged" | "changed";

/** What the scripts did with one object, however many of their statements name it. */
export interface ObjectChange extends ScriptObject {
  readonly status: ObjectStatus;
  readonly script: string;
  /** 1-based line of the first statement about the object. */
  readonly line: number;
}

/**
 * Runs the scripts in order, statement by statement. Made to be run again: they create what is not there. With `onChange`
 * each object is looked at before the first script and behind the last one that names it, which costs two or more statements
 * an object; it is told of then. Stops at the first error with a ReportError that names the script, the line and the
 * statement, and what was done until then, of which `onChange` has heard.
 */
export async function applyScripts(
  connection: Connection,
  scripts: readonly Script[],
  onChange?: (change: ObjectChange) => void,
): Promise<void> {
  const plans = scripts.map(planScript);
  const watched = onChange === undefined ? [] : await watchObjects(connection, plans);
  for (const [index, plan] of plans.entries()) {
    const run = await runStatements(connection, plan);
    for (const object of watched) {
      const done = await compareObject(connection, object, plan, run);
      if (done !== null) onChange?.(done);
    }
    if (run.error !== null) throw describeStop(run, plans, index);
  }
}

interface PlannedStatement extends ScriptStatement {
  readonly object: ScriptObject | null;
}

interface Plan {
  readonly script: Script;
  readonly statements: readonly PlannedStatement[];
}

interface Run {
  /** What Snowflake answered, by statement, as far as it came. */
  readonly answers: readonly string[];
  readonly error: unknown;
}

function planScript(script: Script): Plan {
  let schema: string | null = null;
  const statements = readScript(script).map((statement) => {
    schema = usedSchema(statement.text) ?? schema;
    return { ...statement, object: objectOf(statement.text, schema) };
  });
  return { script, statements };
}

function readScript(script: Script): ScriptStatement[] {
  try {
    return splitStatements(script.text);
  } catch (error) {
    const { code, message } = asReportError(error);
    throw new ReportError(code, `${script.name}, ${message}`, { cause: error });
  }
}

async function runStatements(connection: Connection, { statements }: Plan): Promise<Run> {
  const answers: string[] = [];
  try {
    for (const { text } of statements) {
      const { rows } = await connection.execute(text);
      answers.push(rows[0]?.["status"] ?? "");
    }
  } catch (error) {
    return { answers, error };
  }
  return { answers, error: null };
}

interface WatchedObject {
  readonly object: ScriptObject;
  readonly script: string;
  readonly line: number;
  readonly lastScript: string;
  readonly before: string | null;
  /** What Snowflake answered to the statements about it. */
  readonly answers: string[];
}

async function watchObjects(
  connection: Connection,
  plans: readonly Plan[],
): Promise<WatchedObject[]> {
  const named = plans.flatMap(({ script, statements }) =>
    statements.flatMap(({ object, line }) =>
      object === null ? [] : [{ object, line, script: script.name }],
    ),
  );
  const watched: WatchedObject[] = [];
  for (const mentions of Map.groupBy(named, ({ object }) => keyOf(object)).values()) {
    const [first] = mentions;
    if (first === undefined) continue;
    const before = await readState(connection, first.object);
    const lastScript = mentions.at(-1)?.script ?? first.script;
    watched.push({ ...first, lastScript, before, answers: [] });
  }
  return watched;
}

/** Null: there is nothing to tell of the object yet. */
async function compareObject(
  connection: Connection,
  watched: WatchedObject,
  { script, statements }: Plan,
  { answers, error }: Run,
): Promise<ObjectChange | null> {
  const key = keyOf(watched.object);
  const own = answers.filter((_, index) => keyOf(statements[index]?.object ?? null) === key);
  watched.answers.push(...own);
  const isDue = watched.lastScript === script.name || (error !== null && own.length > 0);
  if (!isDue || watched.answers.length === 0) return null;
  const after = await readState(connection, watched.object);
  // ALTER ... IF EXISTS ran, and the statement that would have made the object did not.
  const isNowhere = watched.before === null && after === null;
  if (error !== null && isNowhere && !watched.answers.some(saysWhatBecame)) return null;
  const status = compareStates(watched.before, after, watched.answers);
  return { ...watched.object, status, script: watched.script, line: watched.line };
}

/** "X successfully created.", "X already exists, statement succeeded." and the like. */
function saysWhatBecame(answer: string): boolean {
  return /created|already exists|no changes/i.test(answer);
}

function keyOf(object: ScriptObject | null): string {
  return object === null ? "" : `${object.kind} ${object.name}${object.signature ?? ""}`;
}

/** Where an object cannot be looked at, the answers have to do: "X already exists, statement succeeded." and the like. */
function compareStates(
  before: string | null,
  after: string | null,
  answers: readonly string[],
): ObjectStatus {
  if (before === null && after === null) return statusOfAnswers(answers);
  if (before === null) return "created";
  return before === after ? "unchanged" : "changed";
}

function statusOfAnswers(answers: readonly string[]): ObjectStatus {
  if (answers.some((answer) => /successfully created/i.test(answer))) return "created";
  const isSame = (answer: string): boolean => /already exists|no changes/i.test(answer);
  return answers.every(isSame) ? "unchanged" : "changed";
}

function describeStop(run: Run, plans: readonly Plan[], index: number): ReportError {
  const { code, message, warehouse, retryable } = asReportError(run.error);
  const plan = plans[index];
  const statement = plan?.statements[run.answers.length];
  const where = `${plan?.script.name}, line ${statement?.line}, ${firstLine(statement?.text ?? "")}`;
  return new ReportError(code, `${where}: ${message}\n${describeDone(run, plans, index)}`, {
    cause: run.error,
    warehouse,
    retryable,
  });
}

function describeDone({ answers }: Run, plans: readonly Plan[], index: number): string {
  const whole = plans.slice(0, index).map(({ script }) => script.name);
  const total = plans[index]?.statements.length ?? 0;
  const part = `${answers.length} of the ${total} statements of ${plans[index]?.script.name}`;
  const done = [...whole, part].join(", ");
  return `Done before it: ${done}. Nothing is lost; once that is mended, run it again: what is there stays as it is.`;
}

const FIRST_LINE_MAX = 100;

function firstLine(text: string): string {
  const line = text.split("\n", 1).join("").trimEnd();
  return line.length <= FIRST_LINE_MAX ? line : `${line.slice(0, FIRST_LINE_MAX - 3)}...`;
}
