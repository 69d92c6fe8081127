import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ReportError } from "../../src/report/errors.ts";
import type { Row, Table } from "../../src/report/table.ts";
import { openReader, type Reader, type ReaderOptions } from "../../src/snowflake/reader.ts";
import type { SnowflakeSettings } from "../../src/snowflake/settings.ts";
import type { Query } from "../../src/worker/ports.ts";
import { errorOf, reasonOf } from "./errors.ts";
import {
  chunkResponse,
  errorReply,
  type FakeColumn,
  type FakeReply,
  type FakeWarehouse,
  rowsReply,
  settingsFor,
  startFakeWarehouse,
} from "./fake-warehouse.ts";

let fake: FakeWarehouse;

beforeEach(() => {
  fake = startFakeWarehouse();
});

afterEach(async () => {
  await fake[Symbol.asyncDispose]();
});

function open(
  options: ReaderOptions = {},
  changes: Partial<SnowflakeSettings> = {},
): Promise<Reader> {
  return openReader(settingsFor(fake.url, changes), options);
}

function queryOf(sql: string, changes: Partial<Query> = {}): Query {
  return { sql, binds: [], timeoutSeconds: 30, tag: { run: "r1" }, timezone: "UTC", ...changes };
}

const never = new AbortController().signal;

async function rowsOf(table: Table): Promise<Row[]> {
  return (await Array.fromAsync(table.batches)).flat();
}

/** Answers report SQL (not what sets the session up). */
function answer(reply: () => FakeReply | Promise<FakeReply> | undefined): void {
  fake.respond = ({ sql }) => (sql.startsWith("SELECT") ? reply() : undefined);
}

const A: readonly FakeColumn[] = [["A", "fixed"]];

/** A result in chunks of `size` rows counting from 0, the first `inline` ones in the answer. */
function chunkedReply(sizes: readonly number[], inline = 0, returned?: number): FakeReply {
  const total = sizes.reduce((sum, size) => sum + size, inline);
  const chunks = sizes.map((rowCount, index) => ({
    url: `${fake.url}/chunks/${index}`,
    rowCount,
    uncompressedSize: 1,
    compressedSize: 1,
  }));
  return rowsReply(A, numbers(0, inline), { chunks, total, returned: returned ?? total });
}

function numbers(start: number, count: number): string[][] {
  return Array.from({ length: count }, (_, index) => [String(start + index)]);
}

function serveChunks(sizes: readonly number[], inline = 0): void {
  fake.chunk = (name) => {
    const index = Number(name);
    const start = sizes.slice(0, index).reduce((sum, size) => sum + size, inline);
    return chunkResponse(numbers(start, sizes[index] ?? 0));
  };
}

describe("openReader", () => {
  test("its session has no secondary roles, UTC, and reads times whatever the account is set to", async () => {
    await using _reader = await open();
    expect(fake.statements.map((statement) => statement.sql)).toEqual([
      "ALTER SESSION SET TIMEZONE = 'UTC', DATE_INPUT_FORMAT = 'AUTO', TIME_INPUT_FORMAT = 'AUTO', " +
        "TIMESTAMP_INPUT_FORMAT = 'AUTO', ABORT_DETACHED_QUERY = TRUE",
      "USE SECONDARY ROLES NONE",
    ]);
  });
});

