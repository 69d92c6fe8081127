/** Which glyph shows a character: the table "cmap" of a font (OpenType 1.9). */

export interface CharacterMap {
  /** 0 for a character that the font lacks. */
  glyphOf(codePoint: number): number;
  /** The characters that the font has, in ascending order. */
  listCodePoints(): number[];
}

/** Characters side by side; `glyphOf` is asked for codes from `first` to `last` alone. */
interface CodeRange {
  readonly first: number;
  readonly last: number;
  readonly glyphOf: (code: number) => number;
}

/** Platform and encoding of maps from Unicode, those of 32 bits first. */
const UNICODE_MAPS: readonly (readonly [number, number])[] = [
  [3, 10],
  [0, 6],
  [0, 4],
  [3, 1],
  [0, 3],
  [0, 2],
  [0, 1],
  [0, 0],
];
const CODE_POINT_MAX = 0x10_ffff;

/** Throws when the font has no map from Unicode, or one that is cut short. */
export function readCharacterMap(cmap: Buffer): CharacterMap {
  const ranges = readRanges(cmap.subarray(findUnicodeMap(cmap)));
  if (ranges.some(({ last }) => last > CODE_POINT_MAX)) {
    throw new Error("The font maps codes that are not in Unicode");
  }
  return {
    glyphOf: (codePoint) => findRange(ranges, codePoint)?.glyphOf(codePoint) ?? 0,
    listCodePoints() {
      const found: number[] = [];
      for (const { first, last, glyphOf } of ranges) {
        for (let code = first; code <= last; code++) if (glyphOf(code) !== 0) found.push(code);
      }
      return found;
    },
  };
}

function findUnicodeMap(cmap: Buffer): number {
  const places = new Map<string, number>();
  const count = cmap.readUInt16BE(2);
  for (let at = 4; at < 4 + 8 * count; at += 8) {
    places.set(`${cmap.readUInt16BE(at)} ${cmap.readUInt16BE(at + 2)}`, cmap.readUInt32BE(at + 4));
  }
  const wanted = UNICODE_MAPS.find(([platform, encoding]) => places.has(`${platform} ${encoding}`));
  const place = wanted && places.get(wanted.join(" "));
  if (place === undefined) throw new Error("The font has no map from Unicode");
  return place;
}

function findRange(ranges: readonly CodeRange[], codePoint: number): CodeRange | undefined {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle]!;
    if (codePoint < range.first) high = middle - 1;
    else if (codePoint > range.last) low = middle + 1;
    else return range;
  }
  return undefined;
}

function readRanges(map: Buffer): CodeRange[] {
  const format = map.readUInt16BE(0);
  switch (format) {
    case 0:
      return [{ first: 0, last: 255, glyphOf: (code) => map.readUInt8(6 + code) }];
    case 4:
      return readSegments(map);
    case 6:
      return readArray(map, map.readUInt16BE(6), map.readUInt16BE(8), 10);
    case 10:
      return readArray(map, map.readUInt32BE(12), map.readUInt32BE(16), 20);
    case 12:
    case 13:
      return readGroups(map, format === 12);
    default:
      throw new Error(`The font's characters are mapped in format ${format}`);
  }
}

/** Format 4: four arrays of numbers, of which the last gives places that count from where it stands itself. */
function readSegments(map: Buffer): CodeRange[] {
  const size = map.readUInt16BE(6);
  return Array.from({ length: size / 2 }, (_, index) => {
    const endAt = 14 + 2 * index;
    const first = map.readUInt16BE(endAt + 2 + size);
    const delta = map.readUInt16BE(endAt + 2 + 2 * size);
    const offsetAt = endAt + 2 + 3 * size;
    const offset = map.readUInt16BE(offsetAt);
    return {
      first,
      last: map.readUInt16BE(endAt),
      glyphOf(code) {
        if (offset === 0) return (code + delta) & 0xffff;
        const at = offsetAt + offset + 2 * (code - first);
        // The last segment stands for no character, and its place may be anywhere.
        const glyphId = at + 2 <= map.length ? map.readUInt16BE(at) : 0;
        return glyphId === 0 ? 0 : (glyphId + delta) & 0xffff;
      },
    };
  });
}

/** Formats 6 and 10: one glyph after another. */
function readArray(map: Buffer, first: number, count: number, from: number): CodeRange[] {
  if (from + 2 * count > map.length) throw new Error("The font's map of characters is cut short");
  const glyphOf = (code: number): number => map.readUInt16BE(from + 2 * (code - first));
  return [{ first, last: first + count - 1, glyphOf }];
}

/** Formats 12 and 13: glyphs that ascend with the codes, or one for all codes of a group. */
function readGroups(map: Buffer, isAscending: boolean): CodeRange[] {
  const count = map.readUInt32BE(12);
  if (16 + 12 * count > map.length) throw new Error("The font's map of characters is cut short");
  return Array.from({ length: count }, (_, index) => {
    const at = 16 + 12 * index;
    const first = map.readUInt32BE(at);
    const glyphId = map.readUInt32BE(at + 8);
    const glyphOf = (code: number): number => (isAscending ? glyphId + code - first : glyphId);
    return { first, last: map.readUInt32BE(at + 4), glyphOf };
  });
}
