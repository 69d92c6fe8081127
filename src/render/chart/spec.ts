/** A chart as a Vega-Lite specification. Nothing of the data is in an expression: texts are looked up by place. */
import type { TopLevelSpec } from "vega-lite";
import { createAxesSpec } from "./axes-spec.ts";
import type { ChartContent } from "./chart-points.ts";
import type { Measure } from "./drawings.ts";
import { createPieSpec } from "./pie-spec.ts";
import { chooseReadableLocale } from "./readable-locale.ts";
import { COLOR, createTheme, FONT_SIZE, PADDING } from "./theme.ts";
import { readTimeLocale } from "./time-labels.ts";

export type UnitSpec = Extract<TopLevelSpec, { mark: unknown }>;
/** What differs from one type of chart to the other. */
export type ChartSpec = Pick<UnitSpec, "data" | "mark" | "encoding" | "params">;

export interface SpecLook {
  /** Points. */
  readonly width: number;
  readonly height: number;
  readonly accentColor: string;
  readonly locale: string;
  /** The name under which vega knows the drawing. */
  readonly font: string;
  readonly measure: Measure;
}

export function createSpec(content: ChartContent, look: SpecLook): UnitSpec {
  const { title } = content.options;
  const locale = { time: readTimeLocale(chooseReadableLocale(look.locale)), number: PLAIN_NUMBERS };
  return {
    ...createChart(content, look),
    width: look.width,
    height: look.height,
    autosize: { type: "fit", contains: "padding" },
    padding: PADDING,
    background: "transparent",
    ...(title === undefined
      ? {}
      : { title: { text: clean(title), limit: look.width - 2 * PADDING } }),
    config: createTheme(look.font, locale),
  };
}

/** Vega takes a time locale only with one for numbers; numbers are written by axis-labels.ts. */
const PLAIN_NUMBERS: {
  decimal: string;
  thousands: string;
  grouping: number[];
  currency: [string, string];
} = {
  decimal: ".",
  thousands: ",",
  grouping: [3],
  currency: ["", ""],
};

function createChart(content: ChartContent, look: SpecLook): ChartSpec {
  if (content.points.length === 0) return EMPTY;
  return content.options.type === "pie"
    ? createPieSpec(content, look)
    : createAxesSpec(content, look);
}

const EMPTY: ChartSpec = {
  data: { values: [{}] },
  mark: { type: "text", fontSize: FONT_SIZE.label, color: COLOR.soft },
  encoding: { text: { value: "No data to draw" } },
};

/** Vega would show a line end as a blank of no width. */
function clean(title: string): string {
  return title.replaceAll(/\s+/g, " ");
}
