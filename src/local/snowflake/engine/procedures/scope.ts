/**
 * What a procedure may do to the session that calls it.
 * Sources: docs.snowflake.com/en/sql-reference/transactions (scoped transactions),
 * docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights
 */

import { EngineError } from "../../engine.ts";
import type { SessionState } from "../execution.ts";
import type { ProcedureEntry } from "../routines.ts";
import type { Transaction } from "../transactions.ts";

export interface ProcedureScope {
  readonly rights: ProcedureEntry["rights"];
  /** The transaction that was open when the procedure was called; only its own scope may end it. */
  readonly outer: Transaction | undefined;
  /** 1 for a procedure that a client calls, 2 for one that this one calls ... */
  readonly depth: number;
}

/** Source: docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-usage (nested calls). */
const CALL_DEPTH_MAX = 8;

/** The state that the procedure's statements run with. Throws EngineError for too many calls within calls. */
export function enterProcedure(caller: SessionState, procedure: ProcedureEntry): SessionState {
  const depth = (caller.scope?.depth ?? 0) + 1;
  if (depth > CALL_DEPTH_MAX)
    throw executionError("090193", `Stored procedure call depth exceeds ${CALL_DEPTH_MAX}.`);
  const scope = { rights: procedure.rights, outer: caller.transaction, depth };
  if (procedure.rights === "CALLER") return { ...caller, scope };
  const [database, schema] = procedure.path;
  const role = procedure.owner === "" ? caller.role : procedure.owner;
  return { ...caller, scope, database, schema, role, secondaryRoles: "NONE" };
}

/**
 * Ends what the procedure left: a transaction that it opened is rolled back, which is an error (090232) unless the
 * procedure has failed anyway. With the caller's rights, what it has set in the session stays.
 */
export async function leaveProcedure(
  caller: SessionState,
  state: SessionState,
  hasFailed: boolean,
): Promise<void> {
  const open = state.transaction;
  const isLeftOpen = open !== undefined && open !== state.scope?.outer;
  if (state.scope?.rights === "CALLER") {
    const { database, schema, warehouse, role, secondaryRoles, parameters } = state;
    Object.assign(caller, { database, schema, warehouse, role, secondaryRoles, parameters });
  }
  if (!isLeftOpen) return;
  await open.rollback();
  if (hasFailed) return;
  throw executionError(
    "090232",
    "Scoped transaction started in stored procedure is incomplete and it was rolled back.",
  );
}

const ENDS_TRANSACTION =
  /^(?:COMMIT|ROLLBACK|GRANT|REVOKE|COMMENT|(?:CREATE|DROP|ALTER)_(?!SESSION)\w+)$/;
const CHANGES_SESSION = /^(?:USE|ALTER_SESSION)$/;

/** Before a statement of this type: refuses what a procedure may not do. Throws EngineError. */
export function admitStatement(type: string, state: SessionState): void {
  const { scope } = state;
  if (scope === undefined) return;
  if (scope.rights === "OWNER" && CHANGES_SESSION.test(type))
    throw executionError("090236", `Unsupported statement type '${type}'.`);
  if (scope.outer === undefined || state.transaction !== scope.outer) return;
  if (ENDS_TRANSACTION.test(type))
    throw executionError(
      "090231",
      "Modifying a transaction that has started at a different scope is not allowed.",
    );
  // The procedure's own transaction; the caller's goes on after it.
  if (type === "BEGIN_TRANSACTION") state.transaction = undefined;
}

/** After a statement: when the procedure's own transaction has ended, the caller's is current again. */
export function resumeOuter(state: SessionState): void {
  state.transaction ??= state.scope?.outer;
}

function executionError(code: string, message: string): EngineError {
  return new EngineError(code, "55000", `Stored procedure execution error: ${message}`);
}
