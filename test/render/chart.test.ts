import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PDFDocument } from "pdf-lib";
import { createChartData, drawChartPng } from "../../src/render/chart/chart.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Row } from "../../src/report/table.ts";
import { BOX, chartOptions, collect, drawPage, LOOK } from "./chart-reading.ts";
import { findFaults, lacksReaders, readText, readWords, whySkipped } from "./pdf-reading.ts";
import { column } from "./rendering.ts";

const columns = [
  column("REGION", "text"),
  column("DAY", "date"),
  column("REVENUE", "fixed", 2),
  column("COST", "real"),
  column("AT", "timestamp_tz"),
  column("CODE", "fixed"),
];

function row(region: string | null, day: number, revenue: string | null, cost = "1.5"): Row {
  return [region, String(day), revenue, cost, `${day * 86_400} 1560`, String(4700 + day)];
}

const regions = ["WEST", "EAST", "NORTH"].map((name, at) => row(name, at, String(10 * (at + 1))));

function refusalOf(json: object): string {
  try {
    createChartData(chartOptions(json), columns, "UTC");
  } catch (error) {
    if (error instanceof ReportError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("the columns of a chart", () => {
  test("are found in any case", () => {
    expect(refusalOf({ type: "bar", x: "region", y: "revenue" })).toBe("accepted");
  });

  test("that do not exist are named with the option and what there is", () => {
    expect(refusalOf({ type: "bar", x: "REGON", y: "REVENUE" })).toBe(
      "invalid_report OPTIONS: chart.x: there is no column REGON; the result has REGION, DAY, REVENUE, COST, AT, CODE",
    );
    expect(refusalOf({ type: "bar", x: "DAY", y: "PROFIT" })).toContain("chart.y: there is no");
    expect(refusalOf({ type: "bar", x: "DAY", y: "COST", series: "NO" })).toContain("chart.series");
  });

  test("that are drawn as values must be numbers", () => {
    expect(refusalOf({ type: "line", x: "DAY", y: ["COST", "REGION"] })).toBe(
      "invalid_report OPTIONS: chart.y: column REGION is of type text, not a number",
    );
  });

  test("must make sense together", () => {
    const two = ["REVENUE", "COST"];
    expect(refusalOf({ type: "pie", x: "DAY", y: two })).toContain("chart.y: a pie shows one");
    expect(refusalOf({ type: "pie", x: "DAY", y: "COST", series: "REGION" })).toContain(
      "chart.series: a pie has no series",
    );
    expect(refusalOf({ type: "bar", x: "DAY", y: two, series: "REGION" })).toContain(
      "chart.series: goes with one column",
    );
  });
});

describe("what is collected for a chart", () => {
  test("keeps the query's order of names", () => {
    const rows = [...regions, row("EAST", 1, "5")];
    const json = { type: "line", x: "REGION", y: "REVENUE" };
    const { content, warnings } = collect(json, columns, rows);
    expect(content.categories).toEqual(["WEST", "EAST", "NORTH"]);
    expect(content.points.map(({ x, y }) => [x, y])).toEqual([
      [0, 10],
      [1, 20],
      [2, 30],
      [1, 5],
    ]);
    expect(warnings).toEqual([]);
  });

  test.each(["bar", "area", "pie"])("has rows of one x as one sum in a %s chart", (type) => {
    const rows = [...regions, row("EAST", 1, "5"), row("EAST", 1, "-2.5"), row("WEST", 2, null)];
    const { content } = collect({ type, x: "REGION", y: "REVENUE" }, columns, rows);
    expect(content.points.map(({ x, y }) => [x, y])).toEqual([
      [0, 10],
      [1, 22.5],
      [2, 30],
    ]);
  });

  test("has a sum for each series at one x, also at a time", () => {
    const json = { type: "bar", x: "DAY", y: "REVENUE", series: "REGION" };
    const rows = [row("A", 1, "1"), row("B", 1, "2"), row("A", 1, "4"), row("A", 2, "8")];
    const { content } = collect(json, columns, rows);
    expect(content.points.map(({ series, y }) => [series, y])).toEqual([
      [0, 5],
      [1, 2],
      [0, 8],
    ]);
  });

  test("counts rows of a sum as no points, and what makes a sum infinite as left out", () => {
    const many = Array.from({ length: 6000 }, (_, at) => row(`R${at % 2}`, 1, "1"));
    const json = { type: "bar", x: "REGION", y: "COST" };
    const rows = [...many, row("R0", 1, "1", "1.7e308"), row("R0", 1, "1", "1.7e308")];
    const { content, warnings } = collect(json, columns, rows);
    expect(content.points.map(({ y }) => y)).toEqual([1.7e308, 4500]);
    expect(warnings).toMatchObject([{ code: "chart_values_left_out", count: 1 }]);
  });

  test("has dates and times as wall time", () => {
    const day = collect({ type: "line", x: "DAY", y: "REVENUE" }, columns, [row("A", 1, "1")]);
    expect(day.content.points[0]?.x).toBe(86_400_000);
    // 1560 is two hours ahead of UTC.
    const at = collect({ type: "line", x: "AT", y: "REVENUE" }, columns, [row("A", 1, "1")]);
    expect(at.content.points[0]?.x).toBe(86_400_000 + 7_200_000);
  });

  test("has a series for each column, or for each value of the series column", () => {
    const both = collect({ type: "line", x: "DAY", y: ["REVENUE", "COST"] }, columns, regions);
    expect(both.content.series).toEqual(["REVENUE", "COST"]);
    const json = { type: "line", x: "DAY", y: "REVENUE", series: "REGION" };
    const { content } = collect(json, columns, [...regions, row(null, 3, "4")]);
    expect(content.series).toEqual(["WEST", "EAST", "NORTH", "–"]);
    expect(content.points.map(({ series }) => series)).toEqual([0, 1, 2, 3]);
  });

  test("leaves out nulls without a word and counts what is no number", () => {
    const rows = [row("A", 1, null), row("B", 2, "1", "NaN"), row("C", 3, "1", "-inf")];
    const { content, warnings } = collect(
      { type: "bar", x: "REGION", y: ["REVENUE", "COST"] },
      columns,
      rows,
    );
    expect(content.points).toHaveLength(3);
    expect(warnings).toMatchObject([{ code: "chart_values_left_out", count: 2 }]);
  });

  test("ends at 5,000 points and 12 series, and says how many are not drawn", () => {
    const many = Array.from({ length: 5007 }, (_, at) => row(`R${at}`, at, "1"));
    const cut = collect({ type: "bar", x: "REGION", y: "REVENUE" }, columns, many);
    expect(cut.content.points).toHaveLength(5000);
    expect(cut.warnings).toMatchObject([{ code: "chart_points_cut", count: 7 }]);
    const json = { type: "line", x: "DAY", y: "REVENUE", series: "REGION" };
    const series = collect(json, columns, many.slice(0, 20));
    expect(series.content.series).toHaveLength(12);
    expect(series.warnings).toMatchObject([{ code: "chart_series_cut", count: 8 }]);
  });

  test("says when a slice of a pie would be negative", () => {
    const rows = [row("A", 1, "5"), row("B", 1, "-3"), row("C", 1, "-1"), row("C", 1, "4")];
    const { warnings } = collect({ type: "pie", x: "REGION", y: "REVENUE" }, columns, rows);
    expect(warnings).toMatchObject([{ code: "chart_values_left_out", count: 1 }]);
  });

  test("uses the report's labels", () => {
    const options = chartOptions({ type: "bar", x: "REGION", y: ["REVENUE", "COST"] });
    const named = { revenue: { label: "Turnover" }, REGION: { label: "Where" } };
    const { content } = createChartData(options, columns, "UTC", named);
    expect(content.series).toEqual(["Turnover", "COST"]);
    expect(content.x.label).toBe("Where");
  });
});

const CHARTS = {
  bar: { type: "bar", x: "REGION", y: "REVENUE", title: "Revenue by region" },
  grouped: { type: "bar", x: "DAY", y: ["REVENUE", "COST"] },
  line: { type: "line", x: "DAY", y: "REVENUE", series: "REGION", title: "By day" },
  numbers: { type: "line", x: "CODE", y: "COST" },
  area: { type: "area", x: "AT", y: "REVENUE" },
  stacked: { type: "area", x: "DAY", y: "REVENUE", series: "REGION" },
  pie: { type: "pie", x: "REGION", y: "REVENUE", title: "Shares" },
};

const daily = Array.from({ length: 30 }, (_, at) =>
  row(["WEST", "EAST", "NORTH"][at % 3] ?? "", 20_000 + Math.floor(at / 3), String(at + 1)),
);

describe.each(Object.entries(CHARTS))("a %s chart as operators", (_, json) => {
  test("is balanced, finite, and has its texts from the callback alone", async () => {
    const { operators, text } = await drawPage(collect(json, columns, daily));
    const lines = operators.split("\n");
    expect(lines.filter((line) => line === "q")).toHaveLength(
      lines.filter((line) => line === "Q").length,
    );
    expect(operators).not.toMatch(/NaN|Infinity|undefined|null|\de[+-]?\d/);
    expect(operators.match(/\bTj\b/g)).toHaveLength(text.shown.length);
    expect(text.shown.length).toBeGreaterThan(2);
    for (const { x, y } of text.shown) {
      expect(x).toBeWithin(0, BOX.widthPt);
      expect(y).toBeWithin(0, BOX.heightPt);
    }
  });

  test.skipIf(lacksReaders)(`makes a sound page${whySkipped}`, async () => {
    const { bytes } = await drawPage(collect(json, columns, daily));
    expect(await findFaults(bytes)).toBe("");
  });
});

describe.skipIf(lacksReaders)(`a chart on a page${whySkipped}`, () => {
  test("names its bars below them, from left to right, and its axes", async () => {
    const { bytes } = await drawPage(collect(CHARTS.bar, columns, regions));
    const words = await readWords(bytes);
    const find = (text: string) => words.find((word) => word.text === text);
    const places = ["WEST", "EAST", "NORTH"].map((name) => find(name)?.left ?? Number.NaN);
    expect(places.every((left, at) => at === 0 || left > (places[at - 1] ?? 0))).toBe(true);
    expect(find("30")?.top).toBeLessThan(find("WEST")?.top ?? 0);
    expect(await readText(bytes)).toContain("Revenue by region");
    expect(words.map(({ text }) => text)).toContain("REVENUE");
  });

  test("writes numbers and dates as the locale does", async () => {
    const rows = Array.from({ length: 6 }, (_, at) => row("A", 20_000 + at, `${12_000 * at}.5`));
    const data = collect({ type: "line", x: "DAY", y: "REVENUE" }, columns, rows);
    const german = await readText((await drawPage(data, { ...LOOK, locale: "de-DE" })).bytes);
    expect(german).toContain("60.000");
    expect(german).toContain("5. Okt");
    const english = await readText((await drawPage(data)).bytes);
    expect(english).toContain("60,000");
    expect(english).toContain("Oct 5");
  });

  test("shows millions in short and years without grouping", async () => {
    const rows = Array.from({ length: 5 }, (_, at) => row("A", at - 2700, `${at}500000`));
    const text = await readText(
      (await drawPage(collect({ type: "line", x: "CODE", y: "REVENUE" }, columns, rows))).bytes,
    );
    expect(text).toMatch(/\b4M\b/);
    expect(text).toContain("2002");
  });

  test("follows the number format of its column", async () => {
    const options = chartOptions({ type: "bar", x: "REGION", y: "COST" });
    const data = createChartData(options, columns, "UTC", { COST: { format: "0.0%" } });
    data.add(row("A", 1, "1", "0.2"));
    expect(await readText((await drawPage(data)).bytes)).toContain("20%");
  });

  test("puts the shares of a pie in its legend and the smallest together", async () => {
    const rows = Array.from({ length: 15 }, (_, at) => row(`R${at}`, 1, String(at + 1)));
    const text = await readText((await drawPage(collect(CHARTS.pie, columns, rows))).bytes);
    // 15 of 120, and 1 + 2 + 3 of 120.
    expect(text).toMatch(/1[23]% R14/);
    expect(text).toContain("5% Other");
    expect(text).not.toMatch(/R[012]\b/);
  });

  test("has a legend only for several series", async () => {
    const one = await readText((await drawPage(collect(CHARTS.area, columns, daily))).bytes);
    expect(one).not.toContain("EAST");
    const three = await readText((await drawPage(collect(CHARTS.stacked, columns, daily))).bytes);
    for (const name of ["WEST", "EAST", "NORTH"]) expect(three).toContain(name);
  });

  test("says so when there is nothing to draw", async () => {
    const { bytes } = await drawPage(collect(CHARTS.bar, columns, []));
    expect(await readText(bytes)).toContain("No data to draw");
  });
});

describe("names that have no room", () => {
  const draw = async (count: number, name: string) => {
    const rows = Array.from({ length: count }, (_, at) => row(`${name}${at}`, 1, "7"));
    const { text } = await drawPage(
      collect({ type: "bar", x: "REGION", y: "REVENUE" }, columns, rows),
    );
    return text.shown.filter((shown) => shown.text.startsWith(name.slice(0, 4)));
  };

  test("are turned, and cut with an ellipsis", async () => {
    const shown = await draw(10, "A category with quite a long name, number ");
    expect(shown).toHaveLength(10);
    expect(shown.every(({ text, rotation }) => text.endsWith("…") && rotation === 45)).toBe(true);
  });

  test("are left out in turn when there are very many", async () => {
    const shown = await draw(300, "Name");
    expect(shown.length).toBeWithin(20, 60);
    expect(shown.every(({ rotation }) => rotation === 90)).toBe(true);
  });

  test("are flat when they fit", async () => {
    const shown = await draw(4, "Name");
    expect(shown.map(({ rotation }) => rotation)).toEqual([0, 0, 0, 0]);
  });
});

test("charts drawn at the same time do not mix", async () => {
  const data = collect(CHARTS.line, columns, daily);
  const alone = await drawPage(data, { ...LOOK, locale: "fr-FR" });
  const [french, english] = await Promise.all([
    drawPage(data, { ...LOOK, locale: "fr-FR" }),
    drawPage(data),
    drawChartPng(data, { widthPx: 300, heightPx: 200 }, LOOK),
  ]);
  expect(french.text.shown).toEqual(alone.text.shown);
  expect(english.text.shown).not.toEqual(alone.text.shown);
});

describe("a chart as a picture", () => {
  test("is a PNG with twice as many pixels each way", async () => {
    const data = collect(CHARTS.line, columns, daily);
    const { png: bytes } = await drawChartPng(data, { widthPx: 400, heightPx: 250 }, LOOK);
    expect(Buffer.from(bytes.slice(0, 8)).toString("hex")).toBe("89504e470d0a1a0a");
    const document = await PDFDocument.create();
    const { width, height } = await document.embedPng(bytes);
    expect([width, height]).toEqual([800, 500]);
  });

  test("has names in it: the same bars with other names are another picture", async () => {
    const draw = async (name: string) => {
      const data = collect(CHARTS.bar, columns, [row(name, 1, "3")]);
      return Bun.hash((await drawChartPng(data, { widthPx: 300, heightPx: 200 }, LOOK)).png);
    };
    const [latin, again, hebrew, hebrewOther] = [
      await draw("mmmm"),
      await draw("mmmm"),
      await draw("שלום"),
      await draw("םולש"),
    ];
    expect(again).toBe(latin);
    expect(new Set([latin, hebrew, hebrewOther]).size).toBe(3);
  });

  test("takes what its fonts lack from the folder, and counts what no font has", async () => {
    const fontsFolder = join(import.meta.dir, "fonts");
    const draw = (name: string, folder: string | null) =>
      drawChartPng(
        collect(CHARTS.bar, columns, [row(name, 1, "3")]),
        { widthPx: 300, heightPx: 200 },
        { ...LOOK, fontsFolder: folder },
      );
    const [boxes, otherBoxes] = [await draw("日本", null), await draw("本日", null)];
    expect(boxes.warnings).toEqual([
      {
        code: "missing_glyph",
        count: 2,
        message: "Characters of the chart that no font has, shown as boxes: 2.",
      },
    ]);
    // Boxes are all the same; letters are not.
    expect(Bun.hash(boxes.png)).toBe(Bun.hash(otherBoxes.png));
    const [letters, otherLetters] = [
      await draw("日本", fontsFolder),
      await draw("本日", fontsFolder),
    ];
    expect(letters.warnings).toEqual([]);
    expect(Bun.hash(letters.png)).not.toBe(Bun.hash(otherLetters.png));
  });

  test("names a folder of fonts that cannot be read", async () => {
    const data = collect(CHARTS.bar, columns, [row("日", 1, "3")]);
    const look = { ...LOOK, fontsFolder: "/nowhere/fonts" };
    const { warnings } = await drawChartPng(data, { widthPx: 300, heightPx: 200 }, look);
    expect(warnings.map(({ code, count }) => [code, count])).toEqual([
      ["missing_glyph", 1],
      ["font_unreadable", 1],
    ]);
  });
});
