/** What a chart shows, collected while the rows go by; bounded, whatever the result's size. */
import type { ChartOptions, ColumnOptions } from "../../report/options.ts";
import type { Cell, Column, Row } from "../../report/table.ts";
import { selectFormat } from "../cell-format.ts";
import { parseDays, parseTimestamp } from "../cells.ts";
import { cutText } from "../../report/short-text.ts";
import type { RenderWarning } from "../renderer.ts";
import { type ChartColumn, findChartColumns } from "./chart-columns.ts";
import { countNegativeSums } from "./pie-slices.ts";

/** What a chart's x is: names in the query's order, wall time in milliseconds as if in UTC, or numbers. */
export type AxisKind = "category" | "time" | "number";

export interface ChartPoint {
  /** A number, milliseconds, or the place of a category in `categories`. */
  readonly x: number;
  readonly y: number;
  /** The place in `series`. */
  readonly series: number;
}

export interface ChartContent {
  readonly options: ChartOptions;
  readonly kind: AxisKind;
  readonly x: ChartColumn;
  readonly y: readonly ChartColumn[];
  /** Texts as they are read; of a column of numbers, the warehouse's digits. */
  readonly categories: readonly string[];
  readonly series: readonly string[];
  readonly points: readonly ChartPoint[];
}

export interface ChartPoints {
  add(row: Row): void;
  readonly warnings: readonly RenderWarning[];
  readonly content: ChartContent;
}

const POINTS_MAX = 5000;
/** As many series as the palette has colours that can be told apart. */
const SERIES_MAX = 12;
const TEXT_LENGTH_MAX = 200;
/** Shown for a NULL among the categories or the series. */
const NULL_TEXT = "–";
const MILLISECONDS_PER_DAY = 86_400_000;

/**
 * Rows of one x and one series are added up for bars, areas and slices, whose length or size stands for the whole; a
 * line goes through each row.
 */
export function createChartPoints(
  options: ChartOptions,
  columns: readonly Column[],
  timezone: string,
  named: Readonly<Record<string, ColumnOptions>>,
): ChartPoints {
  const { x, y, series } = findChartColumns(options, columns, named);
  const kind = chooseKind(options, x.column);
  const categories = createNames();
  const names = createNames();
  const points: ChartPoint[] = [];
  const sums = options.type === "line" ? null : createSums(points);
  const left = { points: 0, series: 0, values: 0 };
  const readSeries = series === null ? null : createText(series.column, timezone);
  const readX = createReader(kind, x.column, timezone, categories);

  function addPoint(row: Row, value: ChartColumn, place: number): void {
    const cell = row[value.index] ?? null;
    if (cell === null) return;
    const number = Number(cell);
    if (!Number.isFinite(number)) return void left.values++;
    const isFull = points.length >= POINTS_MAX;
    if (isFull && sums === null) return void left.points++;
    const at =
      series === null || readSeries === null
        ? place
        : names.place(row[series.index] ?? null, readSeries, SERIES_MAX);
    if (at === null) return void left.series++;
    const xValue = readX(row[x.index] ?? null);
    if (xValue === null && kind === "category") return void left.points++;
    if (xValue === null) return void left.values++;
    const point = { x: xValue, y: number, series: at };
    const added = sums?.add(point) ?? "new";
    if (added === "infinite") return void left.values++;
    if (added === "added") return;
    if (isFull) return void left.points++;
    sums?.begin(point);
    points.push(point);
  }

  return {
    add: (row) => y.forEach((value, place) => addPoint(row, value, place)),
    get warnings() {
      const negative = options.type === "pie" ? countNegativeSums(points) : 0;
      return describeLeft({ ...left, values: left.values + negative });
    },
    get content() {
      const labels = series === null ? y.map((value) => value.label) : names.texts;
      return { options, kind, x, y, categories: categories.texts, series: labels, points };
    },
  };
}

