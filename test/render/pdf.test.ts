import { describe, expect, test } from "bun:test";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Row } from "../../src/report/table.ts";
import {
  findFaults,
  lacksReaders,
  readBookmarks,
  readInfo,
  readPages,
  readText,
  readWords,
  whySkipped,
} from "./pdf-reading.ts";
import { column, context, failureOf, options, render, rowsOf } from "./rendering.ts";

const orders = [
  column("ORDER_ID", "fixed"),
  column("CUSTOMER", "text"),
  column("TOTAL", "fixed", 2),
];

function orderRows(count: number): Row[] {
  return Array.from({ length: count }, (_, at) => [
    String(at + 1),
    `Customer${at + 1}`,
    `${at * 7}.${String(at % 100).padStart(2, "0")}`,
  ]);
}

/** A result with a key and `count` columns of text that each want much room. */
function wideTable(count: number, rowCount: number): { columns: typeof orders; rows: Row[] } {
  const names = Array.from({ length: count }, (_, at) => `C${at + 1}`);
  const columns = [column("KEY", "text"), ...names.map((name) => column(name, "text"))];
  const rows = Array.from({ length: rowCount }, (_, row) => [
    `key${row + 1}`,
    ...names.map((name) => `${name}-of-row-${row + 1} with more words behind it`),
  ]);
  return { columns, rows };
}

