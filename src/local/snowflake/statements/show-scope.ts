/** What SHOW is to list, and how its answers are made. */

import {
  completePath,
  completeSchemaPath,
  type ContainedEntry,
  type ContainerEntry,
  fullName,
} from "../engine/catalog.ts";
import type { Cells } from "../engine/cells.ts";
import type { EngineResult } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import { fixedResult, STATEMENT_TYPES, TEXT } from "../engine/results.ts";
import { isShown } from "../roles/authorize.ts";
import { securableOf } from "../roles/securables.ts";
import { type SnowflakeType, typeOf } from "../translate/snowflake-types.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { namesOf } from "../translate/context.ts";

export const TIME = typeOf("TIMESTAMP_LTZ", null, 9);

export type Cell = string | number | null;
export type Header = readonly (readonly [name: string, type: SnowflakeType])[];

export function answer(header: Header, rows: readonly (readonly Cell[])[]): EngineResult {
  const cells = rows.map((row): Cells => row.map((cell) => (cell === null ? null : String(cell))));
  return fixedResult(header, cells, STATEMENT_TYPES.select);
}

/** A column of SHOW: its name, whether it is a time, and what it shows of an entry. */
export type Column<Entry> = readonly [name: string, isTime: boolean, read: (entry: Entry) => Cell];

export function answerColumns<Entry>(
  columns: readonly Column<Entry>[],
  entries: readonly Entry[],
): EngineResult {
  const header = columns.flatMap(([name, isTime]): Header =>
    isTime ? [[name, TIME]] : texts(name),
  );
  return answer(
    header,
    entries.map((entry) => columns.map(([, , read]) => read(entry))),
  );
}

export function texts(...names: readonly string[]): Header {
  return names.map((name) => [name, TEXT] as const);
}

/** Milliseconds as the wire has a time. */
export function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}000000`;
}

export interface Scope {
  readonly matches: (name: string) => boolean;
  /** Database, or database and schema; empty for all. */
  readonly path: readonly string[];
}

/** `[LIKE 'pattern'] [IN ACCOUNT | DATABASE d | SCHEMA s | TABLE t | d.s]`. */
export function readScope(
  reader: TokenReader,
  execution: Execution,
  isDatabaseWide = false,
): Scope {
  const pattern = reader.take("LIKE") ? reader.string() : "%";
  const path = reader.take("IN")
    ? readPlace(reader, execution)
    : currentPlace(execution, isDatabaseWide);
  reader.expectEnd();
  const body = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replaceAll("%", "[\\s\\S]*")
    .replaceAll("_", "[\\s\\S]");
  const expression = new RegExp(`^${body}$`, "i");
  return { matches: (name) => expression.test(name), path };
}

export function currentPlace({ state }: Execution, isDatabaseWide: boolean): string[] {
  if (state.database === null) return [];
  return state.schema === null || isDatabaseWide
    ? [state.database]
    : [state.database, state.schema];
}

function readPlace(reader: TokenReader, execution: Execution): readonly string[] {
  const { catalog } = execution.server.storage;
  if (reader.take("ACCOUNT")) return [];
  if (reader.take("DATABASE")) {
    const name = reader.done ? (execution.state.database ?? "") : reader.name();
    catalog.requireDatabase(name);
    return [name];
  }
  const isObject = reader.take("TABLE") || reader.take("VIEW");
  if (isObject)
    return catalog.get(completePath(reader.path(), namesOf(execution)), execution.state.id).path;
  reader.take("SCHEMA");
  if (reader.done) return currentPlace(execution, false);
  const path = completeSchemaPath(reader.path(), namesOf(execution));
  catalog.requireSchema(path);
  return path;
}

export function isIn(path: readonly string[], scope: Scope): boolean {
  return scope.path.every((name, index) => path[index] === name);
}

/** What SHOW lists of a schema's objects: those in scope that the session's role has to do with, by name. */
export function visible<Entry extends Exclude<ContainedEntry, ContainerEntry>>(
  entries: readonly Entry[],
  scope: Scope,
  execution: Execution,
): Entry[] {
  const { state } = execution;
  return entries
    .filter(
      (entry) => entry.kind !== "table" || entry.session === null || entry.session === state.id,
    )
    .filter(({ path }) => isIn(path, scope) && scope.matches(path[2]))
    .filter((entry) => isShown(securableOf(entry), execution))
    .sort((a, b) => fullName(a.path).localeCompare(fullName(b.path)));
}
