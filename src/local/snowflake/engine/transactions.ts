/**
 * A session's transaction. DuckDB's own begins with the first write, after its lock was got, and so sees everything
 * that was committed until then: reads before it see each the latest state, and an UPDATE that had to wait finds
 * the rows as the one before it left them. That is READ COMMITTED as far as a snapshot database allows.
 */

import type { DuckDBConnection } from "@duckdb/node-api";
import { EngineError } from "../engine.ts";
import type { Locks } from "./locks.ts";
import type { TableEntry } from "./catalog.ts";
import type { Storage } from "./storage.ts";
import type { Touched } from "./table-versions.ts";

export class Transaction {
  /** Seen as CURRENT_TRANSACTION(); rows that a transaction adds to a stream carry it. */
  readonly id: string;
  /** Begun by BEGIN, or by a statement without AUTOCOMMIT; otherwise it is one statement. */
  readonly isExplicit: boolean;
  private readonly storage: Storage;
  private readonly locks: Locks;
  private writer: DuckDBConnection | undefined;
  private isBroken = false;
  private readonly touched: Touched = new Map();

  constructor(id: string, isExplicit: boolean, storage: Storage, locks: Locks) {
    this.id = id;
    this.isExplicit = isExplicit;
    this.storage = storage;
    this.locks = locks;
  }

  /** The connection that has written, if one has. */
  get written(): DuckDBConnection | undefined {
    this.refuseBroken();
    return this.writer;
  }

  /** The connection to write with. */
  async begin(timezone: string): Promise<DuckDBConnection> {
    this.refuseBroken();
    if (this.writer !== undefined) return this.writer;
    const connection = await this.storage.acquire(timezone);
    await connection.run("BEGIN TRANSACTION");
    this.writer = connection;
    return connection;
  }

  /** Notes that a statement changes a table, whose state of before is then kept at the commit. */
  touch(table: TableEntry, queryId: string): void {
    const queryIds = this.touched.get(table) ?? new Set();
    this.touched.set(table, queryIds.add(queryId));
  }

  /**
   * After a statement failed. One that did not compile has done nothing; DuckDB cannot undo one that had begun, so
   * then nothing but ROLLBACK is left, where Snowflake would go on.
   */
  async noteFailure(): Promise<void> {
    try {
      await this.writer?.run("SELECT 1");
    } catch {
      this.isBroken = true;
    }
  }

  async commit(): Promise<void> {
    if (this.isBroken) await this.rollback();
    this.refuseBroken();
    if (this.touched.size === 0) await this.end("COMMIT");
    else await this.storage.versions.commit(this.touched, () => this.end("COMMIT"));
  }

  async rollback(): Promise<void> {
    await this.end("ROLLBACK");
  }

  private refuseBroken(): void {
    if (!this.isBroken) return;
    const message =
      "The transaction was aborted by a failed statement. The local Snowflake keeps nothing of it: ROLLBACK.";
    throw new EngineError("090232", "25000", message);
  }

  private async end(command: "COMMIT" | "ROLLBACK"): Promise<void> {
    const connection = this.writer;
    this.writer = undefined;
    try {
      if (connection !== undefined) await this.endWith(connection, command);
    } finally {
      this.locks.releaseAll(this);
    }
  }

  private async endWith(
    connection: DuckDBConnection,
    command: "COMMIT" | "ROLLBACK",
  ): Promise<void> {
    try {
      await connection.run(command);
    } catch (error) {
      this.storage.discard(connection);
      // What DuckDB has rolled back by itself needs no ROLLBACK.
      if (command === "COMMIT") throw error;
      return;
    }
    this.storage.release(connection);
  }
}
