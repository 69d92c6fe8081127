import { formatShare, nameCategories } from "./axis-labels.ts";
import type { ChartContent } from "./chart-points.ts";
import { choosePalette, REST_COLOR } from "./palette.ts";
import { sumSlices } from "./pie-slices.ts";
import type { ChartSpec, SpecLook } from "./spec.ts";
import { COLOR } from "./theme.ts";

/** The part of the width that names may take. */
const LEGEND_WIDTH_PART = 0.45;

/** Slices clockwise from the top; what they are is in the legend, with their shares: labels in small slices collide. */
export function createPieSpec(content: ChartContent, look: SpecLook): ChartSpec {
  const slices = sumSlices({ ...content, categories: nameCategories(content, look.locale) });
  const palette = choosePalette(look.accentColor, slices.length);
  const colors = slices.map((slice, at) => (slice.isRest ? REST_COLOR : (palette[at] ?? "")));
  const labels = slices.map(({ label, share }) => `${formatShare(share, look.locale)} ${label}`);
  return {
    data: { values: slices.map(({ value }, at) => ({ s: at, y: value })) },
    params: [{ name: "sliceLabels", value: labels }],
    mark: { type: "arc", stroke: COLOR.paper, strokeWidth: 1, strokeJoin: "round" },
    encoding: {
      theta: { field: "y", type: "quantitative", stack: true },
      order: { field: "s", type: "ordinal" },
      color: {
        field: "s",
        type: "nominal",
        scale: { domain: slices.map((_, at) => at), range: colors },
        legend: {
          orient: "right",
          labelExpr: "sliceLabels[datum.value]",
          labelLimit: look.width * LEGEND_WIDTH_PART,
          symbolType: "square",
          offset: 24,
        },
      },
    },
  };
}
