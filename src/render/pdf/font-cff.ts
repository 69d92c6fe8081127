/**
 * The glyphs of a CFF font that a document uses, as a CFF table (Adobe Technical Note 5176). The subsetter is
 * HarfBuzz's: that of fontkit takes the wrong local subroutines for glyphs of a font with several font dictionaries,
 * as fonts for Chinese, Japanese and Korean are, and they come out garbled. Its WebAssembly module (684 kB) is
 * compiled when the first such font is written.
 */
import wasmPath from "harfbuzzjs/dist/harfbuzz-subset.wasm" with { type: "file" };
import type { FontFile } from "./font-files.ts";
import { compileNative, copyIn, openNative } from "./font-native.ts";
import { listTables } from "./font-reader.ts";

export interface CffSubset {
  /** The CFF table. */
  readonly program: Uint8Array;
  /** By which number a PDF selects each glyph (ISO 32000-1 §9.7.4.2), by the number it has in the font file. */
  readonly cids: ReadonlyMap<number, number>;
}

/** The functions of HarfBuzz's C interface that are used. */
const FUNCTIONS = [
  "_initialize",
  "malloc",
  "hb_blob_create",
  "hb_blob_get_data",
  "hb_blob_get_length",
  "hb_face_create",
  "hb_face_reference_blob",
  "hb_set_add",
  "hb_subset_input_create_or_fail",
  "hb_subset_input_glyph_set",
  "hb_subset_input_set_flags",
  "hb_subset_or_fail",
] as const;

const MEMORY_MODE_READONLY = 1;
/**
 * HB_SUBSET_FLAGS_NOTDEF_OUTLINE, _NO_LAYOUT_CLOSURE, _DESUBROUTINIZE: the box is kept, no glyph is added, and
 * outlines are written out, which takes half of the memory.
 */
const SUBSET_FLAGS = 0x40 | 0x200 | 0x04;

let compiled: WebAssembly.Module | undefined;

/**
 * Glyph 0 is always in the subset. When HarfBuzz cannot subset the font, as more glyphs are asked for than its 68 MB
 * of memory are enough for (about 16,000 of Noto Sans CJK), it is the whole table. Throws when the table is broken.
 */
export function subsetCff(file: FontFile, glyphIds: readonly number[]): CffSubset {
  const kept = [...new Set([0, ...glyphIds])].toSorted((a, b) => a - b);
  const font = subsetFont(file, kept);
  const whole = readCff(file.bytes, file.index);
  if (font === null) return whole;
  const { program, cids } = readCff(font, 0);
  if (cids.size !== kept.length) return whole;
  return { program, cids: new Map(kept.map((glyphId, at) => [glyphId, cids.get(at) ?? 0])) };
}

function readCff(file: Uint8Array, index: number): CffSubset {
  const place = listTables(file, index).get("CFF ");
  if (place === undefined) throw new Error("The font has no table CFF");
  const program = Buffer.from(file.buffer, file.byteOffset + place.offset, place.length);
  return { program, cids: new Map(readCharset(program).entries()) };
}

/** A new instance for each font: its memory, which the font fills, goes with it. */
function subsetFont(file: FontFile, glyphIds: readonly number[]): Uint8Array | null {
  compiled ??= compileNative(wasmPath);
  const harfbuzz = openNative(compiled, {}, FUNCTIONS);
  harfbuzz.call("_initialize");
  const place = copyIn(harfbuzz, file.bytes);
  if (place === null) return null;
  const blob = harfbuzz.call("hb_blob_create", place.at, place.length, MEMORY_MODE_READONLY, 0, 0);
  const face = harfbuzz.call("hb_face_create", blob, file.index);
  const input = harfbuzz.call("hb_subset_input_create_or_fail");
  const glyphs = harfbuzz.call("hb_subset_input_glyph_set", input);
  for (const glyphId of glyphIds) harfbuzz.call("hb_set_add", glyphs, glyphId);
  harfbuzz.call("hb_subset_input_set_flags", input, SUBSET_FLAGS);
  const subset = harfbuzz.call("hb_subset_or_fail", face, input);
  if (subset === 0) return null;
  const result = harfbuzz.call("hb_face_reference_blob", subset);
  const start = harfbuzz.call("hb_blob_get_data", result, 0);
  const size = harfbuzz.call("hb_blob_get_length", result);
  return new Uint8Array(harfbuzz.memory.buffer.slice(start, start + size));
}