describe("query", () => {
  test("limits, tag and zone go with the statement", async () => {
    await using reader = await open();
    await reader.query(
      queryOf("SELECT ?", { binds: ["x"], timeoutSeconds: 90, timezone: "Europe/Berlin" }),
      never,
    );
    expect(fake.statements.at(-1)).toMatchObject({
      sql: "SELECT ?",
      bindings: { 1: { type: "TEXT", value: "x" } },
      parameters: {
        MULTI_STATEMENT_COUNT: 1,
        ROWS_PER_RESULTSET: 0,
        STATEMENT_TIMEOUT_IN_SECONDS: 90,
        QUERY_TAG: '{"run":"r1"}',
        TIMEZONE: "Europe/Berlin",
      },
    });
  });

  test("the data is as of the time before the statement was sent", async () => {
    const times = [new Date(1000), new Date(2000)];
    await using reader = await open({ now: () => times.shift() ?? new Date(3000) });
    const result = await reader.query(queryOf("SELECT 1"), never);
    expect(result.dataAsOf).toEqual(new Date(1000));
  });

  const WIRE = {
    columns: [
      ["INT", "fixed"],
      ["DEC", "fixed", 4],
      ["REAL", "real"],
      ["TEXT", "text"],
      ["BOOL", "boolean"],
      ["DATE", "date"],
      ["TIME", "time", 9],
      ["NTZ", "timestamp_ntz", 9],
      ["LTZ", "timestamp_ltz", 3],
      ["TZ", "timestamp_tz", 9],
      ["BIN", "binary"],
      ["VAR", "variant"],
      ["OBJ", "object"],
      ["ARR", "array"],
      ["GEO", "geography"],
    ] as readonly FakeColumn[],
    rows: [
      [
        "12345678901234567890123456789012345678",
        "-0.0100",
        "1e+300",
        "it's 😀",
        "true",
        "-719162",
        "3723.123456789",
        "1700000000.123456789",
        "-1.500",
        "1700000000.000000001 1380",
        "00FF",
        '{"a": undefined}',
        "{}",
        "[1,\n2]",
        '{"type":"Point"}',
      ],
      Array.from({ length: 15 }, () => null),
      [
        "-99999999999999999999999999999999999999",
        "9999.9999",
        "NaN",
        "",
        "false",
        "0",
        "0.000000000",
        "-62135596800.000000001",
        "0.000",
        "-1.999999999 2280",
        "",
        "null",
        '{"k":"v"}',
        "[]",
        "POINT(1 2)",
      ],
    ],
  };

  test("columns are described and cells come exactly as on the wire", async () => {
    answer(() => rowsReply(WIRE.columns, WIRE.rows));
    await using reader = await open();
    const { table, degraded, queryId } = await reader.query(queryOf("SELECT 1"), never);
    expect(degraded).toBe(false);
    expect(queryId).not.toBe("");
    expect(table.columns.slice(0, 3)).toEqual([
      { name: "INT", type: "fixed", nullable: true, precision: 38, scale: 0 },
      { name: "DEC", type: "fixed", nullable: true, precision: 38, scale: 4 },
      { name: "REAL", type: "real", nullable: true, precision: 0, scale: 0 },
    ]);
    expect(table.columns.map((column) => column.type).slice(6)).toEqual([
      "time",
      "timestamp_ntz",
      "timestamp_ltz",
      "timestamp_tz",
      "binary",
      "variant",
      "object",
      "array",
      "text",
    ]);
    expect(table.rowCount).toBe(3);
    expect(await rowsOf(table)).toEqual(WIRE.rows);
  });

  test("columns of one name keep their own cells", async () => {
    answer(() =>
      rowsReply(
        [
          ["A", "text"],
          ["A", "text"],
        ],
        [["x", "y"]],
      ),
    );
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    expect(await rowsOf(table)).toEqual([["x", "y"]]);
  });

  test("booleans of JSON become text", async () => {
    answer(() => rowsReply([["B", "boolean"]], [[true], [false], [null]]));
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    expect(await rowsOf(table)).toEqual([["true"], ["false"], [null]]);
  });

  test("no rows are an empty table with its columns", async () => {
    answer(() => rowsReply(A, []));
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    expect(table.columns).toHaveLength(1);
    expect(await rowsOf(table)).toEqual([]);
  });

  test("with a result version whose zones are packed, the driver converts, and it is said", async () => {
    answer(() =>
      rowsReply(WIRE.columns.slice(0, 8), [WIRE.rows[0]?.slice(0, 8) ?? []], { version: 0 }),
    );
    await using reader = await open();
    const { table, degraded } = await reader.query(queryOf("SELECT 1"), never);
    expect(degraded).toBe(true);
    expect(await rowsOf(table)).toEqual([WIRE.rows[0]?.slice(0, 8) ?? []]);
  });

  test("several queries run side by side in one session", async () => {
    let running = 0;
    const both = Promise.withResolvers<void>();
    answer(async () => {
      running += 1;
      if (running === 2) both.resolve();
      await both.promise;
      return rowsReply(A, [["1"]]);
    });
    await using reader = await open();
    await Promise.all([1, 2].map((index) => reader.query(queryOf(`SELECT ${index}`), never)));
    expect(fake.logins).toHaveLength(1);
  });

  test("a session that ended is replaced and the query sent again", async () => {
    answer(() =>
      fake.logins.length === 1 ? errorReply("390111", "08003", "gone") : rowsReply(A, [["7"]]),
    );
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    expect(await rowsOf(table)).toEqual([["7"]]);
    expect(fake.logins).toHaveLength(2);
  });

  test("a query tag that is too long is refused before anything is sent", async () => {
    await using reader = await open();
    const count = fake.statements.length;
    const error = await errorOf(
      reader.query(queryOf("SELECT 1", { tag: { a: "x".repeat(2000) } }), never),
    );
    expect(error.code).toBe("internal");
    expect(fake.statements).toHaveLength(count);
  });
});

