/** CALL of a JavaScript procedure. */

import { wireColumn } from "../engine/cells.ts";
import { completePath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { EngineError } from "../engine.ts";
import { asEngineError, compilationError, nullInColumn } from "../engine/errors.ts";
import type { Execution, SessionState } from "../engine/execution.ts";
import type { ProcedureOutcome, StatementReply } from "../engine/procedures/protocol.ts";
import { enterProcedure, leaveProcedure } from "../engine/procedures/scope.ts";
import { type RunStatement, runInThread } from "../engine/procedures/thread.ts";
import type { ProcedureEntry } from "../engine/routines.ts";
import { fixedResult, STATEMENT_TYPES } from "../engine/results.ts";
import { namesOf } from "../translate/context.ts";
import { writeType } from "../translate/snowflake-types.ts";
import { TokenReader } from "../translate/tokens.ts";
import { newQueryId } from "../wire/query-id.ts";
import { type Evaluated, evaluateQuery } from "./evaluate.ts";
import { numberBinds, splitList } from "./routine-text.ts";

/** CALL name(argument | name => argument, ...). */
export async function callProcedure(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(numberBinds(execution.sql, execution.statement.binds));
  reader.expect("CALL");
  const path = completePath(reader.path(), namesOf(execution));
  const given = splitList(reader.textInBrackets()).map(readGiven);
  reader.expectEnd();
  const procedure = await chooseOverload(path, given, execution);
  const args = await evaluateArguments(procedure, given, execution);
  const isSkipped = procedure.isStrict && args.rows[0]?.includes(null) === true;
  const value = isSkipped ? null : await runProcedure(procedure, args, execution);
  return await writeResult(procedure, value, execution);
}

interface Given {
  /** null: it stands at its place. */
  readonly name: string | null;
  readonly sql: string;
}

function readGiven(text: string): Given {
  const reader = new TokenReader(text);
  if (reader.peek(1)?.text !== "=>") return { name: null, sql: text };
  const name = reader.name();
  reader.expect("=>");
  return { name, sql: reader.rest() };
}

/** The expression for each argument; undefined when the call does not fit the procedure. */
function matchArguments(
  procedure: ProcedureEntry,
  given: readonly Given[],
): readonly string[] | undefined {
  if (given.length > procedure.arguments.length) return undefined;
  const names = new Set(procedure.arguments.map(({ name }) => name));
  if (given.some(({ name }) => name !== null && !names.has(name))) return undefined;
  const matched = procedure.arguments.map((argument, index) => {
    const atPlace = given[index]?.name === null ? given[index] : undefined;
    const named = given.find(({ name }) => name === argument.name);
    return atPlace?.sql ?? named?.sql ?? argument.default;
  });
  return matched.every((sql) => sql !== null) ? matched : undefined;
}

/** Throws EngineError when no procedure has the name, or none takes such arguments. */
async function chooseOverload(
  path: readonly [string, string, string],
  given: readonly Given[],
  execution: Execution,
): Promise<ProcedureEntry> {
  const named = execution.server.storage.catalog.callables.named("procedure", path);
  if (named.length === 0)
    throw new EngineError(
      "002141",
      "42601",
      `SQL compilation error:\nUnknown user-defined function ${fullName(path)}`,
    );
  const fitting = named.filter((entry) => matchArguments(entry, given) !== undefined);
  const [first, second] = fitting;
  if (first === undefined)
    throw compilationError(
      `Invalid argument types for function '${path[2]}': ${given.length} argument(s)`,
    );
  return second === undefined ? first : await chooseByTypes(fitting, given, execution);
}

/** The overload with the most arguments that need no conversion. */
async function chooseByTypes(
  fitting: readonly ProcedureEntry[],
  given: readonly Given[],
  execution: Execution,
): Promise<ProcedureEntry> {
  const { columns } =
    given.length === 0
      ? { columns: [] }
      : await evaluateQuery(`SELECT ${given.map(({ sql }) => sql).join(", ")}`, execution);
  const score = (entry: ProcedureEntry): number =>
    given.reduce((sum, { name }, index) => {
      const argument = entry.arguments.find((item) => item.name === name) ?? entry.arguments[index];
      const wanted = argument === undefined ? "" : wireColumn("", argument.type).type;
      const actual = columns[index]?.type;
      return sum + (wanted === actual || (wanted === "real" && actual === "fixed") ? 1 : 0);
    }, 0) -
    (entry.arguments.length - given.length) / 100;
  const [best] = fitting.toSorted((a, b) => score(b) - score(a));
  if (best === undefined) throw compilationError("no procedure to call");
  return best;
}

async function evaluateArguments(
  procedure: ProcedureEntry,
  given: readonly Given[],
  execution: Execution,
): Promise<Evaluated> {
  if (procedure.arguments.length === 0) return { columns: [], rows: [[]] };
  const expressions = matchArguments(procedure, given) ?? [];
  const items = procedure.arguments.map(
    ({ type }, index) => `(${expressions[index] ?? "NULL"})::${writeType(type)} AS A${index}`,
  );
  const { rows } = await evaluateQuery(`SELECT ${items.join(", ")}`, execution);
  const columns = procedure.arguments.map(({ name, type }) => wireColumn(name, type));
  return { columns, rows };
}

/** What the body returned, as text. Throws EngineError 100183 for a failed statement, 100132 for any other error. */
async function runProcedure(
  procedure: ProcedureEntry,
  args: Evaluated,
  execution: Execution,
): Promise<string | null> {
  const { state, running } = execution;
  const inner = enterProcedure(state, procedure);
  const outcome = await runInThread(
    {
      name: procedure.path[2],
      body: procedure.body,
      argumentNames: procedure.arguments.map(({ name }) => name),
      argumentColumns: args.columns,
      argumentCells: args.rows[0] ?? [],
      returnsJson: isJson(procedure),
    },
    statementRunner(inner, execution),
    running.signal,
  ).catch(async (thrown: unknown) => {
    await leaveProcedure(state, inner, true);
    throw thrown;
  });
  await leaveProcedure(state, inner, outcome.kind === "threw");
  return readOutcome(outcome, procedure.path[2]);
}

function statementRunner(inner: SessionState, execution: Execution): RunStatement {
  const { parameters } = execution.statement;
  return async (sql, binds): Promise<StatementReply> => {
    const queryId = newQueryId();
    try {
      const statement = { queryId, sql, binds, parameters, describeOnly: false };
      const result = await execution.runNested(statement, inner);
      return { kind: "rows", queryId, ...result };
    } catch (thrown) {
      // What stops the CALL is not for the body to catch.
      if (execution.running.signal.aborted) throw thrown;
      return { kind: "failed", message: asEngineError(thrown).message };
    }
  };
}

/** Source of the words and codes: what Snowflake's users quote of failed calls. */
function readOutcome(outcome: ProcedureOutcome, name: string): string | null {
  if (outcome.kind === "returned") return outcome.value;
  const { isOfStatement, message } = outcome;
  throw isOfStatement
    ? new EngineError("100183", "P0000", `Execution error in store procedure ${name}:\n${message}`)
    : new EngineError("100132", "P0000", `JavaScript execution error: ${message}`);
}

function isJson({ returns }: ProcedureEntry): boolean {
  return /^(?:VARIANT|OBJECT|ARRAY)$/.test(returns.type.name);
}

/** One row of one column, which has the procedure's name and the declared type. */
async function writeResult(
  procedure: ProcedureEntry,
  value: string | null,
  execution: Execution,
): Promise<EngineResult> {
  const { type, nullable } = procedure.returns;
  const name = procedure.path[2];
  if (value === null && !nullable) throw nullInColumn("");
  const cell = value === null ? null : await castCell(value, procedure, execution);
  return fixedResult([[name, type]], [[cell]], STATEMENT_TYPES.select);
}

async function castCell(
  value: string,
  procedure: ProcedureEntry,
  execution: Execution,
): Promise<string | null> {
  const source = isJson(procedure) ? "PARSE_JSON(?)" : `?::${writeType(procedure.returns.type)}`;
  const statement = { ...execution.statement, binds: { "1": { type: "TEXT", value } } };
  const { rows } = await evaluateQuery(`SELECT ${source} AS V`, { ...execution, statement });
  return rows[0]?.[0] ?? null;
}
