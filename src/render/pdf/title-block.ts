/** The head of the first page: title, subtitle, and what the reader must know of the data. */
import { formatInstant } from "../cells.ts";
import type { RenderContext } from "../renderer.ts";
import type { Canvas } from "./canvas.ts";
import type { Face } from "./face.ts";
import type { RowLook } from "./group-heading.ts";
import { beginsAtRight, drawToRight } from "./heading-side.ts";
import type { Layout } from "./layout.ts";
import { composeBlock, drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { COLOR, FACT, SUBTITLE, TITLE } from "./theme.ts";

export interface TitleBlock {
  /** Points that it takes below the top margin. */
  readonly height: number;
  /** Where the chart will be drawn; null when there is none. */
  readonly chart: ChartBox | null;
  draw(canvas: Canvas): void;
}

interface ChartBox {
  /** From the top margin. */
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Fact {
  readonly label: string;
  readonly value: string;
}

interface PlacedBlock {
  readonly block: TextBlock;
  readonly left: number;
  /** Of what is read from right to left: where its lines end. */
  readonly right?: number;
  /** From the top margin. */
  readonly top: number;
}

const TITLE_LINES_MAX = 3;
const SUBTITLE_LINES_MAX = 4;
const FACT_LINES_MAX = 2;
/** More parameters than this are counted, not shown: the table must begin on the first page. */
const PARAMETERS_MAX = 13;
const FACT_WIDTH_MIN = 118;
const RULE_HEIGHT = 1.4;
const GAP = 9;

/** The names of the logo and the chart in the resources of the pages. */
export const LOGO_NAME = "Logo";
export const CHART_NAME = "Chart";

const LOGO_HEIGHT_MAX = 42;
const LOGO_PART_MAX = 0.3;
const LOGO_GAP = 16;
const CHART_GAP = 8;
/** What the facts leave on the page at least: they give way to the table's first rows. */
const TABLE_HEIGHT_MIN = 150;

interface TitleParts {
  /** In pixels. */
  readonly logo: { readonly width: number; readonly height: number } | null;
  /** In points. */
  readonly chartHeight: number | null;
}

/** The logo stands at the right of the title, the chart below everything. */
export function composeTitleBlock(
  context: RenderContext,
  look: RowLook,
  { logo, chartHeight }: TitleParts,
): TitleBlock {
  const { layout, palette, problems } = look;
  const { contentWidth, left, top } = layout;
  const picture = logo === null ? null : fitLogo(logo, contentWidth);
  const room = contentWidth - (picture === null ? 0 : picture.width + LOGO_GAP);
  const heading = composeHeading(context, look, room);
  const ruleTop = Math.max(heading.height, picture?.height ?? 0) + 5;
  const facts = composeFittingFacts(context, look, ruleTop + RULE_HEIGHT + GAP);
  const blocks = [...heading.blocks, ...facts.blocks];
  const chart = placeChart(chartHeight, facts.bottom + GAP, layout);
  return {
    height: chart === null ? facts.bottom + GAP : chart.top + chart.height + GAP,
    chart,
    draw(canvas) {
      canvas.fillRect(left, top + ruleTop, contentWidth, RULE_HEIGHT, palette.accent);
      if (picture !== null) {
        const start = left + contentWidth - picture.width;
        canvas.drawObject(LOGO_NAME, start, top + picture.height, picture);
      }
      if (chart !== null) {
        const bottom = top + chart.top + chart.height;
        canvas.drawObject(CHART_NAME, left, bottom, { width: 1, height: 1 });
      }
      for (const placed of blocks) drawPlaced(canvas, placed, layout, problems);
    },
  };
}

function drawPlaced(
  canvas: Canvas,
  placed: PlacedBlock,
  { left, top }: Layout,
  problems: TextProblems,
): void {
  const place = { left: left + placed.left, top: top + placed.top };
  if (placed.right === undefined) drawBlock(canvas, placed.block, place, problems);
  else drawToRight(canvas, placed.block, { ...place, right: left + placed.right }, problems);
}

/** A pixel is a point at most: a small picture is not blown up. */
function fitLogo(
  { width, height }: { width: number; height: number },
  contentWidth: number,
): { width: number; height: number } {
  const factor = Math.min(1, LOGO_HEIGHT_MAX / height, (contentWidth * LOGO_PART_MAX) / width);
  return { width: width * factor, height: height * factor };
}

function placeChart(asked: number | null, above: number, layout: Layout): ChartBox | null {
  if (asked === null) return null;
  const top = above + CHART_GAP;
  const height = Math.min(asked, layout.bottom - layout.top - top);
  return { top, width: layout.contentWidth, height };
}

/** As many parameters as leave room for the table, where a page is small. */
function composeFittingFacts(
  context: RenderContext,
  { layout, faces, problems }: RowLook,
  top: number,
): { blocks: PlacedBlock[]; bottom: number } {
  const bottomMax = layout.bottom - layout.top - TABLE_HEIGHT_MIN;
  for (let count = PARAMETERS_MAX; ; count--) {
    const facts = composeFacts(
      listFacts(context, count),
      faces,
      layout.contentWidth,
      top,
      problems,
    );
    if (facts.bottom <= bottomMax || count === 0) return facts;
  }
}

function composeHeading(
  context: RenderContext,
  { faces, palette, problems }: RowLook,
  width: number,
): { blocks: PlacedBlock[]; height: number } {
  const { title = context.reportName, subtitle } = context.options;
  const titleStyle = { face: faces.bold, size: TITLE.size, color: palette.accent };
  const titleBox = { width, lineHeight: TITLE.lineHeight, linesMax: TITLE_LINES_MAX };
  const block = composeBlock(title, titleStyle, titleBox, problems);
  const sideOf = (...texts: string[]) => (beginsAtRight(...texts) ? { right: width } : {});
  const blocks: PlacedBlock[] = [{ block, left: 0, top: 0, ...sideOf(title) }];
  if (subtitle === undefined) return { blocks, height: block.height };
  const style = { face: faces.regular, size: SUBTITLE.size, color: COLOR.soft };
  const box = { width, lineHeight: SUBTITLE.lineHeight, linesMax: SUBTITLE_LINES_MAX };
  const below = composeBlock(subtitle, style, box, problems);
  blocks.push({ block: below, left: 0, top: block.height + 1, ...sideOf(subtitle, title) });
  return { blocks, height: block.height + 1 + below.height };
}

/** Facts side by side in equal columns, each a small label over its value. */
function composeFacts(
  facts: readonly Fact[],
  faces: { regular: Face; bold: Face },
  width: number,
  top: number,
  problems: TextProblems,
): { blocks: PlacedBlock[]; bottom: number } {
  const perRow = Math.max(1, Math.floor((width + FACT.gap) / (FACT_WIDTH_MIN + FACT.gap)));
  const step = (width + FACT.gap) / perRow;
  const labelStyle = { face: faces.bold, size: FACT.labelSize, color: COLOR.soft };
  const valueStyle = { face: faces.regular, size: FACT.size, color: COLOR.ink };
  const box = { width: step - FACT.gap, lineHeight: FACT.lineHeight };
  const blocks: PlacedBlock[] = [];
  let bottom = top;
  let rowTop = top;
  facts.forEach((fact, at) => {
    if (at > 0 && at % perRow === 0) rowTop = bottom + 4;
    const left = (at % perRow) * step;
    const labelBox = { ...box, lineHeight: FACT.labelSize * 1.3, linesMax: 1 };
    const label = composeBlock(fact.label, labelStyle, labelBox, problems);
    const value = composeBlock(
      fact.value,
      valueStyle,
      { ...box, linesMax: FACT_LINES_MAX },
      problems,
    );
    blocks.push({ block: label, left, top: rowTop });
    blocks.push({ block: value, left, top: rowTop + label.height });
    bottom = Math.max(bottom, rowTop + label.height + value.height);
  });
  return { blocks, bottom };
}

function listFacts(context: RenderContext, parametersMax: number): Fact[] {
  const { timezone } = context;
  const all = Object.entries(context.parameters);
  const facts: Fact[] = [
    { label: "Generated", value: `${formatInstant(context.generatedAt, timezone)}\n${timezone}` },
    { label: "Data as of", value: `${formatInstant(context.dataAsOf, timezone)}\n${timezone}` },
    { label: "Rows", value: describeRows(context) },
  ];
  for (const [name, value] of all.slice(0, parametersMax)) {
    facts.push({ label: name, value: value === null ? "–" : String(value) });
  }
  const more = all.length - parametersMax;
  if (more > 0) facts.push({ label: "Parameters", value: `${more} more` });
  return facts;
}

function describeRows(context: RenderContext): string {
  const format = new Intl.NumberFormat(context.options.locale, { numberingSystem: "latn" });
  const { rowsMax } = context.options.pdf;
  const rows = format.format(context.rowCount);
  return context.rowCount > rowsMax ? `${rows}, the first ${format.format(rowsMax)} printed` : rows;
}
