/** Reads font files: TrueType, OpenType with CFF outlines, and collections of them. */
import type fontkit from "@pdf-lib/fontkit";
import type { Font } from "@pdf-lib/fontkit";
import type { FontFile } from "./font-files.ts";

export type ReadFonts = (bytes: Uint8Array) => FontFile[];

/** What fontkit's `create` returns for a collection (.ttc), which its types leave out. */
interface Collection {
  readonly fonts: readonly Font[];
}

/** Tables without which a font cannot be measured. */
const NEEDED = ["cmap", "head", "hhea", "hmtx", "maxp"];

/** The reader throws when a file is not a font that a PDF can embed, or is cut short. */
export function createFontReader({ create }: typeof fontkit): ReadFonts {
  return (bytes) => {
    const created: Font | Collection = create(bytes);
    const fonts = isCollection(created) ? created.fonts : [created];
    return fonts.map((font, index) => describeFont(font, bytes, index));
  };
}

function describeFont(font: Font, bytes: Uint8Array, index: number): FontFile {
  const places = listTables(bytes, index);
  const outlines = readOutlines(places, bytes.length);
  const tableOf = (tag: string): Buffer => {
    const { offset, length } = places.get(tag) ?? { offset: 0, length: 0 };
    return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
  };
  const glyphCount = tableOf("maxp").readUInt16BE(4);
  checkMetrics(font);
  return {
    font,
    bytes,
    index,
    outlines,
    name: (font.postscriptName ?? "Font").replaceAll(/[^\w-]/g, ""),
    glyphCount,
    advanceOf: readAdvances(tableOf("hmtx"), tableOf("hhea").readUInt16BE(34)),
    scripts: readScripts(tableOf("GSUB")),
  };
}

/** Glyphs from `metricCount` on share the last advance. fontkit would parse the outline for each width. */
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

function isCollection(created: Font | Collection): created is Collection {
  return "fonts" in created;
}

/** Where each table of a font is in its file (OpenType 1.9, "Organization of an OpenType font"). */
export function listTables(
  file: Uint8Array,
  index: number,
): Map<string, { offset: number; length: number }> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const start = bytes.toString("latin1", 0, 4) === "ttcf" ? bytes.readUInt32BE(12 + 4 * index) : 0;
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

/** fontkit parses tables when they are asked for; a table that is broken must be found now. */
function checkMetrics({ unitsPerEm, ascent, descent, capHeight, bbox }: Font): void {
  const { minX, minY, maxX, maxY } = bbox;
  const numbers = [1000 / unitsPerEm, ascent, descent, minX, minY, maxX, maxY];
  if (!numbers.every(Number.isFinite) || !Number.isFinite(capHeight ?? 0)) {
    throw new Error("The font has no usable metrics");
  }
}
