import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { DEFAULT_PRESENTATION, type Presentation } from "../../src/render/renderer.ts";
import type { Row } from "../../src/report/table.ts";
import { column, failureOf, rowsOf } from "./rendering.ts";
import { renderSheet } from "./xlsx-reading.ts";

const name = [column("NAME", "text")];
const sales = [column("REGION", "text"), column("AMOUNT", "fixed", 2)];
const rows: Row[] = [
  ["ASIA", "1.50"],
  ["EUROPE", "2.50"],
];
const chart = { type: "bar", x: "REGION", y: "AMOUNT", title: 'Sales "by" region' };

function presented(facts: Partial<Presentation>) {
  return { presentation: { ...DEFAULT_PRESENTATION, ...facts } };
}

/** A PNG of one colour. Source: PNG specification, 5 and 11. */
function makePng(width: number, height: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.alloc((width + 1) * height));
  const chunks = [chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return new Uint8Array(Buffer.concat([signature, ...chunks]));
}

/** The head of a JPEG: an application segment and a frame header. Source: ITU-T T.81, annex B. */
function makeJpegHead(width: number, height: number): Uint8Array {
  const frame = Buffer.alloc(19);
  frame.set([0xff, 0xc2, 0, 17, 8]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const application = [0xff, 0xe0, 0, 4, 0xff, 0xc0];
  return new Uint8Array([0xff, 0xd8, ...application, ...frame, 0xff, 0xd9]);
}

/** Each part has a type, and each relation leads to a part: what a spreadsheet repairs a file for. */
function checkPackage(parts: ReadonlyMap<string, string>): void {
  const types = parts.get("[Content_Types].xml") ?? "";
  const endings = [...types.matchAll(/<Default Extension="(\w+)"/g)].map(([, ending]) => ending);
  const overrides = [...types.matchAll(/<Override PartName="\/([^"]+)"/g)].map(([, part]) => part);
  for (const part of parts.keys()) {
    const isTyped = overrides.includes(part) || endings.includes(part.split(".").at(-1) ?? "");
    expect(part === "[Content_Types].xml" || isTyped, part).toBe(true);
  }
  for (const part of overrides) expect(parts.has(part ?? ""), part).toBe(true);
  for (const [part, xml] of parts) {
    if (!part.endsWith(".rels")) continue;
    const folder = `/${part.replace(/_rels\/[^/]*$/, "")}`;
    for (const [, target = ""] of xml.matchAll(/Target="([^"]+)"/g)) {
      expect(parts.has(new URL(target, `file://${folder}`).pathname.slice(1)), target).toBe(true);
    }
  }
}

describe("excel.sheetName", () => {
  test("names the data sheet as it is, also where a title would be changed", async () => {
    for (const sheetName of ["It's 5 o'clock", "About 2", "x".repeat(31), "Größe & <b>", "Chart"]) {
      const { workbook, sheet, parts } = await renderSheet(name, rowsOf("a"), {
        title: "Something else",
        excel: { sheetName },
      });
      expect([sheet.name, workbook.worksheets.length]).toEqual([sheetName, 2]);
      expect(sheet.pageSetup.printTitlesRow).toBe("1:1");
      checkPackage(parts);
    }
  });
  test("has its apostrophes doubled where it stands between apostrophes", async () => {
    const { parts } = await renderSheet(name, rowsOf("a"), { excel: { sheetName: "It's" } });
    expect(parts.get("xl/workbook.xml")).toContain(">&apos;It&apos;&apos;s&apos;!$1:$1<");
  });
  test("that Excel would not take is refused by its path", async () => {
    for (const sheetName of ["a/b", "a\\b", "a?", "a*", "[a]", "a:b", "'a", "a'", "   ", "a\nb"]) {
      const failure = await failureOf(renderSheet(name, [], { excel: { sheetName } }));
      expect(failure).toMatchObject({ code: "invalid_report" });
      expect(String(failure)).toContain("OPTIONS: excel.sheetName: ");
    }
  });
  test("that another sheet has is refused, and taken when there is no such sheet", async () => {
    for (const [sheetName, json] of [
      ["HISTORY", {}],
      ["about", {}],
      ["Chart", { chart }],
    ] as const) {
      const failure = await failureOf(renderSheet(sales, [], { excel: { sheetName }, ...json }));
      expect(String(failure)).toContain("OPTIONS: excel.sheetName: ");
    }
    const { workbook } = await renderSheet(name, [], {
      excel: { sheetName: "About", about: false },
    });
    expect(workbook.worksheets.map((sheet) => sheet.name)).toEqual(["About"]);
  });
});

