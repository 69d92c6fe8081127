import { createHash, type Hash } from "node:crypto";
import type { SendCondition } from "../report/options.ts";
import type { Row, Table } from "../report/table.ts";
import type { CompletedRun } from "./ports.ts";

/** Why a result of so many rows is not sent, known before anything is rendered. Null: it may be. */
export function unmetByCount(sendWhen: SendCondition, rowCount: number): string | null {
  if (sendWhen === "rows" && rowCount === 0) return "there are no rows, and sendWhen is rows";
  if (sendWhen === "empty" && rowCount > 0) {
    return `there are rows (${rowCount}), and sendWhen is empty`;
  }
  return null;
}

/** Why a result is not sent that is the same as the one before. Null: it may be. */
export function unmetByHash(sha256: string, last: CompletedRun | null): string | null {
  if (last?.resultSha256 !== sha256) return null;
  return `the result is the same as that of run ${last.runId}, and sendWhen is changed`;
}

export interface HashedTable {
  /** Gives what the original gives. */
  readonly table: Table;
  /** Lower-case hexadecimal; once, after the last row was taken. */
  readonly digest: () => string;
}

/**
 * A table whose rows are hashed on their way to the renderers: names and types of the columns and the raw cells, in
 * the query's order, so that a query without ORDER BY may look changed when it is not.
 */
export function hashTable(table: Table): HashedTable {
  const hash = createHash("sha256");
  hash.update(encodeRow(table.columns.flatMap(({ name, type }) => [name, type])));
  return {
    table: { ...table, batches: { [Symbol.asyncIterator]: () => hashBatches(table, hash) } },
    digest: () => hash.digest("hex"),
  };
}

async function* hashBatches(table: Table, hash: Hash): AsyncGenerator<readonly Row[]> {
  for await (const batch of table.batches) {
    hash.update(batch.map(encodeRow).join(""));
    yield batch;
  }
}

/** Each cell with its length, so that no two different rows are the same text. */
function encodeRow(row: Row): string {
  let text = "";
  for (const cell of row) text += cell === null ? "-;" : `${cell.length}:${cell}`;
  return `${text}\n`;
}
