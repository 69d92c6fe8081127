/**
 * A TrueType file with only the glyphs that a document uses (OpenType 1.9: directory, head, hhea, hmtx, loca, maxp,
 * glyf). fontkit's own subset writes short glyph offsets for glyphs of odd length, which cannot be: half of the
 * letters of this family then come out empty.
 */
import type { FontFile } from "./font-files.ts";
import { listTables } from "./font-reader.ts";

/** Tables that a PDF needs of a TrueType font; hinting programs are copied as they are (ISO 32000-1 §9.9). */
const COPIED = ["cvt ", "fpgm", "prep"];
const ADJUSTMENT_AT = 8;
const LOCA_FORMAT_AT = 50;
const CHECKSUM_MAGIC = 0xb1b0afba;

interface Source {
  readonly tables: ReadonlyMap<string, Buffer>;
  readonly isLongLoca: boolean;
  readonly metricCount: number;
}

/** `glyphIds` as in the font; the glyph at place 0 must be glyph 0. Parts of composed glyphs are added at the end. */
export function subsetTrueType(file: FontFile, glyphIds: readonly number[]): Uint8Array {
  const source = readSource(file);
  const { glyphs, metrics } = collectGlyphs(source, glyphIds);
  const loca = Buffer.alloc(4 * (glyphs.length + 1));
  let end = 0;
  glyphs.forEach((glyph, at) => {
    end += glyph.length;
    loca.writeUInt32BE(end, 4 * (at + 1));
  });
  const head = copyTable(source, "head");
  head.writeUInt32BE(0, ADJUSTMENT_AT);
  head.writeInt16BE(1, LOCA_FORMAT_AT);
  const maxp = copyTable(source, "maxp");
  maxp.writeUInt16BE(glyphs.length, 4);
  const hhea = copyTable(source, "hhea");
  hhea.writeUInt16BE(glyphs.length, 34);
  const tables = new Map<string, Buffer>([
    ["glyf", Buffer.concat(glyphs)],
    ["head", head],
    ["hhea", hhea],
    ["hmtx", Buffer.concat(metrics)],
    ["loca", loca],
    ["maxp", maxp],
  ]);
  for (const tag of COPIED) if (source.tables.has(tag)) tables.set(tag, copyTable(source, tag));
  return composeFile(tables);
}

function readSource({ bytes: file, index }: FontFile): Source {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const tables = new Map<string, Buffer>();
  for (const [tag, { offset, length }] of listTables(file, index)) {
    tables.set(tag, bytes.subarray(offset, offset + length));
  }
  const source = { tables, isLongLoca: false, metricCount: 0 };
  source.isLongLoca = tableOf(source, "head").readInt16BE(LOCA_FORMAT_AT) === 1;
  source.metricCount = tableOf(source, "hhea").readUInt16BE(34);
  return source;
}

function tableOf(source: Source, tag: string): Buffer {
  const table = source.tables.get(tag);
  if (table === undefined) throw new Error(`The font has no table ${tag}`);
  return table;
}

function copyTable(source: Source, tag: string): Buffer {
  return Buffer.from(tableOf(source, tag));
}

/** Glyph data, padded to four bytes, and metrics, in the new order. */
function collectGlyphs(
  source: Source,
  glyphIds: readonly number[],
): { glyphs: Buffer[]; metrics: Buffer[] } {
  const order = [...glyphIds];
  const places = new Map(order.map((glyphId, place) => [glyphId, place]));
  const placeOf = (glyphId: number): number => {
    const place = places.get(glyphId) ?? order.push(glyphId) - 1;
    places.set(glyphId, place);
    return place;
  };
  const glyphs: Buffer[] = [];
  const metrics: Buffer[] = [];
  for (let place = 0; place < order.length; place++) {
    const glyphId = order[place] ?? 0;
    const glyph = copyGlyph(source, glyphId);
    if (glyph.length > 0 && glyph.readInt16BE(0) < 0) renumberParts(glyph, placeOf);
    glyphs.push(glyph);
    metrics.push(readMetric(source, glyphId));
  }
  return { glyphs, metrics };
}

function copyGlyph(source: Source, glyphId: number): Buffer {
  const loca = tableOf(source, "loca");
  const offsetOf = (at: number): number =>
    source.isLongLoca ? loca.readUInt32BE(4 * at) : 2 * loca.readUInt16BE(2 * at);
  const data = tableOf(source, "glyf").subarray(offsetOf(glyphId), offsetOf(glyphId + 1));
  const padded = Buffer.alloc(padToFour(data.length));
  data.copy(padded);
  return padded;
}

/** Component records of a composite glyph (OpenType, glyf: "Composite Glyph Description"). */
function renumberParts(glyph: Buffer, placeOf: (glyphId: number) => number): void {
  let at = 10;
  let flags: number;
  do {
    flags = glyph.readUInt16BE(at);
    glyph.writeUInt16BE(placeOf(glyph.readUInt16BE(at + 2)), at + 2);
    at += 4 + (flags & 0x0001 ? 4 : 2);
    if (flags & 0x0008) at += 2;
    else if (flags & 0x0040) at += 4;
    else if (flags & 0x0080) at += 8;
  } while (flags & 0x0020);
}

/** Advance and left side bearing; the glyphs after `metricCount` share the last advance. */
function readMetric(source: Source, glyphId: number): Buffer {
  const { metricCount } = source;
  const hmtx = tableOf(source, "hmtx");
  const metric = Buffer.alloc(4);
  const last = Math.min(glyphId, metricCount - 1);
  metric.writeUInt16BE(hmtx.readUInt16BE(4 * last), 0);
  const bearingAt =
    glyphId < metricCount ? 4 * glyphId + 2 : 4 * metricCount + 2 * (glyphId - metricCount);
  metric.writeInt16BE(hmtx.readInt16BE(bearingAt), 2);
  return metric;
}

function composeFile(tables: ReadonlyMap<string, Buffer>): Buffer {
  const sorted = [...tables].sort(([a], [b]) => (a < b ? -1 : 1));
  const directory = Buffer.alloc(12 + 16 * sorted.length);
  const power = 2 ** Math.floor(Math.log2(sorted.length));
  directory.writeUInt32BE(0x00010000, 0);
  directory.writeUInt16BE(sorted.length, 4);
  directory.writeUInt16BE(16 * power, 6);
  directory.writeUInt16BE(Math.log2(power), 8);
  directory.writeUInt16BE(16 * (sorted.length - power), 10);
  let offset = directory.length;
  let headAt = 0;
  const parts: Buffer[] = [directory];
  sorted.forEach(([tag, table], at) => {
    const padded = Buffer.alloc(padToFour(table.length));
    table.copy(padded);
    const record = 12 + 16 * at;
    directory.write(tag, record, "latin1");
    directory.writeUInt32BE(sumWords(padded), record + 4);
    directory.writeUInt32BE(offset, record + 8);
    directory.writeUInt32BE(table.length, record + 12);
    if (tag === "head") headAt = offset;
    offset += padded.length;
    parts.push(padded);
  });
  const file = Buffer.concat(parts);
  file.writeUInt32BE((CHECKSUM_MAGIC - sumWords(file)) >>> 0, headAt + ADJUSTMENT_AT);
  return file;
}

function sumWords(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 4) sum = (sum + bytes.readUInt32BE(at)) >>> 0;
  return sum;
}

function padToFour(length: number): number {
  return (length + 3) & ~3;
}
