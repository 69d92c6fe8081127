import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import type { RenderSummary } from "../../src/render/renderer.ts";
import type { Cell, Column, Row } from "../../src/report/table.ts";
import { exactNumber, isoText } from "./arbitrary-meaning.ts";
import { holdsForAll, TIME_MAX_MS } from "./arbitrary-runs.ts";
import {
  arbitraryTable,
  columnOptions,
  shownColumns,
  type ArbitraryTable,
} from "./arbitrary-table.ts";
import { inFolder, readDrawnWords, runReader, whyLacking, type PlacedWord } from "./readers.ts";
import { column, options, render } from "./rendering.ts";

/**
 * A case is a generated row of any columns and cells: 2,000 of them in 40 documents, each of which poppler and qpdf read.
 *
 * So that words can be given back to their cells, a key stands before each row ("#12"), and behind each column one that
 * holds nothing but MARK. White space cannot be compared, for lines are broken at it; nor can characters that are
 * invisible.
 */
const FILE = "roundtrip-pdf.test.ts";
const DOCUMENTS = 40;
const ROWS = 50;
const MARK = "¦";
const lacking = whyLacking("pdftotext", "qpdf");

const tables = arbitraryTable({ columnsMax: 5, rowsMin: ROWS, rowsMax: ROWS, longTexts: true }).map(
  withoutMarks,
);

/** MARK is ours alone. */
function withoutMarks(table: ArbitraryTable): ArbitraryTable {
  const clean = (text: string): string => text.replaceAll(MARK, "|");
  return {
    ...table,
    columns: table.columns.map(({ column, label, hidden }) => ({
      column: { ...column, name: clean(column.name) },
      label: label === null ? null : clean(label),
      hidden,
    })),
    rows: table.rows.map((row) => row.map((cell) => (cell === null ? null : clean(cell)))),
  };
}

const KEY = `${MARK}K`;

/** The table with a key before each row, a mark behind each shown column, and a last row of nothing but a key. */
function markTable(table: ArbitraryTable): { columns: Column[]; rows: Row[]; own: object } {
  const spans = table.columns.map(({ column: each, hidden }, at) =>
    hidden ? [each] : [each, column(`${MARK}${at}`, "text")],
  );
  const markRow = (key: string, cells: readonly Cell[]): Row => [
    key,
    ...spans.flatMap(([, mark], at) => [cells[at] ?? null, ...(mark === undefined ? [] : [MARK])]),
  ];
  return {
    columns: [column(KEY, "text"), ...spans.flat()],
    rows: [...table.rows.map((cells, at) => markRow(`#${at + 1}`, cells)), markRow("#end", [])],
    own: {
      ...columnOptions(table),
      [KEY]: { width: 8 },
      ...Object.fromEntries(spans.flatMap(([, mark]) => (mark ? [[mark.name, { width: 4 }]] : []))),
    },
  };
}

/** Half the height of a line of the table, in points: what is less far above a key stands beside it. */
const HALF_LINE = 5.5;

/** What a page says of itself. */
interface PageHead {
  /** The left edge of the keys. */
  readonly left: number;
  /** Half way through the header's last line, and through the last line above the footer. */
  readonly header: number;
  readonly bottom: number;
  /** The marks in the header, each behind its column. */
  readonly marks: readonly PlacedWord[];
  readonly keys: readonly PlacedWord[];
  /** The number of the last column on the page, the key being 1; 0 when all are there. */
  readonly lastColumn: number;
}

