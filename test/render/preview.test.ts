import { describe, expect, test } from "bun:test";
import { previewTable } from "../../src/render/preview.ts";
import type { RenderContext } from "../../src/render/renderer.ts";
import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { optionsSchema } from "../../src/report/options.ts";
import { parsePreview, type Preview } from "../../src/report/preview.ts";
import type { Row, Table } from "../../src/report/table.ts";
import { aColumn, aTable } from "../support/factories.ts";

function contextOf(options: object = {}): RenderContext {
  return {
    reportName: "Sales",
    runId: "run-1",
    queryId: "query-1",
    rowCount: 0,
    parameters: {},
    generatedAt: new Date("2026-03-02T10:00:00Z"),
    dataAsOf: new Date("2026-03-02T10:00:00Z"),
    timezone: "Europe/Berlin",
    options: optionsSchema.parse(options),
    presentation: DEFAULT_PRESENTATION,
  };
}

/** What is left of a preview after its way through the store, and the rows that went by. */
async function previewOf(
  table: Table,
  options: object = {},
  withChart = false,
): Promise<{ preview: Preview; rows: Row[] }> {
  const previewed = previewTable(table, contextOf(options), withChart);
  const rows: Row[] = [];
  for await (const batch of previewed.table.batches) rows.push(...batch);
  const preview = parsePreview(JSON.stringify(await previewed.finish()));
  if (preview === null) throw new Error("the preview cannot be read back");
  return { preview, rows };
}

const SALES = {
  columns: [aColumn("REGION"), { ...aColumn("AMOUNT", "fixed"), precision: 12, scale: 2 }],
  rows: [
    ["North", "1234.50"],
    ["South", null],
  ],
} as const;

describe("the preview of a table", () => {
  test("shows cells as the reader of a PDF sees them", async () => {
    const columns = [...SALES.columns, aColumn("DAY", "date"), aColumn("AT", "timestamp_ltz")];
    const rows = [["North", "1234.50", "20514", "1772445600.000000000"]];
    const { preview } = await previewOf(aTable({ columns, rows }));
    expect(preview).toEqual({
      columns: [
        { label: "REGION", alignment: "left" },
        { label: "AMOUNT", alignment: "right" },
        { label: "DAY", alignment: "left" },
        { label: "AT", alignment: "left" },
      ],
      rows: [["North", "1,234.50", "2026-03-02", "2026-03-02 11:00:00+01:00"]],
      columnsLeftOut: 0,
      chart: null,
    });
  });

  test("follows labels, formats and hidden columns; a null is nothing", async () => {
    const options = {
      columns: { region: { hidden: true }, amount: { label: "Sum", format: "0" } },
    };
    const { preview } = await previewOf(aTable(SALES), options);
    expect(preview.columns).toEqual([{ label: "Sum", alignment: "right" }]);
    expect(preview.rows).toEqual([["1235"], [""]]);
  });

  test("has at most 10 rows, 8 columns and 80 characters of a cell, and gives the renderers all of it", async () => {
    const columns = Array.from({ length: 11 }, (_, at) => `C${at}`);
    const rows = Array.from({ length: 25 }, (_, at) =>
      columns.map(() => `${at}${"x".repeat(200)}`),
    );
    const { preview, rows: passed } = await previewOf(aTable({ columns, rows, batchSize: 4 }));
    expect(passed).toEqual(rows);
    expect(preview.rows).toHaveLength(10);
    expect(preview.rows[9]?.[0]).toBe(`9${"x".repeat(78)}…`);
    expect(preview.columns).toHaveLength(8);
    expect(preview.columnsLeftOut).toBe(3);
  });

  test("cuts a cell between characters", async () => {
    const rows = [[`${"x".repeat(78)}😀${"y".repeat(10)}`]];
    const { preview } = await previewOf(aTable({ columns: ["C"], rows }));
    expect(preview.rows).toEqual([[`${"x".repeat(78)}…`]]);
  });

  test("draws the chart of all rows as PNG, when a file has it too", async () => {
    const options = { chart: { type: "bar", x: "REGION", y: "AMOUNT" } };
    const { preview } = await previewOf(aTable(SALES), options, true);
    const png = Buffer.from(preview.chart ?? "", "base64");
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1_280, 720]);
    expect((await previewOf(aTable(SALES), options, false)).preview.chart).toBeNull();
  });
});
