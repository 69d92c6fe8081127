import type { Column } from "../../report/table.ts";
import { createByteBuffer, encodeText, takeBytes } from "../byte-buffer.ts";
import { createTally, type WarningTally } from "../cell-warnings.ts";
import { createCellWriter } from "./cells.ts";
import { columnLetters } from "./column-letters.ts";
import { composeFormula, type FormulaContext, type Position } from "./formulas.ts";
import type { CellStyleIndexes, StyleIndexes } from "./parts.ts";
import { isNumberColumn } from "./styles.ts";
import type { Summary, SummaryCell } from "./summaries.ts";
import { escapeXml, fitText } from "./text.ts";

/** Where a summary row goes, and the last row that it sums up. */
export interface SummaryPlace {
  readonly at: Position;
  readonly last: Position;
}

interface SummaryContext extends FormulaContext {
  readonly timezone: string;
  readonly tally: WarningTally;
  readonly styles: readonly StyleIndexes[];
}

/**
 * The writer of the XML of subtotals and totals: each a SUBTOTAL formula with its exact value, which programs show that
 * do not calculate. A value that a formula would not give (of text, or of numbers that are text in the sheet) is the
 * value alone.
 */
export function createSummaryWriter(
  context: SummaryContext,
): (summary: Summary, place: SummaryPlace) => string {
  /** Columns with a subtotal that is no formula: counting the column would count it. */
  const columnsWithValues = new Set<number>();

  function composeAggregate(summary: Summary, cell: SummaryCell, place: SummaryPlace): string {
    const { plan } = cell;
    const letters = columnLetters(plan.at);
    const styles = stylesOf(context, plan.at, summary.place);
    const xml = composeValue(cell, letters, styles, String(place.at.row), context.timezone);
    if (xml === null) return composeBlank(letters, styles, place.at.row);
    if (summary.from !== null && isComputable(cell, xml)) {
      const range = { from: summary.from, to: place.last };
      const formula = composeFormula(plan.aggregate, letters, range, place.at.sheet, context);
      return xml.replace("<v>", () => `<f>${escapeXml(formula)}</f><v>`);
    }
    columnsWithValues.add(plan.at);
    if (plan.aggregate !== "count" && isNumberColumn(plan.source)) {
      context.tally.total_as_text++;
    }
    return xml;
  }
  function isComputable({ plan, hasText }: SummaryCell, xml: string): boolean {
    if (hasText) return false;
    if (plan.aggregate === "count") return !columnsWithValues.has(plan.at);
    return isNumberColumn(plan.source) && xml.includes("<v>");
  }
  return (summary, place) => {
    const { row } = place.at;
    const aggregates = new Map(summary.cells.map((cell) => [cell.plan.at, cell]));
    const cells = context.styles.map((_, at) => {
      const aggregate = aggregates.get(at);
      if (aggregate !== undefined) return composeAggregate(summary, aggregate, place);
      const styles = stylesOf(context, at, summary.place);
      const letters = columnLetters(at);
      return at === summary.labelAt
        ? composeLabel(summary.label, letters, styles, row)
        : composeBlank(letters, styles, row);
    });
    const outline = summary.depth === 0 ? "" : ` outlineLevel="${summary.depth}"`;
    return `<row r="${row}"${outline}>${cells.join("")}</row>`;
  };
}

function stylesOf(
  { styles }: SummaryContext,
  at: number,
  place: Summary["place"],
): CellStyleIndexes {
  const found = styles[at];
  if (found === undefined) throw new Error("A column has no styles");
  return found[place];
}

/** The cell as a row of the table would have it; null when there is no value. */
function composeValue(
  { plan, value, hasText }: SummaryCell,
  letters: string,
  styles: CellStyleIndexes,
  row: string,
  timezone: string,
): string | null {
  if (value === null) return null;
  const isComputed = plan.aggregate === "sum" || plan.aggregate === "average";
  const isText = hasText && isComputed;
  const isRounded = plan.aggregate === "average" && !isText;
  const type: Column["type"] = isText ? "text" : isRounded ? "real" : plan.column.type;
  const buffer = createByteBuffer(256);
  const write = createCellWriter(type, letters, isText ? asText(styles) : styles, {
    timezone,
    tally: createTally(),
  });
  write(buffer, encodeText(row), isRounded ? roundValue(value) : value);
  return new TextDecoder().decode(takeBytes(buffer));
}

/** An average is no exact number anyway: the nearest double, as Excel computes it. */
function roundValue(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? String(number) : value;
}

function asText(styles: CellStyleIndexes): CellStyleIndexes {
  return { ...styles, value: styles.text };
}

function composeBlank(letters: string, { blank }: CellStyleIndexes, row: number): string {
  return `<c r="${letters}${row}" s="${blank}"/>`;
}

function composeLabel(
  label: string,
  letters: string,
  { blank }: CellStyleIndexes,
  row: number,
): string {
  const text = escapeXml(fitText(label, createTally()));
  return `<c r="${letters}${row}" s="${blank}" t="inlineStr"><is><t xml:space="preserve">${text}</t></is></c>`;
}
