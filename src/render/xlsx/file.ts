import { appendUtf8 } from "../byte-buffer.ts";
import type { Row } from "../../report/table.ts";
import type { WarningTally } from "../cell-warnings.ts";
import type { ByteSink, RenderWarning } from "../renderer.ts";
import { createRowWriter } from "./rows.ts";
import { openSheets, type Sheets } from "./sheets.ts";
import { createSummaries, type Summary } from "./summaries.ts";
import { hasSummaries } from "./summary-plan.ts";
import { createSummaryWriter, type SummaryPlace } from "./summary-rows.ts";
import {
  buildLateParts,
  buildTemplate,
  type WorkbookPlan,
  type WorkbookTemplate,
} from "./workbook.ts";
import { createZipWriter, type ZipWriter } from "./zip.ts";

/** A file of which the first parts and the first sheet's head are written. */
export interface OpenFile {
  writeRows(batch: readonly Row[]): Promise<void>;
  /** Writes the rows that sum up the others, so that what happened in them can be told by `finish`. */
  endRows(): Promise<void>;
  finish(warnings: readonly RenderWarning[], chart: Uint8Array | null): Promise<void>;
}

export interface FileSettings {
  readonly cellCount: number;
  /** The last row of a full sheet. */
  readonly lastRowMax: number;
  readonly tally: WarningTally;
}

export async function openFile(
  plan: WorkbookPlan,
  sink: ByteSink,
  settings: FileSettings,
): Promise<OpenFile> {
  const zip = createZipWriter(sink);
  const template = await buildTemplate(plan);
  for (const [name, bytes] of template.early) await addPart(zip, name, bytes);
  const { lastRowMax } = settings;
  const sheets = await openSheets(zip, plan, template, { lastRowMax, rowCount: countRows(plan) });
  const rows = createTableRows(plan, template, sheets, settings);
  let lastFilteredRow = 1;

  return {
    writeRows: (batch) => rows.write(batch),
    async endRows() {
      lastFilteredRow = await rows.finish();
    },
    async finish(warnings, chart) {
      const facts = await sheets.finish(lastFilteredRow);
      const late = await buildLateParts(plan, { sheets: facts, warnings, chart }, template);
      for (const [name, bytes] of late) await addPart(zip, name, bytes);
      await zip.finish();
    },
  };
}

/** With the header. Groups are only known when all rows are. */
function countRows({ context, summaries }: WorkbookPlan): number | null {
  if (summaries.levels.length > 0) return null;
  return context.rowCount + 1 + (summaries.totals.length > 0 ? 1 : 0);
}

interface TableRows {
  write(batch: readonly Row[]): Promise<void>;
  /** The last row that a filter may move, in the last sheet. */
  finish(): Promise<number>;
}

/** The rows of the table, with those that sum them up between and after them. */
function createTableRows(
  plan: WorkbookPlan,
  template: WorkbookTemplate,
  sheets: Sheets,
  { cellCount, lastRowMax, tally }: FileSettings,
): TableRows {
  const { buffer, position } = sheets;
  const { timezone } = plan.context;
  const writeRow = createRowWriter(plan, template.styles, cellCount, buffer, tally);
  const summaries = hasSummaries(plan.summaries) ? createSummaries(plan.summaries, timezone) : null;
  const composeSummary = createSummaryWriter({
    timezone,
    tally,
    styles: template.styles,
    sheetName: plan.sheetName,
    lastRowMax,
    isGrouped: plan.summaries.levels.length > 0,
  });

  async function writeSummary(summary: Summary): Promise<void> {
    const last = { ...position };
    if (sheets.needsRoom()) await sheets.makeRoom();
    position.row++;
    const place: SummaryPlace = { at: { ...position }, last };
    appendUtf8(buffer, composeSummary(summary, place));
  }
  return {
    async write(batch) {
      for (const row of batch) {
        const ended = summaries === null ? NONE : summaries.next(row);
        for (const summary of ended) await writeSummary(summary);
        if (sheets.needsRoom()) await sheets.makeRoom();
        position.row++;
        writeRow(row, position.row);
        summaries?.add(row, position);
      }
    },
    async finish() {
      let lastFilteredRow = position.row;
      for (const summary of summaries?.finish() ?? NONE) {
        await writeSummary(summary);
        if (summary.place === "subtotal") lastFilteredRow = position.row;
        else lastFilteredRow = Math.min(lastFilteredRow, position.row - 1);
      }
      return lastFilteredRow;
    },
  };
}

const NONE: readonly Summary[] = [];

async function addPart(zip: ZipWriter, name: string, bytes: Uint8Array): Promise<void> {
  const entry = await zip.open(name);
  await entry.write(bytes);
  await entry.close();
}
