import { createReadStream } from "node:fs";
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ReportError } from "../../report/errors.ts";
import type { Row, Table } from "../../report/table.ts";
import { renderError } from "../files.ts";

/** The rows of a result on the worker's disk, by key, so that they can be read by key and more than once. */
export interface Spool {
  /** A fresh table of the rows of a key, in the query's order; empty when there are none. */
  readonly tableOf: (key: string) => Table;
}

interface Part {
  readonly path: string;
  rowCount: number;
  /** Lines that are not in the file yet. */
  lines: string[];
}

/**
 * Characters of all parts together that wait in memory: 200 parts of 60,000 rows fit, and with 5,000 parts a flush still
 * writes kilobytes to each. Files are opened for a flush only, because there may be more of them than a process may open.
 */
const WAITING_LENGTH_MAX = 16_000_000;

/**
 * Reads a table once and writes each row to the file of its key, and a row without one nowhere; memory stays the same
 * whatever the number of keys and rows. Throws ReportError: what the table throws, `rows_missing`, `render_failed` when the disk is full.
 */
export async function spoolTable(
  table: Table,
  chooseKey: (row: Row) => string | null,
  folder: string,
  onBatch: (rowCount: number) => void,
): Promise<Spool> {
  await guardDisk(() => mkdir(folder, { recursive: true }));
  const parts = new Map<string, Part>();
  let rowCount = 0;
  let waitingLength = 0;
  for await (const batch of table.batches) {
    for (const row of batch) {
      const key = chooseKey(row);
      if (key !== null) waitingLength += addRow(parts, key, row, folder);
    }
    rowCount += batch.length;
    if (waitingLength > WAITING_LENGTH_MAX) {
      await flushParts(parts);
      waitingLength = 0;
    }
    onBatch(rowCount);
  }
  await flushParts(parts);
  checkCount(rowCount, table.rowCount);
  return { tableOf: (key) => openPart(table, parts.get(key)) };
}

/** Gives the length of what was added. */
function addRow(parts: Map<string, Part>, key: string, row: Row, folder: string): number {
  let part = parts.get(key);
  if (part === undefined) {
    part = { path: join(folder, `${parts.size + 1}.jsonl`), rowCount: 0, lines: [] };
    parts.set(key, part);
  }
  const line = JSON.stringify(row);
  part.lines.push(line);
  part.rowCount += 1;
  return line.length;
}

async function flushParts(parts: ReadonlyMap<string, Part>): Promise<void> {
  for (const part of parts.values()) {
    if (part.lines.length === 0) continue;
    const text = `${part.lines.join("\n")}\n`;
    part.lines = [];
    await guardDisk(() => appendFile(part.path, text));
  }
}

async function guardDisk(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (thrown) {
    throw renderError("the rows cannot be split on disk", thrown);
  }
}

function openPart({ columns }: Table, part: Part | undefined): Table {
  const rowCount = part?.rowCount ?? 0;
  return { columns, rowCount, batches: { [Symbol.asyncIterator]: () => readPart(part) } };
}

const CHUNK_BYTES = 1 << 18;

/** A row is a line, because JSON has no bare line break in a text. */
async function* readPart(part: Part | undefined): AsyncGenerator<readonly Row[]> {
  if (part === undefined) return;
  let rest = "";
  let rowCount = 0;
  const chunks: AsyncIterable<string> = createReadStream(part.path, {
    encoding: "utf8",
    highWaterMark: CHUNK_BYTES,
  });
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (lines.length === 0) continue;
    yield lines.map(parseRow);
    rowCount += lines.length;
  }
  checkCount(rowCount, part.rowCount);
}

function parseRow(line: string): Row {
  const row: Row = JSON.parse(line);
  return row;
}

function checkCount(rowCount: number, expected: number): void {
  if (rowCount === expected) return;
  throw new ReportError("rows_missing", `${rowCount} of ${expected} rows came`);
}
