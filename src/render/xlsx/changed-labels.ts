import type { ShownColumn } from "../cell-columns.ts";
import { shortenText } from "../../report/short-text.ts";
import type { RenderContext } from "../renderer.ts";
import { isChanged } from "./text.ts";

/** What the texts around the data are called of which something is lost: "title", "column a\uFFFDb", "parameter REGION". */
export function findChangedLabels(
  context: RenderContext,
  columns: readonly ShownColumn[],
): string[] {
  const { options, parameters, reportName } = context;
  const texts: (readonly [name: string, ...texts: string[]])[] = [
    ["name of the report", reportName],
    ["title", options.title ?? ""],
    ["subtitle", options.subtitle ?? ""],
    ["title of the chart", options.chart?.title ?? ""],
    ...columns.map(({ label }) => [`column ${quote(label)}`, label] as const),
  ];
  if (options.excel.about) {
    for (const [name, value] of Object.entries(parameters)) {
      texts.push([`parameter ${quote(name)}`, name, String(value)]);
    }
  }
  return texts.filter(([, ...own]) => own.some(isChanged)).map(([name]) => name);
}

const QUOTED_LENGTH_MAX = 60;

function quote(text: string): string {
  return `"${shortenText(text, QUOTED_LENGTH_MAX).toWellFormed()}"`;
}
