/**
 * A table as a PDF document. Each page leaves as soon as it is full; what stays in memory is the number of each
 * page, the characters that were used, and what a chart shows.
 */
import type { Row } from "../../report/table.ts";
import type { CreateRenderer } from "../renderer.ts";
import { closeDocument, layOutTable, openDocument, type Document, type Table } from "./document.ts";

/** Rows that decide the widths of the columns. */
const SAMPLE_ROWS = 1000;

export const createPdfRenderer: CreateRenderer = (context, sink) => {
  const { rowsMax } = context.options.pdf;
  let document: Document | undefined;
  let sample: Row[] = [];
  let table: Table | undefined;
  let rowCount = 0;
  let rowsTaken = 0;

  function opened(): Document {
    if (document === undefined) throw new Error("begin was not called");
    return document;
  }

  async function startTable(isWhole: boolean): Promise<Table> {
    table = layOutTable(opened(), sample, isWhole);
    await takeRows(table, sample);
    sample = [];
    return table;
  }

  async function takeRows({ flow }: Table, rows: readonly Row[]): Promise<void> {
    const { writer } = opened();
    const room = Math.max(0, rowsMax - rowsTaken);
    for (const row of rows.slice(0, room)) {
      flow.take(row, true);
      if (writer.isFull()) await writer.flush();
    }
    // A million rows one by one would take a quarter of a second, for a document of which nothing changes.
    if (flow.needsAllRows) for (const row of rows.slice(room)) flow.take(row, false);
    rowsTaken += rows.length;
  }

  return {
    async begin(columns) {
      document = await openDocument(columns, context, sink);
    },
    async rows(batch) {
      rowCount += batch.length;
      const { chart } = opened();
      if (chart !== null) for (const row of batch) chart.data.add(row);
      const wanted = table === undefined ? SAMPLE_ROWS - sample.length : 0;
      // Copies: the caller may use its rows again when this call is over.
      for (const row of batch.slice(0, wanted)) sample.push([...row]);
      if (table === undefined && sample.length >= SAMPLE_ROWS) await startTable(false);
      if (table !== undefined) await takeRows(table, batch.slice(wanted));
    },
    async finish() {
      const laidOut = table ?? (await startTable(true));
      laidOut.flow.finish();
      const rowsPrinted = Math.min(rowsTaken, rowsMax);
      const warnings = await closeDocument(opened(), laidOut, { rowCount, rowsPrinted });
      return { rowCount, warnings };
    },
  };
};
