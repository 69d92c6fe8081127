/**
 * A face as PDF objects: a composite font with two-byte codes (ISO 32000-1 §9.7), a TrueType subset, the map from
 * codes to glyphs and the map from codes to Unicode, by which text is searched, copied and read aloud.
 */
import { PDFString, type PDFRef } from "pdf-lib";
import type { Face } from "./face.ts";
import { subsetTrueType } from "./font-subset.ts";
import type { Entries, ObjectWriter } from "./object-writer.ts";
import type { Sign } from "./signs.ts";

/** A `beginbfchar` section has at most 100 entries (Adobe Technical Note 5014). */
const MAP_SECTION_MAX = 100;
/** Flags of a font descriptor (§9.8.2): "symbolic", as its codes are in no standard Latin set. */
const SYMBOLIC = 4;
const STEM_WIDTHS = { regular: 80, bold: 120 } as const;

/** Writes the font to `ref`, which was reserved for it, and the objects that it consists of. */
export function writeFont(
  writer: ObjectWriter,
  ref: PDFRef,
  face: Face,
  weight: keyof typeof STEM_WIDTHS,
): void {
  const { program, glyphNumbers } = subsetFont(face);
  const name = `${nameSubset(face.signs)}+${face.file.font.postscriptName}`;
  const file = writer.addStream(program, { Length1: program.length });
  const facts = { name, file, stem: STEM_WIDTHS[weight] };
  const descendant = writer.add({
    Type: "Font",
    Subtype: "CIDFontType2",
    BaseFont: name,
    CIDSystemInfo: {
      Registry: PDFString.of("Adobe"),
      Ordering: PDFString.of("Identity"),
      Supplement: 0,
    },
    FontDescriptor: writer.add(composeDescriptor(face, facts)),
    CIDToGIDMap: writer.addStream(composeGlyphMap(glyphNumbers)),
    W: [1, face.signs.map((sign) => sign.width)],
  });
  writer.write(ref, {
    Type: "Font",
    Subtype: "Type0",
    BaseFont: name,
    Encoding: "Identity-H",
    DescendantFonts: [descendant],
    ToUnicode: writer.addStream(Buffer.from(composeUnicodeMap(face.signs), "latin1")),
  });
}

/** The glyphs that were used, renumbered; `glyphNumbers` has the new number for each sign, in order. */
function subsetFont(face: Face): { program: Uint8Array; glyphNumbers: number[] } {
  const places = new Map([[0, 0]]);
  const glyphNumbers = face.signs.map(({ glyphId }) => {
    const place = places.get(glyphId) ?? places.size;
    places.set(glyphId, place);
    return place;
  });
  return { program: subsetTrueType(face.file.bytes, [...places.keys()]), glyphNumbers };
}

/** Two bytes for each code, from code 0 (§9.7.4.2). */
function composeGlyphMap(glyphNumbers: readonly number[]): Uint8Array {
  const map = Buffer.alloc(2 * (glyphNumbers.length + 1));
  glyphNumbers.forEach((glyph, at) => map.writeUInt16BE(glyph, 2 * (at + 1)));
  return map;
}

function composeUnicodeMap(signs: readonly Sign[]): string {
  const sections: string[] = [];
  for (let at = 0; at < signs.length; at += MAP_SECTION_MAX) {
    const entries = signs
      .slice(at, at + MAP_SECTION_MAX)
      .map((sign) => `<${sign.hex}><${hexUtf16(sign.text)}>\n`);
    sections.push(`${entries.length} beginbfchar\n${entries.join("")}endbfchar\n`);
  }
  return (
    "/CIDInit/ProcSet findresource begin 12 dict begin begincmap\n" +
    "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n" +
    "/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n" +
    "1 begincodespacerange<0000><FFFF>endcodespacerange\n" +
    `${sections.join("")}endcmap CMapName currentdict/CMap defineresource pop end end\n`
  );
}

/** UTF-16BE in hexadecimal. */
function hexUtf16(text: string): string {
  return Buffer.from(text, "utf16le").swap16().toString("hex");
}

function composeDescriptor(
  face: Face,
  facts: { name: string; file: PDFRef; stem: number },
): Entries {
  const { font } = face.file;
  const scale = (units: number): number => Math.round((units * 1000) / font.unitsPerEm);
  const { minX, minY, maxX, maxY } = font.bbox;
  return {
    Type: "FontDescriptor",
    FontName: facts.name,
    Flags: SYMBOLIC,
    FontBBox: [minX, minY, maxX, maxY].map(scale),
    ItalicAngle: 0,
    Ascent: scale(font.ascent),
    Descent: scale(font.descent),
    CapHeight: scale(font.capHeight),
    StemV: facts.stem,
    FontFile2: facts.file,
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