describe("stopping a query", () => {
  function holdUntilAborted(): void {
    answer(async () => {
      while (fake.aborts.length === 0) await Bun.sleep(5);
      return errorReply("000604", "57014", "SQL execution canceled");
    });
  }

  test("an abort reaches the warehouse and rejects with the signal's reason", async () => {
    holdUntilAborted();
    await using reader = await open();
    const controller = new AbortController();
    const reason = new ReportError("interrupted", "the worker stops");
    const running = reader.query(queryOf("SELECT 1"), controller.signal);
    setTimeout(() => controller.abort(reason), 20);
    expect(await errorOf(running)).toBe(reason);
    expect(fake.aborts).toHaveLength(1);
  });

  test("a warehouse that forgets its own limit is reminded: query_timeout", async () => {
    holdUntilAborted();
    await using reader = await open({ watchdogMs: 20 });
    const error = await errorOf(reader.query(queryOf("SELECT 1", { timeoutSeconds: 0.03 }), never));
    expect(error.code).toBe("query_timeout");
    expect(fake.aborts.length).toBeGreaterThan(0);
  });

  test("the warehouse's own limit is query_timeout", async () => {
    answer(() =>
      errorReply("000630", "57014", "Statement reached its statement timeout of 1 second(s)"),
    );
    await using reader = await open();
    expect((await errorOf(reader.query(queryOf("SELECT 1"), never))).code).toBe("query_timeout");
  });
});

describe("reading the rows", () => {
  const SIZES = [3, 12_000, 1, 500];

  test("chunks come in the query's order behind the rows of the answer, in batches of at most 2,000", async () => {
    serveChunks(SIZES, 2);
    answer(() => chunkedReply(SIZES, 2));
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    const batches = await Array.fromAsync(table.batches);
    expect(batches.map((batch) => batch.length)).toEqual([
      2, 3, 2000, 2000, 2000, 2000, 2000, 2000, 1, 500,
    ]);
    expect(batches.flat()).toEqual(numbers(0, 12_506));
  });

  test("no more than one chunk is fetched ahead of the one that is read", async () => {
    const fetched: string[] = [];
    const sizes = [1, 1, 1, 1, 1, 1];
    serveChunks(sizes);
    const serve = fake.chunk;
    fake.chunk = (name) => {
      fetched.push(name);
      return serve(name);
    };
    answer(() => chunkedReply(sizes));
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    const iterator = table.batches[Symbol.asyncIterator]();
    await iterator.next();
    await Bun.sleep(50);
    expect(fetched.toSorted()).toEqual(["0", "1"]);
    await iterator.next();
    await Bun.sleep(50);
    expect(fetched.toSorted()).toEqual(["0", "1", "2"]);
  });

  test.each([
    ["fewer", 4],
    ["more", 2],
  ])("%s rows than the warehouse reported are rows_missing", async (_word, returned) => {
    answer(() => rowsReply(A, numbers(0, 3), { returned }));
    await using reader = await open();
    const { table, queryId } = await reader.query(queryOf("SELECT 1"), never);
    const error = await errorOf(rowsOf(table));
    expect(error.code).toBe("rows_missing");
    expect(error.message).toBe(`the result is incomplete: 3 rows arrived of ${returned}`);
    expect(error).toMatchObject({ retryable: true, warehouse: { queryId } });
  });

  test("a chunk that never arrives is rows_missing after the time limit", async () => {
    fake.chunk = () => new Promise(() => {});
    answer(() => chunkedReply([2]));
    const timeouts = { loginMs: 5000, statementMs: 5000, rowsMs: 100 };
    await using reader = await open({}, { timeouts });
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    const error = await errorOf(rowsOf(table));
    expect(error.message).toBe(
      "the result is incomplete: no row arrived for 0.1 s (0 of 2 rows read)",
    );
    expect(error.code).toBe("rows_missing");
  });

  test("the rows can be read once", async () => {
    answer(() => rowsReply(A, [["1"]]));
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    await rowsOf(table);
    expect(String(await reasonOf(rowsOf(table)))).toContain("can be read once");
  });

  test("a slow reader is not a stalled warehouse", async () => {
    serveChunks([1, 1]);
    answer(() => chunkedReply([1, 1]));
    const timeouts = { loginMs: 5000, statementMs: 5000, rowsMs: 100 };
    await using reader = await open({}, { timeouts });
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    let count = 0;
    for await (const batch of table.batches) {
      count += batch.length;
      await Bun.sleep(150);
    }
    expect(count).toBe(2);
  });

  test("a chunk that is cut short is rows_missing", async () => {
    fake.chunk = () => new Response('["1"],["2');
    answer(() => chunkedReply([2]));
    await using reader = await open();
    const { table } = await reader.query(queryOf("SELECT 1"), never);
    expect((await errorOf(rowsOf(table))).code).toBe("rows_missing");
  });

  test("an abort while reading rejects with the signal's reason", async () => {
    fake.chunk = () => new Promise(() => {});
    answer(() => chunkedReply([2], 1));
    await using reader = await open();
    const controller = new AbortController();
    const { table } = await reader.query(queryOf("SELECT 1"), controller.signal);
    const reading = rowsOf(table);
    const reason = new Error("stop");
    setTimeout(() => controller.abort(reason), 20);
    expect(await reasonOf(reading)).toBe(reason);
  });
});