interface Sums {
  /** Adds to the point of the same x and series, if there is one. */
  add(point: ChartPoint): "added" | "infinite" | "new";
  /** The point will be the next of `points`. */
  begin(point: ChartPoint): void;
}

function createSums(points: ChartPoint[]): Sums {
  const places = Array.from({ length: SERIES_MAX }, () => new Map<number, number>());
  return {
    add({ x, y, series }) {
      const place = places[series]?.get(x) ?? -1;
      const known = points[place];
      if (known === undefined) return "new";
      const sum = known.y + y;
      if (!Number.isFinite(sum)) return "infinite";
      points[place] = { ...known, y: sum };
      return "added";
    },
    begin: ({ x, series }) => void places[series]?.set(x, points.length),
  };
}

/** Bars and slices stand for names; a bar of a day is put in order of time all the same. */
function chooseKind({ type }: ChartOptions, { type: column }: Column): AxisKind {
  if (column === "date" || column.startsWith("timestamp")) {
    return type === "pie" ? "category" : "time";
  }
  const isNumber = column === "fixed" || column === "real";
  return isNumber && (type === "line" || type === "area") ? "number" : "category";
}

type ReadText = (cell: string) => string;

/** Distinct cells in the order in which they came. */
function createNames(): {
  readonly texts: readonly string[];
  /** Null for a new cell when there are `max` already. */
  place(cell: Cell, read: ReadText, max: number): number | null;
} {
  const places = new Map<Cell, number>();
  const texts: string[] = [];
  return {
    texts,
    place(cell, read, max) {
      const known = places.get(cell);
      if (known !== undefined) return known;
      if (texts.length >= max) return null;
      places.set(cell, texts.length);
      texts.push(cell === null ? NULL_TEXT : clean(read(cell)));
      return texts.length - 1;
    },
  };
}

function clean(text: string): string {
  return cutText(text, TEXT_LENGTH_MAX)
    .toWellFormed()
    .replaceAll(/\s+|\p{Cc}+/gu, " ");
}

/** Gives x of a cell; null for one that has no place on the axis. */
function createReader(
  kind: AxisKind,
  column: Column,
  timezone: string,
  categories: ReturnType<typeof createNames>,
): (cell: Cell) => number | null {
  if (kind === "category") {
    const read = createText(column, timezone);
    return (cell) => categories.place(cell, read, POINTS_MAX);
  }
  const read = kind === "time" ? createTime(column, timezone) : Number;
  return (cell) => {
    const value = cell === null ? Number.NaN : read(cell);
    return Number.isFinite(value) ? value : null;
  };
}

function createTime({ type }: Column, timezone: string): (cell: string) => number {
  if (type !== "timestamp_ntz" && type !== "timestamp_ltz" && type !== "timestamp_tz") {
    return (cell) => parseDays(cell) * MILLISECONDS_PER_DAY;
  }
  return (cell) => {
    const { seconds, nanos } = parseTimestamp(cell, type, timezone);
    return seconds * 1000 + Math.floor(nanos / 1_000_000);
  };
}

function createText({ type }: Column, timezone: string): ReadText {
  return selectFormat(type, timezone, ["Yes", "No"]) ?? ((cell) => cell);
}

function describeLeft(left: { points: number; series: number; values: number }): RenderWarning[] {
  const all: RenderWarning[] = [
    {
      code: "chart_points_cut",
      count: left.points,
      message: `The chart shows the first ${POINTS_MAX} points; ${left.points} more are not drawn`,
    },
    {
      code: "chart_series_cut",
      count: left.series,
      message: `The chart shows ${SERIES_MAX} series; ${left.series} points of others are not drawn`,
    },
    {
      code: "chart_values_left_out",
      count: left.values,
      message: `${left.values} points have no place in the chart: not a finite number, without x, or a negative slice`,
    },
  ];
  return all.filter((warning) => warning.count > 0);
}
