/** Bars, lines and areas over a pair of axes. */
import type { ChartContent } from "./chart-points.ts";
import { chooseCategoryRoom, type LabelRoom } from "./label-room.ts";
import { nameCategories } from "./axis-labels.ts";
import { choosePalette } from "./palette.ts";
import { chooseReadableLocale } from "./readable-locale.ts";
import type { ChartSpec, SpecLook, UnitSpec } from "./spec.ts";
import { COLOR, FONT_SIZE } from "./theme.ts";
import { chooseTickFormats, nameTimes } from "./time-labels.ts";

type Encoding = NonNullable<UnitSpec["encoding"]>;
type Axis<Channel extends "x" | "y"> = NonNullable<Encoding[Channel]>;

/** Places on an axis of names, and what is written at them. */
interface NamedAxis {
  /** Of an x in the points. */
  readonly placeOf: ReadonlyMap<number, number>;
  readonly labels: readonly string[];
}

/** More points in a line than this are not marked one by one. */
const MARKED_POINTS_MAX = 40;
const BAR_WIDTH_MAX = 90;
/** Between the ticks of an axis of times or numbers. */
const TICK_STEP = 70;

export function createAxesSpec(content: ChartContent, look: SpecLook): ChartSpec {
  const named = createNamedAxis(content, look.locale);
  const values = content.points.map(({ x, y, series }) => ({
    x: named?.placeOf.get(x) ?? x,
    y,
    s: series,
  }));
  return {
    data: { values },
    params: [
      { name: "xLabels", value: named?.labels ?? [] },
      { name: "seriesLabels", value: content.series },
      { name: "chartFont", value: look.font },
    ],
    mark: createMark(content, look),
    encoding: {
      x: named === null ? createMeasuredX(content, look) : createNamedX(content, look, named),
      y: createY(content),
      ...createSeries(content, look),
    },
  };
}

/** Null when x is measured, not named. Bars of times are names in order of time, each as wide as the others. */
function createNamedAxis(content: ChartContent, locale: string): NamedAxis | null {
  if (content.kind === "category") {
    const labels = nameCategories(content, locale);
    return { placeOf: new Map(labels.map((_, at) => [at, at])), labels };
  }
  if (content.options.type !== "bar") return null;
  const times = [...new Set(content.points.map((point) => point.x))].sort((a, b) => a - b);
  return {
    placeOf: new Map(times.map((time, at) => [time, at])),
    labels: nameTimes(times, chooseReadableLocale(locale)),
  };
}

function createMark(content: ChartContent, look: SpecLook): ChartSpec["mark"] {
  const isAlone = content.series.length === 1;
  const color = choosePalette(look.accentColor, 1)[0] ?? COLOR.ink;
  const own = isAlone ? { color } : {};
  const marker = hasMarkers(content)
    ? { point: { size: 14, filled: true, opacity: 1, fillOpacity: 1, ...own } }
    : {};
  switch (content.options.type) {
    case "bar":
      return { type: "bar", ...own };
    case "line":
      return { type: "line", strokeWidth: 1.6, strokeJoin: "round", ...own, ...marker };
    case "area":
    case "pie":
      return {
        type: "area",
        fillOpacity: isAlone ? 0.25 : 0.85,
        line: isAlone ? { strokeWidth: 1.6, color } : false,
        ...own,
        ...marker,
      };
  }
}

/** A series of one point would have no line at all. Stacked areas are calmer without. */
function hasMarkers({ points, series, options }: ChartContent): boolean {
  const isStacked = options.type === "area" && series.length > 1;
  if (!isStacked && points.length <= MARKED_POINTS_MAX * series.length) return true;
  const counts = series.map(() => 0);
  for (const point of points) counts[point.series] = (counts[point.series] ?? 0) + 1;
  return counts.includes(1);
}

