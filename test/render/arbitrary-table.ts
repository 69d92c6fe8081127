/** Whole tables for the round trips: columns of every type, hidden ones and odd labels among them, and their rows. */
import * as fc from "fast-check";
import type { Column, Row } from "../../src/report/table.ts";
import { anyCell, anyText, COLUMN_TYPES } from "./arbitrary-cells.ts";

export interface ArbitraryColumn {
  readonly column: Column;
  readonly label: string | null;
  readonly hidden: boolean;
}

export interface ArbitraryTable {
  readonly columns: readonly ArbitraryColumn[];
  readonly rows: readonly Row[];
  readonly timezone: string;
}

interface Extent {
  readonly columnsMax: number;
  readonly rowsMin: number;
  readonly rowsMax: number;
  /** Whether a text of 40,000 characters comes now and then. */
  readonly longTexts: boolean;
}

const ZONES = [
  "UTC",
  "Europe/Athens",
  "America/New_York",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "America/St_Johns",
];

const ODD_LABELS = [
  "=SUM(A1)|+1|-|@x|'|''|a'b| |  lead|trail |_x0041_|a,b|a;b|\"|\"\"|<b>|&amp;|ID|SYLK".split("|"),
  [
    "a\tb",
    "a\nb",
    "a\rb",
    "\u0000",
    "\u0007x",
    "\uD83D",
    "😀",
    "שלום",
    "مرحبا",
    "e\u0301",
    "\uFEFFx",
  ],
  ["constructor", "toString", "Ωmega", "NULL", "x".repeat(200), "wörd ".repeat(30).trim()],
].flat();

const label = fc.oneof(
  fc.constantFrom(...ODD_LABELS),
  anyText.filter((text) => text !== ""),
  fc.lorem({ maxCount: 3 }),
);

const columnName = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[A-Z][A-Z0-9_]{0,11}$/) },
  { weight: 1, arbitrary: label },
);

const arbitraryColumn: fc.Arbitrary<ArbitraryColumn> = fc
  .tuple(columnName, fc.constantFrom(...COLUMN_TYPES), fc.nat(37), fc.option(label), fc.nat(7))
  .map(([name, type, scale, own, dice]) => ({
    column: {
      name,
      type,
      nullable: true,
      precision: type === "fixed" ? 38 : 0,
      // Half of them 0 or 2, as in life.
      scale: type === "fixed" ? ([0, 2][scale % 4] ?? scale) : 0,
    },
    label: own === null ? null : own.slice(0, 200),
    hidden: dice === 0,
  }));

/** One shown column at least; no two names that differ in case alone, for options go by name. */
const arbitraryColumns = (columnsMax: number): fc.Arbitrary<ArbitraryColumn[]> =>
  fc
    .uniqueArray(arbitraryColumn, {
      minLength: 1,
      maxLength: columnsMax,
      selector: ({ column }) => column.name.toLowerCase(),
    })
    .map((columns) =>
      columns.every(({ hidden }) => hidden)
        ? columns.map((column) => ({ ...column, hidden: false }))
        : columns,
    );

export function arbitraryTable(extent: Extent): fc.Arbitrary<ArbitraryTable> {
  return arbitraryColumns(extent.columnsMax).chain((columns) => {
    const row = fc.tuple(...columns.map(({ column }) => anyCell(column, extent.longTexts)));
    return fc.record({
      columns: fc.constant(columns),
      rows: fc.array(row, {
        minLength: extent.rowsMin,
        maxLength: extent.rowsMax,
        // Without it fast-check makes most arrays short.
        size: "max",
      }),
      timezone: fc.constantFrom(...ZONES),
    });
  });
}

/** OPTIONS.columns of the table, as a report would give them. */
export function columnOptions({ columns }: ArbitraryTable): Record<string, object> {
  return Object.fromEntries(
    columns.map(({ column, label: own, hidden }) => [
      column.name,
      { ...(own === null ? {} : { label: own }), ...(hidden ? { hidden } : {}) },
    ]),
  );
}

/** The columns that a reader should find, with where their cells are in a row. */
export function shownColumns({
  columns,
}: ArbitraryTable): { column: Column; label: string; index: number }[] {
  return columns.flatMap(({ column, label: own, hidden }, index) =>
    hidden ? [] : [{ column, label: own ?? column.name, index }],
  );
}

/** The table with a first column that numbers the rows from 1, so that a row that lacks is seen whatever it holds. */
export function numberRows(table: ArbitraryTable): ArbitraryTable {
  const column: Column = { name: "ROW#", type: "fixed", nullable: false, precision: 38, scale: 0 };
  return {
    ...table,
    columns: [
      { column, label: null, hidden: false },
      ...table.columns.filter(({ column: { name } }) => name !== "ROW#"),
    ],
    rows: table.rows.map((row, at) => [String(at + 1), ...row]),
  };
}
