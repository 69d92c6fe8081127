/** What a procedure's thread and the engine tell each other. The thread asks, waits, and reads the answer. */

import type { MessagePort } from "node:worker_threads";
import type { Bind, ResultColumn } from "../../engine.ts";

/** Cells as they are on the wire. */
export type Cells = readonly (string | null)[];

export interface ProcedureCall {
  readonly name: string;
  readonly body: string;
  readonly argumentNames: readonly string[];
  readonly argumentColumns: readonly ResultColumn[];
  readonly argumentCells: Cells;
  /** Whether the result is a VARIANT, OBJECT or ARRAY. */
  readonly returnsJson: boolean;
}

/** What the thread is started with. `signal` holds 1 when an answer lies in the port. */
export interface ThreadStart {
  readonly call: ProcedureCall;
  readonly port: MessagePort;
  readonly signal: Int32Array;
}

export type ThreadRequest =
  | { readonly kind: "execute"; readonly sql: string; readonly binds: Record<string, Bind> }
  /** Text to be cast to the declared type; JSON for a VARIANT, OBJECT or ARRAY. */
  | { readonly kind: "returned"; readonly value: string | null }
  /** `message` without the words in front that name the procedure. */
  | { readonly kind: "threw"; readonly isOfStatement: boolean; readonly message: string };

export type ProcedureOutcome = Exclude<ThreadRequest, { kind: "execute" }>;

export type StatementReply =
  | {
      readonly kind: "rows";
      readonly queryId: string;
      readonly columns: readonly ResultColumn[];
      readonly rows: readonly Cells[];
      readonly statementTypeId: number;
    }
  | { readonly kind: "failed"; readonly message: string };
