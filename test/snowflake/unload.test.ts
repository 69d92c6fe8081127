import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { parquetReadObjects } from "hyparquet";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { startLocalSnowflake, type LocalSnowflake } from "../../src/local/snowflake/server.ts";
import { selectColumns } from "../../src/render/cell-columns.ts";
import { createCsvRenderer } from "../../src/render/csv.ts";
import { writeCsvLabels } from "../../src/render/csv-labels.ts";
import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { optionsSchema } from "../../src/report/options.ts";
import { readRowOrder } from "../../src/report/row-order.ts";
import type { Unload } from "../../src/report/unload.ts";
import { type Connection, openConnection } from "../../src/snowflake/connection.ts";
import { openReader, type Reader, type ReaderResult } from "../../src/snowflake/reader.ts";
import {
  CONTROL_SESSION,
  DEFAULT_TIMEOUTS,
  type SnowflakeSettings,
} from "../../src/snowflake/settings.ts";
import { openStage } from "../../src/snowflake/unload.ts";
import type { UnloadRequest } from "../../src/worker/ports.ts";

let server: LocalSnowflake;
let settings: SnowflakeSettings;
let connection: Connection;
let reader: Reader;

const STAGE = "REPORTING_DB.CONFIG.REPORT_STAGE";
const { signal } = new AbortController();

beforeAll(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 1_000 });
  settings = {
    account: "local",
    accessUrl: server.url,
    username: "SERVICE",
    authentication: { method: "password", password: "any" },
    ocsp: "off",
    timeouts: DEFAULT_TIMEOUTS,
  };
  connection = await openConnection(settings, { sessionParameters: CONTROL_SESSION });
  await connection.execute("CREATE DATABASE REPORTING_DB");
  await connection.execute("CREATE SCHEMA REPORTING_DB.CONFIG");
  await connection.execute(
    "CREATE STAGE REPORTING_DB.CONFIG.REPORT_STAGE ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')",
  );
  reader = await openReader(settings);
});

afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await connection[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function query(sql: string, timezone = "UTC"): Promise<ReaderResult> {
  return await reader.query(
    { sql, binds: [], timeoutSeconds: 60, tag: { app: "test" }, timezone },
    signal,
  );
}

interface Sample {
  readonly sql: string;
  readonly options?: object;
  readonly timezone?: string;
}

async function describeUnload(
  { sql, options = {}, timezone = "UTC" }: Sample,
  format: Unload["format"],
): Promise<{ unload: Unload; result: ReaderResult; guardedLabels: number }> {
  const parsed = optionsSchema.parse(options);
  const result = await query(sql, timezone);
  const { columns } = result.table;
  const shown = selectColumns(columns, parsed);
  const labels = shown.map(({ label }) => label);
  const written = format === "CSV" ? writeCsvLabels(labels, parsed) : { labels, guarded: 0 };
  const order =
    readRowOrder(
      sql,
      columns.map(({ name }) => name),
    ) ?? [];
  const fields = shown.map(({ column: { name, type, scale } }, index) => ({
    name,
    type,
    scale,
    label: written.labels[index]!,
  }));
  const unload = {
    format,
    queryId: result.queryId,
    columns: fields,
    order,
    csv: parsed.csv,
    timezone,
  };
  return { unload, result, guardedLabels: written.guarded };
}

function request(unload: Unload, key: string): UnloadRequest {
  return { unload, key, timeoutSeconds: 60, tag: { app: "test" }, onBytes: () => {} };
}

async function render({ options = {}, timezone = "UTC" }: Sample, result: ReaderResult) {
  const chunks: Uint8Array[] = [];
  const context = {
    reportName: "r",
    runId: "r",
    queryId: result.queryId,
    rowCount: result.table.rowCount,
    parameters: {},
    generatedAt: new Date(0),
    dataAsOf: new Date(0),
    timezone,
    options: optionsSchema.parse(options),
    presentation: DEFAULT_PRESENTATION,
  };
  const renderer = createCsvRenderer(context, {
    write: (bytes) => void chunks.push(bytes.slice()),
  });
  await renderer.begin(result.table.columns);
  for await (const batch of result.table.batches) await renderer.rows(batch);
  const { warnings } = await renderer.finish();
  return { bytes: Buffer.concat(chunks), warnings };
}

/** The same result as our renderer makes it and as the warehouse does. */
async function compare(sample: Sample): Promise<{ ours: string; theirs: string }> {
  const { unload, result, guardedLabels } = await describeUnload(sample, "CSV");
  await using stage = openStage(settings, { name: STAGE });
  const { files, guardedCells } = await stage.unload(request(unload, "r/f1-run/r.csv"), signal);
  const [file] = files;
  const bytes = await stage.read(file!.uri);
  const { bytes: rendered, warnings } = await render(sample, result);
  expect(files).toHaveLength(1);
  expect(file).toMatchObject({
    sizeBytes: bytes.byteLength,
    rowCount: result.table.rowCount,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  const guarded = warnings.find(({ code }) => code === "formula_guarded")?.count ?? 0;
  expect(guardedCells + guardedLabels).toBe(guarded);
  const isZipped = unload.csv.gzip;
  const [ours, theirs] = isZipped ? [gunzipSync(rendered), gunzipSync(bytes)] : [rendered, bytes];
  return { ours: ours.toString(), theirs: theirs.toString() };
}

const ALL_TYPES = `
  SELECT 1 AS N, 12.50::NUMBER(10,2) AS AMOUNT, 1.5::FLOAT AS RATIO, TRUE AS FLAG, '2026-01-31'::DATE AS DAY,
    '01:02:03.500'::TIME AS CLOCK, '2026-01-31 01:02:03'::TIMESTAMP_NTZ AS WALL,
    '2026-07-31 01:02:03.123456 +0000'::TIMESTAMP_LTZ AS INSTANT,
    '2026-07-31 01:02:03.000 -0730'::TIMESTAMP_TZ AS ZONED, TO_BINARY('00ff') AS BYTES,
    PARSE_JSON('{"a": [1, "x, y"]}') AS DOCUMENT, OBJECT_CONSTRUCT('k', 1) AS OBJ, ARRAY_CONSTRUCT(1, 2) AS LIST,
    'plain' AS TEXT
  UNION ALL
  SELECT -2, -0.05, 1e300::FLOAT, FALSE, '1969-12-31'::DATE, '23:59:59'::TIME,
    '1969-12-31 23:59:59.123456789'::TIMESTAMP_NTZ,
    '1969-12-31 23:59:59 +0000'::TIMESTAMP_LTZ, '2026-01-01 00:00:00.000 +0000'::TIMESTAMP_TZ, TO_BINARY(''),
    PARSE_JSON('"text"'), OBJECT_CONSTRUCT(), ARRAY_CONSTRUCT(), ''
  UNION ALL
  SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  ORDER BY N`;

const TEXTS = [
  "plain",
  "",
  "a,b",
  'say "x"',
  "two\nlines",
  "cr\rhere",
  "=1+1",
  "+1",
  "-1",
  "@x",
  " \u00a0=1",
  "\tx",
  "\rx",
  "NULL",
  "ünï ☃ 𝄞",
  "'quoted'",
  "back\\slash",
  "a;b",
  "-",
  "\u3000@",
  "x=1",
  "\\N",
];

function textSql(): string {
  const rows = TEXTS.map((text, at) => {
    const escaped = text.replaceAll("\\", "\\\\").replaceAll("'", "''");
    return `(${at}, '${escaped.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}')`;
  });
  return `SELECT column1 AS ID, column2 AS "Text, all" FROM VALUES ${rows.join(", ")} ORDER BY 1`;
}

describe("a CSV file that Snowflake writes is the one that we render", () => {
  test("with every type", async () => {
    const { ours, theirs } = await compare({ sql: ALL_TYPES, timezone: "Europe/Zurich" });
    expect(theirs).toBe(ours);
    expect(theirs.split("\r\n")).toHaveLength(5);
  });

  test.each([
    {},
    { csv: { delimiter: ";", nullText: "NULL", lineEnd: "lf" } },
    { csv: { quote: "all", gzip: true } },
    { csv: { delimiter: "\t", formulaGuard: false, header: false } },
    { csv: { delimiter: "-" } },
    { columns: { "Text, all": { label: '=the "text"' } } },
    { columns: { id: { hidden: true } } },
  ])("with texts that need care, OPTIONS %j", async (options) => {
    const { ours, theirs } = await compare({ sql: textSql(), options });
    expect(theirs).toBe(ours);
  });

  test.each([
    { csv: { quote: "all" } },
    { csv: { delimiter: "-", nullText: "NULL" } },
    { csv: { delimiter: ":" } },
  ])("with every type where plain cells need quotes too, OPTIONS %j", async (options) => {
    const { ours, theirs } = await compare({
      sql: ALL_TYPES,
      options,
      timezone: "America/New_York",
    });
    expect(theirs).toBe(ours);
  });
});

describe("a stage", () => {
  test("takes several files when one would be too large, and each says its rows", async () => {
    const sql = "SELECT SEQ8() AS N, SHA2(SEQ8()) AS HASH FROM TABLE(GENERATOR(ROWCOUNT => 30000))";
    const { unload } = await describeUnload({ sql }, "CSV");
    await using stage = openStage(settings, { name: STAGE, fileBytesMax: 500_000 });
    const { files } = await stage.unload(request(unload, "many/f1-run/many.csv"), signal);
    expect(files.length).toBeGreaterThan(2);
    const read = await Promise.all(files.map(async ({ uri }) => await stage.read(uri)));
    const rows = read.map((bytes) => parse<{ N: string }>(Buffer.from(bytes), { columns: true }));
    expect(rows.map((records) => records.length)).toEqual(files.map(({ rowCount }) => rowCount));
    expect(new Set(rows.flat().map(({ N }) => N)).size).toBe(30_000);
    await stage.remove("many/f1-run/");
    const { rows: left } = await connection.execute(`LIST @${STAGE}/many`);
    expect(left).toEqual([]);
  });

  test("takes every type as PARQUET, instants as the clock of the zone shows them", async () => {
    const sample = {
      sql: ALL_TYPES,
      timezone: "Europe/Zurich",
      options: { columns: { N: { label: "No." } } },
    };
    const { unload } = await describeUnload(sample, "PARQUET");
    await using stage = openStage(settings, { name: STAGE });
    const { files } = await stage.unload(request(unload, "p/f1-run/p.parquet"), signal);
    const bytes = Uint8Array.from(await stage.read(files[0]!.uri));
    const [low, high, none] = await parquetReadObjects({ file: bytes.buffer, utf8: false });
    expect(high).toMatchObject({
      "No.": 1,
      AMOUNT: 12.5,
      RATIO: 1.5,
      FLAG: true,
      DAY: new Date("2026-01-31"),
      WALL: new Date("2026-01-31T01:02:03Z"),
      INSTANT: new Date("2026-07-31T03:02:03.123Z"),
      ZONED: new Date("2026-07-31T10:32:03Z"),
      BYTES: new Uint8Array([0, 255]),
      LIST: "[1,2]",
      TEXT: "plain",
    });
    expect(low).toMatchObject({ "No.": -2, DOCUMENT: '"text"', TEXT: "" });
    expect(Object.values(none ?? {}).every((value) => value === null)).toBe(true);
  });

  test("writes no file for a result without rows", async () => {
    const { unload } = await describeUnload({ sql: "SELECT 1 AS N WHERE FALSE" }, "CSV");
    await using stage = openStage(settings, { name: STAGE });
    const { files } = await stage.unload(request(unload, "none/f1-run/none.csv"), signal);
    expect(files).toEqual([]);
  });

  test("says of a file that is not there that it never will be", async () => {
    await using stage = openStage(settings, { name: STAGE });
    const error = await stage
      .read(`snowflake://${STAGE}/none.csv`)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "store_failed", retryable: false });
    expect(String(error)).not.toContain("http://");
  });

  test("stops the statement when the run is aborted", async () => {
    const sql =
      "SELECT SEQ8() AS N, SHA2(SEQ8()) AS HASH FROM TABLE(GENERATOR(ROWCOUNT => 1000000))";
    const { unload } = await describeUnload({ sql }, "CSV");
    await using stage = openStage(settings, { name: STAGE });
    const stop = new AbortController();
    const reason = new Error("enough");
    const ended = stage.unload(request(unload, "stop/f1-run/stop.csv"), stop.signal);
    setTimeout(() => stop.abort(reason), 300);
    expect(await ended.catch((thrown: unknown) => thrown)).toBe(reason);
    // The answer to the abort does not wait for the file to be gone.
    const left = async (): Promise<number> =>
      (await connection.execute(`LIST @${STAGE}/stop`)).rows.length;
    for (let look = 0; look < 50 && (await left()) > 0; look += 1) await Bun.sleep(100);
    expect(await left()).toBe(0);
  }, 20_000);
});
