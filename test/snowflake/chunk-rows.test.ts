import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Row } from "../../src/report/table.ts";
import { type RawChunk, takeBatches } from "../../src/snowflake/chunk-rows.ts";

function chunkOf(text: string): RawChunk {
  return {
    load: () => {},
    clearRows() {
      this._rowset = this._rowsetAsString = undefined;
    },
    _rowset: undefined,
    _rowsetAsString: text,
  };
}

/** The wire's text of rows: JSON without the outer brackets. */
function textOf(rows: readonly unknown[]): string {
  return JSON.stringify(rows).slice(1, -1);
}

/** Cells that look like the place between two rows, or like something that ends there. */
const BRACKETS = ['],["', "],[", '"],["', '\\"],["', '[["a"],["b"]]', "\\", '"', "]", ""];

/** A text of some MB, so that it is parsed in several parts. */
function repeatRows(rows: readonly Row[]): Row[] {
  const copies = Math.ceil(2_000_000 / (textOf(rows).length + 1));
  return Array.from({ length: copies * rows.length }, (_, at) => [
    ...(rows[at % rows.length] ?? []),
  ]);
}

describe("the rows of a chunk", () => {
  test("are those of its text, whatever its cells look like", () => {
    const cells = fc.oneof(
      fc.constantFrom(...BRACKETS, null),
      fc.string({ unit: "grapheme", minLength: 20, maxLength: 200 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cells, cells), { minLength: 1, maxLength: 30 }), (some) => {
        const rows = repeatRows(some);
        expect([...takeBatches(chunkOf(textOf(rows)), 2)].flat()).toEqual(rows);
      }),
      { numRuns: 15 },
    );
  });

  test("come in batches of at most 2,000, the first before the whole text is parsed", () => {
    const rows = repeatRows([["a", "b"]]);
    // Broken at the end: only a parser that has reached it can know.
    const batches = takeBatches(chunkOf(`${textOf(rows)},["a"`), 2);
    expect(batches.next().value).toHaveLength(2000);
    expect(() => [...batches]).toThrow(SyntaxError);
  });

  test("with texts full of brackets are right, although nothing tells where a row ends", () => {
    const rows = repeatRows([["],[", "],["]]);
    expect([...takeBatches(chunkOf(textOf(rows)), 2)].flat()).toEqual(rows);
  });

  test("that have another number of cells are refused", () => {
    expect(() => [...takeBatches(chunkOf('["a"],["b","c"]'), 2)]).toThrow("not a list of rows");
  });

  test("leave nothing behind in the chunk", () => {
    const chunk = chunkOf('["a"]');
    expect([...takeBatches(chunk, 1)]).toEqual([[["a"]]]);
    expect(chunk._rowsetAsString).toBeUndefined();
  });
});
