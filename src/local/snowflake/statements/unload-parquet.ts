/** A result as Parquet files, by DuckDB. */

import { rename, rm } from "node:fs/promises";
import type { ColumnEntry } from "../engine/catalog.ts";
import { compilationError, invalidParameterValue, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { quoteName, quoteText } from "../translate/sql-ast.ts";
import { type DraftFile, refuseSize, type UnloadSource, type UnloadTarget } from "./unload.ts";
import { type CopyOptions, type Options, readWord } from "./unload-options.ts";

const CODECS: Readonly<Record<string, string>> = {
  AUTO: "snappy",
  SNAPPY: "snappy",
  NONE: "uncompressed",
};

function readCodec(format: Options): string {
  const compression = readWord(format, "COMPRESSION", "AUTO");
  if (compression === "LZO") throw unsupported("COMPRESSION = LZO");
  const codec = CODECS[compression];
  if (codec === undefined) throw invalidParameterValue(compression, "COMPRESSION");
  return codec;
}

export function parquetEnding({ format }: CopyOptions): string {
  return readCodec(format) === "snappy" ? ".snappy.parquet" : ".parquet";
}

/** Throws EngineError, and then leaves no file. */
export async function writeParquetFiles(
  { sql, columns, connection }: UnloadSource,
  { options, location }: UnloadTarget,
  execution: Execution,
): Promise<DraftFile[]> {
  const { stageFiles } = execution.server.storage;
  const folder = await stageFiles.draft(location.stage);
  const names = columns.map((_, index) => `"c${index}"`).join(", ");
  const items = columns.map((column, index) => writeItem(column, index, options.hasHeader));
  const codec = readCodec(options.format);
  const parts = options.isSingle ? "" : `, FILE_SIZE_BYTES ${options.fileBytesMax}`;
  const copy = `COPY (SELECT ${items.join(", ")} FROM (${sql}) AS q(${names}))
    TO ${quoteText(folder)} (FORMAT parquet, COMPRESSION ${codec}, RETURN_STATS${parts})`;
  const files: DraftFile[] = [];
  try {
    const result = await execution.running.run(connection, copy);
    for (const [written, count, size] of await result.getRows()) {
      refuseSize(options, Number(size));
      if (Number(count) === 0) continue;
      const draft = await stageFiles.draft(location.stage);
      await rename(String(written), draft);
      const [rowCount, bytes] = [Number(count), Number(size)];
      files.push({ draft, rowCount, inputBytes: bytes, outputBytes: bytes });
    }
    return files;
  } catch (error) {
    for (const { draft } of files) await rm(draft, { force: true });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Times in microseconds, which every reader knows, and variants as JSON text. */
function writeItem({ name, type }: ColumnEntry, index: number, hasHeader: boolean): string {
  const shown = quoteName(hasHeader ? name : `_COL_${index}`);
  const value = quoteName(`c${index}`);
  switch (type.name) {
    case "TIMESTAMP_TZ":
    case "TIMESTAMP_LTZ":
      throw compilationError(
        `TIMESTAMP_TZ and TIMESTAMP_LTZ are not supported for unloading to Parquet: cast the column '${name}' to TIMESTAMP_NTZ.`,
      );
    case "TIMESTAMP_NTZ":
      return `CAST(${value} AS TIMESTAMP) AS ${shown}`;
    case "TIME":
      return `CAST(${value} AS TIME) AS ${shown}`;
    case "VARIANT":
    case "OBJECT":
    case "ARRAY":
      return `CAST(${value} AS VARCHAR) AS ${shown}`;
    case "NUMBER":
    case "FLOAT":
    case "TEXT":
    case "BOOLEAN":
    case "DATE":
    case "BINARY":
      return `${value} AS ${shown}`;
  }
}
