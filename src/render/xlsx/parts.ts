import { columnLetters } from "./column-letters.ts";
import { FIRST_DATA_ROW } from "./formulas.ts";
import { isTextColumn } from "./styles.ts";
import type { SheetFacts, WorkbookPlan } from "./workbook.ts";

/** Indexes into the workbook's styles, as a cell's s attribute names them. */
export interface CellStyleIndexes {
  readonly value: string;
  readonly fraction: string;
  readonly text: string;
  readonly blank: string;
}

export interface StyleIndexes {
  readonly data: CellStyleIndexes;
  readonly subtotal: CellStyleIndexes;
  readonly total: CellStyleIndexes;
}

/** A data sheet's part, cut where its rows belong. */
export interface SheetFrame {
  /** Up to the header row; without the range of the cells, which is not known yet. */
  readonly head: string;
  readonly tail: string;
}

/** The rows of the first sheet that carry the styles, by the row of the sheet. */
export const STYLE_ROWS = (["data", "subtotal", "total"] as const).flatMap((place) =>
  (["value", "fraction", "text", "blank"] as const).map((kind) => ({ place, kind })),
);

const SHARED_STRINGS = "xl/sharedStrings.xml";
/** Parts that are the same whatever the rows are, in the order of the package. */
const EARLY_PARTS = ["_rels/.rels", "docProps/core.xml", "xl/styles.xml", "xl/theme/theme1.xml"];

export type Parts = ReadonlyMap<string, Uint8Array>;

export function sheetPartName(index: number): string {
  return `xl/worksheets/sheet${index + 1}.xml`;
}

export function selectEarlyParts(parts: Parts): Parts {
  return new Map(EARLY_PARTS.map((name) => [name, partOf(parts, name)]));
}

/** Everything but the early parts and the data sheets. */
export function selectLateParts(parts: Parts, dataSheetCount: number): Parts {
  const written = new Set([
    ...EARLY_PARTS,
    ...Array.from({ length: dataSheetCount }, (_, index) => sheetPartName(index)),
  ]);
  return new Map([...parts].filter(([name]) => !written.has(name)));
}

function partOf(parts: Parts, name: string): Uint8Array {
  const bytes = parts.get(name);
  if (bytes === undefined) throw new Error(`The workbook has no part ${name}`);
  return bytes;
}

export function readText(parts: Parts, name: string): string {
  return new TextDecoder().decode(partOf(parts, name));
}

/** The strings of the header cells, which the sheets name by their index. */
export function readStrings(parts: Parts, count: number): string[] {
  const items = readText(parts, SHARED_STRINGS).match(/<si>.*?<\/si>/gs) ?? [];
  return items.slice(0, count);
}

/** Keeps the header row and drops the others. */
export function frameSheet(xml: string, { summaries }: WorkbookPlan): SheetFrame {
  const headerEnd = xml.indexOf("</row>") + "</row>".length;
  const head = xml.slice(0, headerEnd).replace(/<dimension ref="[^"]*"\/>/, "");
  const folded = head.replace("<pageSetUpPr", '<outlinePr summaryBelow="1"/><pageSetUpPr');
  return {
    head: summaries.levels.length === 0 ? head : folded,
    tail: xml.slice(xml.indexOf("</sheetData>")),
  };
}

/** The head with the range of the cells, where that is known before the rows. */
export function completeHead(
  { head }: SheetFrame,
  { columns }: WorkbookPlan,
  lastRow: number | null,
): string {
  if (lastRow === null) return head;
  const dimension = `<dimension ref="A1:${columnLetters(columns.length - 1)}${lastRow}"/>`;
  return head.replace("<sheetViews", `${dimension}<sheetViews`);
}

/** The tail with the range of the filter, and what is no mistake. */
export function completeTail(
  { tail }: SheetFrame,
  plan: WorkbookPlan,
  { lastRow, lastFilteredRow }: SheetFacts,
): string {
  const filtered = `A1:${columnLetters(plan.columns.length - 1)}${lastFilteredRow}`;
  return tail
    .replace(/<autoFilter ref="[^"]*"/, `<autoFilter ref="${filtered}"`)
    .replace("</worksheet>", `${ignoreErrors(plan, lastRow)}</worksheet>`);
}

/**
 * Keeps Excel from marking each id in a text column as "number stored as text", and each subtotal as a formula that
 * omits the numbers around it.
 */
function ignoreErrors({ columns, summaries }: WorkbookPlan, lastRow: number): string {
  const summed = new Set([...summaries.subtotals, ...summaries.totals].map(({ at }) => at));
  const ranges = new Map<string, string[]>();
  for (const [at, { column }] of columns.entries()) {
    const text = isTextColumn(column) ? ' numberStoredAsText="1"' : "";
    const kinds = text + (summed.has(at) ? ' formula="1" formulaRange="1"' : "");
    const letters = columnLetters(at);
    const range = `${letters}1:${letters}${lastRow}`;
    if (kinds !== "") ranges.set(kinds, [...(ranges.get(kinds) ?? []), range]);
  }
  if (ranges.size === 0) return "";
  const errors = [...ranges].map(
    ([kinds, cells]) => `<ignoredError sqref="${cells.join(" ")}"${kinds}/>`,
  );
  return `<ignoredErrors>${errors.join("")}</ignoredErrors>`;
}

/** What the cells of the style rows name. */
export function readStyles(sheet: string, columnCount: number): StyleIndexes[] {
  const found = new Map<string, string>();
  for (const [, reference = "", style = "0"] of sheet.matchAll(
    /<c r="([A-Z]+\d+)"(?: s="(\d+)")?/g,
  )) {
    found.set(reference, style);
  }
  return Array.from({ length: columnCount }, (_, index) => {
    const letters = columnLetters(index);
    const read = (place: keyof StyleIndexes): CellStyleIndexes => {
      const styleOf = (kind: keyof CellStyleIndexes) =>
        found.get(`${letters}${styleRow(place, kind)}`) ?? "0";
      return {
        value: styleOf("value"),
        fraction: styleOf("fraction"),
        text: styleOf("text"),
        blank: styleOf("blank"),
      };
    };
    return { data: read("data"), subtotal: read("subtotal"), total: read("total") };
  });
}

function styleRow(place: keyof StyleIndexes, kind: keyof CellStyleIndexes): number {
  return FIRST_DATA_ROW + STYLE_ROWS.findIndex((row) => row.place === place && row.kind === kind);
}
