/**
 * The local Snowflake's wire (login, chunks, gzip, HTTP) in a process of its own, over an engine whose only table is
 * the bench's rows: what the reading sides get is, cell by cell, what the writing sides get, and neither DuckDB's time
 * nor its memory is in anybody's numbers. Prints its URL and serves until its standard input ends.
 */
import type {
  Engine,
  EngineResult,
  EngineSession,
  ResultColumn,
} from "../../src/local/snowflake/engine.ts";
import { serveSnowflake } from "../../src/local/snowflake/wire/serve.ts";
import type { Row } from "../../src/report/table.ts";
import { COLUMNS, createPool, takeBatches } from "./rows.ts";

const SELECT = 4096;

function createEngine(): Engine {
  const pool = createPool();
  return {
    openSession: async ({ user }) => createSession(pool, user),
    close: async () => {},
  };
}

function createSession(pool: readonly Row[], user: string): EngineSession {
  return {
    context: { database: null, schema: null, warehouse: null, role: null, user },
    parameters: () => ({ TIMEZONE: "UTC" }),
    execute: async ({ sql }) => {
      const rowCount = /LIMIT (\d+)$/.exec(sql)?.[1];
      return rowCount === undefined ? describeDone() : selectRows(pool, Number(rowCount));
    },
    cancel: () => {},
    close: async () => {},
  };
}

function selectRows(pool: readonly Row[], rowCount: number): EngineResult {
  const columns = COLUMNS.map(describeColumn);
  return { columns, batches: toAsync(takeBatches(pool, rowCount)), statementTypeId: SELECT };
}

/** What ALTER SESSION and its like answer. */
function describeDone(): EngineResult {
  const rows = [["Statement executed successfully."]];
  const columns = [describeColumn({ name: "status", type: "text", scale: 0, precision: 0 })];
  return { columns, batches: toAsync([rows]), statementTypeId: SELECT };
}

function describeColumn(
  column: Pick<(typeof COLUMNS)[number], "name" | "type" | "scale" | "precision">,
): ResultColumn {
  const { name, type, scale, precision } = column;
  const length = type === "text" ? 100 : null;
  return { name, type, nullable: true, precision, scale, length, byteLength: length };
}

async function* toAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

const server = serveSnowflake(createEngine());
process.stdout.write(`${server.url}\n`);
process.stdin.on("end", () => process.exit());
process.stdin.resume();
