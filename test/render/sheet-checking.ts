/** Whether a sheet says what the cells say, whoever read it. */
import { expect } from "bun:test";
import { z } from "zod";
import type { RenderSummary } from "../../src/render/renderer.ts";
import type { Column, ColumnType } from "../../src/report/table.ts";
import { exactNumber, isoText, shownWallTime, significantDigits } from "./arbitrary-meaning.ts";
import { shownColumns, type ArbitraryTable } from "./arbitrary-table.ts";

const found = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("nothing") }),
  z.object({ kind: z.literal("text"), text: z.string() }),
  z.object({ kind: z.literal("number"), value: z.number() }),
  z.object({ kind: z.literal("boolean"), value: z.boolean() }),
  z.object({ kind: z.literal("time"), iso: z.string() }),
]);

/** What a reader finds in a cell. */
export type Found = z.output<typeof found>;

/** What openpyxl says of several workbooks and of the cells of their data sheets. */
export const foundWorkbooks = z.array(
  z.object({
    names: z.array(z.string()),
    frozenAt: z.string().nullable(),
    filtered: z.string().nullable(),
    cells: z.array(z.array(found)),
  }),
);

type Changes = Record<string, number>;

function count(changes: Changes, code: string): void {
  changes[code] = (changes[code] ?? 0) + 1;
}

const CUT_MARK = /… \[cut\]$/;
/** What XML 1.0 cannot hold, and CR, which it can but a parser turns into LF. */
const NOT_IN_XML = /[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** What a reader does to what a cell holds, so that it can be compared. */
export interface Reader {
  /** What of a text can be compared. */
  showText(text: string): string;
  checkValue(value: number, column: Column, cell: string): void;
  checkMoment(found: string, expected: Temporal.PlainDateTime): void;
}

function checkText(found: string, given: string, reader: Reader, changes: Changes): void {
  let kept = given;
  let shown = found;
  if (given.length > 32_767) {
    expect(found).toMatch(CUT_MARK);
    expect(found.length).toBeLessThanOrEqual(32_767);
    shown = found.replace(CUT_MARK, "");
    kept = given.slice(0, shown.length);
    expect(kept.length).toBeGreaterThan(32_700);
    count(changes, "cell_truncated");
  }
  expect(reader.showText(shown)).toBe(reader.showText(kept.toWellFormed()));
  if (!kept.isWellFormed()) count(changes, "lone_surrogate");
  if (NOT_IN_XML.test(kept.toWellFormed())) count(changes, "control_character");
}

function checkNumber(
  found: Found,
  column: Column,
  cell: string,
  reader: Reader,
  changes: Changes,
): void {
  if (found.kind === "number") return reader.checkValue(found.value, column, cell);
  expect(found).toEqual({ kind: "text", text: cell });
  count(changes, "number_as_text");
  expect(fitsSheet(column.type, cell)).toBe(false);
}

/** Numbers that must be numbers in a sheet: 15 digits, and a power of ten within those of a double. */
function fitsSheet(type: ColumnType, cell: string): boolean {
  const size = Math.abs(Number(cell));
  if (type === "real") return size === 0 || (size > 1e-307 && size < 1e307);
  return significantDigits(cell) <= 15 && size < 1e15;
}

/** A date, a time or a timestamp: a point on the sheet's time line, or else its ISO text. */
function checkTime(
  found: Found,
  column: Column,
  given: { cell: string; timezone: string },
  reader: Reader,
  changes: Changes,
): void {
  const iso = isoText(column, given.cell, given.timezone);
  if (found.kind !== "time") {
    expect(found).toEqual({ kind: "text", text: iso });
    count(changes, "date_as_text");
    expect(/^(19[1-9]\d|[2-9]\d{3})-/.test(iso)).toBe(false);
    return;
  }
  const shown = shownWallTime(column, given.cell, given.timezone);
  const cut = shown.round({ smallestUnit: "millisecond", roundingMode: "floor" });
  reader.checkMoment(found.iso, cut);
  if (!cut.equals(shown)) count(changes, "fraction_cut");
}

function checkCell(
  found: Found,
  column: Column,
  given: { cell: string | null; timezone: string },
  reader: Reader,
  changes: Changes,
): void {
  const { cell, timezone } = given;
  // Both readers take an empty text for an empty cell.
  if (cell === null || cell === "") return expect(found).toEqual({ kind: "nothing" });
  switch (column.type) {
    case "fixed":
    case "real":
      return checkNumber(found, column, cell, reader, changes);
    case "boolean":
      return expect(found).toEqual({
        kind: "boolean",
        value: isoText(column, cell, timezone) === "true",
      });
    case "date":
    case "time":
    case "timestamp_ntz":
    case "timestamp_ltz":
      return checkTime(found, column, { cell, timezone }, reader, changes);
    case "text":
    case "binary":
    case "variant":
    case "object":
    case "array":
    case "timestamp_tz":
      expect(found.kind).toBe("text");
      if (found.kind === "text")
        checkText(found.text, isoText(column, cell, timezone), reader, changes);
  }
}

export function checkSheet(
  table: ArbitraryTable,
  summary: RenderSummary,
  reader: Reader,
  find: (rowAt: number, at: number) => Found,
): void {
  const changes: Changes = {};
  for (const [rowAt, row] of table.rows.entries()) {
    for (const [at, { column, index }] of shownColumns(table).entries()) {
      checkCell(
        find(rowAt, at),
        column,
        { cell: row[index] ?? null, timezone: table.timezone },
        reader,
        changes,
      );
    }
  }
  for (const { label } of shownColumns(table)) {
    if (!label.isWellFormed()) count(changes, "label_changed");
  }
  expect(changes).toEqual(
    Object.fromEntries(summary.warnings.map(({ code, count }) => [code, count])),
  );
  expect(summary.rowCount).toBe(table.rows.length);
}

/** exceljs gives what the file holds. */
export const EXACT: Reader = {
  showText: (text) => text,
  checkValue(value, { type }, cell) {
    // A sheet has one zero.
    if (type === "real") expect(value || 0).toBe(Number(cell) || 0);
    else expect(exactNumber(value.toPrecision(15))).toBe(exactNumber(cell));
  },
  checkMoment(found, expected) {
    expect(found).toBe(expected.toString({ smallestUnit: "millisecond" }));
  },
};

/** As Excel reads a text: ECMA-376 part 1, 22.9.2.19, which exceljs leaves to its caller. */
export function unescapeText(text: string): string {
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