describe.skipIf(lacksReaders)(`the pages of a PDF${whySkipped}`, () => {
  test("repeat the header and say page x of y", async () => {
    const { bytes } = await render(createPdfRenderer, orders, orderRows(200));
    const pages = await readPages(bytes);
    expect(pages.length).toBeGreaterThan(3);
    pages.forEach((page, at) => {
      expect(page).toMatch(/ORDER_ID +CUSTOMER +TOTAL/);
      expect(page).toContain(`Page ${at + 1} of ${pages.length}`);
    });
    expect(await findFaults(bytes)).toBe("");
  });

  test("hold every row, in order, whatever the batches were", async () => {
    for (const batchRows of [1, 999, 1000, 1001, 2500]) {
      const { bytes, summary } = await render(
        createPdfRenderer,
        orders,
        orderRows(2500),
        {},
        batchRows,
      );
      const text = await readText(bytes);
      const customers = [...text.matchAll(/Customer(\d+)/g)].map(([, number]) => Number(number));
      expect(customers).toEqual(Array.from({ length: 2500 }, (_, at) => at + 1));
      expect(summary).toEqual({ rowCount: 2500, warnings: [] });
    }
  });

  test("begin with title, subtitle, parameters, times and the number of rows", async () => {
    const { bytes } = await render(createPdfRenderer, orders, orderRows(3), {
      parameters: { REGION: "EMEA", LIMIT: 5, NOTHING: null },
      timezone: "Europe/Athens",
      options: options({ title: "Orders of the week", subtitle: "All regions" }),
    });
    const text = await readText(bytes);
    for (const part of [
      "Orders of the week",
      "All regions",
      "REGION\nEMEA",
      "LIMIT\n5",
      "NOTHING\n–",
      "Generated\n2026-11-22 10:30:00+02:00\nEurope/Athens",
      "Data as of\n2026-11-22 10:00:00+02:00",
      "Rows\n3",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("keep their table however long title and parameters are", async () => {
    const parameters = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`PARAMETER_${at}`, `value ${at} `.repeat(200)]),
    );
    const { bytes } = await render(createPdfRenderer, orders, orderRows(2), {
      parameters,
      options: options({
        title: "Long title ".repeat(18).trim(),
        subtitle: "Long subtitle ".repeat(35).trim(),
        page: { orientation: "landscape" },
      }),
    });
    const [first = "", ...rest] = await readPages(bytes);
    expect(first).toContain("Customer2");
    expect(first).toContain("27 more");
    expect(rest).toEqual([]);
  });

  test("say that there are no rows, below the header", async () => {
    const { bytes, summary } = await render(createPdfRenderer, orders, []);
    const [page = "", ...more] = await readPages(bytes);
    expect(more).toEqual([]);
    expect(page).toMatch(/ORDER_ID +CUSTOMER +TOTAL\s+No rows/);
    expect(page).toContain("Page 1 of 1");
    expect(summary).toEqual({ rowCount: 0, warnings: [] });
    expect(await findFaults(bytes)).toBe("");
  });

  test("are portrait for few columns, landscape for many, and what was asked for", async () => {
    const few = await render(createPdfRenderer, orders, orderRows(3));
    expect((await readInfo(few.bytes)).get("Page size")).toBe("595.28 x 841.89 pts (A4)");
    const { columns, rows } = wideTable(5, 3);
    const many = await render(createPdfRenderer, columns, rows);
    expect((await readInfo(many.bytes)).get("Page size")).toBe("841.89 x 595.28 pts (A4)");
    const asked = await render(createPdfRenderer, columns, rows, {
      options: options({ page: { size: "Letter", orientation: "portrait" } }),
    });
    expect((await readInfo(asked.bytes)).get("Page size")).toBe("612 x 792 pts (letter)");
  });

  test("of a wide table repeat the first column beside every part of the others", async () => {
    const { columns, rows } = wideTable(20, 60);
    const { bytes } = await render(createPdfRenderer, columns, rows);
    const pages = await readPages(bytes);
    const bandOf = (page: string): string => /Columns (\d+–\d+) of 21/.exec(page)?.[1] ?? "";
    const bands = new Set(pages.map(bandOf));
    expect(bands.size).toBeGreaterThan(2);
    expect(bands.has("")).toBe(false);
    for (const band of bands) {
      const text = pages.filter((page) => bandOf(page) === band).join("\n");
      const keys = [...text.matchAll(/key(\d+)/g)].map(([, number]) => Number(number));
      expect(keys).toEqual(Array.from({ length: 60 }, (_, at) => at + 1));
    }
    const words = await readWords(bytes);
    for (let at = 1; at <= 20; at++) {
      expect(words.filter((word) => word.text.startsWith(`C${at}-of-row-`))).toHaveLength(60);
    }
    expect(await findFaults(bytes)).toBe("");
  });

  test("never let text leave its column", async () => {
    const { columns, rows } = wideTable(4, 20);
    const words = await readWords((await render(createPdfRenderer, columns, rows)).bytes);
    const header = words.filter((word) => /^C\d$/.test(word.text));
    header.forEach(({ left }, at) => {
      const next = header[at + 1]?.left ?? 841.89 - 40;
      const own = words.filter((word) => word.text.startsWith(`C${at + 1}-of`));
      expect(own).toHaveLength(20);
      for (const word of own) {
        expect(word.left).toBeCloseTo(left, 1);
        expect(word.right).toBeLessThan(next);
      }
    });
  });

  test("go on with a text that is longer than a page, and lose no word of it", async () => {
    const wordCount = 4000;
    const story = Array.from({ length: wordCount }, (_, at) => `w${at}`).join(" ");
    const columns = [column("ID", "fixed"), column("STORY", "text"), column("AFTER", "text")];
    const rows = [
      ["1", "short", "a"],
      ["2", story, "b"],
      ["3", "end", "c"],
    ];
    const { bytes, summary } = await render(createPdfRenderer, columns, rows);
    const text = await readText(bytes);
    const words = [...text.matchAll(/\bw(\d+)\b/g)].map(([, number]) => Number(number));
    expect(words).toEqual(Array.from({ length: wordCount }, (_, at) => at));
    expect((await readPages(bytes)).length).toBeGreaterThan(2);
    expect(text.indexOf("end")).toBeGreaterThan(text.indexOf(`w${wordCount - 1}`));
    expect(summary.warnings).toEqual([]);
    expect(await findFaults(bytes)).toBe("");
  });

  test("break a word that is wider than its column, and lose no letter of it", async () => {
    const word = Array.from({ length: 3000 }, (_, at) => String.fromCharCode(97 + (at % 26))).join(
      "",
    );
    const { bytes } = await render(createPdfRenderer, [column("WORD", "text")], [[word]], {
      options: options({ columns: { WORD: { width: 20, label: "#" } } }),
    });
    const text = (await readText(bytes)).replaceAll(/Page \d+ of \d+|\s/g, "");
    expect(text.includes(word.slice(0, 500))).toBe(true);
    expect((text.match(/[a-z]/g) ?? []).length).toBeGreaterThanOrEqual(3000);
  });

  test("show at most rowsMax rows and say on the last one what is missing", async () => {
    const { bytes, summary } = await render(createPdfRenderer, orders, orderRows(1500), {
      options: options({ pdf: { rowsMax: 120 } }),
    });
    const pages = await readPages(bytes);
    expect(pages[0]).toContain("1,500, the first 120 printed");
    expect(pages.at(-1)).toContain("This document shows the first 120 of 1,500 rows.");
    expect([...pages.join("").matchAll(/Customer\d+/g)]).toHaveLength(120);
    expect(summary.rowCount).toBe(1500);
    expect(summary.warnings.map(({ code, count }) => [code, count])).toEqual([
      ["rows_not_printed", 1380],
    ]);
  });
});

describe.skipIf(lacksReaders)(`the columns of a PDF${whySkipped}`, () => {
  test("follow label, hidden and width of the options, in any case of the name", async () => {
    const { bytes } = await render(createPdfRenderer, orders, orderRows(3), {
      options: options({
        columns: { order_id: { hidden: true }, CUSTOMER: { label: "Who", width: 60 } },
      }),
    });
    const words = await readWords(bytes);
    const find = (text: string): number => words.find((word) => word.text === text)?.left ?? NaN;
    expect(words.some((word) => word.text === "ORDER_ID")).toBe(false);
    expect(words.some((word) => word.text === "CUSTOMER")).toBe(false);
    // 60 digits of 0.497 em at 8.5 pt, and the padding of 5 pt on both sides.
    expect(find("TOTAL")).toBeGreaterThan(find("Who") + 60 * 0.497 * 8.5);
  });

  test("stand where the options align them", async () => {
    const columns = ["L", "C", "R"].map((name) => column(name, "text"));
    const { bytes } = await render(createPdfRenderer, columns, [["ax", "bx", "cx"]], {
      options: options({
        columns: {
          L: { width: 30, align: "left" },
          C: { width: 30, align: "center" },
          R: { width: 30, align: "right" },
        },
      }),
    });
    const words = await readWords(bytes);
    const place = (text: string): { left: number; right: number } =>
      words.find((word) => word.text === text) ?? { left: NaN, right: NaN };
    const width = 30 * 0.497 * 8.5 + 10;
    expect(place("ax").left).toBeCloseTo(45, 0);
    expect((place("bx").left + place("bx").right) / 2).toBeCloseTo(40 + 1.5 * width, 0);
    expect(place("cx").right).toBeCloseTo(35 + 3 * width, 0);
  });

  test("that the options name and the result lacks are reported", async () => {
    const { bytes, summary } = await render(createPdfRenderer, orders, orderRows(1), {
      options: options({ columns: { TOTALL: { hidden: true } } }),
    });
    expect(summary.warnings.map(({ code, count }) => [code, count])).toEqual([
      ["unknown_column", 1],
    ]);
    expect(await readText(bytes)).toContain('"TOTALL"');
  });

  test("that are all hidden are an invalid report", async () => {
    const work = render(createPdfRenderer, [column("A", "text")], rowsOf("x"), {
      options: options({ columns: { A: { hidden: true } } }),
    });
    const failure = await failureOf(work);
    expect(failure).toBeInstanceOf(ReportError);
    expect(failure).toHaveProperty("code", "invalid_report");
  });
});

describe.skipIf(lacksReaders)(`the document around the pages${whySkipped}`, () => {
  test("has title, subject, creator and dates", async () => {
    const { bytes } = await render(createPdfRenderer, orders, orderRows(1), {
      options: options({ title: "Πωλήσεις — Q1", subtitle: "Ελλάδα" }),
    });
    const info = await readInfo(bytes);
    expect(info.get("Title")).toBe("Πωλήσεις — Q1");
    expect(info.get("Subject")).toBe("Ελλάδα");
    expect(info.get("Creator")).toBe("report-service");
    expect(info.get("Keywords")).toBe("report Orders, run run-1, query 01b2-query");
    expect(info.get("CreationDate")).toBe("2026-11-22T08:30:00Z");
  });

  test("has a title of any characters, brackets and a lone surrogate among them", async () => {
    const { bytes } = await render(createPdfRenderer, orders, orderRows(1), {
      options: options({ title: "a) \u{1F4C8} \\ (b\uD800" }),
    });
    expect((await readInfo(bytes)).get("Title")).toBe("a) \u{1F4C8} \\ (b\uFFFD");
    expect(await readBookmarks(bytes)).toEqual(["a) \u{1F4C8} \\ (b\uFFFD"]);
    expect(await findFaults(bytes)).toBe("");
  });

  test("has bookmarks that cover all rows", async () => {
    const { bytes } = await render(createPdfRenderer, orders, orderRows(1200));
    const [title, ...ranges] = await readBookmarks(bytes);
    expect(title).toBe("Orders");
    const numbers = ranges.map(
      (range) => range.replaceAll(",", "").match(/\d+/g)?.map(Number) ?? [],
    );
    let next = 1;
    for (const [first, last = 0] of numbers) {
      expect(first).toBe(next);
      next = last + 1;
    }
    expect(next).toBe(1201);
  });

  test("is small when the report is small, and equal when the input is equal", async () => {
    const one = await render(createPdfRenderer, orders, orderRows(30));
    const other = await render(createPdfRenderer, orders, orderRows(30));
    expect(one.bytes.length).toBeLessThan(20_000);
    expect(Bun.hash(one.bytes)).toBe(Bun.hash(other.bytes));
  });
});

describe("the bytes of a PDF", () => {
  test("leave while rows still come, and the renderer waits for the sink", async () => {
    let taken = 0;
    let isWriting = false;
    const sink = {
      async write(bytes: Uint8Array) {
        expect(isWriting).toBe(false);
        isWriting = true;
        await Promise.resolve();
        taken += bytes.length;
        isWriting = false;
      },
    };
    const renderer = createPdfRenderer(context({ rowCount: 8000 }), sink);
    await renderer.begin(orders);
    await renderer.rows(orderRows(8000));
    expect(taken).toBeGreaterThan(64 * 1024);
    await renderer.finish();
  });

  test("that the sink refuses end the rendering with the sink's error", async () => {
    const sink = { write: () => Promise.reject(new Error("disk full")) };
    const renderer = createPdfRenderer(context({ rowCount: 1 }), sink);
    await renderer.begin(orders);
    await renderer.rows(orderRows(1));
    expect(await failureOf(renderer.finish())).toEqual(new Error("disk full"));
  });
});
