/** The options of COPY INTO a location, read from their tokens; one that is not known is refused by its name. */

import {
  compilationError,
  invalidParameter,
  invalidParameterValue,
  unsupported,
} from "../engine/errors.ts";
import { quoteText } from "../translate/sql-ast.ts";
import { TokenReader } from "../translate/tokens.ts";

/** A value as written, or the members of a list in brackets. */
export interface OptionValue {
  readonly text: string;
  readonly values: readonly string[];
}

export type Options = ReadonlyMap<string, OptionValue>;

/** `NAME = value [,] NAME = (value, ...) ...`, to the end. */
function readAssignments(reader: TokenReader, known: ReadonlySet<string>): Options {
  const options = new Map<string, OptionValue>();
  while (!reader.done) {
    const name = reader.name();
    if (!known.has(name)) throw invalidParameter(name);
    reader.expect("=");
    options.set(name, readValue(reader));
    reader.take(",");
  }
  return options;
}

function readValue(reader: TokenReader): OptionValue {
  if (!reader.take("(")) {
    const { kind, value } = reader.next();
    return { text: kind === "string" ? quoteText(value) : value, values: [value] };
  }
  const values: string[] = [];
  while (!reader.at(")")) {
    values.push(reader.string());
    if (!reader.take(",")) break;
  }
  reader.expect(")");
  return { text: `(${values.map(quoteText).join(", ")})`, values };
}

const CSV_OPTIONS: ReadonlySet<string> = new Set([
  "TYPE",
  "COMPRESSION",
  "FIELD_DELIMITER",
  "RECORD_DELIMITER",
  "FIELD_OPTIONALLY_ENCLOSED_BY",
  "ESCAPE",
  "ESCAPE_UNENCLOSED_FIELD",
  "NULL_IF",
  "EMPTY_FIELD_AS_NULL",
  "DATE_FORMAT",
  "TIME_FORMAT",
  "TIMESTAMP_FORMAT",
  "BINARY_FORMAT",
]);
const PARQUET_OPTIONS: ReadonlySet<string> = new Set(["TYPE", "COMPRESSION"]);

/** The inside of FILE_FORMAT = (...). */
export function readFileFormat(reader: TokenReader): Options {
  if (reader.at("FORMAT_NAME")) throw unsupported("FORMAT_NAME: name the options of the format");
  const options = readAssignments(reader, CSV_OPTIONS);
  const type = readWord(options, "TYPE", "CSV");
  if (type !== "CSV" && type !== "PARQUET") throw unsupported(`unloading as ${type}`);
  if (type === "PARQUET")
    for (const name of options.keys()) if (!PARQUET_OPTIONS.has(name)) throw invalidParameter(name);
  return options;
}

const COPY_OPTIONS: ReadonlySet<string> = new Set([
  "FILE_FORMAT",
  "SINGLE",
  "MAX_FILE_SIZE",
  "HEADER",
  "OVERWRITE",
  "DETAILED_OUTPUT",
  "INCLUDE_QUERY_ID",
]);
const UNSUPPORTED_OPTIONS: ReadonlySet<string> = new Set(["PARTITION", "VALIDATION_MODE"]);

export interface CopyOptions {
  readonly format: Options;
  readonly isSingle: boolean;
  readonly fileBytesMax: number;
  readonly hasHeader: boolean;
  readonly overwrite: boolean;
  readonly isDetailed: boolean;
  readonly includeQueryId: boolean;
}

const FILE_BYTES_DEFAULT = 16_777_216;
const FILE_BYTES_MAX = 5_368_709_120;

/** What is behind the source. `stageFormat` is what the stage has been made with. */
export function readCopyOptions(reader: TokenReader, stageFormat: TokenReader): CopyOptions {
  let format: Options | undefined;
  const rest = new Map<string, OptionValue>();
  while (!reader.done) {
    const name = reader.name();
    if (UNSUPPORTED_OPTIONS.has(name)) throw unsupported(`COPY INTO a location with ${name}`);
    if (!COPY_OPTIONS.has(name)) throw invalidParameter(name);
    reader.expect("=");
    if (name === "FILE_FORMAT") format = readFileFormat(new TokenReader(reader.textInBrackets()));
    else rest.set(name, readValue(reader));
  }
  const options = {
    format: format ?? readFileFormat(stageFormat),
    isSingle: readFlag(rest, "SINGLE", false),
    fileBytesMax: readFileBytesMax(rest),
    hasHeader: readFlag(rest, "HEADER", false),
    overwrite: readFlag(rest, "OVERWRITE", false),
    isDetailed: readFlag(rest, "DETAILED_OUTPUT", false),
    includeQueryId: readFlag(rest, "INCLUDE_QUERY_ID", false),
  };
  if (options.includeQueryId && (options.isSingle || options.overwrite))
    throw compilationError(
      "INCLUDE_QUERY_ID cannot be TRUE with SINGLE = TRUE or OVERWRITE = TRUE.",
    );
  return options;
}

function readFileBytesMax(options: Options): number {
  const [text = String(FILE_BYTES_DEFAULT)] = options.get("MAX_FILE_SIZE")?.values ?? [];
  const bytes = Number(text);
  if (Number.isInteger(bytes) && bytes > 0 && bytes <= FILE_BYTES_MAX) return bytes;
  throw invalidParameterValue(text, "MAX_FILE_SIZE");
}

/** A word, in upper case, also of an option in quotes. */
export function readWord(options: Options, name: string, otherwise: string): string {
  return options.get(name)?.values[0]?.toUpperCase() ?? otherwise;
}

export function readFlag(options: Options, name: string, otherwise: boolean): boolean {
  const word = readWord(options, name, otherwise ? "TRUE" : "FALSE");
  if (word === "TRUE" || word === "FALSE") return word === "TRUE";
  throw invalidParameterValue(word, name);
}

/** Text, of which a character may be written as its code: 0x27 or \047. NONE is null. */
export function readText(options: Options, name: string, otherwise: string | null): string | null {
  const value = options.get(name);
  if (value === undefined) return otherwise;
  const [text = ""] = value.values;
  if (value.text.toUpperCase() === "NONE" || value.text.toUpperCase() === "'NONE'") return null;
  return text
    .replace(/0x([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
    .replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
}
