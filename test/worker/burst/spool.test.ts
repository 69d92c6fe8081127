import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row, Table } from "../../../src/report/table.ts";
import { type Spool, spoolTable } from "../../../src/worker/burst/spool.ts";
import { aTable } from "../../support/factories.ts";

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "report-service-test-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readAll(table: Table): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of table.batches) rows.push(...batch);
  expect(rows).toHaveLength(table.rowCount);
  return rows;
}

async function spool(
  table: Table,
  folder: string,
  chooseKey = (row: Row): string | null => row[0] ?? null,
): Promise<Spool> {
  return await spoolTable(table, chooseKey, folder, () => undefined);
}

const COLUMNS = ["KEY", "A", "B"];
const cell = fc.option(
  fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("\n", "\r\n", "\u2028", '"', "\\", "\ud800", "null", ""),
  ),
);

describe("the parts of a result", () => {
  test("are together the whole, each in the query's order, cell by cell", async () => {
    await withFolder(async (root) => {
      let round = 0;
      const key = fc.option(fc.constantFrom("a", "b", "c", "../d", "", "nobody"));
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(key, cell, cell), { maxLength: 40 }),
          fc.integer({ min: 1, max: 7 }),
          async (rows, batchSize) => {
            round += 1;
            const parts = await spool(
              aTable({ columns: COLUMNS, rows, batchSize }),
              join(root, String(round)),
              (row) => (row[0] === "nobody" ? null : (row[0] ?? null)),
            );
            let together = rows.filter((row) => row[0] === "nobody" || row[0] === null).length;
            for (const name of ["a", "b", "c", "../d", ""]) {
              const part = await readAll(parts.tableOf(name));
              expect(part).toEqual(rows.filter((row) => row[0] === name));
              together += part.length;
            }
            expect(together).toBe(rows.length);
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  test("can be read more than once, and have the columns of the result", async () => {
    await withFolder(async (folder) => {
      const parts = await spool(aTable({ columns: COLUMNS, rows: [["k", "1", null]] }), folder);
      expect(await readAll(parts.tableOf("k"))).toEqual([["k", "1", null]]);
      expect(await readAll(parts.tableOf("k"))).toEqual([["k", "1", null]]);
      expect(parts.tableOf("k").columns.map(({ name }) => name)).toEqual(COLUMNS);
    });
  });

  test("a key without rows is an empty table", async () => {
    await withFolder(async (folder) => {
      const parts = await spool(aTable({ columns: COLUMNS, rows: [] }), folder);
      expect(await readAll(parts.tableOf("k"))).toEqual([]);
    });
  });

  test("go to disk while the result is read, when they grow", async () => {
    await withFolder(async (folder) => {
      const large = "x".repeat(1_000_000);
      const rows = Array.from({ length: 40 }, (_, index) => [`k${index % 3}`, large, null]);
      let filesMidway = 0;
      const table = aTable({
        columns: COLUMNS,
        rows,
        batchSize: 1,
        beforeBatch: async (given) => {
          if (given === 39) filesMidway = (await readdir(folder)).length;
        },
      });
      const parts = await spool(table, folder);
      expect(filesMidway).toBe(3);
      const lengths = await Promise.all(
        ["k0", "k1", "k2"].map(async (key) => (await readAll(parts.tableOf(key))).length),
      );
      expect(lengths).toEqual([14, 13, 13]);
    });
  });

  test("a result that ends early is told, and is no shorter part", async () => {
    await withFolder(async (folder) => {
      const table = aTable({ columns: COLUMNS, rows: [["k", "1", "2"]], reported: 2 });
      expect(spool(table, folder)).rejects.toMatchObject({ code: "rows_missing" });
    });
  });

  test("a part that lost rows on the disk is told", async () => {
    await withFolder(async (folder) => {
      const rows = [
        ["k", "1", "2"],
        ["k", "3", "4"],
      ];
      const parts = await spool(aTable({ columns: COLUMNS, rows }), folder);
      const [name = ""] = await readdir(folder);
      await Bun.write(join(folder, name), '["k","1","2"]\n');
      expect(readAll(parts.tableOf("k"))).rejects.toMatchObject({ code: "rows_missing" });
    });
  });

  test("a folder that cannot be written is a failure with its reason", async () => {
    await withFolder(async (folder) => {
      await Bun.write(join(folder, "file"), "");
      const table = aTable({ columns: COLUMNS, rows: [["k", "1", "2"]] });
      expect(spool(table, join(folder, "file"))).rejects.toMatchObject({ code: "render_failed" });
    });
  });
});
