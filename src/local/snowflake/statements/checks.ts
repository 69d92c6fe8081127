/**
 * CHECK constraints. DuckDB adds none to a table that is there and names none in its errors, so they are kept in the
 * catalog and tried on the rows that a statement has written (RETURNING): a row that fails fails the statement.
 */

import { fullName, type TableEntry } from "../engine/catalog.ts";
import type { CheckEntry } from "../engine/check-entry.ts";
import type { Execution } from "../engine/execution.ts";
import { quoteName, quoteText } from "../translate/sql-ast.ts";
import { translateExpression } from "../translate/translate.ts";
import { readTokens } from "../translate/tokens.ts";
import { contextOf } from "../translate/context.ts";

/** 23514 is the SQL standard's state for it; a condition that is NULL holds. */
const FAILED = "SF_ERROR 100535 23514";

/**
 * DuckDB's expression over a row of the table, text that says nothing, which fails where a check does; undefined
 * without checks. `isWritten` tells of which rows it is asked, when not of all.
 */
export function writeChecks(
  table: TableEntry,
  execution: Execution,
  isWritten = "true",
): string | undefined {
  const checks = table.checks ?? [];
  if (checks.length === 0) return undefined;
  const tests = checks.map((check) => {
    const condition = translateExpression(check.expression, contextOf(execution));
    const message = `${FAILED} ${describeFailure(table, check)}`;
    return `CASE WHEN ${isWritten} AND (${condition}) IS FALSE THEN error(${quoteText(message)}) END`;
  });
  return `concat('', ${tests.join(", ")})`;
}

function describeFailure(table: TableEntry, { name, expression }: CheckEntry): string {
  return `CHECK constraint failed on table ${fullName(table.path)}: ${fullName([name])} CHECK (${expression})`;
}

/** Whether a check reads the column. */
export function readsColumn({ expression }: CheckEntry, column: string): boolean {
  return namesOf(expression).some((token) => token.value === column);
}

/** The check for a table whose column has another name now. */
export function renameInCheck(check: CheckEntry, from: string, to: string): CheckEntry {
  let expression = "";
  let end = 0;
  for (const token of namesOf(check.expression)) {
    if (token.value !== from) continue;
    expression += check.expression.slice(end, token.start) + quoteName(to);
    end = token.end;
  }
  return { ...check, expression: expression + check.expression.slice(end) };
}

/** What can be a column: not the name of a function. */
function namesOf(expression: string) {
  const tokens = readTokens(expression);
  return tokens.filter(
    ({ kind }, index) => (kind === "word" || kind === "quoted") && tokens[index + 1]?.text !== "(",
  );
}
