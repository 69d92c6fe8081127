/**
 * Calls of external functions in queries. DuckDB cannot wait for a service within a query, so the calls are made
 * around it: those of a SELECT without FROM before it, with their values written into its text; those that are items
 * of the outermost SELECT after it, with its rows as they come. A call in any other place is refused.
 */

import type { Cells } from "../engine/cells.ts";
import { wireColumn } from "../engine/cells.ts";
import type { EngineResult, ResultColumn } from "../engine.ts";
import { compilationError, nullInColumn, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { callService } from "../engine/external/exchange.ts";
import type { ExternalFunctionEntry } from "../engine/routines.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { contextOf, namesOf } from "../translate/context.ts";
import { selectListTexts } from "../translate/text.ts";
import { writeType } from "../translate/snowflake-types.ts";
import { type CallSite, findLastCall, overloadFinder } from "./call-sites.ts";
import { type Evaluated, evaluateQuery } from "./evaluate.ts";
import { findIntegration, requireAllowed } from "./external-function.ts";
import { readCells, writeLiteral } from "./external-values.ts";
import type { Finish } from "./query.ts";
import { numberBinds } from "./routine-text.ts";
import type { StatementKind } from "./statement.ts";

const CALLERS: ReadonlySet<string> = new Set(["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"]);

/** Runs a statement with the calls of external functions in it. Throws EngineError. */
export async function runWithCalls(
  kind: StatementKind,
  execution: Execution,
  finish: Finish,
): Promise<EngineResult> {
  const functions = execution.server.storage.catalog.callables.list("function");
  const find = overloadFinder(functions, namesOf(execution));
  const isCaller = functions.length > 0 && CALLERS.has(kind.type);
  if (!isCaller || findLastCall(execution.sql, find) === undefined)
    return await kind.run(execution, finish);
  const columnNames = selectListTexts(execution.sql);
  const sql = numberBinds(execution.sql, execution.statement.binds);
  const numbered = { ...execution, sql, columnNames };
  const { execution: rewritten, mapped } = await placeCalls(numbered, find);
  if (mapped.length === 0) return await kind.run(rewritten, finish);
  // The statement has ended when the services have answered, not when its rows were read.
  const result = await kind.run(rewritten, () => undefined);
  const answered = await mapRows(result, mapped, execution);
  finish(answered.rows.length);
  return { ...result, columns: answered.columns, batches: oneBatch(answered.rows) };
}

async function* oneBatch(rows: readonly Cells[]): AsyncGenerator<readonly Cells[]> {
  if (rows.length > 0) yield rows;
}

/** A call that is made with the rows of the query. */
interface MappedCall {
  readonly entry: ExternalFunctionEntry;
  readonly name: string;
  /** Of the columns that hold the arguments. */
  readonly prefix: string;
}

async function placeCalls(
  given: Execution,
  find: Parameters<typeof findLastCall>[1],
): Promise<{ execution: Execution; mapped: MappedCall[] }> {
  const mapped: MappedCall[] = [];
  let execution = given;
  for (let number = 0; ; number++) {
    const site = findLastCall(execution.sql, find);
    if (site === undefined) return { execution, mapped };
    const entry = chooseOverload(site);
    const prefix = `_CALL${number}_`;
    const { place } = site;
    const isRows = place.kind === "rows" && !execution.statement.describeOnly;
    if (place.kind === "elsewhere")
      throw unsupported(`a call of external function ${entry.path[2]} in this place`);
    const end = isRows ? place.itemEnd : site.end;
    const text = isRows
      ? writeColumns(site, entry, prefix)
      : await callOnce(site, entry, number, execution);
    if (isRows) mapped.push({ entry, name: place.name, prefix });
    const sql = `${execution.sql.slice(0, site.start)}${text}${execution.sql.slice(end)}`;
    execution = { ...execution, sql, ...(isRows ? { columnNames: selectListTexts(sql) } : {}) };
  }
}

function chooseOverload({ overloads, args }: CallSite): ExternalFunctionEntry {
  const fitting = overloads.find((entry) => entry.arguments.length === args.length);
  if (fitting !== undefined) return fitting;
  const name = overloads[0]?.path[2] ?? "";
  throw compilationError(
    `Invalid argument types for function '${name}': ${args.length} argument(s)`,
  );
}

/** Arguments as the service gets them: dates and times, which JSON has not, as text. */
function writeArguments({ args }: CallSite, entry: ExternalFunctionEntry): string[] {
  return entry.arguments.map(({ type }, index) => {
    const value = `(${args[index] ?? "NULL"})::${writeType(type)}`;
    return /^(?:DATE|TIME|BINARY)/.test(type.name) ? `(${value})::VARCHAR` : value;
  });
}

/** One column for each argument; one at least, so that a call without any has its place too. */
function writeColumns(site: CallSite, entry: ExternalFunctionEntry, prefix: string): string {
  const values = writeArguments(site, entry);
  const items = values.length === 0 ? ["0"] : values;
  return items.map((item, index) => `${item} AS ${quoteName(`${prefix}${index}`)}`).join(", ");
}

/** Snowflake's SQL for the value of a call. */
async function callOnce(
  site: CallSite,
  entry: ExternalFunctionEntry,
  number: number,
  execution: Execution,
): Promise<string> {
  const type = writeType(entry.returns.type);
  if (execution.statement.describeOnly) return `NULL::${type}`;
  const args = writeArguments(site, entry);
  const evaluated =
    args.length === 0
      ? { columns: [], rows: [[]] }
      : await evaluateQuery(
          `SELECT ${args.map((arg, index) => `${arg} AS A${index}`).join(", ")}`,
          execution,
        );
  const [value = "null"] = await callRows(entry, evaluated, number, execution);
  return writeLiteral(value, entry.returns.type);
}

/** The values of a call for each row, as JSON text. */
async function callRows(
  entry: ExternalFunctionEntry,
  { columns, rows }: Evaluated,
  number: number,
  execution: Execution,
): Promise<string[]> {
  const { server, statement, running } = execution;
  const integration = findIntegration(entry.integration, execution);
  requireAllowed(entry.url, integration);
  const contextValues = contextHeaderValues(execution);
  const sent = entry.isStrict ? rows.filter((row) => !row.includes(null)) : rows;
  const size = entry.batchRowsMax ?? Math.max(sent.length, 1);
  const values: string[] = [];
  for (let start = 0; start < sent.length; start += size) {
    const batch = {
      queryId: statement.queryId,
      id: `${statement.queryId}:1:${number}:0:${start / size}`,
      columns,
      rows: sent.slice(start, start + size),
      contextValues,
    };
    const answered = await callService(entry, integration, batch, running, server.externalCalls);
    values.push(...answered);
  }
  const all = entry.isStrict
    ? rows.map((row) => (row.includes(null) ? "null" : (values.shift() ?? "null")))
    : values;
  if (!entry.returns.nullable && all.includes("null")) throw nullInColumn("");
  return all;
}

function contextHeaderValues(execution: Execution): Record<string, string | null> {
  const now = execution.now.toISOString();
  const { sessionValues } = contextOf(execution);
  return { ...sessionValues, CURRENT_DATE: now.slice(0, 10), CURRENT_TIMESTAMP: now };
}

/** The rows with the calls' values in place of their arguments. */
async function mapRows(
  result: EngineResult,
  calls: readonly MappedCall[],
  execution: Execution,
): Promise<Evaluated> {
  const rows: Cells[] = [];
  for await (const batch of result.batches) for (const row of batch) rows.push(row);
  let answered: Evaluated = { columns: result.columns, rows };
  for (const [index, mapped] of calls.entries())
    answered = await mapCall(answered, mapped, index, execution);
  return answered;
}

async function mapCall(
  { columns, rows }: Evaluated,
  { entry, name, prefix }: MappedCall,
  number: number,
  execution: Execution,
): Promise<Evaluated> {
  const first = columns.findIndex((column) => column.name.startsWith(prefix));
  const width = columns.filter((column) => column.name.startsWith(prefix)).length;
  const count = entry.arguments.length;
  const args = {
    columns: columns.slice(first, first + count),
    rows: rows.map((row) => row.slice(first, first + count)),
  };
  const values = await callRows(entry, args, number, execution);
  const cells = await readCells(values, entry.returns.type, execution);
  const replaced = <Item>(items: readonly Item[], item: Item): Item[] => [
    ...items.slice(0, first),
    item,
    ...items.slice(first + width),
  ];
  const column: ResultColumn = wireColumn(name, entry.returns.type);
  return {
    columns: replaced(columns, column),
    rows: rows.map((row, index) => replaced(row, cells[index] ?? null)),
  };
}
