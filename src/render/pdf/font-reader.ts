/** Reads font files: TrueType, OpenType with CFF outlines, and collections of them. */
import { readCharacterMap } from "./font-cmap.ts";
import type { FontFile, FontMetrics } from "./font-files.ts";

/** Tables without which a font cannot be measured. */
const NEEDED = ["cmap", "head", "hhea", "hmtx", "maxp"];

/** How a file begins that is one font: TrueType outlines (two ways to say so), or CFF. */
const ONE_FONT = ["\0\u0001\0\0", "true", "OTTO"];
const COLLECTION = "ttcf";

/**
 * The fonts of a file. Throws when it is not a font that a PDF can embed, or is cut short. The few tables are read
 * here: the module of fontkit alone takes 90 ms to load.
 */
export function readFonts(bytes: Uint8Array): FontFile[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const kind = file.toString("latin1", 0, 4);
  if (kind !== COLLECTION && !ONE_FONT.includes(kind)) throw new Error("The file is not a font");
  const count = kind === COLLECTION ? file.readUInt32BE(8) : 1;
  return Array.from({ length: count }, (_, index) => describeFont(bytes, index));
}

function describeFont(bytes: Uint8Array, index: number): FontFile {
  const places = listTables(bytes, index);
  const outlines = readOutlines(places, bytes.length);
  const tableOf = (tag: string): Buffer => {
    const { offset, length } = places.get(tag) ?? { offset: 0, length: 0 };
    return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
  };
  const glyphCount = tableOf("maxp").readUInt16BE(4);
  const metrics = readMetrics(tableOf("head"), tableOf("hhea"), tableOf("OS/2"));
  if (metrics.unitsPerEm === 0) throw new Error("The font has no size");
  return {
    ...metrics,
    ...readCharacterMap(tableOf("cmap")),
    bytes,
    index,
    outlines,
    name: readName(tableOf("name")).replaceAll(/[^\w-]/g, ""),
    glyphCount,
    advanceOf: readAdvances(tableOf("hmtx"), tableOf("hhea").readUInt16BE(34)),
    scripts: readScripts(tableOf("GSUB")),
  };
}

function readMetrics(head: Buffer, hhea: Buffer, os2: Buffer): FontMetrics {
  const ascent = hhea.readInt16BE(4);
  // Versions 0 and 1 of the table end before the height of capitals.
  const hasCapHeight = os2.length >= 90 && os2.readUInt16BE(0) >= 2;
  return {
    unitsPerEm: head.readUInt16BE(18),
    box: [36, 38, 40, 42].map((at) => head.readInt16BE(at)),
    ascent,
    descent: hhea.readInt16BE(6),
    capHeight: (hasCapHeight ? os2.readInt16BE(88) : 0) || ascent,
  };
}

const POSTSCRIPT_NAME = 6;
const MACINTOSH = 1;

/** Names are UTF-16 but for the Macintosh's; a PostScript name is ASCII in either. */
function readName(table: Buffer): string {
  const count = table.length === 0 ? 0 : table.readUInt16BE(2);
  const stringsAt = count === 0 ? 0 : table.readUInt16BE(4);
  for (let at = 6; at < 6 + 12 * count; at += 12) {
    if (table.readUInt16BE(at + 6) !== POSTSCRIPT_NAME) continue;
    const from = stringsAt + table.readUInt16BE(at + 10);
    const text = table.subarray(from, from + table.readUInt16BE(at + 8));
    if (table.readUInt16BE(at) === MACINTOSH) return text.toString("latin1");
    return new TextDecoder("utf-16be").decode(text);
  }
  return "Font";
}

/** Glyphs from `metricCount` on share the last advance. */
function readAdvances(hmtx: Buffer, metricCount: number): (glyphId: number) => number {
  if (metricCount === 0 || 4 * metricCount > hmtx.length) throw new Error("The font has no widths");
  return (glyphId) => hmtx.readUInt16BE(4 * Math.min(glyphId, metricCount - 1));
}

function readScripts(gsub: Buffer): Set<string> {
  if (gsub.length === 0) return new Set();
  const list = gsub.readUInt16BE(4);
  const count = gsub.readUInt16BE(list);
  return new Set(
    Array.from({ length: count }, (_, at) => {
      const record = list + 2 + 6 * at;
      return gsub.toString("latin1", record, record + 4);
    }),
  );
}

/** Where each table of a font is in its file (OpenType 1.9, "Organization of an OpenType font"). */
export function listTables(
  file: Uint8Array,
  index: number,
): Map<string, { offset: number; length: number }> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const start =
    bytes.toString("latin1", 0, 4) === COLLECTION ? bytes.readUInt32BE(12 + 4 * index) : 0;
  const tables = new Map<string, { offset: number; length: number }>();
  const end = start + 12 + 16 * bytes.readUInt16BE(start + 4);
  for (let at = start + 12; at < end; at += 16) {
    const place = { offset: bytes.readUInt32BE(at + 8), length: bytes.readUInt32BE(at + 12) };
    tables.set(bytes.toString("latin1", at, at + 4), place);
  }
  return tables;
}

function readOutlines(tables: ReturnType<typeof listTables>, size: number): FontFile["outlines"] {
  for (const [tag, { offset, length }] of tables) {
    if (offset + length > size) throw new Error(`The table ${tag} ends behind the end of the file`);
  }
  const missing = NEEDED.filter((tag) => !tables.has(tag));
  if (missing.length > 0) throw new Error(`The font has no table ${missing.join(", ")}`);
  if (tables.has("glyf") && tables.has("loca")) return "truetype";
  // CFF2 (variable fonts) and fonts of pictures alone cannot stand in a PDF.
  if (tables.has("CFF ")) return "cff";
  throw new Error("The font has neither TrueType nor CFF outlines");
}
