/**
 * A row as a record of a CSV file, by DuckDB. Source: COPY INTO <location>, "Format type options (TYPE = CSV)". What it
 * does not tell: with an enclosing character, texts, variants and binaries are always enclosed; numbers, booleans, dates
 * and times only where they would be taken for more than one field.
 */

import type { ColumnEntry } from "../engine/catalog.ts";
import { invalidParameterValue, unsupported } from "../engine/errors.ts";
import type { Parameters } from "../engine/parameters.ts";
import { quoteName, quoteText } from "../translate/sql-ast.ts";
import { writeTimeText } from "../translate/time-text.ts";
import { type Options, readFlag, readText, readWord } from "./unload-options.ts";

interface Dialect {
  readonly fieldDelimiter: string;
  readonly recordDelimiter: string;
  readonly enclosure: string | null;
  /** Stands in front of delimiters, and of itself, in fields that are not enclosed. */
  readonly escape: string | null;
  readonly nullText: string;
  /** Whether an empty text is two quotes where texts are not enclosed. */
  readonly marksEmpty: boolean;
}

const ENDINGS: Readonly<Record<string, string>> = {
  AUTO: ".gz",
  GZIP: ".gz",
  DEFLATE: ".deflate",
  RAW_DEFLATE: ".raw_deflate",
  NONE: "",
};

/** Throws EngineError for a compression that is not known here. */
export function compressionEnding(format: Options): string {
  const compression = readWord(format, "COMPRESSION", "AUTO");
  const ending = ENDINGS[compression];
  if (ending === undefined) throw unsupported(`COMPRESSION = ${compression} of CSV files`);
  return ending;
}

function readDialect(format: Options): Dialect {
  const required = (name: string, otherwise: string): string => {
    const text = readText(format, name, otherwise);
    if (text === null || text === "") throw invalidParameterValue("NONE", name);
    return text;
  };
  if (readText(format, "ESCAPE", null) !== null) throw unsupported("ESCAPE of enclosed fields");
  const enclosure = readText(format, "FIELD_OPTIONALLY_ENCLOSED_BY", null);
  if (enclosure !== null && enclosure.length !== 1)
    throw invalidParameterValue(enclosure, "FIELD_OPTIONALLY_ENCLOSED_BY");
  return {
    fieldDelimiter: required("FIELD_DELIMITER", ","),
    recordDelimiter: required("RECORD_DELIMITER", "\n"),
    enclosure,
    escape: readText(format, "ESCAPE_UNENCLOSED_FIELD", "\\"),
    nullText: (format.get("NULL_IF")?.values ?? ["\\N"])[0] ?? "",
    marksEmpty: readFlag(format, "EMPTY_FIELD_AS_NULL", true),
  };
}

/** DuckDB's expressions for the header and for a row, each with the delimiter behind it. */
export function writeCsvRow(
  columns: readonly ColumnEntry[],
  format: Options,
  parameters: Parameters,
): { header: string; row: string } {
  const dialect = readDialect(format);
  const join = (fields: readonly string[]): string =>
    `${fields.join(` || ${quoteText(dialect.fieldDelimiter)} || `)} || ${quoteText(dialect.recordDelimiter)}`;
  const names = columns.map(({ name }) => writeField(quoteText(name), true, dialect));
  const fields = columns.map(({ type }, index) => {
    const value = quoteName(`c${index}`);
    const text = writeValue(value, type.name, format, parameters);
    const field = writeField(text, ENCLOSED.has(type.name), dialect);
    return `CASE WHEN ${value} IS NULL THEN ${quoteText(dialect.nullText)} ELSE ${field} END`;
  });
  return { header: join(names), row: join(fields) };
}

type TypeName = ColumnEntry["type"]["name"];

const ENCLOSED: ReadonlySet<TypeName> = new Set(["TEXT", "VARIANT", "OBJECT", "ARRAY", "BINARY"]);

/** A value that is not null as text. */
function writeValue(
  value: string,
  type: TypeName,
  format: Options,
  parameters: Parameters,
): string {
  const pattern = (option: string, preset: string): string => {
    const given = readText(format, option, "AUTO") ?? "AUTO";
    return given.toUpperCase() === "AUTO" ? preset : given;
  };
  switch (type) {
    case "FLOAT":
      return `sf_text(${value})`;
    case "BINARY":
      return writeBinary(value, readWord(format, "BINARY_FORMAT", "HEX"));
    case "DATE":
      return writeTimeText(value, type, pattern("DATE_FORMAT", parameters.DATE_OUTPUT_FORMAT));
    case "TIME":
      return writeTimeText(value, type, pattern("TIME_FORMAT", parameters.TIME_OUTPUT_FORMAT));
    case "TIMESTAMP_NTZ":
    case "TIMESTAMP_LTZ":
    case "TIMESTAMP_TZ": {
      const preset = parameters[`${type}_OUTPUT_FORMAT`] || parameters.TIMESTAMP_OUTPUT_FORMAT;
      return writeTimeText(value, type, pattern("TIMESTAMP_FORMAT", preset));
    }
    case "NUMBER":
    case "BOOLEAN":
    case "TEXT":
    case "VARIANT":
    case "OBJECT":
    case "ARRAY":
      return `CAST(${value} AS VARCHAR)`;
  }
}

function writeBinary(value: string, format: string): string {
  if (format === "HEX") return `hex(${value})`;
  if (format === "BASE64") return `base64(${value})`;
  if (format === "UTF8" || format === "UTF-8") return `decode(${value})`;
  throw invalidParameterValue(format, "BINARY_FORMAT");
}

function writeField(text: string, isEnclosed: boolean, dialect: Dialect): string {
  const { enclosure } = dialect;
  if (enclosure === null) return writeBare(text, isEnclosed, dialect);
  const quote = quoteText(enclosure);
  const enclosed = `${quote} || replace(${text}, ${quote}, ${quoteText(enclosure + enclosure)}) || ${quote}`;
  if (isEnclosed) return enclosed;
  const special = [enclosure, dialect.fieldDelimiter, dialect.recordDelimiter]
    .map((delimiter) => `contains(${text}, ${quoteText(delimiter)})`)
    .join(" OR ");
  return `CASE WHEN ${special} THEN ${enclosed} ELSE ${text} END`;
}

/** A field that nothing encloses: what would end it is escaped. */
function writeBare(text: string, isText: boolean, dialect: Dialect): string {
  const { escape, fieldDelimiter, recordDelimiter, marksEmpty } = dialect;
  const escaped =
    escape === null
      ? text
      : [escape, fieldDelimiter, recordDelimiter].reduce(
          (inner, special) =>
            `replace(${inner}, ${quoteText(special)}, ${quoteText(escape + special)})`,
          text,
        );
  return isText && marksEmpty ? `CASE WHEN ${text} = '' THEN '""' ELSE ${escaped} END` : escaped;
}
