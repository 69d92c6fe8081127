import { describe, expect, test } from "bun:test";
import {
  compareCells,
  createAccumulator,
  createGroupBreaks,
  findColumn,
  planGroups,
} from "../../src/render/aggregates.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Aggregate } from "../../src/report/options.ts";
import type { Cell, Column } from "../../src/report/table.ts";
import { column, options } from "./rendering.ts";

function aggregate(source: Column, name: Aggregate, cells: readonly Cell[]): Cell {
  const accumulator = createAccumulator(source, name);
  for (const cell of cells) accumulator.add(cell);
  return accumulator.result();
}

/** Sums decimals with bigints of 20 decimals, which the code under test does not do for short numbers. */
function sumExactly(cells: readonly string[]): bigint {
  return cells.reduce((sum, cell) => {
    const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d*)\.?(\d*)$/.exec(cell) ?? [];
    const value = BigInt(whole + fraction.padEnd(20, "0"));
    return sign === "-" ? sum - value : sum + value;
  }, 0n);
}

describe("the sum of fixed numbers", () => {
  test("is exact with 38 digits, and where doubles are not", () => {
    const amount = column("A", "fixed", 2);
    expect(aggregate(amount, "sum", ["0.10", "0.20", "-0.05"])).toBe("0.25");
    const large = "999999999999999999999999999999999999.99";
    expect(aggregate(amount, "sum", [large, large, "0.02"])).toBe(
      "2000000000000000000000000000000000000.00",
    );
  });

  test("is that of a bigint for a million digits of all lengths", () => {
    const cells = Array.from({ length: 20_000 }, (_, at) => {
      const digits = String((at * 2_654_435_761) % 999_999_999_999).padStart(3, "0");
      const sign = at % 3 === 0 ? "-" : "";
      return `${sign}${digits.repeat((at % 3) + 1)}.${String(at % 10_000).padStart(4, "0")}`;
    });
    const sum = aggregate(column("A", "fixed", 4), "sum", cells) ?? "";
    expect(sumExactly([sum])).toBe(sumExactly(cells));
  });

  test("does not lose what many numbers of 15 digits gather", () => {
    const cells = Array.from({ length: 100 }, () => "999999999999999");
    expect(aggregate(column("A", "fixed"), "sum", cells)).toBe("99999999999999900");
  });

  test("takes cells with fewer decimals than the column, a lone minus zero and leading zeros", () => {
    const amount = column("A", "fixed", 2);
    expect(aggregate(amount, "sum", ["1", "2.5", "-0", "-0.00", "007"])).toBe("10.50");
    expect(aggregate(amount, "sum", ["-0.00"])).toBe("0.00");
  });

  test("leaves out nulls, and is null when there is nothing else", () => {
    const amount = column("A", "fixed", 2);
    expect(aggregate(amount, "sum", [null, "1.00", null])).toBe("1.00");
    expect(aggregate(amount, "sum", [null])).toBeNull();
    expect(aggregate(amount, "sum", [])).toBeNull();
  });
});

describe("the average of fixed numbers", () => {
  test("has six more digits than the column, halves rounded away from zero", () => {
    expect(aggregate(column("A", "fixed"), "average", ["1", "1", "0"])).toBe("0.666667");
    expect(aggregate(column("A", "fixed"), "average", ["-1", "-1", "0"])).toBe("-0.666667");
    expect(aggregate(column("A", "fixed", 2), "average", ["0.01", null, "0.02"])).toBe(
      "0.01500000",
    );
  });
});

describe("aggregates of real numbers", () => {
  const real = column("R", "real");

  test("do not lose small values beside great ones", () => {
    expect(aggregate(real, "sum", ["1e16", "1", "1", "-1e16"])).toBe("2");
    expect(aggregate(real, "sum", ["0.1", "0.2"])).toBe("0.3");
    expect(aggregate(real, "average", ["1", "2"])).toBe("1.5");
  });

  test("leave out NaN and keep infinities", () => {
    expect(aggregate(real, "sum", ["NaN", "2.5"])).toBe("2.5");
    expect(aggregate(real, "sum", ["inf", "1"])).toBe("inf");
    expect(aggregate(real, "sum", ["-inf", "1"])).toBe("-inf");
    expect(aggregate(real, "sum", ["inf", "-inf"])).toBe("NaN");
    expect(aggregate(real, "max", ["NaN", "1", "inf", "2"])).toBe("inf");
    expect(aggregate(real, "min", ["NaN", "1", "-inf"])).toBe("-inf");
    expect(aggregate(real, "min", ["NaN"])).toBeNull();
  });
});

