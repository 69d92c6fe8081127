import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { defaultOptions, isTimezone, parseOptions } from "../../src/report/options.ts";

function problemsOf(json: unknown): string[] {
  const parsed = parseOptions(json);
  return "problems" in parsed ? parsed.problems : [];
}

describe("parseOptions", () => {
  test("nothing said is the defaults", () => {
    expect(parseOptions({})).toEqual(defaultOptions());
    expect(defaultOptions()).toMatchObject({
      locale: "en-US",
      page: { size: "A4", orientation: "auto" },
      csv: {
        delimiter: ",",
        bom: false,
        header: true,
        quote: "minimal",
        lineEnd: "crlf",
        gzip: false,
      },
      pdf: { rowsMax: 20_000 },
    });
  });

  test("what is said is taken, the rest stays the default", () => {
    const options = parseOptions({
      csv: { delimiter: ";" },
      columns: { AMOUNT: { format: "0.00" } },
    });
    expect(options).toMatchObject({
      csv: { delimiter: ";", header: true },
      columns: { AMOUNT: { format: "0.00" } },
    });
  });

  test.each([
    [{ titel: "x" }, "titel is not an option"],
    [{ page: { sice: "A4" } }, "page.sice is not an option"],
    [{ columns: { AMOUNT: { colour: "red" } } }, "columns.AMOUNT.colour is not an option"],
    [{ csv: { a: 1, b: 2 } }, "csv.a is not an option; csv.b is not an option"],
  ])("%j: an unknown name is refused with its path", (json, problem) => {
    expect(problemsOf(json)).toEqual([problem]);
  });

  test.each([
    [{ page: { size: "A5" } }, "page.size: "],
    [{ csv: { delimiter: "" } }, "csv.delimiter: "],
    [{ csv: { delimiter: "||" } }, "csv.delimiter: "],
    [{ pdf: { rowsMax: 0 } }, "pdf.rowsMax: "],
    [{ pdf: { rowsMax: 1.5 } }, "pdf.rowsMax: "],
    [{ columns: { A: { width: 256 } } }, "columns.A.width: "],
    [{ locale: "no locale" }, "locale: is not a locale"],
    [{ timezone: "Mars/Base" }, "timezone: is not an IANA time zone"],
    [[], "the whole: "],
    ["text", "the whole: "],
    [null, "the whole: "],
  ])("%j: a wrong value is refused with its path", (json, start) => {
    expect(problemsOf(json)).toHaveLength(1);
    expect(problemsOf(json)[0]).toStartWith(start);
  });

  test("all problems are told together", () => {
    const problems = problemsOf({ title: "", page: { size: "A5" }, extra: 1 });
    expect(problems).toHaveLength(3);
    expect(problems.join("\n")).toMatch(/title[^]*page\.size[^]*extra is not an option/);
  });

  test("whatever the JSON, the answer is options or problems and no throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const parsed = parseOptions(json);
        if ("problems" in parsed) expect(parsed.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});

test.each([
  ["UTC", true],
  ["Europe/Berlin", true],
  ["US/Eastern", true],
  ["Mars/Base", false],
  ["", false],
  ["+02:00", false],
  ["-0500", false],
])("%j is a time zone of the IANA database: %p", (name, expected) => {
  expect(isTimezone(name)).toBe(expected);
});
