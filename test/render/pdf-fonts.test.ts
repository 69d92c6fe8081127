import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import { DEFAULT_PRESENTATION, type RenderWarning } from "../../src/render/renderer.ts";
import type { ReportOptions } from "../../src/report/options.ts";
import { findFaults, lacksReaders, readPages, whySkipped } from "./pdf-reading.ts";
import { column, options, render, rowsOf } from "./rendering.ts";

const FONTS = join(import.meta.dir, "fonts");

interface Printed {
  readonly bytes: Uint8Array;
  /** As read back, without the marks of direction that the reader puts around words from right to left. */
  readonly text: string;
  readonly warnings: readonly RenderWarning[];
}

async function print(
  cells: readonly string[],
  facts: { fontsFolder?: string; options?: ReportOptions } = {},
): Promise<Printed> {
  const { fontsFolder = null, options: asked = options({}) } = facts;
  const { bytes, summary } = await render(
    createPdfRenderer,
    [column("SAMPLE", "text")],
    rowsOf(...cells),
    { options: asked, presentation: { ...DEFAULT_PRESENTATION, fontsFolder } },
  );
  const text = (await readPages(bytes)).join("\n").replaceAll(/[\u202A-\u202E\u2066-\u2069]/g, "");
  return { bytes, text, warnings: summary.warnings };
}

function codesOf(warnings: readonly RenderWarning[]): Record<string, number> {
  return Object.fromEntries(warnings.map(({ code, count }) => [code, count]));
}

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fonts-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** A folder with these files, from those of the tests or with the given bytes. */
async function makeFolder(files: Record<string, Uint8Array | "copy">): Promise<string> {
  const path = await mkdtemp(join(folder, "some-"));
  for (const [name, bytes] of Object.entries(files)) {
    if (bytes === "copy") await copyFile(join(FONTS, name), join(path, name));
    else await Bun.write(join(path, name), bytes);
  }
  return path;
}

describe.skipIf(lacksReaders)(`characters that the family lacks${whySkipped}`, () => {
  test("are taken from the embedded font, and read back exactly", async () => {
    const samples = [
      "საქართველოს დედაქალაქი თბილისი",
      "Հայաստանի Հանրապետություն Երևան",
      "┌──┬──┐ │ab│cd│ └──┴──┘ █▓▒░ ▲▼◆★☎",
      "€ 12 und ₪ 15, 3 ≤ ∑ 4 ⇒ ∅",
      "Ξεσκεπάζω, Съешь, đặc biệt, Straße and საქ. in one line",
      "ⴰⵣⵓⵍ ᐃᓄᒃᑎᑐᑦ ⠃⠗⠁⠊⠇⠇⠑",
    ];
    const { bytes, text, warnings } = await print(samples);
    for (const sample of samples) expect(text).toContain(sample);
    expect(warnings).toEqual([]);
    expect(await findFaults(bytes)).toBe("");
  });

  test("from right to left read back in their own order", async () => {
    const samples = [
      "שלום עולם",
      "דוד לוי",
      "בְּרֵאשִׁית",
      "مرحبا بالعالم",
      "الاسم لا سلام",
      "كُتُب",
      "می‌خواهم",
    ];
    const { bytes, text, warnings } = await print(samples);
    for (const sample of samples) expect(text.normalize()).toContain(sample.normalize());
    expect(warnings).toEqual([]);
    expect(await findFaults(bytes)).toBe("");
  });

  test("cost nothing when there are none: the document has the two fonts of the family", async () => {
    const { bytes } = await print(["only Latin, Ελληνικά и кириллица"]);
    expect(
      Buffer.from(bytes)
        .toString("latin1")
        .match(/\/BaseFont/g),
    ).toHaveLength(4);
  });

  test("are boxes and counted when no font has them", async () => {
    const { text, warnings } = await print(["日本", "ok"], { fontsFolder: await makeFolder({}) });
    expect(codesOf(warnings)).toEqual({ missing_glyph: 2 });
    expect(text).toContain("日本");
  });
});