/** Operators of a top dictionary (note 5176, table 9); those of two bytes are 12 * 256 and more. */
const CHARSET = 15;
const CHAR_STRINGS = 17;
const ROS = 12 * 256 + 30;

/** For each glyph the number that selects it: its CID, or its place in a font that has no CIDs. */
function readCharset(program: Buffer): number[] {
  const names = readIndex(program, program.readUInt8(2));
  const [top] = readIndex(program, names.end).parts;
  if (top === undefined) throw new Error("The CFF table has no top dictionary");
  const entries = readDictionary(top);
  const count = program.readUInt16BE(entries.get(CHAR_STRINGS) ?? 0);
  if (!entries.has(ROS)) return Array.from({ length: count }, (_, glyphId) => glyphId);
  return readCids(program, entries.get(CHARSET) ?? 0, count);
}

/** Charset formats 0, 1 and 2 (note 5176, section 13); glyph 0 is not in it. */
function readCids(program: Buffer, start: number, count: number): number[] {
  const format = program.readUInt8(start);
  const cids = [0];
  let at = start + 1;
  while (cids.length < count) {
    const first = program.readUInt16BE(at);
    at += 2;
    const left = format === 0 ? 0 : program.readUIntBE(at, format);
    at += format;
    for (let step = 0; step <= left; step++) cids.push(first + step);
  }
  return cids;
}

/** An INDEX (note 5176, section 5). */
function readIndex(program: Buffer, start: number): { parts: Buffer[]; end: number } {
  const count = program.readUInt16BE(start);
  if (count === 0) return { parts: [], end: start + 2 };
  const offsetSize = program.readUInt8(start + 2);
  const base = start + 3 + (count + 1) * offsetSize - 1;
  const offsetOf = (at: number): number =>
    base + program.readUIntBE(start + 3 + at * offsetSize, offsetSize);
  const parts = Array.from({ length: count }, (_, at) =>
    program.subarray(offsetOf(at), offsetOf(at + 1)),
  );
  return { parts, end: offsetOf(count) };
}

/** The last operand of each operator (note 5176, section 4); real numbers are skipped. */
function readDictionary(bytes: Buffer): Map<number, number> {
  const entries = new Map<number, number>();
  let operand = 0;
  let at = 0;
  while (at < bytes.length) {
    const first = bytes.readUInt8(at);
    if (first <= 21) {
      const isLong = first === 12;
      entries.set(isLong ? 12 * 256 + bytes.readUInt8(at + 1) : first, operand);
      at += isLong ? 2 : 1;
    } else {
      const { value, size } = readOperand(bytes, at, first);
      operand = value;
      at += size;
    }
  }
  return entries;
}

function readOperand(bytes: Buffer, at: number, first: number): { value: number; size: number } {
  if (first === 28) return { value: bytes.readInt16BE(at + 1), size: 3 };
  if (first === 29) return { value: bytes.readInt32BE(at + 1), size: 5 };
  if (first === 30) return { value: 0, size: sizeOfReal(bytes, at) };
  if (first <= 246) return { value: first - 139, size: 1 };
  const low = bytes.readUInt8(at + 1);
  const value = first <= 250 ? (first - 247) * 256 + low + 108 : -(first - 251) * 256 - low - 108;
  return { value, size: 2 };
}

/** A real number ends with a half byte of ones. */
function sizeOfReal(bytes: Buffer, start: number): number {
  let at = start + 1;
  while ((bytes.readUInt8(at) & 0x0f) !== 0x0f && bytes.readUInt8(at) >> 4 !== 0x0f) at++;
  return at + 1 - start;
}
