import type { Cell, Row } from "../report/table.ts";

/** The driver's chunk, as of snowflake-sdk 3.3.0 (connection/result/chunk.js). */
export interface RawChunk {
  load(callback: (error: unknown) => void): void;
  clearRows(force: boolean): void;
  _rowset?: unknown;
  /** The rows as they came, JSON without the outer brackets. */
  _rowsetAsString?: unknown;
}

/** A batch is a slice of a chunk, so that whoever reads can look up from time to time. */
export const BATCH_ROWS = 2000;
/**
 * Of a chunk's text so much is parsed at a time: its rows die young, and the peak of a large result is 100 to 200 MB
 * lower than with all rows of a chunk at once.
 */
const PARSE_LENGTH = 128 * 1024;

/** Empty for rows that came with the answer, which are parsed already. */
function textOf(chunk: RawChunk): string {
  return typeof chunk._rowsetAsString === "string" ? chunk._rowsetAsString : "";
}

/** The rows of a loaded chunk, which holds nothing afterwards. Throws for rows that are not as described. */
export function* takeBatches(chunk: RawChunk, columnCount: number): Generator<readonly Row[]> {
  const text = textOf(chunk);
  const parsed = chunk._rowset;
  chunk.clearRows(true);
  for (const rowset of text === "" ? [parsed] : parseRows(text)) {
    if (!isRowset(rowset, columnCount)) {
      throw new Error("a part of the result is not a list of rows");
    }
    for (const row of rowset) fixCells(row);
    for (let start = 0; start < rowset.length; start += BATCH_ROWS) {
      yield rowset.slice(start, start + BATCH_ROWS);
    }
  }
}

/** Rows as JSON without the outer brackets, some at a time. */
function* parseRows(text: string): Generator {
  for (let start = 0; start < text.length;) {
    const { rows, end } = parsePart(text, start);
    yield rows;
    start = end + 1;
  }
}

/** More misses than this mean texts full of brackets: then the rest is parsed at once. */
const CUT_TRIES_MAX = 3;

/**
 * The rows from `start` to a comma between two rows. What looks like such a place may be the end of a text; but what
 * is cut within a text or a list is no JSON, so a part that can be parsed was cut between rows.
 */
function parsePart(text: string, start: number): { rows: unknown; end: number } {
  let cut = findCut(text, start + PARSE_LENGTH);
  for (let tries = 0; tries < CUT_TRIES_MAX && cut !== -1; tries += 1) {
    try {
      return { rows: JSON.parse(`[${text.slice(start, cut)}]`), end: cut };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      cut = findCut(text, cut);
    }
  }
  return { rows: JSON.parse(`[${text.slice(start)}]`), end: text.length };
}

/** Where the comma between two rows may be, or -1. */
function findCut(text: string, from: number): number {
  const found = text.indexOf('],["', from);
  return found === -1 ? -1 : found + 1;
}

function isRowset(value: unknown, columnCount: number): value is Cell[][] {
  return (
    Array.isArray(value) && value.every((row) => Array.isArray(row) && row.length === columnCount)
  );
}

/** Cells are text or null; a boolean may come as true or false of JSON. */
function fixCells(row: unknown[]): void {
  for (let index = 0; index < row.length; index += 1) {
    const cell = row[index];
    if (typeof cell === "string" || cell === null) continue;
    row[index] = JSON.stringify(cell);
  }
}
