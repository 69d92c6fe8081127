/** How a chart looks. Lengths are points. */
import type { Config } from "vega-lite";

export const FONT_SIZE = { label: 8, title: 10.5 } as const;

export const COLOR = {
  ink: "#1c212b",
  soft: "#5b6472",
  grid: "#e4e7ec",
  zero: "#8d95a1",
  rule: "#c3c8d0",
  paper: "#ffffff",
} as const;

/** On all sides of a chart. */
export const PADDING = 2;

/** Weights from this on are set in the bold face. */
export const BOLD_FROM = 600;

export function createTheme(font: string, locale: Config["locale"]): Config {
  return {
    font,
    ...(locale === undefined ? {} : { locale }),
    view: { stroke: null },
    axis: {
      labelFontSize: FONT_SIZE.label,
      labelColor: COLOR.soft,
      labelPadding: 4,
      titleFontSize: FONT_SIZE.label,
      titleFontWeight: BOLD_FROM,
      titleColor: COLOR.soft,
      titlePadding: 6,
      gridColor: COLOR.grid,
      gridWidth: 0.6,
      domainColor: COLOR.rule,
      domainWidth: 0.8,
      tickColor: COLOR.rule,
      tickWidth: 0.8,
      tickSize: 3,
    },
    legend: {
      title: null,
      labelFontSize: FONT_SIZE.label,
      labelColor: COLOR.ink,
      symbolSize: 50,
      symbolStrokeWidth: 0,
      rowPadding: 3,
      columnPadding: 14,
      labelOffset: 4,
    },
    title: {
      anchor: "start",
      frame: "bounds",
      fontSize: FONT_SIZE.title,
      fontWeight: BOLD_FROM,
      color: COLOR.ink,
      offset: 8,
    },
  };
}
