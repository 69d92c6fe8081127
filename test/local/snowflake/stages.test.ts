import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Connection } from "snowflake-sdk";
import { type LocalSnowflake, startLocalSnowflake } from "../../../src/local/snowflake/server.ts";
import { connect, execute, failureOf } from "./driver.ts";

/** Stages, COPY INTO them and presigned URLs, as the real driver and a web client see them. */

let server: LocalSnowflake;
let connection: Connection;

beforeAll(async () => {
  server = await startLocalSnowflake({ sampleLineItems: 3000 });
  connection = await connect(server);
  await run("CREATE DATABASE D");
});
beforeEach(() => run("CREATE OR REPLACE STAGE ST ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')"));
afterAll(() => server[Symbol.asyncDispose]());

async function run(sql: string, binds: (string | number)[] = []): Promise<readonly unknown[][]> {
  const { rows } = await execute(connection, sql, { binds });
  return rows as unknown[][];
}

async function refusal(sql: string): Promise<string> {
  const { code, sqlState, message } = await failureOf(run(sql));
  return `${code} ${sqlState} ${message}`;
}

async function urlOf(path: string, seconds = 60): Promise<string> {
  const [row] = await run("SELECT GET_PRESIGNED_URL(@ST, ?, ?) AS URL", [path, seconds]);
  return String(row?.[0]);
}

