import { describe, expect, test } from "bun:test";
import createBidi from "bidi-js";
import * as fc from "fast-check";
import { join } from "node:path";
import { isRightToLeft, orderVisually } from "../../src/render/pdf/bidi-order.ts";
import { loadFontFamily } from "../../src/render/pdf/font-files.ts";
import { createPdfRenderer } from "../../src/render/pdf/renderer.ts";
import { openShapeEngine } from "../../src/render/pdf/shape-engine.ts";
import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { countParts, takePicture, trimPicture } from "./pdf-ink.ts";
import {
  findFaults,
  lacksReaders,
  readPages,
  readWords,
  whySkipped,
  type Word,
} from "./pdf-reading.ts";
import { column, options, render, rowsOf } from "./rendering.ts";

async function print(cells: readonly string[], json: unknown = {}): Promise<Uint8Array> {
  const { bytes } = await render(createPdfRenderer, [column("S", "text")], rowsOf(...cells), {
    options: options(json),
    presentation: { ...DEFAULT_PRESENTATION, fontsFolder: join(import.meta.dir, "fonts") },
  });
  expect(await findFaults(bytes)).toBe("");
  return bytes;
}

const RIGHT_TO_LEFT = /[\u0590-\u08FF]/;

/** The lines of the table, between its header "S" and the footer; the letters of each word in their own order. */
async function readLines(bytes: Uint8Array): Promise<{ top: number; words: Word[] }[]> {
  const words = await readWords(bytes);
  const header = words.find(({ text }) => text === "S")?.top ?? 0;
  const lines: { top: number; words: Word[] }[] = [];
  for (const word of words.toSorted((one, other) => one.top - other.top)) {
    if (word.top < header + 5 || word.top > 700) continue;
    const text = RIGHT_TO_LEFT.test(word.text)
      ? Array.from(word.text).toReversed().join("")
      : word.text;
    const line = lines.at(-1);
    // Words in different fonts of one line have different heights.
    if (line !== undefined && word.top - line.top < 5) line.words.push({ ...word, text });
    else lines.push({ top: word.top, words: [{ ...word, text }] });
  }
  for (const line of lines) line.words.sort((one, other) => one.left - other.left);
  return lines;
}

/** The picture of each cell of a table with one column, one line each. */
async function drawCells(cells: readonly string[]): Promise<string[][]> {
  const bytes = await print(cells);
  const lines = await readLines(bytes);
  const picture = await takePicture(bytes);
  expect(lines).toHaveLength(cells.length);
  return lines.map(({ top }) =>
    picture.crop({ left: 42, right: 550, top: top - 1, bottom: top + 13 }),
  );
}

describe.skipIf(lacksReaders)(`the letters of an Arabic word${whySkipped}`, () => {
  test("touch each other", async () => {
    const pictures = await drawCells(["سسس", "س\u200Cس\u200Cس", "محل"]);
    expect(pictures.map(countParts)).toEqual([1, 3, 1]);
  });

  test("have the forms of their places", async () => {
    const wide = (await loadFontFamily()).openWide("regular");
    const shape = openShapeEngine();
    const glyphs = shape(wide, "ببب", "rightToLeft").map(({ glyphId }) => glyphId);
    const isolated = shape(wide, "ب", "rightToLeft").map(({ glyphId }) => glyphId);
    // Presentation forms of beh: final, medial, initial, as they stand from left to right.
    const forms = [0xfe90, 0xfe92, 0xfe91].map((code) => wide.glyphOf(code));
    expect(glyphs).toEqual(forms);
    expect(isolated).toEqual([wide.glyphOf(0x0628)]);
  });
});

