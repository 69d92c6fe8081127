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
import { formatWallTime } from "../../src/render/cells.ts";
import { appendWallTime } from "../../src/render/csv-times.ts";

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

  test("takes nothing of a text with a special character or one that is not ASCII", () => {
    const specials = new Uint8Array(128);
    specials[QUOTE] = 1;
    const buffer = createByteBuffer(1);
    expect(appendPlain(buffer, 'abc"', specials)).toBe(false);
    expect(appendPlain(buffer, "abcé", specials)).toBe(false);
    expect(appendPlain(buffer, "abc\u007f", specials)).toBe(true);
    expect(takeBytes(buffer)).toEqual(encodeText("abc\u007f"));
  });
});

describe("a wall time in a buffer", () => {
  test("reads as its text does, in any year, with or without a zone", () => {
    const walls = fc.record({
      seconds: fc.integer({ min: -62_167_219_200 * 2, max: 253_402_300_799 * 2 }),
      nanos: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: 999 }).map((milliseconds) => milliseconds * 1_000_000),
        fc.integer({ min: 0, max: 999_999 }).map((microseconds) => microseconds * 1_000),
        fc.integer({ min: 0, max: 999_999_999 }),
      ),
      offsetSeconds: fc.option(fc.integer({ min: -86_400, max: 86_400 })),
    });
    fc.assert(
      fc.property(walls, (wall) => {
        const buffer = createByteBuffer(1);
        appendWallTime(buffer, wall);
        expect(takeBytes(buffer)).toEqual(encodeText(formatWallTime(wall)));
      }),
      { numRuns: 2000 },
    );
  });
});
