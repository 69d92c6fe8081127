/**
 * Fonts as PDF objects: composite fonts with two-byte codes (ISO 32000-1 §9.7), a subset of the font's glyphs, the
 * map from codes to glyphs and the map from codes to Unicode, by which text is searched, copied and read aloud.
 */
import { PDFString, type PDFRef } from "pdf-lib";
import { subsetCff } from "./font-cff.ts";
import { subsetTrueType } from "./font-subset.ts";
import type { FontUse, FontUses } from "./font-uses.ts";
import type { Entries, ObjectWriter } from "./object-writer.ts";
import { hexUtf16 } from "./shape-strings.ts";
import { toThousandths, type Sign } from "./signs.ts";

/** A `beginbfchar` or `begincidchar` section has at most 100 entries (Adobe Technical Note 5014). */
const MAP_SECTION_MAX = 100;
/** Flags of a font descriptor (§9.8.2): "symbolic", as its codes are in no standard Latin set. */
const SYMBOLIC = 4;
const STEM_WIDTHS = { regular: 80, bold: 120 } as const;
const IDENTITY = {
  Registry: PDFString.of("Adobe"),
  Ordering: PDFString.of("Identity"),
  Supplement: 0,
};

export interface FontObjects {
  /** The font resources of a page, by name; to be asked for when no more text is composed. */
  reserve(): Record<string, PDFRef>;
  /** Writes all fonts that were reserved. */
  write(): void;
}

export function createFontObjects(writer: ObjectWriter, uses: FontUses): FontObjects {
  const refs = new Map<FontUse, PDFRef>();
  return {
    reserve() {
      for (const use of uses.list()) refs.set(use, refs.get(use) ?? writer.reserve());
      return Object.fromEntries([...refs].map(([use, ref]) => [use.name, ref]));
    },
    write() {
      for (const [use, ref] of refs) writeFont(writer, ref, use);
    },
  };
}

function writeFont(writer: ObjectWriter, ref: PDFRef, use: FontUse): void {
  const { outlines } = use.file;
  const name = `${nameSubset(use.signs)}+${use.file.name}`;
  const program = outlines === "cff" ? writeCff(writer, use) : writeTrueType(writer, use);
  const descendant = writer.add({
    Type: "Font",
    BaseFont: name,
    CIDSystemInfo: IDENTITY,
    FontDescriptor: writer.add({ ...composeDescriptor(use, name), ...program.file }),
    ...program.descendant,
  });
  writer.write(ref, {
    Type: "Font",
    Subtype: "Type0",
    BaseFont: name,
    Encoding: program.encoding,
    DescendantFonts: [descendant],
    ToUnicode: writer.addStream(Buffer.from(composeUnicodeMap(use.signs), "latin1")),
  });
}

/** What differs between the two kinds of outlines. */
interface Program {
  /** Entries of the font descriptor. */
  readonly file: Entries;
  readonly descendant: Entries;
  readonly encoding: PDFRef | string;
}

/** Codes are CIDs, and a map has the glyph for each. */
function writeTrueType(writer: ObjectWriter, { file, signs }: FontUse): Program {
  const places = new Map([[0, 0]]);
  const glyphNumbers = signs.map(({ glyphId }) => {
    const place = places.get(glyphId) ?? places.size;
    places.set(glyphId, place);
    return place;
  });
  const program = subsetTrueType(file, [...places.keys()]);
  return {
    file: { FontFile2: writer.addStream(program, { Length1: program.length }) },
    descendant: {
      Subtype: "CIDFontType2",
      CIDToGIDMap: writer.addStream(composeGlyphMap(glyphNumbers)),
      W: [1, signs.map((sign) => sign.width)],
    },
    encoding: "Identity-H",
  };
}

