import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { defaultOptions, parseOptions, type ReportOptions } from "../../src/report/options.ts";
import type { Cell, Column, ColumnType, Row } from "../../src/report/table.ts";
import type { CreateRenderer, RenderContext, RenderSummary } from "../../src/render/renderer.ts";

export function column(name: string, type: ColumnType, scale = 0): Column {
  return { name, type, nullable: true, precision: type === "fixed" ? 38 : 0, scale };
}

export function options(json: unknown): ReportOptions {
  const parsed = parseOptions(json);
  if ("problems" in parsed) throw new Error(parsed.problems.join("; "));
  return parsed;
}

export function context(facts: Partial<RenderContext> = {}): RenderContext {
  return {
    reportName: "Orders",
    runId: "run-1",
    queryId: "01b2-query",
    rowCount: 0,
    parameters: {},
    generatedAt: new Date("2026-11-22T08:30:00Z"),
    dataAsOf: new Date("2026-11-22T08:00:00Z"),
    timezone: "UTC",
    options: defaultOptions(),
    presentation: DEFAULT_PRESENTATION,
    ...facts,
  };
}

/** The file that a renderer makes of the rows, given in batches of `batchRows`. */
export async function render(
  createRenderer: CreateRenderer,
  columns: readonly Column[],
  rows: readonly Row[],
  facts: Partial<RenderContext> = {},
  batchRows = 100,
): Promise<{ bytes: Uint8Array; summary: RenderSummary }> {
  const pieces: Uint8Array[] = [];
  const sink = { write: (bytes: Uint8Array) => void pieces.push(bytes.slice()) };
  const renderer = createRenderer(context({ rowCount: rows.length, ...facts }), sink);
  await renderer.begin(columns);
  for (let at = 0; at < rows.length; at += batchRows) {
    await renderer.rows(rows.slice(at, at + batchRows));
  }
  const summary = await renderer.finish();
  return { bytes: new Uint8Array(Buffer.concat(pieces)), summary };
}

/** One column of these cells. */
export function rowsOf(...cells: Cell[]): Row[] {
  return cells.map((cell) => [cell]);
}

/** What a promise is rejected with, or null when it is not. */
export function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (reason: unknown) => reason,
  );
}
