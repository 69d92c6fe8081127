/** The rows under a group and at the end of the table: a name, and results below the columns that they are of. */
import type { Row } from "../../report/table.ts";
import type { AggregateSet } from "./body-columns.ts";
import { measureSpan, type BandRow, type RowLook } from "./group-heading.ts";
import type { Band } from "./layout.ts";
import { createRowCells, type RowCells } from "./row-cells.ts";
import { composeBlock, drawBlock, type TextBlock } from "./text-block.ts";
import type { TextProblems } from "./text-problems.ts";
import { BASELINE, BODY, COLOR, GROUP } from "./theme.ts";

export interface TotalsRows {
  /** `level` is the group's, null for the end of the table; the row must be drawn before the next is composed. */
  compose(group: { title: string; level: number } | null, results: Row): BandRow;
}

const NAME_LINES_MAX = 3;
/** Where there is less room beside the first result, the name stands above the results. */
const NAME_WIDTH_MIN = 56;
const THIN_RULE = 0.7;
const THICK_RULE = 1.6;
const PAD_Y = 3.2;

export function createTotalsRows(
  set: AggregateSet,
  fractions: readonly number[],
  look: RowLook,
): TotalsRows {
  const sizes = { widths: look.layout.widths, fractions };
  const cells = createRowCells(set.columns, sizes, look.faces.bold, look.problems);
  return {
    compose: (group, results) => composeRow({ set, cells, look }, group, results),
  };
}

interface RowParts {
  readonly set: AggregateSet;
  readonly cells: RowCells;
  readonly look: RowLook;
}

function composeRow(
  parts: RowParts,
  group: { title: string; level: number } | null,
  results: Row,
): BandRow {
  const { set, cells, look } = parts;
  const { layout } = look;
  const lineCount = cells.prepare(placeResults(set, results));
  const indent = group === null ? 0 : group.level * GROUP.indent;
  const text = nameRow(set, group?.title ?? null, results);
  const room = layout.bands.map((band) => measureNameRoom(set, band, layout.widths) - indent);
  const isStacked = room.some((width) => width < NAME_WIDTH_MIN);
  const names = layout.bands.map((band, at) => {
    const across = measureSpan(band, layout) - 2 * BODY.padX - indent;
    return composeName(text, isStacked ? across : (room[at] ?? across), at, look);
  });
  const nameLines = names.reduce((most, name) => Math.max(most, name.lines.length), 1);
  const lines = isStacked ? nameLines + lineCount : Math.max(nameLines, lineCount);
  const rule = group === null ? THICK_RULE : THIN_RULE;
  const height = lines * BODY.lineHeight + 2 * PAD_Y + rule;
  return {
    height,
    draw(canvas, at, top) {
      const band = layout.bands[at];
      const name = names[at];
      if (band === undefined || name === undefined) return;
      const span = measureSpan(band, layout);
      const tint = group === null ? look.palette.header : (look.palette.tints[2] ?? COLOR.zebra);
      canvas.fillRect(layout.left, top, span, rule, look.palette.accent);
      canvas.fillRect(layout.left, top + rule, span, height - rule, tint);
      const place = { left: layout.left + BODY.padX + indent, top: top + rule + PAD_Y };
      drawBlock(canvas, name, place, problemsOf(look, at));
      const first = place.top + (isStacked ? nameLines * BODY.lineHeight : 0);
      for (const { slot, left } of band.columns) {
        for (let line = 0; line < lineCount; line++) {
          const baseline = first + (line + BASELINE) * BODY.lineHeight;
          cells.drawLine(canvas, slot, line, left, baseline);
        }
      }
    },
  };
}

/** By slot; the empty text where there is no result. */
function placeResults(set: AggregateSet, results: Row): Row {
  const row = set.columns.map((): string | null => "");
  set.slots.forEach((slot, at) => {
    if (slot !== -1) row[slot] = results[at] ?? null;
  });
  return row;
}

/** "Total ASIA", with the results that no column of the table has room for. */
function nameRow(set: AggregateSet, title: string | null, results: Row): string {
  const name = title === null ? set.name : `${set.name} ${title}`;
  const beside = set.beside.flatMap((column, at) => {
    if (set.slots[at] !== -1) return [];
    const result = results[at] ?? null;
    return [`${column.label}: ${result === null ? "–" : column.format(result)}`];
  });
  return [name, ...beside].join("  ·  ");
}

/** The width of the columns before the first with a result, in points. */
function measureNameRoom(set: AggregateSet, band: Band, widths: readonly number[]): number {
  let room = -2 * BODY.padX;
  for (const { slot } of band.columns) {
    if (set.slots.includes(slot)) return room;
    room += widths[slot] ?? 0;
  }
  return room;
}

/** Each page of a wide table repeats the name: what is wrong with it is counted on the first. */
function problemsOf(look: RowLook, band: number): TextProblems | undefined {
  return band === 0 ? look.problems : undefined;
}

function composeName(text: string, width: number, band: number, look: RowLook): TextBlock {
  const style = { face: look.faces.bold, size: BODY.size, color: COLOR.ink };
  const box = { width, lineHeight: BODY.lineHeight, linesMax: NAME_LINES_MAX };
  return composeBlock(text, style, box, problemsOf(look, band));
}
