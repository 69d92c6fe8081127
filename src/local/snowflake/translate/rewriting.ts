/** What the parts of the translator share: the state of one translation, and what a name can stand for. */

import type { Bind } from "../engine.ts";
import { call, castTo, type Fields, isNull, type Node } from "./sql-ast.ts";

/** What a name in FROM stands for. */
export type Source =
  /** A table: its DuckDB schema and name in the catalog `data`. */
  | { readonly kind: "table"; readonly schema: string; readonly table: string }
  /** A view: its query, in Snowflake's SQL, read with this database and schema as the current ones. */
  | {
      readonly kind: "view";
      readonly query: string;
      readonly columns: readonly string[];
      readonly context: TranslateContext;
    }
  /** DuckDB's SELECT for anything else; `stream` names the stream it reads. */
  | { readonly kind: "select"; readonly sql: string; readonly stream?: string };

/** Everything a translation depends on but the text. */
export interface TranslateContext {
  /** Throws EngineError when there is no such object. */
  resolve(path: readonly string[]): Source;
  /** Whether a stream has rows, for SYSTEM$STREAM_HAS_DATA; DuckDB's SQL for it. */
  streamHasData(name: string): string;
  /** The text of GET_DDL. */
  getDdl(kind: string, name: string, isQualified: boolean): string;
  /** DuckDB's SELECT behind INFORMATION_SCHEMA.TASK_HISTORY(). */
  taskHistory(): string;
  /** Values of CURRENT_USER() and its like, by their names. */
  readonly sessionValues: Readonly<Record<string, string | null>>;
  /** The time of the statement. */
  readonly now: Date;
  readonly binds: Readonly<Record<string, Bind>>;
}

/** One translation under way. */
export interface Rewriting {
  readonly context: TranslateContext;
  /** Names of the common table expressions that can be seen, innermost last. */
  readonly scopes: readonly string[][];
  /** Full names of the streams that were read. */
  readonly streams: Set<string>;
  /** The column list of a view is being translated `depth` views deep; a view of itself must end. */
  readonly depth: number;
  rewrite(node: Node): Node;
  rewriteAll(nodes: readonly Node[]): Node[];
  /** DuckDB's query for a view, in this translation. */
  writeView(view: Extract<Source, { kind: "view" }>): string;
}

/** A node's translation, or undefined where its parts are translated and it stays. */
export type Rewriter = (fields: Fields, rewriting: Rewriting) => Node | undefined;

/** A call of a macro that chooses by type: a bare NULL has none, so it becomes text. */
export function macro(name: string, ...args: readonly Node[]): Node {
  return call(name, ...args.map((arg) => (isNull(arg) ? castTo(arg, "VARCHAR") : arg)));
}
