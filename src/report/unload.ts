import type { CsvOptions } from "./options.ts";
import type { ColumnType } from "./table.ts";
import { writeCsvField, writeCsvText, writeFormulaTest } from "./unload-csv.ts";
import { nameColumn, quoteName, quoteText } from "./unload-sql.ts";

export type UnloadFormat = "CSV" | "PARQUET";

/** A column of the result, as the file shows it. */
export interface UnloadColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Digits after the second, of a time or a timestamp. */
  readonly scale: number;
  /** What stands above the cells: of CSV with the quotes that it needs. */
  readonly label: string;
}

/** `direction` is what stands behind the column in ORDER BY, or empty. */
export interface OrderTerm {
  readonly name: string;
  readonly direction: string;
}

/** A result that the warehouse itself writes into a file. */
export interface Unload {
  readonly format: UnloadFormat;
  /** Of the query whose result it is: it is not run again. */
  readonly queryId: string;
  readonly columns: readonly UnloadColumn[];
  /** A result that is read again has no order of its own. */
  readonly order: readonly OrderTerm[];
  readonly csv: CsvOptions;
  /** IANA zone in which instants are shown. */
  readonly timezone: string;
}

/** What is longer is no name of a column in Snowflake, so it cannot stand in the first line. */
const LABEL_LENGTH_MAX = 255;

/** What COPY INTO cannot do of what the report asks for, for the reader of a refusal. Null: it can. */
export function findUnloadObstacle(
  format: UnloadFormat,
  columns: readonly UnloadColumn[],
  names: readonly string[],
  csv: CsvOptions,
): string | null {
  if (format === "CSV") {
    if (csv.bom) return "csv.bom is true, and Snowflake writes no byte order mark";
    if (!/^[\t -~]$/.test(csv.delimiter)) return "csv.delimiter is not a character of ASCII";
  }
  if (new Set(names).size < names.length) return "two columns of the result have the same name";
  if (new Set(columns.map(({ label }) => label)).size < columns.length)
    return "two columns have the same label";
  const long = columns.find(({ label }) => label.length > LABEL_LENGTH_MAX);
  return long === undefined ? null : `the label of ${long.name} is too long for Snowflake`;
}

/** Where files go: `@database.schema.stage/key`, and one file or several of `fileBytesMax` at most. */
export interface UnloadTarget {
  readonly location: string;
  readonly isSingle: boolean;
  readonly fileBytesMax: number;
}

/**
 * COPY INTO a stage, from the result of a query that was run: nothing is run twice. A CSV file is the one that
 * render/csv.ts makes: each cell is made ready by the SELECT, quotes and all, so that COPY only puts delimiters between
 * them. What may differ is what Snowflake's TO_VARCHAR and TO_JSON write otherwise than its results: blanks in JSON, the
 * last digits of a FLOAT, years outside of 0 to 9999, and offsets with seconds. The session's TIMEZONE has to be
 * `timezone`.
 * Source: Snowflake SQL reference, "COPY INTO <location>" and "RESULT_SCAN".
 */
export function writeUnload(unload: Unload, target: UnloadTarget): string {
  const { format, columns, csv } = unload;
  const fields = columns.map(({ type, label }, index) => {
    const cell = `C${index}`;
    const field = format === "CSV" ? writeCsvField(cell, type, csv) : cell;
    return `${field} AS ${quoteName(label)}`;
  });
  return `COPY INTO ${quoteText(target.location)} FROM (
SELECT
  ${fields.join(",\n  ")}
FROM (
  SELECT
    ${listCells(unload).join(",\n    ")}
  FROM ${scanResult(unload)}
)${orderBy(unload)}
)
FILE_FORMAT = (${format === "CSV" ? describeCsv(csv) : "TYPE = PARQUET COMPRESSION = SNAPPY"})
HEADER = ${format === "PARQUET" || csv.header ? "TRUE" : "FALSE"} SINGLE = ${target.isSingle ? "TRUE" : "FALSE"} MAX_FILE_SIZE = ${target.fileBytesMax} OVERWRITE = TRUE DETAILED_OUTPUT = TRUE`;
}

function scanResult({ queryId }: Unload): string {
  return `TABLE(RESULT_SCAN(${quoteText(queryId)})) AS R`;
}

/** C0, C1 ... for the file, O0, O1 ... to order by: names of the result's own could mean a column of the file. */
function listCells(unload: Unload): string[] {
  const { format, columns, order, csv } = unload;
  const cells = columns.map((column, index) => {
    const cell = format === "CSV" ? writeCsvText(column, csv) : writeTyped(column, unload);
    return `${cell} AS C${index}`;
  });
  return [...cells, ...order.map(({ name }, index) => `${nameColumn(name)} AS O${index}`)];
}

function orderBy({ order }: Unload): string {
  const terms = order.map(({ direction }, index) => `O${index} ${direction}`.trim());
  return terms.length === 0 ? "" : `\nORDER BY ${terms.join(", ")}`;
}

/** The cells are ready: nothing is enclosed, escaped or replaced any more. */
function describeCsv(csv: CsvOptions): string {
  const lineEnd = csv.lineEnd === "crlf" ? String.raw`'\r\n'` : String.raw`'\n'`;
  return [
    "TYPE = CSV",
    `COMPRESSION = ${csv.gzip ? "GZIP" : "NONE"}`,
    `FIELD_DELIMITER = ${csv.delimiter === "\t" ? String.raw`'\t'` : quoteText(csv.delimiter)}`,
    `RECORD_DELIMITER = ${lineEnd}`,
    "FIELD_OPTIONALLY_ENCLOSED_BY = NONE",
    "ESCAPE_UNENCLOSED_FIELD = NONE",
    "NULL_IF = ()",
    "EMPTY_FIELD_AS_NULL = FALSE",
  ].join(" ");
}

/** COPY refuses timestamps with a zone in Parquet: they become what a clock shows in the report's zone. */
function writeTyped({ name, type }: UnloadColumn, { timezone }: Unload): string {
  const value = nameColumn(name);
  if (isInstant(type)) return `CONVERT_TIMEZONE(${quoteText(timezone)}, ${value})::TIMESTAMP_NTZ`;
  if (type === "variant" || type === "object" || type === "array") return `TO_JSON(${value})`;
  return value;
}

export function isInstant(type: ColumnType): boolean {
  return type === "timestamp_ltz" || type === "timestamp_tz";
}

/** Counts the texts that the guard against formulas changes. Null: there can be none. */
export function writeGuardCount(unload: Unload): string | null {
  const { format, columns, csv } = unload;
  const texts = columns.filter(({ type }) => type === "text");
  if (format !== "CSV" || !csv.formulaGuard || texts.length === 0) return null;
  const counts = texts.map(({ name }) => `COUNT_IF(${writeFormulaTest(nameColumn(name))})`);
  return `SELECT ${counts.join(" + ")} FROM ${scanResult(unload)}`;
}
