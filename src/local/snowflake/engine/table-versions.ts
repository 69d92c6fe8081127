/**
 * Time Travel: what tables were before they were changed, in memory, for as long as the server runs. A change keeps a
 * copy of the table it changes when it commits; commits of changes come one after another, so the copy is the state
 * before this very change. Tables of the queue keep nothing, unless they are told to: their statements are many, and small.
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { EngineError } from "../engine.ts";
import { quoteName } from "../translate/sql-ast.ts";
import { type Catalog, fullName, storageSchema, storageTable, type TableEntry } from "./catalog.ts";

/** Where the tables are. */
interface Tables {
  readonly catalog: Catalog;
  acquire(timezone: string): Promise<DuckDBConnection>;
  release(connection: DuckDBConnection): void;
}

/** When a table is to be seen. */
export interface Moment {
  readonly atMs: number;
  /** The state that this statement found, if it changed the table. */
  readonly beforeQueryId?: string;
}

const ROWS_MAX = 200_000;
const VERSIONS_MAX = 20;
const RETENTION_MS = 24 * 3_600_000;
/** A schema with this table is the queue's. */
const QUEUE_TABLE = "REPORT_CONFIG";

interface Version {
  /** DuckDB's table with the rows. */
  readonly copy: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** The statements of the transaction that ended it. */
  readonly queryIds: ReadonlySet<string>;
}

interface TableHistory {
  /** Oldest first. */
  versions: Version[];
  /** The table is since then as it is now. */
  sinceMs: number;
}

/** Tables that a transaction has changed, and the statements that did. */
export type Touched = Map<TableEntry, Set<string>>;

export class TableVersions {
  private readonly storage: Tables;
  private readonly nameTable: (schema: string, table: string) => string;
  private readonly histories = new Map<string, TableHistory>();
  /** Of what was before nothing is known: the data file had changed until then. */
  private knownSinceMs = 0;
  private count = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** `nameTable` gives DuckDB's name of a table from its schema's and its own. */
  constructor(storage: Tables, nameTable: (schema: string, table: string) => string) {
    this.storage = storage;
    this.nameTable = nameTable;
  }

  /** Told once when a data file was changed last. */
  startAt(ms: number): void {
    this.knownSinceMs = ms;
  }

  /** Commits a transaction that has changed tables, and keeps what they were. */
  async commit(touched: Touched, commit: () => Promise<void>): Promise<void> {
    const result = this.last.then(() => this.commitNext(touched, commit));
    this.last = result.catch(() => undefined);
    await result;
  }

  private async commitNext(touched: Touched, commit: () => Promise<void>): Promise<void> {
    const copies = new Map<TableEntry, string>();
    for (const table of touched.keys()) {
      const copy = this.isKept(table) ? await this.copy(table) : undefined;
      if (copy !== undefined) copies.set(table, copy);
    }
    try {
      await commit();
    } catch (error) {
      await this.drop([...copies.values()]);
      throw error;
    }
    const nowMs = Date.now();
    for (const [table, queryIds] of touched) this.note(table, copies.get(table), queryIds, nowMs);
    await this.drop(this.prune(nowMs));
  }

  private isKept({ path, session, retentionDays }: TableEntry): boolean {
    if (session !== null) return false;
    if (retentionDays !== undefined) return retentionDays > 0;
    const queue = [path[0], path[1], QUEUE_TABLE];
    return this.storage.catalog.find(queue, "") === undefined;
  }

  /** The committed state; undefined for a table that is too large. */
  private async copy(table: TableEntry): Promise<string | undefined> {
    const connection = await this.storage.acquire("UTC");
    try {
      const source = this.nameTable(storageSchema(table.path), storageTable(table));
      const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${source}`);
      if (Number(counted.getRows()[0]?.[0]) > ROWS_MAX) return undefined;
      const copy = `memory.main.${quoteName(`version@${++this.count}`)}`;
      await connection.run(`CREATE TABLE ${copy} AS SELECT * FROM ${source}`);
      return copy;
    } finally {
      this.storage.release(connection);
    }
  }

  private note(
    table: TableEntry,
    copy: string | undefined,
    queryIds: ReadonlySet<string>,
    nowMs: number,
  ): void {
    const history = this.historyOf(table);
    const fromMs = history.sinceMs;
    if (copy !== undefined) history.versions.push({ copy, fromMs, untilMs: nowMs, queryIds });
    history.sinceMs = nowMs;
    this.histories.set(historyKey(table), history);
  }

  private historyOf(table: TableEntry): TableHistory {
    const sinceMs = Math.max(table.createdAtMs, this.knownSinceMs);
    return this.histories.get(historyKey(table)) ?? { versions: [], sinceMs };
  }

  /** Forgets what is too old or too much; gives the copies that are no longer needed. */
  private prune(nowMs: number): string[] {
    const dropped: string[] = [];
    for (const history of this.histories.values()) {
      const recent = history.versions
        .slice(-VERSIONS_MAX)
        .filter(({ untilMs }) => untilMs > nowMs - RETENTION_MS);
      const gone = history.versions.filter((version) => !recent.includes(version));
      dropped.push(...gone.map(({ copy }) => copy));
      history.versions = recent;
    }
    return dropped;
  }

  private async drop(copies: readonly string[]): Promise<void> {
    if (copies.length === 0) return;
    const connection = await this.storage.acquire("UTC");
    for (const copy of copies) await connection.run(`DROP TABLE ${copy}`);
    this.storage.release(connection);
  }

  /** The history goes on under another name. */
  rename(from: TableEntry, to: TableEntry): void {
    const history = this.historyOf(from);
    this.histories.delete(historyKey(from));
    this.histories.set(historyKey(to), history);
  }

  /** DuckDB's table with the rows of then, or null when they are those of now. Throws EngineError 000707. */
  find(table: TableEntry, { atMs, beforeQueryId }: Moment): string | null {
    const { versions, sinceMs } = this.historyOf(table);
    const changed = versions.find(({ queryIds }) => queryIds.has(beforeQueryId ?? ""));
    const found =
      changed ?? versions.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
    if (found !== undefined) return found.copy;
    if (atMs >= sinceMs) return null;
    const message = `Time travel data is not available for table ${table.path[2]}. The requested time is either beyond the allowed time travel period or before the object creation time.`;
    throw new EngineError("000707", "02000", message);
  }
}

/** A table that was made anew is another one. */
function historyKey({ path, createdAtMs }: TableEntry): string {
  return `${fullName(path)} ${createdAtMs}`;
}
