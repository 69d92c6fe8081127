import { ReportError } from "../report/errors.ts";
import type { Column } from "../report/table.ts";
import { selectColumns } from "./cell-columns.ts";
import type { CreateRenderer } from "./renderer.ts";

/**
 * A Parquet file of a result without rows: Snowflake writes those with rows, and no file at all for one without.
 * Source: parquet-format 2.10 (parquet.thrift) and Thrift's compact protocol.
 */
export const createParquetRenderer: CreateRenderer = (context, sink) => ({
  async begin(columns) {
    const shown = selectColumns(columns, context.options);
    const footer = writeFooter(shown.map(({ label, column }) => ({ label, column })));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    await sink.write(Buffer.concat([MAGIC, footer, length, MAGIC]));
  },
  rows(batch) {
    if (batch.length === 0) return;
    throw new ReportError(
      "invalid_report",
      "OUTPUT_FORMAT: PARQUET is written by Snowflake, which makes no files for a preview or OPTIONS.burst",
    );
  },
  finish: () => Promise.resolve({ rowCount: 0, warnings: [] }),
});

const MAGIC = Buffer.from("PAR1");

interface Leaf {
  readonly label: string;
  readonly column: Column;
}

/** FileMetaData: version, schema, number of rows, row groups, writer. */
function writeFooter(leaves: readonly Leaf[]): Buffer {
  const root = writeStruct([
    [4, writeText("schema")],
    [5, writeInteger(leaves.length)],
  ]);
  return writeStruct([
    [1, writeInteger(2)],
    [2, writeStructs([root, ...leaves.map(writeLeaf)])],
    [3, { type: I64, bytes: writeZigZag(0) }],
    [4, writeStructs([])],
    [6, writeText("report-service")],
  ]);
}

/** Of enum Type. */
const PHYSICAL = { boolean: 0, int32: 1, int64: 2, double: 5, bytes: 6, fixed: 7 } as const;
/** Of enum ConvertedType. */
const CONVERTED = { utf8: 0, decimal: 5, date: 6, timeMicros: 8, timestampMicros: 10 } as const;
/** A decimal of 38 digits. */
const DECIMAL_BYTES = 16;

function writeLeaf({ label, column }: Leaf): Buffer {
  const { physical, converted } = describeType(column);
  const isDecimal = converted === CONVERTED.decimal;
  return writeStruct([
    [1, writeInteger(physical)],
    ...fieldIf(2, isDecimal ? DECIMAL_BYTES : null),
    [3, writeInteger(1)],
    [4, writeText(label)],
    ...fieldIf(6, converted),
    ...fieldIf(7, isDecimal ? column.scale : null),
    ...fieldIf(8, isDecimal ? column.precision : null),
  ]);
}

function describeType({ type }: Column): { physical: number; converted: number | null } {
  switch (type) {
    case "fixed":
      return { physical: PHYSICAL.fixed, converted: CONVERTED.decimal };
    case "real":
      return { physical: PHYSICAL.double, converted: null };
    case "boolean":
      return { physical: PHYSICAL.boolean, converted: null };
    case "date":
      return { physical: PHYSICAL.int32, converted: CONVERTED.date };
    case "time":
      return { physical: PHYSICAL.int64, converted: CONVERTED.timeMicros };
    case "timestamp_ntz":
    case "timestamp_ltz":
    case "timestamp_tz":
      return { physical: PHYSICAL.int64, converted: CONVERTED.timestampMicros };
    case "binary":
      return { physical: PHYSICAL.bytes, converted: null };
    case "text":
    case "variant":
    case "object":
    case "array":
      return { physical: PHYSICAL.bytes, converted: CONVERTED.utf8 };
  }
}

const I32 = 5;
const I64 = 6;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;

interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}

type Field = readonly [id: number, value: Value];

function fieldIf(id: number, value: number | null): Field[] {
  return value === null ? [] : [[id, writeInteger(value)]];
}

/** Fields in ascending order, each with the distance to the one before it, and a zero at the end. */
function writeStruct(fields: readonly Field[]): Buffer {
  let last = 0;
  const parts = fields.flatMap(([id, { type, bytes }]) => {
    const header = Buffer.from([((id - last) << 4) | type]);
    last = id;
    return [header, bytes];
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function writeStructs(structs: readonly Buffer[]): Value {
  const size = structs.length;
  const head =
    size < 15 ? Buffer.from([(size << 4) | STRUCT]) : writeHead(0xf0 | STRUCT, writeVarint(size));
  return { type: LIST, bytes: Buffer.concat([head, ...structs]) };
}

function writeHead(byte: number, rest: Buffer): Buffer {
  return Buffer.concat([Buffer.from([byte]), rest]);
}

function writeText(text: string): Value {
  const bytes = Buffer.from(text);
  return { type: BINARY, bytes: Buffer.concat([writeVarint(bytes.length), bytes]) };
}

function writeInteger(value: number): Value {
  return { type: I32, bytes: writeZigZag(value) };
}

/** Of numbers that are not negative. */
function writeZigZag(value: number): Buffer {
  return writeVarint(value * 2);
}

function writeVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