describe.skipIf(lacksReaders)(`fonts in a folder${whySkipped}`, () => {
  const japanese = "日本語のテキスト、東京都です。「한국어」 中文測試";

  test("with CFF outlines give the characters that the others lack", async () => {
    const fontsFolder = await makeFolder({ "NotoSansCJKjp-subset.otf": "copy" });
    const { bytes, text, warnings } = await print([`AB12 ${japanese}`], { fontsFolder });
    expect(warnings).toEqual([]);
    expect(text).toContain(`AB12 ${japanese}`);
    expect(await findFaults(bytes)).toBe("");
    expect(Buffer.from(bytes).toString("latin1")).toContain("/CIDFontType0C");
  });

  test("may be collections", async () => {
    const whole = await Bun.file(join(FONTS, "NotoSansCJKjp-subset.otf")).bytes();
    const fontsFolder = await makeFolder({ "collection.ttc": makeCollection(whole) });
    const { bytes, text, warnings } = await print([japanese], { fontsFolder });
    expect(warnings).toEqual([]);
    expect(text).toContain(japanese);
    expect(await findFaults(bytes)).toBe("");
  });

  test("shape the scripts that they know", async () => {
    const fontsFolder = await makeFolder({ "NotoSansDevanagari-subset.ttf": "copy" });
    const { text, warnings } = await print(["नमस्ते दुनिया क्षत्रिय हिन्दी"], { fontsFolder });
    expect(warnings).toEqual([]);
    expect(text).toContain("नमस्ते दुनिया क्षत्रिय हिन्दी");
  });

  test("that do not know how to shape a script are used, and that is said", async () => {
    const whole = await Bun.file(join(FONTS, "NotoSansDevanagari-subset.ttf")).bytes();
    const ignorant = renameTable(whole, "GSUB", "XSUB");
    const fontsFolder = await makeFolder({ "ignorant.ttf": ignorant });
    const { text, warnings } = await print(["नमस्ते"], { fontsFolder });
    expect(codesOf(warnings)).toEqual({ unshaped_script: 6 });
    expect(text).toContain("न");
  });

  test("that are broken are passed over and named", async () => {
    const whole = await Bun.file(join(FONTS, "NotoSansCJKjp-subset.otf")).bytes();
    const fontsFolder = await makeFolder({
      "a-cut.otf": whole.slice(0, 3000),
      "b-empty.ttf": new Uint8Array(),
      "c-text.ttf": Buffer.from("this is no font at all, whatever its name says"),
      "d-noise.otf": whole.map((byte, at) => (at < 400 ? byte : (byte * 7 + at) & 255)),
      "e-sound.otf": whole,
      "readme.txt": Buffer.from("not looked at"),
    });
    const { bytes, text, warnings } = await print([japanese], { fontsFolder });
    expect(codesOf(warnings)).toEqual({ font_unreadable: 4 });
    expect(warnings[0]?.message).toContain("a-cut.otf, b-empty.ttf, c-text.ttf, d-noise.otf");
    expect(text).toContain(japanese);
    expect(await findFaults(bytes)).toBe("");
  });

  test("that cannot be listed are a warning, but only when a character was looked for there", async () => {
    const fontsFolder = join(folder, "missing");
    expect((await print(["plain, שלום"], { fontsFolder })).warnings).toEqual([]);
    const { warnings } = await print(["日"], { fontsFolder });
    expect(codesOf(warnings)).toEqual({ missing_glyph: 1, font_unreadable: 1 });
    expect(warnings[1]?.message).toContain(fontsFolder);
  });

  test("of the tests are small", async () => {
    for (const name of await readdir(FONTS)) {
      expect(Bun.file(join(FONTS, name)).size).toBeLessThan(50_000);
    }
  });
});

/** A collection (OpenType, "Font Collections") of one font: all its tables stand 16 bytes further on. */
function makeCollection(file: Uint8Array): Uint8Array {
  const font = Buffer.from(file);
  const header = Buffer.alloc(16);
  header.write("ttcf", "latin1");
  header.writeUInt32BE(0x00010000, 4);
  header.writeUInt32BE(1, 8);
  header.writeUInt32BE(16, 12);
  for (let at = 12; at < 12 + 16 * font.readUInt16BE(4); at += 16) {
    font.writeUInt32BE(font.readUInt32BE(at + 8) + 16, at + 8);
  }
  return Buffer.concat([header, font]);
}

function renameTable(file: Uint8Array, from: string, to: string): Uint8Array {
  const font = Buffer.from(file);
  const at = font.subarray(0, 12 + 16 * font.readUInt16BE(4)).indexOf(from, 0, "latin1");
  expect(at).toBeGreaterThan(0);
  font.write(to, at, "latin1");
  return font;
}