/** Null for a page that has nothing but notes. */
function readHead(words: readonly PlacedWord[]): PageHead | null {
  const own = words.find(({ text }) => text === KEY);
  if (own === undefined) return null;
  const footer = Math.max(...words.map(({ middle }) => middle));
  const footerText = words.filter(({ middle }) => middle > footer - 1).map(({ text }) => text);
  const range = /Columns \d+–(\d+) of \d+ · Page/.exec(footerText.join(" "));
  return {
    left: own.left,
    header: own.middle,
    bottom: footer - HALF_LINE,
    marks: words.filter(
      ({ text, middle }) => /^¦\d+$/.test(text) && Math.abs(middle - own.middle) < 1,
    ),
    keys: words.filter(({ text, left }) => left < own.left + 1 && /^#(\d+|end)$/.test(text)),
    lastColumn: Number(range?.[1] ?? 0),
  };
}

interface Drawn {
  /** Texts without white space, by "row column": the row's key or "header", and the column's mark. */
  readonly texts: ReadonlyMap<string, string>;
  /** The keys in their order, of each set of columns. */
  readonly keys: readonly string[][];
}

/** Gives each word to the row whose key is above it and to the column whose mark is right of it. */
function assignWords(pages: readonly PlacedWord[][], marks: readonly string[]): Drawn {
  const heads = pages.map(readHead);
  const gap = Math.min(
    ...heads.map((head) => (head?.keys[0]?.middle ?? Infinity) - (head?.header ?? 0)),
  );
  const texts = new Map<string, string>();
  const keys = new Map<number, string[]>();
  for (const [at, words] of pages.entries()) {
    const head = heads[at] ?? null;
    if (head === null) continue;
    const before = keys.get(head.lastColumn) ?? [];
    for (const { text, left, middle } of words) {
      const isHeader = middle < head.header + gap - HALF_LINE;
      if (left < head.left + 1 || text.startsWith(MARK) || middle > head.bottom) continue;
      // Above the header of the first page is the title.
      if (isHeader && at === 0) continue;
      const key = head.keys.findLast((each) => each.middle - HALF_LINE < middle)?.text;
      const row = isHeader ? `header ${at}` : (key ?? before.at(-1));
      const column =
        head.marks.find((mark) => mark.left > left)?.text ?? marks[(head.lastColumn - 2) / 2];
      const place = `${row} ${column}`;
      texts.set(place, (texts.get(place) ?? "") + text);
    }
    // A row that goes on from the page before may show its key again.
    const [first, ...others] = head.keys.map(({ text }) => text);
    const again = first === undefined || first === before.at(-1) ? [] : [first];
    keys.set(head.lastColumn, [...before, ...again, ...others]);
  }
  return { texts, keys: [...keys.values()] };
}

/**
 * Blocks of scripts whose letters may be joined or moved, or that run from right to left, and marks of direction: the
 * order on the page is not that of the text, so only the letters are compared.
 */
const COMPLEX =
  /[\u0590-\u109F\u1700-\u1CFF\u200E\u200F\u202A-\u202E\u2066-\u2069\uA800-\uABFF\uFB1D-\uFDFF\uFE70-\uFEFE\u{10800}-\u{11FFF}\u{1E800}-\u{1EFFF}]/u;
const INVISIBLE = /[\s\u0085\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const HALF = /\p{Surrogate}/gu;
const CONTROL = /(?![\t\n\r\u0085])\p{Cc}/gu;

/** What can be compared of a text on a page. */
function visible(text: string, isReordered: boolean): string {
  // poppler shows U+FFFD for a code that is no character.
  const bare = text.replaceAll(INVISIBLE, "").replaceAll(/\p{Noncharacter_Code_Point}/gu, "\uFFFD");
  return isReordered ? Array.from(bare.normalize("NFD")).sort().join("") : bare.normalize("NFC");
}

/** The text as a page must show it: each half of a character and each control character as a box of its own. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(CONTROL, "\uFFFD");
}

function expectShown(found: string, text: string): void {
  const isReordered = COMPLEX.test(text);
  expect(visible(found, isReordered)).toBe(visible(printable(text), isReordered));
}

function checkCell(
  found: string,
  { type, scale }: Column,
  given: string | null,
  iso: string,
): void {
  if (given === null) return expect(found).toBe("–");
  if (type === "boolean") return expect(found).toBe(iso === "true" ? "Yes" : "No");
  if (type !== "fixed" && type !== "real") return expectShown(found, iso);
  const plain = found.replaceAll(",", "").replace("∞", "inf");
  expect(exactNumber(plain) ?? plain).toBe(exactNumber(given) ?? given);
  if (type === "fixed") expect(plain.split(".")[1]?.length ?? 0).toBe(scale);
}

/** A header has few lines: a label that is longer ends in "…", for the reader to see. */
function checkLabel(found: string, label: string): void {
  if (label.length < 40 || !found.endsWith("…") || COMPLEX.test(label))
    return expectShown(found, label);
  const kept = visible(found.slice(0, -1), false);
  expect(kept.length).toBeGreaterThan(SHOWN_OF_LABEL_MIN);
  expect(visible(printable(label), false).startsWith(kept)).toBe(true);
}

/** Of a label that is cut, at least so many characters are shown. */
const SHOWN_OF_LABEL_MIN = 20;

/** Characters that no font has, and those that every font for European texts has. */
const SURELY_MISSING = /[\uE000\u{F0000}-\u{10FFFD}]/gu;
const SURELY_THERE =
  /[\s\u0020-\u007E\u00A1-\u017E\u0391-\u03A1\u03B1-\u03C9\u0410-\u044F–„“…€\uFFFD]/gu;
/** Drawn as nothing; in a text that is reordered they may count as what they are. */
const NOT_DRAWN = /(?!\s)[\u0085\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

function countIn(texts: readonly string[], pattern: RegExp): number {
  return texts.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0);
}

/** Counts are of characters, of cells and of labels; how many have no glyph is between what is sure on both sides. */
function checkWarnings(summary: RenderSummary, texts: readonly string[]): void {
  const {
    missing_glyph: missing = 0,
    unshaped_script: unshaped = 0,
    label_cut: cut = 0,
    ...exact
  } = Object.fromEntries(summary.warnings.map(({ code, count }) => [code, count]));
  const controls = countIn(texts, CONTROL);
  const halves = countIn(texts, HALF);
  expect(exact).toEqual({
    ...(controls === 0 ? {} : { control_character: controls }),
    ...(halves === 0 ? {} : { lone_surrogate: halves }),
  });
  // Six lines of the narrowest column hold more than this.
  expect(cut).toBeLessThanOrEqual(texts.filter((text) => text.length > SHOWN_OF_LABEL_MIN).length);
  const shown = texts.map(printable);
  expect(missing).toBeGreaterThanOrEqual(countIn(shown, SURELY_MISSING));
  const drawn = shown.map((text) => (COMPLEX.test(text) ? text : text.replaceAll(NOT_DRAWN, "")));
  expect(missing).toBeLessThanOrEqual(countIn(drawn, /./gsu) - countIn(drawn, SURELY_THERE));
  expect(unshaped === 0 || shown.some((text) => COMPLEX.test(text))).toBe(true);
}

async function checkDocument(table: ArbitraryTable): Promise<void> {
  const { columns, rows, own } = markTable(table);
  const { bytes, summary } = await render(
    createPdfRenderer,
    columns,
    rows,
    {
      timezone: table.timezone,
      options: options({ columns: own }),
    },
    17,
  );
  const pages = await inFolder(async (folder) => {
    const path = join(folder, "report.pdf");
    await Bun.write(path, bytes);
    const [words] = await Promise.all([readDrawnWords(path), runReader(["qpdf", "--check", path])]);
    return words;
  });
  const marks = table.columns.flatMap(({ hidden }, at) => (hidden ? [] : [`${MARK}${at}`]));
  const { texts, keys } = assignWords(pages, marks);
  for (const each of keys) expect(each).toEqual(rows.map(([key]) => key ?? ""));
  for (const [at, { column, index }] of shownColumns(table).entries()) {
    for (const [rowAt, row] of table.rows.entries()) {
      const given = row[index] ?? null;
      const found = texts.get(`#${rowAt + 1} ${marks[at]}`) ?? "";
      checkCell(found, column, given, given === null ? "" : isoText(column, given, table.timezone));
    }
  }
  const shown = shownColumns(table);
  const headers = [...texts].filter(([place]) => place.startsWith("header "));
  for (const [place, text] of headers) {
    const at = marks.indexOf(place.split(" ")[2] ?? "");
    checkLabel(text, shown[at]?.label ?? "");
  }
  checkWarnings(summary, [
    ...shown.map(({ label }) => label),
    ...table.rows.flatMap((row) =>
      shown.map(({ column, index }) => (PROSE.has(column.type) ? (row[index] ?? "") : "")),
    ),
  ]);
  expect(summary.rowCount).toBe(rows.length);
}

const PROSE = new Set(["text", "variant", "object", "array"]);

describe.skipIf(lacking !== "")(`a document of any columns and cells${lacking}`, () => {
  test(
    `is read back by poppler and qpdf, ${DOCUMENTS * ROWS} generated rows: sound, every row, every cell, and every change counted`,
    async () => holdsForAll(FILE, DOCUMENTS, tables, checkDocument),
    TIME_MAX_MS,
  );
});
