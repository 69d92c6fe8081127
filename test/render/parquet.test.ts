import { expect, test } from "bun:test";
import {
  type ConvertedType,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  type ParquetType,
} from "hyparquet";
import { createParquetRenderer } from "../../src/render/parquet.ts";
import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { defaultOptions } from "../../src/report/options.ts";
import type { Column, ColumnType } from "../../src/report/table.ts";

const CONTEXT = {
  reportName: "r",
  runId: "r",
  queryId: "q",
  rowCount: 0,
  parameters: {},
  generatedAt: new Date(0),
  dataAsOf: new Date(0),
  timezone: "UTC",
  options: defaultOptions(),
  presentation: DEFAULT_PRESENTATION,
};

const TYPES: Readonly<Record<ColumnType, readonly [ParquetType, ConvertedType | undefined]>> = {
  fixed: ["FIXED_LEN_BYTE_ARRAY", "DECIMAL"],
  real: ["DOUBLE", undefined],
  text: ["BYTE_ARRAY", "UTF8"],
  boolean: ["BOOLEAN", undefined],
  date: ["INT32", "DATE"],
  time: ["INT64", "TIME_MICROS"],
  timestamp_ntz: ["INT64", "TIMESTAMP_MICROS"],
  timestamp_ltz: ["INT64", "TIMESTAMP_MICROS"],
  timestamp_tz: ["INT64", "TIMESTAMP_MICROS"],
  binary: ["BYTE_ARRAY", undefined],
  variant: ["BYTE_ARRAY", "UTF8"],
  object: ["BYTE_ARRAY", "UTF8"],
  array: ["BYTE_ARRAY", "UTF8"],
};

function columnsOf(types: readonly string[]): Column[] {
  return Object.keys(TYPES)
    .filter((type): type is ColumnType => types.includes(type))
    .map((type, index) => ({
      name: `C${index}`,
      type,
      nullable: true,
      precision: type === "fixed" ? 38 : 0,
      scale: type === "fixed" ? 2 : 0,
    }));
}

async function renderEmpty(columns: readonly Column[]): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  const sink = { write: (bytes: Uint8Array) => void chunks.push(bytes) };
  const renderer = createParquetRenderer(CONTEXT, sink);
  await renderer.begin(columns);
  await renderer.rows([]);
  expect(await renderer.finish()).toEqual({ rowCount: 0, warnings: [] });
  return Uint8Array.from(Buffer.concat(chunks)).buffer;
}

test("a Parquet file without rows has every column with its type", async () => {
  const columns = columnsOf(Object.keys(TYPES));
  const file = await renderEmpty(columns);
  const metadata = parquetMetadata(file);
  expect(metadata.num_rows).toBe(0n);
  const leaves = parquetSchema(metadata).children.map(({ element }) => element);
  expect(leaves.map(({ name }) => name)).toEqual(columns.map(({ name }) => name));
  expect(leaves.map(({ type, converted_type }) => [type, converted_type])).toEqual(
    columns.map(({ type }) => [...TYPES[type]]),
  );
  expect(leaves[0]).toMatchObject({ type_length: 16, precision: 38, scale: 2 });
  expect(await parquetReadObjects({ file })).toEqual([]);
});

test("a Parquet file of few columns is read as well", async () => {
  const file = await renderEmpty(columnsOf(["text"]));
  expect(parquetMetadata(file).schema).toHaveLength(2);
});

test("rows are refused, since Snowflake writes them", async () => {
  const renderer = createParquetRenderer(CONTEXT, { write: () => undefined });
  await renderer.begin(columnsOf(["text"]));
  expect(() => renderer.rows([["a"]])).toThrow("PARQUET is written by Snowflake");
});
