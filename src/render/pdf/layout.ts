/** The page and where each column stands on it: orientation, widths, and bands when the table is too wide. */
import type { PageOptions } from "../../report/options.ts";
import type { ColumnMeasure } from "./column-measures.ts";
import { MARGIN, PAGE_SIZES } from "./theme.ts";

export interface Layout {
  readonly pageWidth: number;
  readonly pageHeight: number;
  /** Width between the margins. */
  readonly contentWidth: number;
  /** The columns of one page each; every row is printed once in each band. */
  readonly bands: readonly Band[];
  /** The width of each column, in order; the same in every band. */
  readonly widths: readonly number[];
}

export interface Band {
  readonly columns: readonly PlacedColumn[];
  readonly width: number;
}

interface PlacedColumn {
  /** Its place among the printed columns. */
  readonly slot: number;
  readonly left: number;
}

/** Portrait is kept when the columns must shrink by no more than this. */
const PORTRAIT_SQUEEZE_MAX = 1.12;
/** The first column, repeated in every band, takes no more than this part of a page. */
const KEY_PART_MAX = 0.3;
/** A table that fills this part of the page is stretched to fill it all; a narrower one only by STRETCH_MAX. */
const FILLS_FROM = 0.55;
const STRETCH_MAX = 1.35;

export function planLayout(measures: readonly ColumnMeasure[], page: PageOptions): Layout {
  const [short, long] = PAGE_SIZES[page.size];
  const isLandscape = choosesLandscape(measures, page, short - MARGIN.left - MARGIN.right);
  const pageWidth = isLandscape ? long : short;
  const pageHeight = isLandscape ? short : long;
  const contentWidth = pageWidth - MARGIN.left - MARGIN.right;
  const { widths, slots } = planBands(measures, contentWidth);
  const bands = slots.map((band) => placeColumns(band, widths));
  return { pageWidth, pageHeight, contentWidth, bands, widths };
}

function choosesLandscape(
  measures: readonly ColumnMeasure[],
  page: PageOptions,
  portraitWidth: number,
): boolean {
  if (page.orientation !== "auto") return page.orientation === "landscape";
  const preferred = sumOf(measures.map((measure) => measure.preferred));
  const min = sumOf(measures.map((measure) => measure.min));
  return min > portraitWidth || preferred > portraitWidth * PORTRAIT_SQUEEZE_MAX;
}

function planBands(
  measures: readonly ColumnMeasure[],
  contentWidth: number,
): { widths: number[]; slots: number[][] } {
  const slots = measures.map((_, slot) => slot);
  if (sumOf(measures.map((measure) => measure.min)) <= contentWidth) {
    return { widths: shareWidth(measures, contentWidth), slots: [slots] };
  }
  const widest = measures.length === 1 ? contentWidth : contentWidth * KEY_PART_MAX;
  const keyWidth = Math.min(measures[0]?.preferred ?? 0, widest);
  const room = contentWidth - keyWidth;
  const bands = fillBands(measures, room);
  const widths = [keyWidth];
  for (const band of bands) {
    const clamped = band.map((slot) => clampMeasure(measures[slot], room));
    const shared = shareWidth(clamped, room);
    band.forEach((slot, place) => (widths[slot] = shared[place] ?? 0));
  }
  const withKey = bands.map((band) => [0, ...band]);
  return { widths, slots: withKey.length === 0 ? [[0]] : withKey };
}

/** Columns in order, as many in each band as fit with their preferred widths; each band has one at least. */
function fillBands(measures: readonly ColumnMeasure[], room: number): number[][] {
  const bands: number[][] = [];
  let used = Number.POSITIVE_INFINITY;
  measures.forEach((measure, slot) => {
    if (slot === 0) return;
    const width = Math.min(measure.preferred, room);
    if (used + width > room) {
      bands.push([]);
      used = 0;
    }
    bands.at(-1)?.push(slot);
    used += width;
  });
  return bands;
}

function clampMeasure(measure: ColumnMeasure | undefined, room: number): ColumnMeasure {
  if (measure === undefined) throw new Error("A band names a column that does not exist");
  return {
    ...measure,
    min: Math.min(measure.min, room),
    preferred: Math.min(measure.preferred, room),
    natural: Math.min(measure.natural, room),
  };
}

/** From the least widths toward the preferred, then the natural ones, then stretched: never beyond `room`. */
function shareWidth(measures: readonly ColumnMeasure[], room: number): number[] {
  let widths = measures.map((measure) => measure.min);
  for (const target of ["preferred", "natural"] as const) {
    const goals = measures.map((measure) => measure[target]);
    widths = growToward(widths, goals, room);
  }
  return stretch(widths, measures, room);
}

function growToward(widths: readonly number[], goals: readonly number[], room: number): number[] {
  const missing = widths.map((width, at) => Math.max(0, (goals[at] ?? 0) - width));
  const free = Math.max(0, room - sumOf(widths));
  const wanted = sumOf(missing);
  const part = wanted === 0 ? 0 : Math.min(1, free / wanted);
  return widths.map((width, at) => width + (missing[at] ?? 0) * part);
}

function stretch(
  widths: readonly number[],
  measures: readonly ColumnMeasure[],
  room: number,
): number[] {
  const total = sumOf(widths);
  const elastic = sumOf(widths.filter((_, at) => measures[at]?.isElastic));
  if (elastic === 0 || total >= room) return [...widths];
  const goal = total >= room * FILLS_FROM ? room : Math.min(room, total * STRETCH_MAX);
  const factor = 1 + (goal - total) / elastic;
  return widths.map((width, at) => (measures[at]?.isElastic ? width * factor : width));
}

function placeColumns(slots: readonly number[], widths: readonly number[]): Band {
  let left: number = MARGIN.left;
  const columns = slots.map((slot) => {
    const placed = { slot, left };
    left += widths[slot] ?? 0;
    return placed;
  });
  return { columns, width: left - MARGIN.left };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
