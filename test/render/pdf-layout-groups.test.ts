import { describe, expect, test } from "bun:test";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Row } from "../../src/report/table.ts";
import {
  findFaults,
  lacksReaders,
  readBookmarks,
  readPages,
  readText,
  readWords,
  whySkipped,
  type Word,
} from "./pdf-reading.ts";
import { column, failureOf, options, render } from "./rendering.ts";

const columns = [
  column("REGION", "text"),
  column("NATION", "text"),
  column("CUSTOMER", "text"),
  column("BALANCE", "fixed", 2),
];

const NATIONS = [
  ["ASIA", "CHINA", 41],
  ["ASIA", "INDIA", 7],
  ["EUROPE", "FRANCE", 1],
  ["EUROPE", "GERMANY", 66],
  ["EUROPE", "GREECE", 3],
] as const;

function customers(): Row[] {
  let number = 0;
  return NATIONS.flatMap(([region, nation, count]) =>
    Array.from({ length: count }, () => {
      number += 1;
      const cents = (number * 7919) % 1_000_000;
      const balance = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
      return [region, nation, `Customer${number}`, balance];
    }),
  );
}

/** The balances in whole cents, which stay exact in a JS number. */
function sumCents(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + Number((row[3] ?? "0").replace(".", "")), 0);
}

function showCents(cents: number): string {
  return (cents / 100).toLocaleString("en-US", { minimumFractionDigits: 2 });
}

const grouped = {
  groupBy: ["REGION", "NATION"],
  subtotals: { BALANCE: "sum" },
  totals: { BALANCE: "sum" },
};

/** The lines of the text, in order, with single spaces. */
async function readLines(bytes: Uint8Array): Promise<string[]> {
  const pages = await readPages(bytes);
  return pages.flatMap((page) =>
    page
      .split("\n")
      .map((line) => line.replaceAll(/\s+/g, " ").trim())
      .filter((line) => line !== ""),
  );
}

/** Words with the same place from the top of their page, joined, in order. */
function joinLines(words: readonly Word[]): { page: number; top: number; text: string }[] {
  const lines = new Map<string, { page: number; top: number; words: Word[] }>();
  for (const word of words) {
    const key = `${word.page}/${Math.round(word.top / 3)}`;
    const line = lines.get(key) ?? { page: word.page, top: word.top, words: [] };
    line.words.push(word);
    lines.set(key, line);
  }
  return [...lines.values()]
    .toSorted((a, b) => a.page - b.page || a.top - b.top)
    .map((line) => ({
      page: line.page,
      top: line.top,
      text: line.words
        .toSorted((a, b) => a.left - b.left)
        .map(({ text }) => text)
        .join(" "),
    }));
}