describe("the other options of excel", () => {
  test("leave the header unfrozen, without a filter", async () => {
    const { sheet, parts } = await renderSheet(sales, rows, {
      excel: { freezeHeader: false, autofilter: false },
    });
    const xml = parts.get("xl/worksheets/sheet1.xml") ?? "";
    expect([sheet.views[0]?.state, xml.includes("<pane"), xml.includes("<autoFilter")]).toEqual([
      "normal",
      false,
      false,
    ]);
    expect(sheet.getCell("B3").value).toBe(2.5);
  });
  test("leave About out, and warnings are still told", async () => {
    const { workbook, counts, parts } = await renderSheet(name, rowsOf("a\u0001"), {
      excel: { about: false },
    });
    expect(workbook.worksheets).toHaveLength(1);
    expect(counts).toEqual({ control_character: 1 });
    checkPackage(parts);
  });
  test("number the sheets after the name", async () => {
    const { workbook } = await renderSheet(
      name,
      rowsOf("a", "b", "c"),
      { excel: { sheetName: "x".repeat(31), about: false } },
      {},
      2,
    );
    expect(workbook.worksheets.map((sheet) => sheet.name)).toEqual([
      "x".repeat(31),
      `${"x".repeat(29)} 2`,
      `${"x".repeat(29)} 3`,
    ]);
  });
});

describe("columns", () => {
  test("of percents and currencies are numbers in that format, wide enough for it", async () => {
    const two = [column("SHARE", "real"), column("PRICE", "fixed", 2)];
    const { sheet } = await renderSheet(two, [["0.125", "1234567.50"]], {
      columns: {
        SHARE: { format: "0.0%", align: "left" },
        PRICE: { format: '#,##0.00 "€"', label: "Price" },
      },
    });
    const [share, price] = [sheet.getCell("A2"), sheet.getCell("B2")];
    expect([share.value, share.numFmt, share.alignment.horizontal]).toEqual([
      0.125,
      "0.0%",
      "left",
    ]);
    expect([price.value, price.numFmt]).toEqual([1234567.5, '#,##0.00 "€"']);
    expect(sheet.getCell("A1").alignment.horizontal).toBe("left");
    expect(sheet.getColumn(2).width).toBeGreaterThan("1,234,567.50 €".length + 1);
  });
});

describe("a header", () => {
  test("stands on the side of its cells", async () => {
    const types = ["fixed", "real", "date", "timestamp_ntz", "text", "boolean"] as const;
    const { sheet } = await renderSheet(
      types.map((type) => column(type, type)),
      [],
    );
    const sides = types.map((_, at) => sheet.getCell(1, at + 1).alignment?.horizontal);
    expect(sides).toEqual(["right", "right", "right", "right", undefined, undefined]);
  });
});

describe("page.margins", () => {
  test("are in millimetres, and a side that is left out keeps Excel's own", async () => {
    const all = await renderSheet(name, [], { page: { margins: 25.4 } });
    expect(all.sheet.pageSetup.margins).toMatchObject({ left: 1, right: 1, top: 1, bottom: 1 });
    const one = await renderSheet(name, [], { page: { margins: { left: 12.7, bottom: 5.08 } } });
    expect(one.sheet.pageSetup.margins).toEqual({
      left: 0.5,
      right: 0.7,
      top: 0.75,
      bottom: 0.2,
      header: 0.3,
      footer: 0.1,
    });
  });
});

describe("the accent colour", () => {
  test("fills the header, with letters that can be read on it", async () => {
    for (const [accentColor, letters] of [
      ["#1f4e79", "FFFFFFFF"],
      ["#ffcc00", "FF1F1F1F"],
      ["#ffffff", "FF1F1F1F"],
      ["#767676", "FFFFFFFF"],
    ] as const) {
      const { sheet } = await renderSheet(name, [], {}, presented({ accentColor }));
      const { fill, font } = sheet.getCell("A1");
      expect(fill).toMatchObject({ fgColor: { argb: `FF${accentColor.slice(1).toUpperCase()}` } });
      expect(font).toMatchObject({ bold: true, color: { argb: letters } });
    }
  });
});

