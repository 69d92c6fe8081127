/** Cells as a warehouse could send them, and as it should not: each type's whole range, with its edges often. */
import * as fc from "fast-check";
import type { Column, ColumnType } from "../../src/report/table.ts";

export const COLUMN_TYPES = [
  "fixed",
  "real",
  "text",
  "boolean",
  "date",
  "time",
  "timestamp_ntz",
  "timestamp_ltz",
  "timestamp_tz",
  "binary",
  "variant",
  "object",
  "array",
] as const satisfies readonly ColumnType[];

/** Days of 0001-01-01 and 9999-12-31. */
const DAYS_MIN = -719_162;
const DAYS_MAX = 2_932_896;
const SECONDS_PER_DAY = 86_400;
/** Longer than a cell of a spreadsheet, and than a page. */
const LONG_LENGTH = 40_000;

/** Pieces that are special to one of the formats, or to a program that reads them. */
const HARD_PIECES = [
  ['"', '""', "'", ",", ";", "\t", "|", "\n", "\r", "\r\n", "\\", "\\N", "NULL", "null", "–"],
  ["=", "+", "-", "@", "=1+1", "=cmd|' /C calc'!A0", "@SUM(1)", "-1", "+1", " =1", "\u00A0=1"],
  ["&", "<", ">", "&amp;", "]]>", "<!--", "<t>", "_", "_x0041_", "_x000D_", "_x005F_", "x", "0"],
  ["(", ")", "\\(", "endstream", "endobj", "%", "%%EOF", "<FEFF>", "Tj", "/"],
  ["\u0000", "\u0001", "\u0008", "\u000B", "\u001F", "\u007F", "\u0085", "\u009F", "\u001A"],
  ["\uD800", "\uDFFF", "\uFFFE", "\uFFFF", "\uFEFF", "\uFFFD", "\u2028", "\u2029", "\u00AD"],
  ["\u200B", "\u200D", "\u200E", "\u202E", "\u2066", "\u2069", "\u0301", "\u0338", "\uFE0F"],
  ["é", "e\u0301", "Å", "ß", "İ", "ﬁ", "Ω", "Ж", "ấ", "€", "„“", "…", "\u00A0", "\u2003", "\u3000"],
  [
    "😀",
    "👩‍👩‍👧",
    "🇬🇷",
    "1️⃣",
    "日本",
    "한국",
    "עברית",
    "العربية",
    "हिन्दी",
    "ไทย",
    "\uE000",
    "\u{10FFFF}",
  ],
  ["a", "B", "word", " ", "  ", "12", "1e5", "00042", "TRUE", "1/2", "Page 1 of 1", "Notes"],
].flat();

/** A text of any kind: words, hard pieces, any code points, any code units (half characters among them). */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.lorem({ maxCount: 6 }) },
  { weight: 8, arbitrary: joined(fc.constantFrom(...HARD_PIECES), 8) },
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  { weight: 3, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: joined(
      fc.nat(0xff_ff).map((unit) => String.fromCharCode(unit)),
      6,
    ),
  },
  { weight: 2, arbitrary: fc.constant("") },
);

/** Rare, for one of them is as much work as hundreds of others. */
const longText: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom("word ", "x", "😀", "ab\ncd ", "é\u0301", "_x0041_"), fc.nat(9))
  .map(([piece, more]) => piece.repeat(Math.ceil(LONG_LENGTH / piece.length)) + "z".repeat(more));

function joined(piece: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> {
  return fc.array(piece, { minLength: 1, maxLength }).map((pieces) => pieces.join(""));
}

/** `scale` decimals, up to 38 digits in all. */
function fixedCell(scale: number): fc.Arbitrary<string> {
  const size = fc.oneof(
    fc
      .integer({ min: 1, max: 38 })
      .chain((digits) => fc.bigInt({ min: 0n, max: 10n ** BigInt(digits) - 1n })),
    fc.constantFrom(
      0n,
      1n,
      10n ** 15n - 1n,
      10n ** 15n,
      10n ** 38n - 1n,
      10n ** 37n,
      2n ** 53n + 1n,
    ),
    fc.nat(1000).map(BigInt),
  );
  return fc.tuple(fc.boolean(), size).map(([isNegative, digits]) => {
    const text = String(digits).padStart(scale + 1, "0");
    const point = text.length - scale;
    const fraction = scale === 0 ? "" : `.${text.slice(point)}`;
    return (isNegative ? "-" : "") + text.slice(0, point) + fraction;
  });
}

const realCell: fc.Arbitrary<string> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(realText),
  fc
    .double({ min: -1e9, max: 1e9, noNaN: true })
    .map((value) => realText(Math.round(value * 100) / 100)),
  fc.constantFrom("NaN", "inf", "-inf", "0", "-0", "5e-324", "1.7976931348623157e+308", "1e+300"),
  fc.constantFrom(
    "0.1",
    "0.30000000000000004",
    "-1e-7",
    "1e21",
    "123456789012345680",
    "9.99999999999999e307",
  ),
);