/** A CFF font has its own CIDs, so that the encoding maps codes to them. */
function writeCff(writer: ObjectWriter, { file, signs }: FontUse): Program {
  const subset = subsetCff(
    file,
    signs.map((sign) => sign.glyphId),
  );
  const cidOf = (sign: Sign): number => subset.cids.get(sign.glyphId) ?? 0;
  const widths = new Map(signs.map((sign) => [cidOf(sign), toWidth(sign, file)]));
  const encoding = Buffer.from(composeEncoding(signs, cidOf), "latin1");
  return {
    file: { FontFile3: writer.addStream(subset.program, { Subtype: "CIDFontType0C" }) },
    descendant: {
      Subtype: "CIDFontType0",
      W: [...widths].flatMap(([cid, width]) => [cid, [width]]),
    },
    encoding: writer.addStream(encoding, {
      Type: "CMap",
      CMapName: "Report-Codes-H",
      CIDSystemInfo: IDENTITY,
    }),
  };
}

/** A glyph has one width, also where a character that is not seen borrows it. */
function toWidth(sign: Sign, file: FontUse["file"]): number {
  return toThousandths(file, file.advanceOf(sign.glyphId));
}

/** Two bytes for each code, from code 0 (§9.7.4.2). */
function composeGlyphMap(glyphNumbers: readonly number[]): Uint8Array {
  const map = Buffer.alloc(2 * (glyphNumbers.length + 1));
  glyphNumbers.forEach((glyph, at) => map.writeUInt16BE(glyph, 2 * (at + 1)));
  return map;
}

function composeEncoding(signs: readonly Sign[], cidOf: (sign: Sign) => number): string {
  const entries = signs.map((sign) => `<${sign.hex}> ${cidOf(sign)}\n`);
  return composeMap("Report-Codes-H", 1, composeSections("cidchar", entries));
}

function composeUnicodeMap(signs: readonly Sign[]): string {
  const entries = signs
    .filter((sign) => sign.text !== "")
    .map((sign) => `<${sign.hex}><${hexUtf16(sign.text)}>\n`);
  return composeMap("Adobe-Identity-UCS", 2, composeSections("bfchar", entries));
}

function composeSections(kind: "bfchar" | "cidchar", entries: readonly string[]): string {
  let sections = "";
  for (let at = 0; at < entries.length; at += MAP_SECTION_MAX) {
    const section = entries.slice(at, at + MAP_SECTION_MAX);
    sections += `${section.length} begin${kind}\n${section.join("")}end${kind}\n`;
  }
  return sections;
}

/** A CMap of two-byte codes (Adobe Technical Note 5014): type 1 maps them to CIDs, type 2 to Unicode. */
function composeMap(name: string, type: 1 | 2, sections: string): string {
  const ordering = type === 1 ? "Identity" : "UCS";
  return (
    "/CIDInit/ProcSet findresource begin 12 dict begin begincmap\n" +
    `/CIDSystemInfo<</Registry(Adobe)/Ordering(${ordering})/Supplement 0>>def\n` +
    `/CMapName/${name} def/CMapType ${type} def\n` +
    "1 begincodespacerange<0000><FFFF>endcodespacerange\n" +
    `${sections}endcmap CMapName currentdict/CMap defineresource pop end end\n`
  );
}

function composeDescriptor({ file, weight }: FontUse, name: string): Entries {
  const scale = (units: number): number => toThousandths(file, units);
  return {
    Type: "FontDescriptor",
    FontName: name,
    Flags: SYMBOLIC,
    FontBBox: file.box.map(scale),
    ItalicAngle: 0,
    Ascent: scale(file.ascent),
    Descent: scale(file.descent),
    CapHeight: scale(file.capHeight),
    StemV: STEM_WIDTHS[weight],
  };
}

/** Six capital letters that differ between subsets (§9.6.4). */
function nameSubset(signs: readonly Sign[]): string {
  let hash = Bun.hash.crc32(signs.map((sign) => sign.text).join(""));
  let name = "";
  for (let at = 0; at < 6; at++) {
    name += String.fromCharCode(65 + (hash % 26));
    hash = Math.floor(hash / 26);
  }
  return name;
}
