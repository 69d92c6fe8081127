import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { createPalette } from "../../src/render/pdf/palette.ts";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import { DEFAULT_PRESENTATION, type Presentation } from "../../src/render/renderer.ts";
import type { Row } from "../../src/report/table.ts";
import { readOperators, readPictures } from "./pdf-layout-reading.ts";
import {
  findFaults,
  lacksReaders,
  readInfo,
  readPages,
  readWords,
  whySkipped,
} from "./pdf-reading.ts";
import { column, options, render } from "./rendering.ts";

const customers = [
  column("KEY", "fixed"),
  column("NAME", "text"),
  column("PHONE", "text"),
  column("COMMENT", "text"),
];

function customerRows(count: number): Row[] {
  const words = "furiously regular deposits haggle quickly across the slyly ironic packages";
  return Array.from({ length: count }, (_, at) => [
    String(at + 1),
    `Customer#${String(at + 1).padStart(9, "0")}`,
    `25-989-741-${2000 + at}`,
    `${words} ${words} ${words}`.slice(0, 100 + (at % 80)),
  ]);
}

describe.skipIf(lacksReaders)(`the widths of columns${whySkipped}`, () => {
  test.each(["portrait", "landscape"])(
    "break no short word beside a long text, %s",
    async (way) => {
      const rows = customerRows(40);
      const { bytes } = await render(createPdfRenderer, customers, rows, {
        options: options({ page: { orientation: way } }),
      });
      const words = new Set((await readWords(bytes)).map(({ text }) => text));
      for (const row of rows) {
        expect(words).toContain(row[1] ?? "");
        expect(words).toContain(row[2] ?? "");
      }
    },
  );

  test("take from long texts first", async () => {
    const columns = [column("CODE", "text"), column("LONG", "text"), column("LONGER", "text")];
    const rows = Array.from({ length: 9 }, (_, at) => [
      `two words ${at}`,
      "word ".repeat(60).trim(),
      "word ".repeat(200).trim(),
    ]);
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ page: { orientation: "portrait" } }),
    });
    for (let at = 0; at < rows.length; at++) {
      expect((await readPages(bytes)).join("\n")).toContain(`two words ${at} `);
    }
  });

  test("break a word that is longer than 24 characters rather than the table", async () => {
    const columns = Array.from({ length: 6 }, (_, at) => column(`T${at}`, "text"));
    const rows = [columns.map(() => "0123456789abcdef".repeat(4))];
    const { bytes } = await render(createPdfRenderer, columns, rows);
    const [page = "", ...others] = await readPages(bytes);
    expect(others).toEqual([]);
    expect(page).toMatch(/T0 +T1 +T2 +T3 +T4 +T5/);
  });
});

describe.skipIf(lacksReaders)(`a row over several pages${whySkipped}`, () => {
  test("repeats its first column on each of them", async () => {
    const story = Array.from({ length: 3000 }, (_, at) => `w${at}`).join(" ");
    const columns = [column("ID", "text"), column("STORY", "text")];
    const { bytes } = await render(createPdfRenderer, columns, [["key-of-it", story]]);
    const pages = await readPages(bytes);
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) expect(page.match(/key-of-it/g)).toHaveLength(1);
  });
});

describe.skipIf(lacksReaders)(`the margins of a page${whySkipped}`, () => {
  const POINTS = 72 / 25.4;

  test("are as many millimetres as the report asks for", async () => {
    for (const margins of [5, 12.5, 40]) {
      const { bytes } = await render(createPdfRenderer, customers, customerRows(120), {
        options: options({ page: { margins, orientation: "portrait" } }),
      });
      const words = await readWords(bytes);
      const edge = margins * POINTS;
      const table = words.filter(({ text }) => !/^(Page|of|\d|Orders|·)/.test(text));
      expect(Math.min(...words.map(({ left }) => left))).toBeGreaterThanOrEqual(edge - 0.01);
      expect(Math.max(...words.map(({ right }) => right))).toBeLessThanOrEqual(595.29 - edge);
      expect(Math.min(...words.map(({ top }) => top))).toBeGreaterThanOrEqual(edge - 6);
      expect(Math.max(...table.map(({ top }) => top + 8))).toBeLessThanOrEqual(841.89 - edge);
      // The padding of a cell is 5 points.
      const keys = words.filter(({ text }) => text === "NAME");
      expect(keys.length).toBeGreaterThan(1);
      expect(Math.min(...words.map(({ left }) => left))).toBeLessThan(edge + 6);
      expect(await findFaults(bytes)).toBe("");
    }
  });

  test("may differ, and a side that is not named keeps its own", async () => {
    const place = async (page: object): Promise<{ left: number; top: number }> => {
      const { bytes } = await render(createPdfRenderer, customers, customerRows(2), {
        options: options({ page: { orientation: "portrait", ...page } }),
      });
      const title = (await readWords(bytes)).find(({ text }) => text === "Orders");
      return { left: title?.left ?? NaN, top: title?.top ?? NaN };
    };
    const own = await place({});
    const moved = await place({ margins: { left: 30 } });
    expect(moved.left).toBeCloseTo(30 * POINTS, 1);
    expect(moved.top).toBe(own.top);
    expect(own.left).toBeCloseTo(40, 1);
  });

  test("of the greatest size still leave room for rows, whatever stands above them", async () => {
    const parameters = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`P${at}`, at]));
    const columns = customers.map((own, at) => ({
      ...own,
      name: `${own.name} ${"label ".repeat(20 * at)}`,
    }));
    for (const orientation of ["portrait", "landscape"]) {
      const { bytes } = await render(createPdfRenderer, columns, customerRows(30), {
        parameters,
        options: options({
          title: "A long title ".repeat(14).trim(),
          page: { size: "Letter", margins: 60, orientation },
          groupBy: columns[0]?.name,
          chart: { type: "bar", x: columns[1]?.name, y: columns[0]?.name, height: 200 },
        }),
      });
      const text = (await readPages(bytes)).join("\n");
      expect(text).toContain("989-");
      expect(await findFaults(bytes)).toBe("");
    }
  });
});

