/** COPY INTO @stage/path FROM a table or a query: the result as files. */

import { rm } from "node:fs/promises";
import { EngineError, type EngineResult } from "../engine.ts";
import { unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { fixedResult, NUMBER, TEXT } from "../engine/results.ts";
import { contextOf } from "../translate/context.ts";
import { readTokens, TokenReader } from "../translate/tokens.ts";
import { translateQuery } from "../translate/translate.ts";
import { prepareReading } from "./prepared-reading.ts";
import { replaceParts } from "./replacements.ts";
import { readLocation } from "./stage-location.ts";
import { describeQuery } from "./table.ts";
import type { DraftFile, UnloadSource, UnloadTarget } from "./unload.ts";
import { compressionEnding } from "./unload-csv.ts";
import { writeCsvFiles } from "./unload-csv-files.ts";
import { type CopyOptions, readCopyOptions, readWord } from "./unload-options.ts";
import { parquetEnding, writeParquetFiles } from "./unload-parquet.ts";

/** Source: SFStatementType of Snowflake's JDBC driver. */
const UNLOAD_TYPE = 0x3700;

export async function copyInto(written: Execution): Promise<EngineResult> {
  const execution = await prepareReading(written);
  const [head = ""] = /^\s*COPY\s+INTO\b/i.exec(execution.sql) ?? [];
  if (!/^\s*(?:'|@)/.test(execution.sql.slice(head.length)))
    throw unsupported("COPY INTO a table (loading)");
  const { location, end } = readLocation(execution.sql, head.length, "WRITE", execution);
  const reader = new TokenReader(execution.sql.slice(end));
  reader.expect("FROM");
  const query = reader.at("(") ? reader.textInBrackets() : `SELECT * FROM ${readTableName(reader)}`;
  const options = readCopyOptions(reader, new TokenReader(location.stage.fileFormat));
  const names = standInNames(query);
  const { sql } = translateQuery(names.query, contextOf(execution));
  const described = await describeQuery(sql, execution);
  const columns = described.map((column) => ({ ...column, name: names.nameOf(column.name) }));
  const files = await unload({ sql, columns }, { options, location }, execution);
  return describeFiles(files, options);
}

/** A name that begins with a quote is a text in three quotes to the translator, so it gets a stand-in meanwhile. */
function standInNames(query: string): { query: string; nameOf: (name: string) => string } {
  const quoted = readTokens(query).filter(({ text }) => text.startsWith('"""'));
  const stood = quoted.map(({ start, end }, index) => ({ start, end, text: `"name@${index}"` }));
  const names = new Map(quoted.map(({ value }, index) => [`name@${index}`, value]));
  return { query: replaceParts(query, stood), nameOf: (name) => names.get(name) ?? name };
}

function readTableName(reader: TokenReader): string {
  const start = reader.peek()?.start ?? 0;
  reader.path();
  return reader.sql.slice(start, reader.peek()?.start ?? reader.sql.length);
}

interface StoredFile extends DraftFile {
  readonly name: string;
}

async function unload(
  source: Omit<UnloadSource, "connection">,
  target: UnloadTarget,
  execution: Execution,
): Promise<StoredFile[]> {
  await refuseExisting(target, execution);
  const { server, state, parameters } = execution;
  const written = state.transaction?.written;
  const connection = written ?? (await server.storage.acquire(parameters.TIMEZONE));
  try {
    const isParquet = readWord(target.options.format, "TYPE", "CSV") === "PARQUET";
    // Before anything is written, since it refuses a compression that is not known.
    const ending = isParquet ? parquetEnding(target.options) : csvEnding(target.options);
    const drafts = isParquet
      ? await writeParquetFiles({ ...source, connection }, target, execution)
      : await writeCsvFiles({ ...source, connection }, target, execution);
    return await storeFiles(drafts, ending, target, execution);
  } finally {
    if (written === undefined) server.storage.release(connection);
  }
}

function csvEnding({ format }: CopyOptions): string {
  return `.csv${compressionEnding(format)}`;
}

/** A single file minds its own name, several mind all that begin as theirs do. */
async function refuseExisting(
  { options, location }: UnloadTarget,
  execution: Execution,
): Promise<void> {
  if (options.overwrite || options.includeQueryId) return;
  const { stageFiles } = execution.server.storage;
  const prefix = options.isSingle ? nameSingle(location.path) : location.path;
  const found = await stageFiles.list(location.stage, prefix);
  if (!found.some(({ name }) => !options.isSingle || name === prefix)) return;
  const message = `SQL compilation error:\nFiles already existing at the unload destination: ${location.text}. Use overwrite option to force unloading.`;
  throw new EngineError("001030", "22000", message);
}

function nameSingle(path: string): string {
  return path === "" || path.endsWith("/") ? `${path}data` : path;
}

function nameFile(
  index: number,
  ending: string,
  target: UnloadTarget,
  execution: Execution,
): string {
  const { options, location } = target;
  const base = nameSingle(location.path);
  if (options.isSingle) return base;
  const id = options.includeQueryId ? `_${execution.statement.queryId}` : "";
  return `${base}${id}_0_0_${index}${ending}`;
}

/** Throws EngineError for a name that is too long, and then leaves no draft. */
async function storeFiles(
  drafts: readonly DraftFile[],
  ending: string,
  target: UnloadTarget,
  execution: Execution,
): Promise<StoredFile[]> {
  const { stageFiles } = execution.server.storage;
  const stored: StoredFile[] = [];
  try {
    for (const [index, file] of drafts.entries()) {
      const name = nameFile(index, ending, target, execution);
      await stageFiles.keep(target.location.stage, file.draft, name);
      stored.push({ ...file, name });
    }
    return stored;
  } catch (error) {
    for (const { draft } of drafts) await rm(draft, { force: true });
    throw error;
  }
}

function describeFiles(files: readonly StoredFile[], { isDetailed }: CopyOptions): EngineResult {
  if (isDetailed) {
    const header = [
      ["FILE_NAME", TEXT],
      ["FILE_SIZE", NUMBER],
      ["ROW_COUNT", NUMBER],
    ] as const;
    const rows = files.map((file) => [file.name, String(file.outputBytes), String(file.rowCount)]);
    return fixedResult(header, rows, UNLOAD_TYPE);
  }
  const sum = (count: (file: StoredFile) => number): string =>
    String(files.reduce((total, file) => total + count(file), 0));
  const totals = [
    ["rows_unloaded", sum((file) => file.rowCount)],
    ["input_bytes", sum((file) => file.inputBytes)],
    ["output_bytes", sum((file) => file.outputBytes)],
  ] as const;
  const header = totals.map(([name]) => [name, NUMBER] as const);
  return fixedResult(header, [totals.map(([, total]) => total)], UNLOAD_TYPE);
}
