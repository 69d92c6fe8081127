/** The head of the first page: title, subtitle, and what the reader must know of the data. */
import { formatInstant } from "../cells.ts";
import type { RenderContext } from "../renderer.ts";
import type { Canvas } from "./canvas.ts";
import type { Face } from "./face.ts";
import { composeBlock, drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { COLOR, FACT, MARGIN, SUBTITLE, TITLE } from "./theme.ts";

export interface TitleBlock {
  /** Points that it takes below the top margin. */
  readonly height: number;
  draw(canvas: Canvas): void;
}

interface Fact {
  readonly label: string;
  readonly value: string;
}

interface PlacedBlock {
  readonly block: TextBlock;
  readonly left: number;
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

export function composeTitleBlock(
  context: RenderContext,
  faces: { regular: Face; bold: Face },
  width: number,
  problems: TextProblems,
): TitleBlock {
  const heading = composeHeading(context, faces, width, problems);
  const ruleTop = heading.height + 5;
  const facts = composeFacts(
    listFacts(context),
    faces,
    width,
    ruleTop + RULE_HEIGHT + GAP,
    problems,
  );
  const blocks = [...heading.blocks, ...facts.blocks];
  return {
    height: facts.bottom + GAP,
    draw(canvas) {
      canvas.fillRect(MARGIN.left, MARGIN.top + ruleTop, width, RULE_HEIGHT, COLOR.accent);
      for (const { block, left, top } of blocks) {
        drawBlock(canvas, block, { left: MARGIN.left + left, top: MARGIN.top + top }, problems);
      }
    },
  };
}

function composeHeading(
  context: RenderContext,
  faces: { regular: Face; bold: Face },
  width: number,
  problems: TextProblems,
): { blocks: PlacedBlock[]; height: number } {
  const { title = context.reportName, subtitle } = context.options;
  const titleStyle = { face: faces.bold, size: TITLE.size, color: COLOR.accent };
  const titleBox = { width, lineHeight: TITLE.lineHeight, linesMax: TITLE_LINES_MAX };
  const block = composeBlock(title, titleStyle, titleBox, problems);
  const blocks: PlacedBlock[] = [{ block, left: 0, top: 0 }];
  if (subtitle === undefined) return { blocks, height: block.height };
  const style = { face: faces.regular, size: SUBTITLE.size, color: COLOR.soft };
  const box = { width, lineHeight: SUBTITLE.lineHeight, linesMax: SUBTITLE_LINES_MAX };
  const below = composeBlock(subtitle, style, box, problems);
  blocks.push({ block: below, left: 0, top: block.height + 1 });
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

function listFacts(context: RenderContext): Fact[] {
  const { timezone } = context;
  const all = Object.entries(context.parameters);
  const facts: Fact[] = [
    { label: "Generated", value: `${formatInstant(context.generatedAt, timezone)}\n${timezone}` },
    { label: "Data as of", value: `${formatInstant(context.dataAsOf, timezone)}\n${timezone}` },
    { label: "Rows", value: describeRows(context) },
  ];
  for (const [name, value] of all.slice(0, PARAMETERS_MAX)) {
    facts.push({ label: name, value: value === null ? "–" : String(value) });
  }
  const more = all.length - PARAMETERS_MAX;
  if (more > 0) facts.push({ label: "Parameters", value: `${more} more` });
  return facts;
}

function describeRows(context: RenderContext): string {
  const format = new Intl.NumberFormat(context.options.locale, { numberingSystem: "latn" });
  const { rowsMax } = context.options.pdf;
  const rows = format.format(context.rowCount);
  return context.rowCount > rowsMax ? `${rows}, the first ${format.format(rowsMax)} printed` : rows;
}