describe.skipIf(lacksReaders)(`the groups of a PDF${whySkipped}`, () => {
  test("begin with their values, and end with the sums of their rows at every level", async () => {
    const rows = customers();
    const { bytes, summary } = await render(createPdfRenderer, columns, rows, {
      options: options(grouped),
    });
    const lines = await readLines(bytes);
    for (const [region, nation] of NATIONS) {
      const own = rows.filter((row) => row[1] === nation);
      expect(lines.filter((line) => line === `NATION ${nation}`)).toHaveLength(1);
      expect(lines).toContain(`Total ${nation} ${showCents(sumCents(own))}`);
      expect(lines.filter((line) => line === `REGION ${region}`)).toHaveLength(1);
    }
    for (const region of ["ASIA", "EUROPE"]) {
      const own = rows.filter((row) => row[0] === region);
      expect(lines).toContain(`Total ${region} ${showCents(sumCents(own))}`);
    }
    expect(lines).toContain(`Total ${showCents(sumCents(rows))}`);
    expect(summary.warnings).toEqual([]);
    expect(await findFaults(bytes)).toBe("");
  });

  test("hold all their rows between heading and totals, in order", async () => {
    const rows = customers();
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options(grouped),
    });
    const events = (await readLines(bytes)).flatMap(
      (line) => /^(?:(?:REGION|NATION) \w+$|Customer\d+|Total \w+(?= ))/.exec(line)?.[0] ?? [],
    );
    const expected: string[] = [];
    rows.forEach((row, at) => {
      const before = rows[at - 1];
      const after = rows[at + 1];
      if (before?.[0] !== row[0]) expected.push(`REGION ${row[0]}`);
      if (before?.[1] !== row[1]) expected.push(`NATION ${row[1]}`);
      expected.push(row[2] ?? "");
      if (after?.[1] !== row[1]) expected.push(`Total ${row[1]}`);
      if (after?.[0] !== row[0]) expected.push(`Total ${row[0]}`);
    });
    expect(events).toEqual(expected);
  });

  test("leave their columns out of the table", async () => {
    const { bytes } = await render(createPdfRenderer, columns, customers(), {
      options: options(grouped),
    });
    for (const page of await readPages(bytes)) {
      expect(page).toMatch(/^ *CUSTOMER +BALANCE$/m);
    }
    expect([...(await readText(bytes)).matchAll(/\bGERMANY\b/g)].length).toBeLessThan(10);
  });

  test("are named again, as continued, on every page that they go on", async () => {
    const rows = customers();
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options(grouped),
    });
    const pages = await readPages(bytes);
    expect(pages.length).toBeGreaterThan(2);
    const nationOf = new Map(rows.map((row) => [row[2], row]));
    let isSeen = false;
    for (const page of pages.slice(1)) {
      const lines = page
        .split("\n")
        .map((line) => line.replaceAll(/\s+/g, " ").trim())
        .filter((line) => line !== "");
      const body = lines.slice(1);
      const customer = body.find((line) => line.startsWith("Customer"))?.split(" ")[0] ?? "";
      const first = body.find((line) => /^(Customer|Total)/.test(line)) ?? "";
      if (!first.startsWith("Customer") || body[0]?.startsWith("REGION EUROPE (") !== true)
        continue;
      const row = nationOf.get(customer);
      expect(body[0]).toBe(`REGION ${row?.[0]} (continued)`);
      expect(body[1]?.replace(" (continued)", "")).toBe(`NATION ${row?.[1]}`);
      isSeen = true;
    }
    expect(isSeen).toBe(true);
  });

  test("never leave a heading at the bottom of a page, wherever they end", async () => {
    for (let first = 38; first <= 46; first++) {
      const rows = Array.from({ length: first + 4 }, (_, at) => {
        return [at < first ? "ONE" : "TWO", at < first ? "A" : "B", `Customer${at}`, "1.00"];
      });
      const { bytes } = await render(createPdfRenderer, columns, rows, {
        options: options({ groupBy: ["REGION", "NATION"] }),
      });
      for (const page of await readPages(bytes)) {
        const lines = page.split("\n").filter((line) => line.trim() !== "");
        const last = lines.findLast((line) => !line.includes("Page ")) ?? "";
        expect(last).toMatch(/Customer\d+/);
      }
    }
  });

  test("are the bookmarks, nested", async () => {
    const { bytes } = await render(createPdfRenderer, columns, customers(), {
      options: options(grouped),
    });
    expect(await readBookmarks(bytes)).toEqual([
      "Orders",
      "ASIA",
      "CHINA",
      "INDIA",
      "EUROPE",
      "FRANCE",
      "GERMANY",
      "GREECE",
    ]);
  });

  test("have no more bookmarks than a reader can use", async () => {
    const rows = Array.from({ length: 1500 }, (_, at) => [
      `R${at % 2 === 0 ? at : at - 1}`,
      `N${at}`,
      "c",
      "1.00",
    ]);
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ groupBy: ["REGION", "NATION"] }),
    });
    const [, ...titles] = await readBookmarks(bytes);
    expect(titles).toHaveLength(750);
    expect(titles.every((title) => title.startsWith("R"))).toBe(true);
  });

  test("of nulls, blanks and values over many lines have a heading that can be read", async () => {
    const long = "a very long name of a group ".repeat(30).trim();
    const rows = [null, "", long].map((name, at) => [name, "x", `Customer${at}`, "1.00"]);
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ groupBy: "REGION", subtotals: { BALANCE: "sum" } }),
    });
    const lines = await readLines(bytes);
    expect(lines).toContain("REGION –");
    expect(lines).toContain("REGION (empty)");
    expect(lines.filter((line) => line.includes("a very long name")).length).toBeGreaterThan(3);
    expect(lines.some((line) => line.endsWith("…"))).toBe(true);
  });

  test("stand across every part of a table that is too wide for one page", async () => {
    const names = Array.from({ length: 14 }, (_, at) => `C${at + 1}`);
    const wide = [
      column("REGION", "text"),
      column("KEY", "text"),
      ...names.map((name) => column(name, "text")),
      column("LAST", "fixed", 2),
    ];
    const rows = Array.from({ length: 12 }, (_, at) => [
      at < 6 ? "ASIA" : "EUROPE",
      `key${at}`,
      ...names.map((name) => `${name} has many words that want to stand on one line`),
      "2.50",
    ]);
    const { bytes } = await render(createPdfRenderer, wide, rows, {
      options: options({ groupBy: "REGION", subtotals: { LAST: "sum" }, totals: { LAST: "sum" } }),
    });
    const pages = await readPages(bytes);
    const isLast = (page: string): boolean => page.includes("–15 of 16") || page.includes("LAST");
    expect(new Set(pages.map((page) => /Columns \S+/.exec(page)?.[0])).size).toBeGreaterThan(1);
    expect(pages.filter((page) => /REGION\s+ASIA/.test(page)).length).toBeGreaterThan(1);
    const ends = pages.filter(isLast).join("\n");
    expect(ends).toMatch(/Total ASIA +15\.00/);
    expect(ends).toMatch(/Total EUROPE +15\.00/);
    expect(ends).toMatch(/Total +30\.00/);
    expect(await findFaults(bytes)).toBe("");
  });
});