describe("the logo", () => {
  test("stands above the heading of About, no larger than 320 by 64 pixels", async () => {
    const bytes = makePng(640, 64);
    const logo = { bytes, mediaType: "image/png" as const };
    const { workbook, sheet, parts } = await renderSheet(name, [], {}, presented({ logo }));
    const about = workbook.getWorksheet("About");
    const [image] = about?.getImages() ?? [];
    expect(image?.range).toMatchObject({ tl: { row: 0, col: 0 }, ext: { width: 320, height: 32 } });
    expect(about?.getCell("A2").value).toBe("Orders");
    expect(about?.getRow(1).height).toBe(30);
    expect(sheet.getImages()).toEqual([]);
    expect(Buffer.from(parts.get("xl/media/image1.png") ?? "", "latin1").equals(bytes)).toBe(true);
    checkPackage(parts);
  });
  test("may be a JPEG, whose size is in its frame header", async () => {
    const logo = { bytes: makeJpegHead(50, 40), mediaType: "image/jpeg" as const };
    const { workbook, parts } = await renderSheet(name, [], {}, presented({ logo }));
    const [image] = workbook.getWorksheet("About")?.getImages() ?? [];
    expect(image?.range).toMatchObject({ ext: { width: 50, height: 40 } });
    expect(parts.get("[Content_Types].xml")).toContain('Extension="jpeg" ContentType="image/jpeg"');
  });
  test("that is damaged is a fault of the configuration, not of the report", async () => {
    for (const mediaType of ["image/png", "image/jpeg"] as const) {
      const logo = { bytes: new Uint8Array([0x89, 0x50, 1, 2, 3, 4, 5]), mediaType };
      const failure = await failureOf(renderSheet(name, [], {}, presented({ logo })));
      expect(failure).toMatchObject({ code: "configuration" });
    }
  });
});

describe("a chart", () => {
  test("whose names no font has is told of, and takes them from the deployment's fonts", async () => {
    const title = "日本";
    const boxes = await renderSheet(sales, rows, { chart: { ...chart, title } });
    expect(boxes.counts).toEqual({ missing_glyph: 2 });
    expect(boxes.workbook.getWorksheet("About")?.getColumn(1).values).toContain("missing_glyph");
    const fontsFolder = join(import.meta.dir, "fonts");
    const letters = await renderSheet(
      sales,
      rows,
      { chart: { ...chart, title } },
      presented({ fontsFolder }),
    );
    expect(letters.counts).toEqual({});
  });
  test("is a picture on a sheet of its own behind the data, which stays the first", async () => {
    const { workbook, parts } = await renderSheet(sales, rows, { chart });
    expect(workbook.worksheets.map((sheet) => sheet.name)).toEqual(["Orders", "Chart", "About"]);
    const [image] = workbook.getWorksheet("Chart")?.getImages() ?? [];
    expect(image?.range).toMatchObject({
      tl: { row: 0, col: 0 },
      ext: { width: 960, height: 540 },
    });
    const png = Buffer.from(parts.get("xl/media/image1.png") ?? "", "latin1");
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1920, 1080]);
    checkPackage(parts);
  });
  test("says what it shows to those who cannot see it, as the format has it", async () => {
    const { parts } = await renderSheet(sales, rows, { chart });
    const drawing = parts.get("xl/drawings/drawing1.xml") ?? "";
    expect(drawing).toContain('descr="Chart: Sales &quot;by&quot; region"');
    expect(drawing).not.toContain("editAs");
  });
  test("and a logo go to their own sheets, behind data over several sheets", async () => {
    const logo = { bytes: makePng(10, 10), mediaType: "image/png" as const };
    const { workbook, parts } = await renderSheet(sales, rows, { chart }, presented({ logo }), 2);
    const images = workbook.worksheets.map((sheet) => [sheet.name, sheet.getImages().length]);
    expect(images).toEqual([
      ["Orders", 0],
      ["Orders 2", 0],
      ["Chart", 1],
      ["About", 1],
    ]);
    const logoEntry = workbook.getWorksheet("About")?.getImages()[0];
    const media = workbook.getImage(Number(logoEntry?.imageId));
    expect(Buffer.from(media.buffer as ArrayBuffer).equals(logo.bytes)).toBe(true);
    checkPackage(parts);
  });
  test("is the same bytes for the same input", async () => {
    const [first, second] = await Promise.all([
      renderSheet(sales, rows, { chart, groupBy: "REGION", subtotals: { AMOUNT: "sum" } }),
      renderSheet(sales, rows, { chart, groupBy: "REGION", subtotals: { AMOUNT: "sum" } }),
    ]);
    expect(Buffer.from(first.bytes).equals(second.bytes)).toBe(true);
  });
  test("of a column that is not there is refused by its path", async () => {
    const failure = await failureOf(renderSheet(sales, rows, { chart: { ...chart, y: "NOPE" } }));
    expect(failure).toMatchObject({ code: "invalid_report" });
    expect(String(failure)).toContain("OPTIONS: chart.y");
  });
});