function realText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

const dateCell: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 6, arbitrary: fc.integer({ min: DAYS_MIN, max: DAYS_MAX }) },
    { weight: 6, arbitrary: fc.integer({ min: -30_000, max: 30_000 }) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(DAYS_MIN, DAYS_MAX, -1, 0, -25_509, -25_508, -25_567, -25_568),
    },
    { weight: 1, arbitrary: fc.constantFrom(-719_529, 2_932_897, -90_000_000, 90_000_000) },
  )
  .map(String);

/** Up to nine digits after the point, zeros at the end among them. */
const fraction: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "",
    ".000000000",
    ".5",
    ".500",
    ".001",
    ".000001",
    ".000000001",
    ".999999999",
    ".9995",
  ),
  fc
    .tuple(fc.nat(999_999_999), fc.integer({ min: 1, max: 9 }))
    .map(([nanos, digits]) => `.${String(nanos).padStart(9, "0").slice(0, digits)}`),
);

const timeCell: fc.Arbitrary<string> = fc
  .tuple(fc.oneof(fc.nat(SECONDS_PER_DAY - 1), fc.constantFrom(0, SECONDS_PER_DAY - 1)), fraction)
  .map(([seconds, digits]) => `${seconds}${digits}`);

/** Seconds since 1970 of the years 0001 to 9999 and a little beyond. */
const epoch: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 2_000_000_000 }) },
      { weight: 5, arbitrary: fc.integer({ min: 0, max: DAYS_MAX * SECONDS_PER_DAY }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(0, 1, 253_402_300_799, 253_402_300_800, 62_135_596_800),
      },
    ),
    fc.boolean(),
    fraction,
  )
  .map(([seconds, isNegative, digits]) =>
    isNegative && seconds <= 62_135_596_800 ? `-${seconds}${digits}` : `${seconds}${digits}`,
  );

const zonedEpoch: fc.Arbitrary<string> = fc
  .tuple(
    epoch,
    fc.oneof(fc.constantFrom(0, 60, 345, -210, 840, -720), fc.integer({ min: -1439, max: 1439 })),
  )
  .map(([seconds, offsetMinutes]) => `${seconds} ${offsetMinutes + 1440}`);

const binaryCell: fc.Arbitrary<string> = fc
  .uint8Array({ maxLength: 24 })
  .map((bytes) => Buffer.from(bytes).toString("hex").toUpperCase());

const documentCell: fc.Arbitrary<string> = fc.oneof(
  fc.json({ stringUnit: "binary", maxDepth: 2 }),
  fc.constantFrom(
    "{}",
    "[]",
    '"=1+1"',
    "-1.5e3",
    "-1",
    "+1",
    "null",
    "[\n  1,\n  2\n]",
    '{"a":"\\u0000"}',
  ),
  anyText,
);

/** Any cell of the column; null now and then. */
export function anyCell(column: Column, longTexts: boolean): fc.Arbitrary<string | null> {
  return fc.option(presentCell(column, longTexts), { nil: null, freq: 12 });
}

function presentCell({ type, scale }: Column, longTexts: boolean): fc.Arbitrary<string> {
  switch (type) {
    case "fixed":
      return fixedCell(scale);
    case "real":
      return realCell;
    case "boolean":
      return fc.constantFrom("1", "0", "true", "FALSE", "True");
    case "date":
      return dateCell;
    case "time":
      return timeCell;
    case "timestamp_ntz":
    case "timestamp_ltz":
      return epoch;
    case "timestamp_tz":
      return zonedEpoch;
    case "binary":
      return binaryCell;
    case "variant":
    case "object":
    case "array":
      return documentCell;
    case "text":
      return longTexts
        ? fc.oneof({ weight: 300, arbitrary: anyText }, { weight: 1, arbitrary: longText })
        : anyText;
  }
}
