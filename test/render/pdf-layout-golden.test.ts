import { expect, test } from "bun:test";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import type { Column, Row } from "../../src/report/table.ts";
import { lacksReaders, readWords, whySkipped } from "./pdf-reading.ts";
import { column, options, render } from "./rendering.ts";

/** Each line of words as "page top: left word, left word", in whole points: what a reader sees, and where. */
async function describePlaces(
  columns: readonly Column[],
  rows: readonly Row[],
  json: object,
): Promise<string[]> {
  const { bytes } = await render(createPdfRenderer, columns, rows, { options: options(json) });
  const lines = new Map<string, string[]>();
  for (const { page, top, left, text } of await readWords(bytes)) {
    const key = `${page} ${Math.round(top)}`;
    lines.set(key, [...(lines.get(key) ?? []), `${Math.round(left)} ${text}`]);
  }
  return [...lines].map(([key, words]) => `${key}: ${words.join(", ")}`);
}

const sales = [
  column("REGION", "text"),
  column("CUSTOMER", "text"),
  column("DAY", "date"),
  column("AMOUNT", "fixed", 2),
];
const rows: Row[] = [
  ["ASIA", "Customer#000000001", "20000", "12.50"],
  ["ASIA", "Customer#000000002", "20001", null],
  ["EUROPE", "Customer#000000003", "20002", "-1234567.05"],
];

test.skipIf(lacksReaders)(
  `a narrow report has its words where they were${whySkipped}`,
  async () => {
    expect(await describePlaces(sales, rows, { title: "Narrow" })).toMatchSnapshot();
  },
);

test.skipIf(lacksReaders)(
  `a grouped report has its words where they were${whySkipped}`,
  async () => {
    const places = await describePlaces(sales, rows, {
      title: "Grouped",
      subtitle: "With subtotals",
      groupBy: "REGION",
      subtotals: { AMOUNT: "sum" },
      totals: { AMOUNT: "sum" },
    });
    expect(places).toMatchSnapshot();
  },
);

test.skipIf(lacksReaders)(`a wide report has its words where they were${whySkipped}`, async () => {
  const names = Array.from({ length: 12 }, (_, at) => `C${at + 1}`);
  const columns = [column("KEY", "text"), ...names.map((name) => column(name, "text"))];
  const cells = names.map((name) => `${name} with a text that is long enough for lines`);
  const places = await describePlaces(columns, [["first", ...cells]], { title: "Wide" });
  expect(places).toMatchSnapshot();
});

test.skipIf(lacksReaders)(`a chart has its words where they were${whySkipped}`, async () => {
  const chart = { type: "bar", x: "REGION", y: "AMOUNT", title: "Amount by region" };
  const places = await describePlaces(sales, rows, { title: "Chart", chart });
  expect(places).toMatchSnapshot();
});

test.skipIf(lacksReaders)(
  `a multilingual report has its words where they were${whySkipped}`,
  async () => {
    const texts = {
      Greek: "Η γρήγορη αλεπού",
      Russian: "Съешь ещё этих булок",
      Vietnamese: "Trời đổ mưa, hãy cầm ô",
      Arabic: "نص عربي 123 (قوسان)",
      Hebrew: "דג סקרן שט בים",
      Thai: "ภาษาไทย",
      Hindi: "हिन्दी",
      Signs: "10 € – “5 ½ µm”",
    };
    const columns = [column("LANGUAGE", "text"), column("TEXT", "text")];
    const places = await describePlaces(columns, Object.entries(texts), {
      title: "تقرير Languages",
    });
    expect(places).toMatchSnapshot();
  },
);
