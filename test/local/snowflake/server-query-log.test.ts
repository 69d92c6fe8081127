import { describe, expect, test } from "bun:test";
import {
  type Chunk,
  ChunkStore,
  newChunkHeaders,
} from "../../../src/local/snowflake/wire/chunks.ts";
import { newQueryId } from "../../../src/local/snowflake/wire/query-id.ts";
import { type Query, QueryLog } from "../../../src/local/snowflake/wire/query-log.ts";
import { encodeRows } from "../../../src/local/snowflake/wire/row-encoder.ts";

const HEADERS = newChunkHeaders();
const MB = 1024 * 1024;

function makeQuery(changes: Partial<Query> = {}): Query {
  return {
    id: newQueryId(),
    requestId: null,
    sql: "SELECT 1",
    sessionId: 1,
    startedAt: 0,
    state: { status: "running" },
    ended: Promise.resolve(),
    cancel: () => undefined,
    ...changes,
  };
}

function succeed(store: ChunkStore, compressedSize: number, endedAt = 1): Query["state"] {
  const path = store.put(new Uint8Array([1]), HEADERS);
  const chunk: Chunk = { path, rowCount: 1, uncompressedSize: 1, compressedSize };
  return { status: "succeeded", dataJson: "{}", chunks: [chunk], endedAt };
}

async function* oneBatch(rows: readonly (readonly (string | null)[])[]) {
  yield rows;
}

describe("a session's results", () => {
  test("older ones make room once they weigh more than 256 MB; the latest stays however large", () => {
    const store = new ChunkStore();
    const log = new QueryLog(store);
    const queries = [100, 100, 100, 900].map((size) =>
      makeQuery({ state: succeed(store, size * MB) }),
    );
    const statuses = () => queries.map((query) => query.state.status);
    for (const query of queries.slice(0, 3)) log.add(query);
    log.expireResults(0);
    expect(statuses().slice(0, 3)).toEqual(["expired", "succeeded", "succeeded"]);
    for (const query of queries.slice(3)) log.add(query);
    log.expireResults(0);
    expect(statuses()).toEqual(["expired", "expired", "expired", "succeeded"]);
    expect(store.count).toBe(1);
  });

  test("those that ended before a given time are freed", () => {
    const store = new ChunkStore();
    const log = new QueryLog(store);
    log.add(makeQuery({ state: succeed(store, 1, 1000) }));
    log.add(makeQuery({ state: succeed(store, 1, 3000) }));
    log.expireResults(2000);
    expect(store.count).toBe(1);
  });

  test("2,000 queries are remembered, and those that still run beyond that", () => {
    const log = new QueryLog(new ChunkStore());
    const running = makeQuery({ requestId: "running" });
    log.add(running);
    const failed = { code: "000000", message: "" };
    for (let n = 0; n < 2001; n += 1) {
      log.add(
        makeQuery({ requestId: `r${n}`, state: { status: "failed", failure: failed, endedAt: 0 } }),
      );
    }
    expect(log.findByRequestId("running")).toBe(running);
    expect(log.findByRequestId("r1")).toBeUndefined();
    expect(log.findByRequestId("r2")).toBeDefined();
  });
});

describe("rows", () => {
  const limits = { inlineBytesMax: 1000, chunkBytesMax: 4000 };

  test("a row larger than every limit is a chunk by itself", async () => {
    const store = new ChunkStore();
    const rows = [["a"], ["x".repeat(100_000)], ["b"]];
    const encoded = await encodeRows(oneBatch(rows), store, HEADERS, limits);
    expect(encoded.inlineJson).toBe('[["a"]]');
    expect(encoded.chunks.map((chunk) => chunk.rowCount)).toEqual([1, 1]);
    expect(encoded.rowCount).toBe(3);
  });

  test("what a failing result had stored is freed", async () => {
    const store = new ChunkStore();
    async function* failing() {
      yield Array.from({ length: 5000 }, () => ["x".repeat(100)]);
      throw new Error("cancelled");
    }
    const encoding = encodeRows(failing(), store, HEADERS, limits);
    expect(await encoding.catch((error: unknown) => error)).toEqual(new Error("cancelled"));
    expect(store.count).toBe(0);
  });

  test("no rows are an empty list", async () => {
    const encoded = await encodeRows(oneBatch([]), new ChunkStore(), HEADERS, limits);
    expect(encoded).toEqual({ inlineJson: "[]", chunks: [], rowCount: 0 });
  });
});

describe("query ids", () => {
  test("look like Snowflake's and sort by age", () => {
    const ids = [newQueryId(60_000), newQueryId(60_001), newQueryId(180_000)];
    for (const id of ids)
      expect(id).toMatch(/^01[0-9a-f]{6}-[0-9a-f]{4}-[0-9a-f]{4}-0000-[0-9a-f]{12}$/);
    expect(ids).toEqual(ids.toSorted((left, right) => left.localeCompare(right)));
  });
});