describe.skipIf(lacksReaders)(`a line from right to left${whySkipped}`, () => {
  test("has its first word at the right edge of the column, whatever stands beside it", async () => {
    const [hebrew, latin] = await readLines(await print(["שלום עולם", "some plain text"]));
    expect(hebrew?.words.map(({ text }) => text)).toEqual(["עולם", "שלום"]);
    expect(hebrew?.words[0]?.left).toBeGreaterThan((latin?.words[0]?.left ?? 0) + 5);
  });

  test("stands where the options align it", async () => {
    const json = { columns: { S: { align: "left" } } };
    const [hebrew, latin] = await readLines(await print(["שלום", "some plain text"], json));
    expect(hebrew?.words[0]?.left).toBeCloseTo(latin?.words[0]?.left ?? 0, 0);
  });

  test("keeps numbers and Latin words in their order between its words", async () => {
    const [line] = await readLines(await print(["הזמנה ACME Ltd עלתה 1,234 אתמול"]));
    const order = line?.words.map(({ text }) => text);
    expect(order).toEqual(["אתמול", "1,234", "עלתה", "ACME", "Ltd", "הזמנה"]);
  });

  test("mirrors brackets", async () => {
    const [hebrew, latin] = await drawCells(["( א", "ab )"]);
    // Both pictures end with a bracket that bulges to the right, as the one that closes a Latin text.
    for (const rows of [hebrew, latin]) {
      const bracket = trimPicture(trimPicture(rows ?? []).map((row) => row.slice(-8)));
      const [first = "", middle = ""] = [bracket[0], bracket[Math.floor(bracket.length / 2)]];
      expect(first.indexOf("#")).toBeLessThan(middle.indexOf("#"));
    }
  });

  test("that is broken goes on at the right edge, and loses no word", async () => {
    const sentence = "זהו טקסט ארוך עם Snowflake warehouse ועם 12345 מספרים";
    const cell = Array.from({ length: 12 }, () => sentence).join(" ");
    const lines = await readLines(await print([cell], { columns: { S: { width: 40 } } }));
    expect(lines.length).toBeGreaterThan(4);
    const right = Math.max(...lines.flatMap(({ words }) => words.map((word) => word.right)));
    for (const { words } of lines) {
      expect(words.at(-1)?.right).toBeCloseTo(right, 0);
      // 40 digits of 4.2 points.
      expect(right - (words[0]?.left ?? 0)).toBeLessThan(40 * 4.3);
    }
    const words = lines.flatMap((line) => line.words.map(({ text }) => text));
    expect(words.toSorted()).toEqual(cell.split(" ").toSorted());
    expect(lines[0]?.words.at(-1)?.text).toBe("זהו");
  });

  test("reads back in its order where it is part of a Latin text", async () => {
    const pages = await readPages(await print(["see שלום עולם, ok", "12 مرحبا بالعالم 34"]));
    const text = pages.join("").replaceAll(/[\u202A-\u202E]/g, "");
    expect(text).toContain("see שלום עולם, ok");
    expect(text).toContain("مرحبا بالعالم");
  });
});

describe.skipIf(lacksReaders)(`the footer${whySkipped}`, () => {
  test.each(["דוח חודשי", "Report דוח", "Report"])(
    "has the date before the time behind the title %j",
    async (title) => {
      const words = await readWords(await print(["x"], { title }));
      const bottom = Math.max(...words.map(({ top }) => top));
      const footer = words.filter(({ top }) => bottom - top < 5);
      const leftOf = (text: string) => footer.find((word) => word.text === text)?.left ?? NaN;
      expect(leftOf("2026-11-22")).toBeLessThan(leftOf("08:30:00+00:00"));
    },
  );

  test("shows the date behind a title that is too long for it", async () => {
    const [page = ""] = await readPages(await print(["x"], { title: "long ".repeat(39) }));
    expect(page.split("\n").findLast((line) => line.trim() !== "")).toMatch(
      /^long [long ]*… {1,3}· {1,3}2026-11-22 08:30:00\+00:00 +Page 1 of 1$/,
    );
  });
});

describe.skipIf(lacksReaders)(`East Asian text${whySkipped}`, () => {
  test("looks the same whatever else the document uses of its font", async () => {
    const [, alone] = await drawCells(["first", "日"]);
    const [, between] = await drawCells(["first", "日", "本東京한국어テキスト「」", "中文測試"]);
    const picture = trimPicture(alone ?? []);
    // A frame with a bar in the middle: three strokes across.
    const middle = picture.map((row) => row[Math.floor(row.length / 2)]).join("");
    expect(middle.match(/#+/g)).toHaveLength(3);
    expect(trimPicture(between ?? [])).toEqual(picture);
  });

  test("is broken between words, never before a full stop or behind an opening bracket", async () => {
    const cell = "日本語のテキスト、東京都です。「日本」".repeat(20);
    const lines = await readLines(await print([cell], { columns: { S: { width: 30 } } }));
    const texts = lines.map(({ words }) => words.map(({ text }) => text).join(""));
    expect(texts.length).toBeGreaterThan(8);
    expect(texts.join("")).toBe(cell);
    for (const text of texts) {
      expect(text).not.toMatch(/^[、。」]/u);
      expect(text).not.toMatch(/「$/u);
    }
  });
});

describe("the order of a line as it is seen", () => {
  test("is that of the bidirectional algorithm", () => {
    const bidi = createBidi();
    const unit = fc.constantFrom(...Array.from("abאבمن12(),.-₪ \u202B\u202C\u2067\u2069"));
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 30 }), (inner) => {
        // White space at the end has rules of its own; lines have none.
        const line = `${inner}a`;
        const levels = bidi.getEmbeddingLevels(line);
        const items = Array.from(levels.levels, (level, at) => ({ level, at }));
        const expected = bidi.getReorderedIndices(line, levels);
        expect(isRightToLeft(line)).toBe(levels.paragraphs[0]?.level === 1);
        expect(orderVisually(items).map(({ at }) => at)).toEqual(expected);
      }),
    );
  });
});
