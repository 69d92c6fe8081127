import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  appendDoubling,
  appendPlain,
  appendUtf8,
  createByteBuffer,
  encodeText,
  takeBytes,
} from "../../src/render/byte-buffer.ts";
import { formatTimestamp } from "../../src/render/cells.ts";
import { appendPlainTimestamp } from "../../src/render/csv-times.ts";

const QUOTE = 0x22;
/** Half characters too. */
const texts = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }))
  .map((codes) => String.fromCharCode(...codes));

describe("a byte buffer", () => {
  test("takes any text as TextEncoder encodes it, however little room there was", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(texts, units)), (pieces) => {
        const buffer = createByteBuffer(1);
        for (const piece of pieces) appendUtf8(buffer, piece);
        const expected = Buffer.concat(pieces.map((piece) => encodeText(piece)));
        expect(takeBytes(buffer)).toEqual(new Uint8Array(expected));
      }),
      { numRuns: 500 },
    );
  });

  test("doubles one character where it is told to", () => {
    fc.assert(
      fc.property(fc.oneof(texts, units), (text) => {
        const buffer = createByteBuffer(1);
        appendDoubling(buffer, text, QUOTE);
        expect(takeBytes(buffer)).toEqual(encodeText(text.replaceAll('"', '""')));
      }),
      { numRuns: 500 },
    );
  });

  test("takes a text without special characters as TextEncoder encodes it, and nothing of another", () => {
    const specials = new Uint8Array(128);
    specials[QUOTE] = 1;
    const buffer = createByteBuffer(1);
    expect(appendPlain(buffer, 'abc"', specials)).toBe(false);
    expect(appendPlain(buffer, "abcé\u20ac\ud83d\ude00", specials)).toBe(false);
    expect(appendPlain(buffer, "abc\ud800", specials)).toBe(false);
    expect(appendPlain(buffer, "abc\u007fé\u07ff\u0800\uffff", specials)).toBe(true);
    expect(takeBytes(buffer)).toEqual(encodeText("abc\u007fé\u07ff\u0800\uffff"));
  });
});

describe("a timestamp in a buffer", () => {
  const write = (cell: string): string | null => {
    const buffer = createByteBuffer(1);
    return appendPlainTimestamp(buffer, cell) ? new TextDecoder().decode(takeBytes(buffer)) : null;
  };

  test("reads as its text does, whatever its fraction", () => {
    const seconds = fc.oneof(
      fc.integer({ min: 0, max: 99_999_999_999 }),
      fc.integer({ min: 1_500_000_000, max: 1_800_000_000 }),
    );
    const fractions = fc.oneof(
      fc.constantFrom("", ".", ".0", ".000000000", ".500", ".000001", ".999999999"),
      fc.integer({ min: 0, max: 999_999_999 }).map((nanos) => `.${String(nanos).padStart(9, "0")}`),
      fc.stringMatching(/^\.\d{1,9}$/),
    );
    fc.assert(
      fc.property(seconds, fractions, (whole, fraction) => {
        const cell = `${whole}${fraction}`;
        expect(write(cell)).toBe(formatTimestamp(cell, "timestamp_ntz", "UTC"));
      }),
      { numRuns: 2000 },
    );
  });

  test("is left alone when it is before 1970, of a far year or malformed", () => {
    const others = [
      "",
      "-1",
      "-0.5",
      "123456789012",
      "1x",
      "1.x",
      "1.5x",
      "1.0000000000",
      ".5",
      " 1",
    ];
    expect(others.map(write)).toEqual(others.map(() => null));
  });
});