describe.skipIf(lacksReaders)(`the totals of a PDF${whySkipped}`, () => {
  test("stand below their column, on its right edge", async () => {
    const rows = customers();
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ totals: { BALANCE: "sum" } }),
    });
    const words = await readWords(bytes);
    const header = words.find(({ text }) => text === "BALANCE");
    const total = words.find(({ text }) => text === showCents(sumCents(rows)));
    expect(total?.right).toBeCloseTo(header?.right ?? NaN, 0);
    const name = joinLines(words).find(({ text }) => text.startsWith("Total"));
    expect(name?.text).toBe(`Total ${showCents(sumCents(rows))}`);
  });

  test("say what they are when they are not all sums", async () => {
    const rows = customers();
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({
        totals: { CUSTOMER: "count", BALANCE: "average", REGION: "max", nation: "min" },
        groupBy: "REGION",
      }),
    });
    const average = Math.round(sumCents(rows) / rows.length);
    const text = (await readLines(bytes)).join(" ");
    expect(text).toContain("count 118");
    expect(text).toContain(`avg ${showCents(average)}`);
    expect(text).toContain("REGION: max EUROPE");
    expect(text).toContain("min CHINA");
  });

  test("follow the format of their column, and a count does not", async () => {
    const rows = customers();
    const facts = (totals: Record<string, string>): object => ({
      options: options({ totals, columns: { BALANCE: { format: '#,##0.0 "EUR"' } } }),
    });
    const sum = await render(createPdfRenderer, columns, rows, facts({ BALANCE: "sum" }));
    const expected = (Math.round(sumCents(rows) / 10) / 10).toLocaleString("en-US", {
      minimumFractionDigits: 1,
    });
    expect(await readLines(sum.bytes)).toContain(`Total ${expected} EUR`);
    const count = await render(createPdfRenderer, columns, rows, facts({ BALANCE: "count" }));
    expect(await readLines(count.bytes)).toContain("Count 118");
  });

  test("count the rows that are not printed", async () => {
    const rows = customers();
    const { bytes, summary } = await render(createPdfRenderer, columns, rows, {
      options: options({ ...grouped, pdf: { rowsMax: 45 } }),
    });
    const lines = await readLines(bytes);
    expect(lines.filter((line) => line.startsWith("Customer"))).toHaveLength(45);
    const inside = (at: number, name: string): string =>
      showCents(sumCents(rows.filter((row) => row[at] === name)));
    expect(lines).toContain(`Total INDIA ${inside(1, "INDIA")}`);
    expect(lines).toContain(`Total ASIA ${inside(0, "ASIA")}`);
    expect(lines).toContain(`Total ${showCents(sumCents(rows))}`);
    expect(lines.some((line) => line.includes("FRANCE") || line.includes("EUROPE"))).toBe(false);
    expect(summary.warnings.map(({ message }) => message)).toEqual([
      "This document shows the first 45 of 118 rows. 73 rows are not printed, but counted in the totals.",
    ]);
  });

  test("are exact where a double is not", async () => {
    const rows = ["9007199254740993.01", "9007199254740993.01", "0.01"].map((balance) => [
      "r",
      "n",
      "c",
      balance,
    ]);
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ totals: { BALANCE: "sum" } }),
    });
    expect(await readLines(bytes)).toContain("Total 18,014,398,509,481,986.03");
  });

  test.each([
    [{ totals: { MISSING: "sum" } }, "OPTIONS: totals.MISSING: "],
    [{ totals: { CUSTOMER: "average" } }, "OPTIONS: totals.CUSTOMER: "],
    [{ groupBy: "MISSING" }, "OPTIONS: groupBy: "],
    [
      { totals: { balance: "sum" }, columns: { BALANCE: { hidden: true } } },
      "OPTIONS: totals.BALANCE: the column is hidden",
    ],
    [
      { groupBy: "REGION", subtotals: { REGION: "count" }, columns: { REGION: { hidden: true } } },
      "OPTIONS: subtotals.REGION: the column is hidden",
    ],
    [
      { groupBy: ["REGION", "NATION", "CUSTOMER"], columns: { BALANCE: { hidden: true } } },
      "groupBy",
    ],
  ])("of %j are an invalid report", async (json, message) => {
    const failure = await failureOf(
      render(createPdfRenderer, columns, customers(), { options: options(json) }),
    );
    expect(failure).toBeInstanceOf(ReportError);
    expect(failure).toHaveProperty("code", "invalid_report");
    expect(String(failure)).toContain(message);
  });
});