describe("the least and the most", () => {
  test("are cells as they came, ordered by value", () => {
    expect(aggregate(column("A", "fixed", 1), "max", ["9.0", null, "10.0"])).toBe("10.0");
    expect(aggregate(column("D", "date"), "min", ["100", "-5", "20"])).toBe("-5");
    expect(aggregate(column("T", "text"), "max", ["b", "B", "a"])).toBe("b");
    const time = column("Z", "timestamp_tz");
    expect(aggregate(time, "max", ["1700000000.5 1440", "1700000000.25 2000"])).toBe(
      "1700000000.5 1440",
    );
  });

  test("compare numbers of any length", () => {
    const compare = compareCells(column("A", "fixed", 2));
    expect(compare("10000000000000000000.01", "10000000000000000000.02")).toBe(-1);
    expect(compare("-1.00", "-2.00")).toBe(1);
    expect(compare("1.00", "1")).toBe(0);
  });
});

test("a count is of all cells but nulls", () => {
  expect(aggregate(column("T", "text"), "count", ["", null, "a"])).toBe("2");
  expect(aggregate(column("T", "text"), "count", [])).toBe("0");
});

describe("groups", () => {
  test("break at the outermost level that differs, and on the first row", () => {
    const breaks = createGroupBreaks([0, 2]);
    const rows = [
      ["a", "1", "x"],
      ["a", "2", "x"],
      ["a", "2", "y"],
      ["b", "2", "y"],
      [null, "2", "y"],
      [null, "3", "y"],
    ];
    expect(rows.map((row) => breaks.next(row))).toEqual([0, null, 1, 0, 0, null]);
  });

  test("do not break without levels", () => {
    const breaks = createGroupBreaks([]);
    expect([breaks.next(["a"]), breaks.next(["b"])]).toEqual([null, null]);
  });
});

describe("a plan of groups", () => {
  const columns = [column("Region", "text"), column("REGION", "text"), column("SUM", "fixed", 2)];

  test("finds columns by their very name, else in any case", () => {
    expect(findColumn(columns, "REGION")).toBe(1);
    expect(findColumn(columns, "region")).toBe(0);
    expect(findColumn(columns, "none")).toBe(-1);
  });

  test("says what is aggregated, and as what it is shown", () => {
    const plan = planGroups(
      columns,
      options({ groupBy: "REGION", subtotals: { sum: "average" }, totals: { Region: "count" } }),
    );
    expect(plan.levels).toEqual([1]);
    expect(plan.subtotals).toEqual([
      {
        index: 2,
        aggregate: "average",
        source: column("SUM", "fixed", 2),
        column: column("SUM", "fixed", 8),
      },
    ]);
    expect(plan.totals[0]?.column).toEqual(column("Region", "fixed"));
  });

  test.each([
    [{ groupBy: "NONE" }, 'OPTIONS: groupBy: the result has no column "NONE"'],
    [{ groupBy: ["SUM", "sum"] }, "OPTIONS: groupBy: names the column SUM twice"],
    [{ subtotals: { SUM: "sum" } }, "OPTIONS: subtotals: needs groupBy"],
    [{ totals: { X: "count" } }, 'OPTIONS: totals.X: the result has no column "X"'],
    [
      { totals: { REGION: "sum" } },
      "OPTIONS: totals.REGION: sum needs a column of numbers, and this one is text",
    ],
    [
      { groupBy: "SUM", subtotals: { Region: "average" } },
      "OPTIONS: subtotals.Region: average needs a column of numbers, and this one is text",
    ],
    [{ totals: { SUM: "sum", sum: "max" } }, "OPTIONS: totals.sum: names the column SUM twice"],
  ])("refuses %j", (json, message) => {
    expect(() => planGroups(columns, options(json))).toThrow(
      new ReportError("invalid_report", message),
    );
  });
});
