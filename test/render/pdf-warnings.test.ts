import { describe, expect, test } from "bun:test";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import type { RenderWarning } from "../../src/render/renderer.ts";
import type { Column, Row } from "../../src/report/table.ts";
import { lacksReaders, readText, whySkipped } from "./pdf-reading.ts";
import { column, options, render } from "./rendering.ts";

/** A character for private use, which no font of the program has. */
const LACKED = "\uE000";

async function findWarnings(
  columns: readonly Column[],
  rows: readonly Row[],
  json: object = {},
): Promise<readonly RenderWarning[]> {
  const { summary } = await render(createPdfRenderer, columns, rows, { options: options(json) });
  return summary.warnings;
}

async function countMissing(columns: readonly Column[], rows: readonly Row[]): Promise<number> {
  const warnings = await findWarnings(columns, rows);
  expect(warnings.map(({ code }) => code)).toEqual(["missing_glyph"]);
  return warnings[0]?.count ?? 0;
}

describe("a character that no font has is counted once", () => {
  const wide = Array.from({ length: 15 }, (_, at) => column(`COLUMN_${at}`, "text"));
  const text = "a text that is long enough for a column of its own";

  test("in the column that each page of a wide table repeats", async () => {
    const row = [`${LACKED}x`, ...wide.map(() => text)];
    expect(await countMissing([column("K", "text"), ...wide], [row])).toBe(1);
  });

  test("in a key that is repeated on the pages that a tall row goes on over", async () => {
    const columns = [column("K", "text"), column("TEXT", "text")];
    const row = [`${LACKED}x`, "so many words ".repeat(3000)];
    expect(await countMissing(columns, [row])).toBe(1);
  });

  test("in each row and each line of a cell", async () => {
    const columns = [column("K", "text"), column("TEXT", "text")];
    const lines = `${LACKED} first\nsecond ${LACKED}${LACKED}`;
    expect(
      await countMissing(
        columns,
        [1, 2, 3, 4].map((): Row => ["k", lines]),
      ),
    ).toBe(12);
  });

  test("in the name of a total that each page of a wide table repeats", async () => {
    const columns = [column("G", "text"), column("K", "text"), ...wide, column("N", "fixed")];
    const group = { groupBy: "G", subtotals: { N: "sum" } };
    const rowOf = (name: string): Row => [name, "k", ...wide.map(() => text), "1"];
    const [plain, named] = await Promise.all(
      [{ ...group, subtotals: {} }, group].map((json) =>
        findWarnings(columns, [rowOf(`${LACKED}x`)], json),
      ),
    );
    expect((named?.[0]?.count ?? 0) - (plain?.[0]?.count ?? 0)).toBe(1);
  });

  test("between joiners, which have no picture, also against the direction of its letters", async () => {
    const cell = `\u202E${LACKED}\u200D${LACKED}`;
    expect(await countMissing([column("K", "text")], [[cell]])).toBe(2);
  });
});

describe("a column's label", () => {
  const label = "a label of many words ".repeat(9).trim();
  const rows: Row[] = [["1", "2", "3"]];
  const columns = [column("A", "fixed"), column("B", "fixed"), column("C", "fixed")];

  test("that is cut after six lines is counted and named", async () => {
    const own = { A: { label, width: 8 }, C: { label, width: 8 } };
    const warnings = await findWarnings(columns, rows, { columns: own });
    expect(warnings).toEqual([
      {
        code: "label_cut",
        count: 2,
        message:
          'Column labels longer than 6 lines are cut: column 1 "a label of many words a label of many wo…", column 3 "a label of many words a label of many wo…".',
      },
    ]);
  });

  test("of six lines is whole, and no warning", async () => {
    const own = { A: { label: "one two three four five six".replaceAll(" ", "\n"), width: 8 } };
    expect(await findWarnings(columns, rows, { columns: own })).toEqual([]);
  });
});

describe.skipIf(lacksReaders)(`text in a PDF${whySkipped}`, () => {
  async function readBack(cells: readonly string[]): Promise<string> {
    const rows = cells.map((cell) => [cell]);
    const { bytes } = await render(createPdfRenderer, [column("K", "text")], rows);
    return await readText(bytes);
  }

  test("of more characters than one byte has codes for reads back, whatever bytes those codes have", async () => {
    const ranges = [
      [0x21, 0x7e],
      [0xae, 0x17f],
      [0x391, 0x3a1],
      [0x3b1, 0x3c9],
      [0x410, 0x44f],
    ] as const;
    const all = ranges.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, at) => String.fromCharCode(first + at)),
    );
    const cells = Array.from({ length: Math.ceil(all.length / 12) }, (_, at) =>
      all.slice(at * 12, at * 12 + 12).join(""),
    );
    const text = await readBack(cells);
    for (const cell of cells) expect(text).toContain(cell);
  });

  test("is turned around where a direction override asks for it", async () => {
    expect(await readBack(["\u202Eabc"])).toContain("cba");
  });
});