describe.skipIf(lacksReaders)(`a heading that is read from right to left${whySkipped}`, () => {
  const find = (words: readonly Word[], text: string) => {
    const found = words.find((word) => word.text === text);
    if (found === undefined) throw new Error(`${text} is not on the page`);
    return found;
  };
  const reversed = (text: string) => Array.from(text).toReversed().join("");

  test("stands at the right: title, subtitle and the group's name", async () => {
    const rows = customers().map((row, at) => [at < 41 ? "אסיה" : "EUROPE", ...row.slice(1)]);
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ title: "מכירות", subtitle: "לקוחות 2026", groupBy: "REGION" }),
    });
    const words = await readWords(bytes);
    const page = 595.28;
    for (const text of ["מכירות", "לקוחות"]) {
      const word = words.find((one) => one.text === text || one.text === reversed(text));
      expect(word?.left).toBeGreaterThan(page * 0.75);
    }
    const [label] = words
      .filter(({ text }) => text === "REGION")
      .toSorted((a, b) => b.left - a.left);
    const asia = words.find(({ text }) => text === "אסיה" || text === reversed("אסיה"));
    const edge = find(words, "BALANCE").right;
    expect(label?.right).toBeGreaterThan(edge - 12);
    expect(asia?.right).toBeWithin(edge - 80, label?.left ?? 0);
    expect(find(words, "EUROPE").left).toBeLessThan(page * 0.25);
  });
});