function createNamedX(content: ChartContent, look: SpecLook, named: NamedAxis): Axis<"x"> {
  const room = chooseCategoryRoom(named.labels, look);
  const isBar = content.options.type === "bar";
  return {
    field: "x",
    type: "nominal",
    sort: null,
    scale: {
      domain: named.labels.map((_, at) => at),
      ...(isBar ? spaceBars(named.labels.length, content, look) : { padding: 0.3 }),
    },
    axis: {
      title: content.x.label,
      labelExpr: "xLabels[datum.value]",
      domain: false,
      ticks: !isBar,
      grid: false,
      ...placeLabels(room),
    },
  };
}

/** A quarter of the place is free, more when the bars would look like walls. */
function spaceBars(count: number, { series }: ChartContent, look: SpecLook): object {
  const step = look.width / count;
  const free = 1 - (BAR_WIDTH_MAX * series.length) / step;
  const padding = Math.min(0.9, Math.max(0.25, free));
  return { paddingInner: padding, paddingOuter: padding / 2 };
}

function placeLabels({ angle, limit, step }: LabelRoom): object {
  const isFlat = angle === 0;
  return {
    labelAngle: angle,
    labelLimit: limit,
    labelAlign: isFlat ? "center" : "right",
    labelBaseline: isFlat ? "top" : "middle",
    labelOverlap: false,
    ...(step > 1 ? { values: { expr: `sequence(0, length(xLabels), ${step})` } } : {}),
  };
}

function createMeasuredX(content: ChartContent, look: SpecLook): Axis<"x"> {
  const tickCount = Math.max(2, Math.floor(look.width / TICK_STEP));
  const axis = { title: content.x.label, grid: false, tickCount, labelOverlap: true } as const;
  if (content.kind === "time") {
    const format = chooseTickFormats(chooseReadableLocale(look.locale));
    return { field: "x", type: "temporal", scale: { type: "utc" }, axis: { ...axis, format } };
  }
  const labelExpr = "chartPosition(datum.value, chartFont)";
  return {
    field: "x",
    type: "quantitative",
    scale: { zero: false, nice: false },
    axis: { ...axis, labelExpr },
  };
}

function createY(content: ChartContent): Axis<"y"> {
  const { type } = content.options;
  const zero = startsAtZero(content);
  const isFlat = content.points.every(({ y }) => y === 0);
  const [first] = content.y;
  return {
    field: "y",
    type: "quantitative",
    stack: type === "line" ? null : "zero",
    scale: isFlat ? { domain: [0, 1] } : { zero },
    axis: {
      title: content.y.length === 1 ? (first?.label ?? null) : null,
      labelExpr: "chartTick(datum.value, chartFont)",
      domain: false,
      ticks: false,
      tickCount: 5,
      gridColor: {
        condition: { test: "datum.value === 0", value: COLOR.zero },
        value: COLOR.grid,
      },
    },
  };
}

/** The length of a bar is its value, so it begins at zero; a line far from zero would be flat. */
export function startsAtZero({ options, points }: ChartContent): boolean {
  if (options.type !== "line") return true;
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const { y } of points) {
    lowest = Math.min(lowest, y);
    highest = Math.max(highest, y);
  }
  const isFar = lowest > 0 || highest < 0;
  return !isFar || highest - lowest > Math.max(Math.abs(lowest), Math.abs(highest)) / 4;
}

/** Bars stand side by side; points of one place and series stand on each other. */
function createSeries(content: ChartContent, look: SpecLook): Encoding {
  const { series, options } = content;
  if (series.length === 1) return {};
  const domain = series.map((_, at) => at);
  const widest = Math.max(...series.map((name) => look.measure(name, FONT_SIZE.label, false)));
  const labelLimit = look.width / 2;
  const columns = Math.max(1, Math.floor(look.width / (Math.min(widest, labelLimit) + 30)));
  const offset = { field: "s", type: "nominal", scale: { domain } } as const;
  return {
    ...(options.type === "bar" ? { xOffset: offset } : {}),
    color: {
      field: "s",
      type: "nominal",
      scale: { domain, range: choosePalette(look.accentColor, series.length) },
      legend: {
        orient: "top",
        direction: "horizontal",
        columns: Math.min(columns, series.length),
        labelExpr: "seriesLabels[datum.value]",
        labelLimit,
        symbolType: "square",
      },
    },
  };
}
