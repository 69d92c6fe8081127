import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { renderFiles } from "../../src/worker/files.ts";
import { loadDriver } from "../../src/snowflake/driver.ts";
import { openReader } from "../../src/snowflake/reader.ts";
import { DEFAULT_TIMEOUTS, type SnowflakeSettings } from "../../src/snowflake/settings.ts";
import type { Table } from "../../src/report/table.ts";
import type { Format } from "../../src/report/artifact.ts";
import { queryFor } from "./rows.ts";
import type { Job, Side } from "./side.ts";
import { createContext } from "./sides-common.ts";
import { openWorkbook } from "./sides-excel.ts";

/** The clock starts when the warehouse has answered the query: what is compared is how its rows are read. */
async function queryTable(job: Job): Promise<Table> {
  const reader = await openReader(settingsFor(job.url));
  const query = {
    sql: queryFor(job.rowCount),
    binds: [],
    timeoutSeconds: 300,
    tag: { app: "bench", report: "bench", run: "bench", attempt: "1" },
    timezone: "UTC",
  };
  const { table, degraded } = await reader.query(query, new AbortController().signal);
  if (degraded) throw new Error("the driver is not as expected: the fast path was not taken");
  return table;
}

export const readRaw: Side = async (job) => {
  const table = await queryTable(job);
  return async () => {
    const total = { rowCount: 0, cellCount: 0, sizeBytes: 0 };
    for await (const batch of table.batches) {
      for (const row of batch) countCells(total, row);
    }
    return total;
  };
};

export const readStream: Side = async (job) => {
  const rows = await streamRows(job);
  return async () => {
    const total = { rowCount: 0, cellCount: 0, sizeBytes: 0 };
    rows.on("data", (row: unknown[]) => countCells(total, row));
    await once(rows, "end");
    return total;
  };
};

/** A report's files in one pass, as the worker makes them: hashed, on disk. */
export function renderFormats(formats: readonly Format[]): Side {
  return async (job) => {
    const { loadRenderers } = await import("../../src/render/renderers.ts");
    const renderers = await loadRenderers();
    const table = await queryTable(job);
    return async () => {
      const files = await renderFiles(table, formats, createContext(job), {
        renderers,
        folder: job.folder,
        naming: NAMING,
        signal: new AbortController().signal,
        onProgress: () => {},
      });
      const sizeBytes = files.reduce((total, file) => total + file.sizeBytes, 0);
      return { rowCount: table.rowCount, sizeBytes };
    };
  };
}

const NAMING = {
  configId: "bench",
  fence: 1,
  runId: "run-1",
  reportName: "Bench",
  asOf: new Date("2026-01-02T03:04:05Z"),
};

export const exceljsFromStream: Side = async (job) => {
  const rows = await streamRows(job);
  const { default: library } = await import("exceljs");
  return async () => {
    const filename = join(job.folder, "bench.xlsx");
    const { workbook, sheet } = openWorkbook(library, { filename });
    let rowCount = 0;
    rows.on("data", (row: unknown[]) => {
      rowCount += 1;
      sheet.addRow(row).commit();
    });
    await once(rows, "end");
    await workbook.commit();
    return { rowCount, sizeBytes: Bun.file(filename).size };
  };
};

/** The driver's own stream, as its documentation shows it: the result streamed, rows as arrays. */
async function streamRows(job: Job): Promise<Readable> {
  const driver = await loadDriver("off");
  const { accessUrl, username } = settingsFor(job.url);
  const connection = driver.createConnection({
    account: "local",
    username: username ?? "",
    password: "local",
    rowMode: "array",
    ...(accessUrl === undefined ? {} : { accessUrl }),
  });
  await new Promise<void>((resolve, reject) => {
    void connection.connectAsync((error) => (error ? reject(error) : resolve()));
  });
  return await new Promise((resolve, reject) => {
    connection.execute({
      sqlText: queryFor(job.rowCount),
      streamResult: true,
      complete: (error, statement) => (error ? reject(error) : resolve(statement.streamRows())),
    });
  });
}

function settingsFor(url: string): SnowflakeSettings {
  return {
    account: "local",
    accessUrl: url,
    username: "bench",
    authentication: { method: "password", password: "local" },
    ocsp: "off",
    timeouts: DEFAULT_TIMEOUTS,
  };
}

/** Looks at each cell, as whoever reads rows does. */
function countCells(total: { rowCount: number; cellCount: number }, row: readonly unknown[]): void {
  total.rowCount += 1;
  for (const cell of row) if (cell !== null) total.cellCount += 1;
}
