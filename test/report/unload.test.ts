import { describe, expect, test } from "bun:test";
import { optionsSchema } from "../../src/report/options.ts";
import {
  findUnloadObstacle,
  type Unload,
  writeGuardCount,
  writeUnload,
} from "../../src/report/unload.ts";

const { csv } = optionsSchema.parse({});
const COLUMNS: Unload["columns"] = [
  { name: "ID", type: "fixed", scale: 0, label: "No." },
  { name: 'A"B', type: "text", scale: 0, label: "Text" },
  { name: "AT", type: "timestamp_tz", scale: 9, label: "At" },
];
const UNLOAD: Unload = {
  format: "CSV",
  queryId: "01-q",
  columns: COLUMNS,
  order: [{ name: "ID", direction: "DESC" }],
  csv,
  timezone: "Europe/Zurich",
};
const TARGET = { location: "@D.S.STAGE/k/f1-r/a.csv", isSingle: true, fileBytesMax: 5_368_709_120 };

describe("the COPY statement", () => {
  test("reads the result of the query that was run, in its order", () => {
    const sql = writeUnload(UNLOAD, TARGET);
    expect(sql).toStartWith("COPY INTO '@D.S.STAGE/k/f1-r/a.csv' FROM (");
    expect(sql).toContain("FROM TABLE(RESULT_SCAN('01-q')) AS R");
    expect(sql).toContain('R."ID" AS O0');
    expect(sql).toContain("ORDER BY O0 DESC");
    expect(sql).toContain("SINGLE = TRUE MAX_FILE_SIZE = 5368709120 OVERWRITE = TRUE");
  });

  test("leaves nothing of the cells to COPY but the delimiters", () => {
    const sql = writeUnload(
      { ...UNLOAD, csv: { ...csv, gzip: true, delimiter: "\t", lineEnd: "lf" } },
      TARGET,
    );
    expect(sql).toContain(
      String.raw`FILE_FORMAT = (TYPE = CSV COMPRESSION = GZIP FIELD_DELIMITER = '\t' RECORD_DELIMITER = '\n' FIELD_OPTIONALLY_ENCLOSED_BY = NONE ESCAPE_UNENCLOSED_FIELD = NONE NULL_IF = () EMPTY_FIELD_AS_NULL = FALSE)`,
    );
  });

  test("casts what Parquet cannot hold", () => {
    const sql = writeUnload({ ...UNLOAD, format: "PARQUET" }, TARGET);
    expect(sql).toContain(`CONVERT_TIMEZONE('Europe/Zurich', R."AT")::TIMESTAMP_NTZ AS C2`);
    expect(sql).toContain('C1 AS "Text"');
    expect(sql).toContain('R."A""B" AS C1');
    expect(sql).toContain("HEADER = TRUE");
  });

  test("counts guarded texts only where there can be any", () => {
    expect(writeGuardCount(UNLOAD)).toContain('LEFT(R."A""B", 1)');
    expect(writeGuardCount({ ...UNLOAD, csv: { ...csv, formulaGuard: false } })).toBeNull();
    expect(writeGuardCount({ ...UNLOAD, format: "PARQUET" })).toBeNull();
    expect(writeGuardCount({ ...UNLOAD, columns: COLUMNS.slice(0, 1) })).toBeNull();
  });
});

describe("what COPY cannot do", () => {
  const names = ["ID", 'A"B', "AT"];

  test.each([
    [{ ...csv, bom: true }, names, COLUMNS, "csv.bom"],
    [{ ...csv, delimiter: "§" }, names, COLUMNS, "csv.delimiter"],
    [csv, ["ID", "ID"], COLUMNS, "the same name"],
    [csv, names, COLUMNS.map((column) => ({ ...column, label: "x" })), "the same label"],
    [csv, names, [{ ...COLUMNS[0]!, label: "x".repeat(256) }], "too long"],
  ])("is named (%#)", (options, all, columns, reason) => {
    expect(findUnloadObstacle("CSV", columns, all, options)).toContain(reason);
  });

  test("is nothing for a plain result, and csv.bom is nothing to PARQUET", () => {
    expect(findUnloadObstacle("CSV", COLUMNS, names, csv)).toBeNull();
    expect(findUnloadObstacle("PARQUET", COLUMNS, names, { ...csv, bom: true })).toBeNull();
  });
});