async function fetchBytes(path: string): Promise<Buffer> {
  const response = await fetch(await urlOf(path));
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

async function fetchText(path: string): Promise<string> {
  return (await fetchBytes(path)).toString();
}

async function names(prefix = ""): Promise<string[]> {
  return (await run(`LIST @ST${prefix}`)).map(([name]) => String(name));
}

/** What the push-down asks for: RFC 4180. */
const RFC = `TYPE = CSV COMPRESSION = NONE FIELD_OPTIONALLY_ENCLOSED_BY = '"' ESCAPE_UNENCLOSED_FIELD = NONE
  NULL_IF = ('') EMPTY_FIELD_AS_NULL = FALSE`;
const ONE = "SINGLE = TRUE HEADER = TRUE OVERWRITE = TRUE MAX_FILE_SIZE = 5368709120";

describe("stages", () => {
  test("are created, shown, described and dropped", async () => {
    await run("CREATE STAGE IF NOT EXISTS OTHER DIRECTORY = (ENABLE = TRUE) COMMENT = 'files'");
    expect(await run("CREATE STAGE IF NOT EXISTS OTHER")).toEqual([
      ["OTHER already exists, statement succeeded."],
    ]);
    expect(await refusal("CREATE STAGE OTHER")).toContain("002002");
    const shown = (await run("SHOW STAGES LIKE 'OTH%'")).map((row) => row.slice(1));
    expect(shown).toEqual([
      ["OTHER", "D", "PUBLIC", "", "N", "N", "ACCOUNTADMIN", "files", "INTERNAL", "Y"],
    ]);
    expect(await run("DESC STAGE OTHER")).toEqual([
      ["DIRECTORY", "ENABLE", "Boolean", "true", "false"],
      ["STAGE_ENCRYPTION", "TYPE", "String", "SNOWFLAKE_FULL", "SNOWFLAKE_FULL"],
    ]);
    await run("DROP STAGE OTHER");
    expect(await refusal("LIST @OTHER")).toContain("002003 42S02");
    expect(await run("DROP STAGE IF EXISTS OTHER")).toHaveLength(1);
  });

  test("an external one and an unknown property are refused by name", async () => {
    expect(await refusal("CREATE STAGE X URL = 's3://b/p'")).toContain("external stage (URL)");
    expect(await refusal("CREATE STAGE X SIZE = 3")).toContain("invalid property 'SIZE'");
    expect(await refusal("COPY INTO 's3://b/p' FROM (SELECT 1)")).toContain("'s3://b/p'");
    expect(await refusal("COPY INTO @~/f FROM (SELECT 1)")).toContain("name a stage");
  });

  test("LIST tells size and MD5, a path is a prefix, REMOVE takes files away", async () => {
    for (const path of ["f", "f.csv", "dir/a--b", "dir/h.csv"])
      await run(
        `COPY INTO @D.PUBLIC.ST/${path} FROM (SELECT 3) FILE_FORMAT = (${RFC}) SINGLE = TRUE`,
      );
    expect(await names()).toEqual(["st/dir/a--b", "st/dir/h.csv", "st/f", "st/f.csv"]);
    const [file] = await run("LS @ST/dir/a--b");
    expect(file?.slice(0, 3)).toEqual([
      "st/dir/a--b",
      2,
      createHash("md5").update("3\n").digest("hex"),
    ]);
    expect(Date.parse(String(file?.[3]))).toBeCloseTo(Date.now(), -5);
    expect(await run("LIST @ST PATTERN = '.*[.]csv'")).toHaveLength(2);
    expect(await run("REMOVE @ST/f")).toEqual([
      ["st/f", "removed"],
      ["st/f.csv", "removed"],
    ]);
    expect(await run("RM @ST/dir/ PATTERN = '.*h.csv'")).toEqual([["st/dir/h.csv", "removed"]]);
    expect(await names("/")).toEqual(["st/dir/a--b"]);
    await run("CREATE OR REPLACE STAGE ST");
    expect(await names()).toEqual([]);
  });

  test("lie beside the data file, and are there again when it is opened again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stages-test-"));
    const file = join(folder, "local.duckdb");
    const copy = "COPY INTO @KEPT/f.csv FROM (SELECT 1) SINGLE = TRUE";
    for (const statements of [["CREATE DATABASE D", "CREATE STAGE KEPT", copy], []]) {
      await using kept = await startLocalSnowflake({ file, sampleLineItems: 0 });
      const client = await connect(kept, { database: "D", schema: "PUBLIC" });
      for (const sql of statements) await execute(client, sql);
      expect((await execute(client, "LIST @KEPT")).rows).toHaveLength(1);
      if (statements.length === 0) await execute(client, "DROP SCHEMA PUBLIC");
    }
    expect(await readdir(`${file}.stages`)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

test("a COPY INTO that is refused leaves no file behind", async () => {
  const folder = await mkdtemp(join(tmpdir(), "stages-test-"));
  const file = join(folder, "local.duckdb");
  await using kept = await startLocalSnowflake({ file, sampleLineItems: 0 });
  const client = await connect(kept);
  for (const sql of ["CREATE DATABASE D", "CREATE STAGE S", "COPY INTO @S/f FROM (SELECT 1)"])
    await execute(client, sql);
  for (const type of ["CSV", "PARQUET"]) {
    const copy = `COPY INTO @S/g FROM (SELECT 1 AS A) FILE_FORMAT = (TYPE = ${type} COMPRESSION = BZ2)`;
    expect((await failureOf(execute(client, copy))).message).toContain("BZ2");
  }
  for (const type of ["CSV", "PARQUET"]) {
    const copy = `COPY INTO @S/${"long".repeat(70)} FROM (SELECT 1 AS A) FILE_FORMAT = (TYPE = ${type})`;
    expect((await failureOf(execute(client, copy))).message).toContain("as long as");
  }
  const stored = await readdir(`${file}.stages`, { recursive: true });
  expect(stored).toHaveLength(2);
  await rm(folder, { recursive: true });
});

describe("COPY INTO a CSV file", () => {
  test("encloses texts and tells a null from an empty text, as RFC 4180 and Snowflake have it", async () => {
    const rows = `SELECT 1 AS ID, 'a "B", c' AS NAME, NULL AS GONE, '' AS EMPTY, TRUE AS OK, 1.50::NUMBER(9,2) AS PRICE
      UNION ALL SELECT 2, 'two\\nlines\\\\', 'x', 'ö', FALSE, -0.05`;
    expect(
      await run(
        `COPY INTO @ST/out.csv FROM (${rows}) FILE_FORMAT = (${RFC}) ${ONE} DETAILED_OUTPUT = TRUE`,
      ),
    ).toEqual([["out.csv", 105, 2]]);
    const text = await fetchText("out.csv");
    expect(text).toBe(
      `"ID","NAME","GONE","EMPTY","OK","PRICE"\n1,"a ""B"", c",,"",true,1.50\n2,"two\nlines\\","x","ö",false,-0.05\n`,
    );
    expect(parse(text, { columns: true })).toEqual([
      { ID: "1", NAME: 'a "B", c', GONE: "", EMPTY: "", OK: "true", PRICE: "1.50" },
      { ID: "2", NAME: "two\nlines\\", GONE: "x", EMPTY: "ö", OK: "false", PRICE: "-0.05" },
    ]);
  });

  test("by default encloses nothing, escapes with a backslash, writes \\N for null, and is gzip", async () => {
    await run("CREATE OR REPLACE TABLE T (A VARCHAR, B VARCHAR, C NUMBER)");
    await run("INSERT INTO T VALUES ('a,b\\\\', '', NULL), ('x\\ny', NULL, 3)");
    expect(await run("COPY INTO @ST/plain_ FROM T")).toEqual([[2, 23, expect.any(Number)]]);
    expect(await names()).toEqual(["st/plain__0_0_0.csv.gz"]);
    const text = gunzipSync(await fetchBytes("plain__0_0_0.csv.gz")).toString();
    expect(text).toBe(`a\\,b\\\\,"",\\N\nx\\\ny,\\N,3\n`);
  });

  test("writes dates and times in the formats that were asked for", async () => {
    await run("ALTER SESSION SET TIMEZONE = 'Europe/Berlin'");
    const values = `'2026-07-01'::DATE, '13:14:15.123456'::TIME, '2026-07-01 13:14:15.123456'::TIMESTAMP_NTZ,
      '2026-07-01 12:00:00 +00:00'::TIMESTAMP_LTZ, '2026-07-01 12:00:00 -0330'::TIMESTAMP_TZ, TO_BINARY('FF', 'HEX')`;
    const formats = `DATE_FORMAT = 'DD.MM.YYYY' TIME_FORMAT = 'HH24:MI:SS.FF2' BINARY_FORMAT = BASE64
      TIMESTAMP_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FF3TZH:TZM' FIELD_DELIMITER = ';' RECORD_DELIMITER = '\\r\\n'`;
    await run(
      `COPY INTO @ST/t.csv FROM (SELECT ${values}) FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE ${formats}) SINGLE = TRUE`,
    );
    await run(
      `COPY INTO @ST/auto.csv FROM (SELECT ${values}) FILE_FORMAT = (TYPE = 'CSV', COMPRESSION = 'NONE') SINGLE = TRUE`,
    );
    await run("ALTER SESSION UNSET TIMEZONE");
    expect(await fetchText("t.csv")).toBe(
      "01.07.2026;13:14:15.12;2026-07-01T13:14:15.123Z;2026-07-01T14:00:00.000+02:00;2026-07-01T12:00:00.000-03:30;/w==\r\n",
    );
    expect(await fetchText("auto.csv")).toBe(
      "2026-07-01,13:14:15,2026-07-01 13:14:15.123,2026-07-01 14:00:00.000 +0200,2026-07-01 12:00:00.000 -0330,FF\n",
    );
  });

  test("a file that is there is not overwritten unless that is said", async () => {
    const copy = `COPY INTO @ST/x.csv FROM (SELECT 1) FILE_FORMAT = (${RFC}) SINGLE = TRUE`;
    await run(copy);
    expect(await refusal(copy)).toContain(
      "Files already existing at the unload destination: @ST/x.csv. Use overwrite option to force unloading.",
    );
    await run(`${copy.replace("SELECT 1", "SELECT 2")} OVERWRITE = TRUE`);
    expect(await fetchText("x.csv")).toBe("2\n");
    expect(await refusal("COPY INTO @ST/x FROM (SELECT 1)")).toContain("already existing");
    await run("COPY INTO @ST/x FROM (SELECT 1) INCLUDE_QUERY_ID = TRUE");
    expect((await names("/x_"))[0]).toMatch(/^st\/x_[0-9a-f-]{36}_0_0_0\.csv\.gz$/);
  });

  test("no rows are no file, even with a header", async () => {
    const copy = "COPY INTO @ST/none.csv FROM (SELECT 1 WHERE FALSE) HEADER = TRUE";
    expect(await run(copy)).toEqual([[0, 0, 0]]);
    expect(await run(`${copy} DETAILED_OUTPUT = TRUE`)).toEqual([]);
    expect(await names()).toEqual([]);
  });

  test("a single file over MAX_FILE_SIZE fails and leaves nothing; several begin at it, each with the header", async () => {
    const source =
      "(SELECT SEQ4() AS N, RPAD('x', 90, 'y') AS T FROM TABLE(GENERATOR(ROWCOUNT => 20000)))";
    const copy = `COPY INTO @ST/big FROM ${source} FILE_FORMAT = (${RFC}) HEADER = TRUE MAX_FILE_SIZE = 500000`;
    expect(await refusal(`${copy} SINGLE = TRUE`)).toContain(
      "Max file size (500000) exceeded for unload single file mode.",
    );
    expect(await names()).toEqual([]);
    const files = await run(`${copy} DETAILED_OUTPUT = TRUE`);
    expect(files.length).toBeGreaterThan(2);
    expect(files.reduce((total, [, , rows]) => total + Number(rows), 0)).toBe(20_000);
    const records = await Promise.all(files.map(([name]) => fetchText(String(name))));
    const rows: string[][] = records.flatMap((text) => parse(text, { from: 2 }));
    const numbers = rows.map(([number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
  });

  test("an option that is not known, or does not go with another, is refused by name", async () => {
    const copy = "COPY INTO @ST/x FROM (SELECT 1)";
    expect(await refusal(`${copy} SPEED = 3`)).toContain("invalid parameter 'SPEED'");
    expect(await refusal(`${copy} FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1)`)).toContain(
      "'SKIP_HEADER'",
    );
    expect(await refusal(`${copy} FILE_FORMAT = (TYPE = JSON)`)).toContain("unloading as JSON");
    expect(await refusal(`${copy} FILE_FORMAT = (TYPE = CSV COMPRESSION = BZ2)`)).toContain("BZ2");
    expect(await refusal(`${copy} PARTITION BY (1)`)).toContain("PARTITION");
    expect(await refusal(`${copy} MAX_FILE_SIZE = 5368709121`)).toContain("'MAX_FILE_SIZE'");
    expect(await refusal(`${copy} INCLUDE_QUERY_ID = TRUE SINGLE = TRUE`)).toContain(
      "INCLUDE_QUERY_ID",
    );
    expect(await refusal("COPY INTO T FROM @ST")).toContain("COPY INTO a table");
    expect(await refusal("COPY INTO @ST/x FROM (SELECT 1 / 0)")).toContain("100051");
    expect(await names()).toEqual([]);
  });
});

describe("COPY INTO a Parquet file", () => {
  async function readParquet(path: string): Promise<unknown[]> {
    const folder = await mkdtemp(join(tmpdir(), "stages-test-"));
    await Bun.write(join(folder, "f.parquet"), await fetchBytes(path));
    const instance = await DuckDBInstance.create(":memory:");
    const reader = await (
      await instance.connect()
    ).runAndReadAll(`SELECT * FROM read_parquet('${join(folder, "f.parquet")}')`);
    await rm(folder, { recursive: true });
    return reader.getRowObjectsJson();
  }

  test("keeps types and names, and has a file for each MAX_FILE_SIZE", async () => {
    const source = `(SELECT 12.50::NUMBER(9,2) AS "Price", 'x' AS T, '2026-01-02'::DATE AS D, PARSE_JSON('{"a":1}') AS V,
      '2026-01-02 03:04:05.678'::TIMESTAMP_NTZ AS TS, NULL::VARCHAR AS N)`;
    const [[name, size, count] = []] = await run(
      `COPY INTO @ST/p.parquet FROM ${source} FILE_FORMAT = (TYPE = PARQUET) ${ONE} DETAILED_OUTPUT = TRUE`,
    );
    expect([name, count]).toEqual(["p.parquet", 1]);
    expect((await fetchBytes("p.parquet")).length).toBe(Number(size));
    expect(await readParquet("p.parquet")).toEqual([
      {
        Price: "12.50",
        T: "x",
        D: "2026-01-02",
        V: '{"a":1}',
        TS: "2026-01-02 03:04:05.678",
        N: null,
      },
    ]);
    await run(`COPY INTO @ST/many FROM (SELECT RANDOM() AS R FROM TABLE(GENERATOR(ROWCOUNT => 600000)))
      FILE_FORMAT = (TYPE = PARQUET COMPRESSION = NONE) MAX_FILE_SIZE = 1000000`);
    const files = await names("/many");
    expect(files.slice(0, 2)).toEqual(["st/many_0_0_0.parquet", "st/many_0_0_1.parquet"]);
    expect(Object.keys((await readParquet("many_0_0_0.parquet"))[0] ?? {})).toEqual(["_COL_0"]);
  });

  test("refuses timestamps with a zone, a size that is passed, options of CSV; no rows are no file", async () => {
    const copy = (query: string, rest = ""): string =>
      `COPY INTO @ST/z.parquet FROM (${query}) FILE_FORMAT = (TYPE = PARQUET${rest}) SINGLE = TRUE`;
    expect(await refusal(copy("SELECT CURRENT_TIMESTAMP() AS NOW"))).toContain(
      "cast the column 'NOW'",
    );
    expect(await refusal(`${copy("SELECT 1")} MAX_FILE_SIZE = 100`)).toContain(
      "Max file size (100) exceeded",
    );
    expect(await refusal(copy("SELECT 1", " FIELD_DELIMITER = ','"))).toContain(
      "'FIELD_DELIMITER'",
    );
    expect(await refusal(copy("SELECT 1", " COMPRESSION = GZIP"))).toContain("'GZIP'");
    expect(await run(copy("SELECT 1 WHERE FALSE"))).toEqual([[0, 0, 0]]);
    expect(await names()).toEqual([]);
  });
});

describe("a presigned URL", () => {
  beforeEach(() =>
    run(`COPY INTO '@ST/dir/a,b.csv' FROM (SELECT 'hello') FILE_FORMAT = (${RFC}) SINGLE = TRUE`),
  );

  test("serves the file whole, in part, and its head", async () => {
    const url = await urlOf("dir/a,b.csv");
    expect(await (await fetch(url)).text()).toBe('"hello"\n');
    const head = await fetch(url, { method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["8", ""]);
    const part = await fetch(url, { headers: { range: "bytes=1-5" } });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      "bytes 1-5/8",
      "hello",
    ]);
    expect(await (await fetch(url, { headers: { range: "bytes=-2" } })).text()).toBe('"\n');
    expect((await fetch(url, { headers: { range: "bytes=8-" } })).status).toBe(416);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(405);
    const [row] = await run("SELECT GET_PRESIGNED_URL('@D.PUBLIC.ST/dir', 'a,b.csv')");
    expect((await fetch(String(row?.[0]))).status).toBe(200);
  });

  test("is 403 when it was changed or has expired, and 404 for a file that is not there", async () => {
    const url = new URL(await urlOf("dir/a,b.csv", 1));
    const other = new URL(url);
    other.pathname = other.pathname.replace("a%2Cb", "c");
    expect((await fetch(other)).status).toBe(403);
    const later = new URL(url);
    later.searchParams.set("expires", "9999999999");
    expect((await fetch(later)).status).toBe(403);
    await Bun.sleep(Number(url.searchParams.get("expires")) * 1000 - Date.now() + 20);
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(await urlOf("nothing"))).status).toBe(404);
  });

  test("needs a stage with SNOWFLAKE_SSE and a time of up to seven days", async () => {
    await run("CREATE OR REPLACE STAGE FULL_STAGE");
    expect(await refusal("SELECT GET_PRESIGNED_URL(@FULL_STAGE, 'f')")).toContain("SNOWFLAKE_SSE");
    expect(await refusal("SELECT GET_PRESIGNED_URL(@ST, 'f', 604801)")).toContain("604800 seconds");
  });
});

describe("RESULT_SCAN", () => {
  test("gives the rows that a SELECT gave, whatever has become of its tables", async () => {
    await run("CREATE OR REPLACE TABLE R (ID NUMBER, T TIMESTAMP_TZ, V VARIANT)");
    await run("INSERT INTO R SELECT 1, '2026-01-02 03:04:05 +0100', PARSE_JSON('[1]')");
    const { statement, rows } = await execute(
      connection,
      "SELECT ID AS N, T, V, RANDOM() AS X FROM R",
    );
    const id = statement.getQueryId();
    await run("DELETE FROM R");
    expect(JSON.stringify(await run(`SELECT * FROM TABLE(RESULT_SCAN('${id}'))`))).toBe(
      JSON.stringify(rows),
    );
    expect(await run("SELECT COUNT(N) FROM TABLE(RESULT_SCAN(?)) WHERE N = ?", [id, 1])).toEqual([
      [1],
    ]);
    await run("SELECT 7 AS SEVEN");
    expect(await run("SELECT SEVEN + 1 FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS R")).toEqual([
      [8],
    ]);
    await run(
      `COPY INTO @ST/scan.csv FROM (SELECT N, V FROM TABLE(RESULT_SCAN('${id}'))) FILE_FORMAT = (${RFC}) ${ONE}`,
    );
    expect(await fetchText("scan.csv")).toBe('"N","V"\n1,"[1]"\n');
  });

  test("is for the same user, and only for what is still kept", async () => {
    const { statement } = await execute(connection, "SELECT 1");
    const scan = `SELECT * FROM TABLE(RESULT_SCAN('${statement.getQueryId()}'))`;
    const other = await connect(server, { username: "bob" });
    expect(await failureOf(execute(other, scan))).toMatchObject({ code: "000709" });
    expect(await run(scan)).toEqual([[1]]);
    for (let count = 0; count < 9; count++) await run("SELECT 2");
    expect(await refusal(scan)).toContain("000709 02000");
  });
});
