/** The page and where each column stands on it: orientation, widths, and bands when the table is too wide. */
import type { PageOptions } from "../../report/options.ts";
import type { ColumnMeasure } from "./column-measures.ts";
import { shareWidth, sumOf } from "./column-shares.ts";
import { DEFAULT_MARGIN, FOOTER, PAGE_SIZES } from "./theme.ts";

export interface Layout {
  readonly pageWidth: number;
  readonly pageHeight: number;
  /** Where content begins and ends, from the left and the top of the page. */
  readonly left: number;
  readonly top: number;
  readonly bottom: number;
  /** Width between the margins. */
  readonly contentWidth: number;
  /** The line that the footer stands on, from the top of the page. */
  readonly footerBaseline: number;
  /** The columns of one page each; every row is printed once in each band. */
  readonly bands: readonly Band[];
  /** The width of each column, in order; the same in every band. */
  readonly widths: readonly number[];
}

export interface Band {
  readonly columns: readonly PlacedColumn[];
  readonly width: number;
}

type Margin = Record<keyof typeof DEFAULT_MARGIN, number>;

interface PlacedColumn {
  /** Its place among the printed columns. */
  readonly slot: number;
  readonly left: number;
}

/** Portrait is kept when the columns must shrink by no more than this. */
const PORTRAIT_SQUEEZE_MAX = 1.12;
/** The first column, repeated in every band, takes no more than this part of a page. */
const KEY_PART_MAX = 0.3;
const POINTS_PER_MM = 72 / 25.4;
/** Printers leave about 4 mm white; a footer that would stand lower is moved up, into the margin's place. */
const FOOTER_EDGE_MIN = 12;

export function planLayout(measures: readonly ColumnMeasure[], page: PageOptions): Layout {
  const [short, long] = PAGE_SIZES[page.size];
  const margin = toPoints(page.margins);
  const isLandscape = choosesLandscape(measures, page, short - margin.left - margin.right);
  const pageWidth = isLandscape ? long : short;
  const pageHeight = isLandscape ? short : long;
  const contentWidth = pageWidth - margin.left - margin.right;
  const { widths, slots } = planBands(measures, contentWidth);
  const bands = slots.map((band) => placeColumns(band, widths, margin.left));
  const vertical = planVertical(pageHeight, margin);
  return {
    pageWidth,
    pageHeight,
    left: margin.left,
    contentWidth,
    ...vertical,
    bands,
    widths,
  };
}

function toPoints(margins: PageOptions["margins"]): Margin {
  const side = (name: keyof Margin): number => {
    const asked = margins?.[name];
    return asked === undefined ? DEFAULT_MARGIN[name] : asked * POINTS_PER_MM;
  };
  return { left: side("left"), right: side("right"), top: side("top"), bottom: side("bottom") };
}

/** The footer stands inside of the bottom margin when there is room for it, else above the margin. */
function planVertical(
  pageHeight: number,
  margin: Margin,
): Pick<Layout, "top" | "bottom" | "footerBaseline"> {
  const isInside = margin.bottom - FOOTER.drop >= FOOTER_EDGE_MIN;
  const bottom = pageHeight - margin.bottom - (isInside ? 0 : FOOTER.drop);
  return { top: margin.top, bottom, footerBaseline: bottom + FOOTER.drop };
}

function choosesLandscape(
  measures: readonly ColumnMeasure[],
  page: PageOptions,
  portraitWidth: number,
): boolean {
  if (page.orientation !== "auto") return page.orientation === "landscape";
  const preferred = sumOf(measures.map((measure) => measure.preferred));
  const words = sumOf(measures.map((measure) => measure.words));
  return words > portraitWidth || preferred > portraitWidth * PORTRAIT_SQUEEZE_MAX;
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
    words: Math.min(measure.words, room),
    preferred: Math.min(measure.preferred, room),
    natural: Math.min(measure.natural, room),
  };
}

function placeColumns(slots: readonly number[], widths: readonly number[], start: number): Band {
  let left = start;
  const columns = slots.map((slot) => {
    const placed = { slot, left };
    left += widths[slot] ?? 0;
    return placed;
  });
  return { columns, width: left - start };
}