/** A PNG of one colour, made by the rules of its specification. */
function makePng(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const frame = Buffer.alloc(body.length + 8);
    frame.writeUInt32BE(data.length, 0);
    body.copy(frame, 4);
    frame.writeUInt32BE(Bun.hash.crc32(body), body.length + 4);
    return frame;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits for each of red, green, blue and alpha.
  header.set([8, 6, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 4, 0x80)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([signature, ...chunks]));
}

/** The head of a JPEG with one frame, which says how large it is and that it has three colours. */
function makeJpeg(width: number, height: number): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(height, 0);
  size.writeUInt16BE(width, 2);
  const frame = [0xff, 0xc0, 0, 17, 8, ...size, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
  return Uint8Array.from([0xff, 0xd8, ...frame, 0xff, 0xd9]);
}

function withLogo(logo: Presentation["logo"]): { presentation: Presentation } {
  return { presentation: { ...DEFAULT_PRESENTATION, logo } };
}

describe.skipIf(lacksReaders)(`the logo of a PDF${whySkipped}`, () => {
  test("is a picture with its transparency, on the first page alone", async () => {
    const logo = { bytes: makePng(300, 100), mediaType: "image/png" as const };
    const { bytes, summary } = await render(
      createPdfRenderer,
      customers,
      customerRows(90),
      withLogo(logo),
    );
    expect(await readPictures(bytes)).toEqual([
      { page: 1, type: "image", width: 300, height: 100, encoding: "image" },
      { page: 1, type: "smask", width: 300, height: 100, encoding: "image" },
    ]);
    expect(summary.warnings).toEqual([]);
    expect(await findFaults(bytes)).toBe("");
  });

  test("keeps the bytes of a JPEG", async () => {
    const logo = { bytes: makeJpeg(64, 32), mediaType: "image/jpeg" as const };
    const { bytes } = await render(createPdfRenderer, customers, customerRows(1), withLogo(logo));
    expect(await readPictures(bytes)).toEqual([
      { page: 1, type: "image", width: 64, height: 32, encoding: "jpeg" },
    ]);
  });

  test("fits the head of the page, at the right margin, and is never enlarged", async () => {
    const sizes = { "600x100": [178.58, 29.76], "100x600": [7, 42], "20x10": [20, 10] };
    for (const [name, [width = 0, height = 0]] of Object.entries(sizes)) {
      const [across = 0, down = 0] = name.split("x").map(Number);
      const logo = { bytes: makePng(across, down), mediaType: "image/png" as const };
      const facts = {
        ...withLogo(logo),
        options: options({ page: { margins: 5, orientation: "portrait" } }),
      };
      const { bytes } = await render(createPdfRenderer, customers, customerRows(1), facts);
      const content = 595.28 - 2 * 5 * (72 / 25.4);
      const factor = Math.min(1, 42 / down, (content * 0.3) / across);
      const [a = 0, , , d = 0, x = 0] =
        (await readOperators(bytes))
          .find((line) => line.endsWith("cm /Logo Do Q"))
          ?.match(/-?[\d.]+/g)
          ?.map((value) => Number(value) / 100) ?? [];
      expect(a).toBeCloseTo(across * factor, 1);
      expect(d).toBeCloseTo(down * factor, 1);
      expect(x + a).toBeCloseTo(595.28 - 5 * (72 / 25.4), 1);
      expect(a / d).toBeCloseTo(width / height, 1);
    }
  });

  test.each([
    ["no picture at all", Uint8Array.from([1, 2, 3]), "image/png" as const],
    ["a PNG that was cut", makePng(50, 50).subarray(0, 60), "image/png" as const],
    ["a PNG of too many pixels", makePng(5000, 1).fill(0xff, 20, 24), "image/png" as const],
    ["a JPEG without a frame", Uint8Array.from([0xff, 0xd8, 0xff]), "image/jpeg" as const],
  ])("that is %s is a warning, and the report is there", async (_, bytes, mediaType) => {
    const made = await render(
      createPdfRenderer,
      customers,
      customerRows(3),
      withLogo({ bytes, mediaType }),
    );
    expect(made.summary.warnings.map(({ code, count }) => [code, count])).toEqual([
      ["logo_unreadable", 1],
    ]);
    expect((await readPages(made.bytes)).join("")).toContain("The logo cannot be read");
    expect(await readPictures(made.bytes)).toEqual([]);
    expect(await findFaults(made.bytes)).toBe("");
  });
});

/** The contrast ratio of WCAG 2.2 of two colours "r g b" of 0..1. */
function contrast(one: string, other: string): number {
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = color
      .split(" ")
      .map(Number)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

describe("the accent colour", () => {
  test("can be read as text, on white and on its tints, whatever it is", () => {
    for (const color of [
      "#ffff00",
      "#ffffff",
      "#000000",
      "#1f4e79",
      "#ff8800",
      "#00ff00",
      "#777777",
    ]) {
      const { accent, header, tints } = createPalette(color);
      for (const background of ["1 1 1", ...tints]) {
        expect(contrast(accent, background)).toBeGreaterThanOrEqual(4.4);
      }
      expect(contrast(".11 .13 .17", header)).toBeGreaterThan(7);
    }
  });

  test("that can be read stays as it is", () => {
    expect(createPalette("#1f4e79").accent).toBe(".122 .306 .475");
  });

  test.skipIf(lacksReaders)("is that of headings and rules", async () => {
    const presentation = { ...DEFAULT_PRESENTATION, accentColor: "#8a1c4a" };
    const facts = { presentation, options: options({ totals: { KEY: "sum" } }) };
    const { bytes } = await render(createPdfRenderer, customers, customerRows(3), facts);
    const fills = (await readOperators(bytes)).filter((line) => line === ".541 .11 .29 rg");
    // Once for the rules, which are one path, and once for the title.
    expect(fills).toHaveLength(2);
  });
});

describe.skipIf(lacksReaders)(`the chart of a PDF${whySkipped}`, () => {
  const columns = [column("MONTH", "text"), column("SALES", "fixed", 2)];
  const rows = ["Jan", "Feb", "Mar", "Apr", "May"].map((month, at) => [month, `${at + 1}00.00`]);
  const chart = { type: "bar", x: "MONTH", y: "SALES", title: "Sales of the year", height: 60 };

  test("stands between the facts and the table, as high as it was asked to be", async () => {
    const make = (more: object): Promise<{ bytes: Uint8Array }> =>
      render(createPdfRenderer, columns, rows, { options: options(more) });
    const { bytes } = await make({ chart });
    const words = await readWords(bytes);
    const topOf = (text: string): number => words.find((word) => word.text === text)?.top ?? NaN;
    expect(topOf("Generated")).toBeLessThan(topOf("year"));
    expect(topOf("year")).toBeLessThan(topOf("MONTH"));
    const plain = await readWords((await make({})).bytes);
    const header = plain.find(({ text }) => text === "SALES")?.top ?? NaN;
    const moved = words.filter(({ text }) => text === "SALES").at(-1)?.top ?? NaN;
    // With a gap of 8 points above and one of 9 below.
    expect(moved - header).toBeCloseTo((60 * 72) / 25.4 + 17, 0);
    expect(await findFaults(bytes)).toBe("");
  });

  test("shows rows that are not printed", async () => {
    const { bytes, summary } = await render(createPdfRenderer, columns, rows, {
      options: options({ chart, pdf: { rowsMax: 2 } }),
    });
    const words = (await readWords(bytes)).map(({ text }) => text);
    expect(words.filter((word) => word === "Jan")).toHaveLength(2);
    expect(words.filter((word) => word === "May")).toHaveLength(1);
    expect(summary.warnings[0]?.message).toContain(
      "3 rows are not printed, but counted in the chart.",
    );
  });

  test("that would leave no room has the first page with the title, and the table the next", async () => {
    const { bytes } = await render(createPdfRenderer, columns, rows, {
      options: options({ chart: { ...chart, height: 200 }, page: { orientation: "landscape" } }),
    });
    const [first = "", second = "", ...others] = await readPages(bytes);
    expect(first).toContain("Sales of the year");
    expect(first).not.toMatch(/MONTH +SALES/);
    expect(second).toMatch(/MONTH +SALES/);
    expect(others).toEqual([]);
    expect((await readInfo(bytes)).get("Pages")).toBe("2");
  });

  test("is not there when there are no rows", async () => {
    const { bytes } = await render(createPdfRenderer, columns, [], { options: options({ chart }) });
    const text = (await readPages(bytes)).join("");
    expect(text).toContain("No rows");
    expect(text).not.toContain("Sales of the year");
    expect(await findFaults(bytes)).toBe("");
  });
});
