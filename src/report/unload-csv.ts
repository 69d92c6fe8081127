/** Cells of a result as render/csv-cells.ts writes them, but in Snowflake's SQL. */

import type { CsvOptions } from "./options.ts";
import type { ColumnType } from "./table.ts";
import { nameColumn, quoteText } from "./unload-sql.ts";

interface CsvColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly scale: number;
}

/** The text that `writeCsvText` gave, as it stands in the file: never null, and with the quotes that it needs. */
export function writeCsvField(text: string, type: ColumnType, options: CsvOptions): string {
  const isFree = !mayNeedQuotes(type) && !clashesWithPlain(options);
  const field = isFree ? text : writeQuoted(text, options);
  return `IFF(${text} IS NULL, ${quoteText(options.nullText)}, ${field})`;
}

/** A cell as text, guarded against formulas; null when it is. */
export function writeCsvText({ name, type, scale }: CsvColumn, options: CsvOptions): string {
  const value = nameColumn(name);
  switch (type) {
    case "text":
      if (!options.formulaGuard) return value;
      return `IFF(${writeFormulaTest(value)}, '''' || ${value}, ${value})`;
    case "variant":
    case "object":
    case "array":
      return `TO_JSON(${value})`;
    case "fixed":
    case "real":
      return `TO_VARCHAR(${value})`;
    case "binary":
      return `TO_VARCHAR(${value}, 'HEX')`;
    case "boolean":
      return `CASE WHEN ${value} THEN 'true' WHEN NOT ${value} THEN 'false' END`;
    case "date":
      return `TO_VARCHAR(${value}, 'YYYY-MM-DD')`;
    case "time":
      return writeClock(value, "HH24:MI:SS", scale);
    case "timestamp_ntz":
      return writeClock(value, "YYYY-MM-DD HH24:MI:SS", scale);
    case "timestamp_ltz":
    case "timestamp_tz":
      return `${writeClock(value, "YYYY-MM-DD HH24:MI:SS", scale)} || ${writeOffset(value)}`;
  }
}

/** The fraction has 3, 6 or 9 digits, and is left out when it is zero. */
function writeClock(value: string, pattern: string, scale: number): string {
  if (scale === 0) return `TO_VARCHAR(${value}, '${pattern}')`;
  const digits = Math.ceil(scale / 3) * 3;
  const shorter = { 3: "", 6: "|000$", 9: "|(000){1,2}$" }[digits] ?? "";
  return `REGEXP_REPLACE(TO_VARCHAR(${value}, '${pattern}.FF${digits}'), '[.]0{${digits}}$${shorter}', '')`;
}

/** Snowflake may write UTC as Z. */
function writeOffset(value: string): string {
  return `REPLACE(TO_VARCHAR(${value}, 'TZH:TZM'), 'Z', '+00:00')`;
}

/** What JavaScript's \s matches: spreadsheets skip spaces of every kind before they look for a formula. */
const SPACES =
  "\t\n\u000B\f\r \u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF";

/** Whether a spreadsheet would run the text as a formula. */
export function writeFormulaTest(value: string): string {
  const spaces = quoteText(SPACES).replaceAll(/[\n\r\u2028\u2029]/g, escapeCharacter);
  return `(LEFT(${value}, 1) IN ('\\t', '\\r') OR LEFT(LTRIM(${value}, ${spaces}), 1) IN ('=', '+', '-', '@'))`;
}

/** As a literal of SQL writes it. */
function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Text can hold anything; binary without bytes is no null. */
function mayNeedQuotes(type: ColumnType): boolean {
  const types: ReadonlySet<ColumnType> = new Set(["text", "variant", "object", "array", "binary"]);
  return types.has(type);
}

function clashesWithPlain({ quote, delimiter, nullText }: CsvOptions): boolean {
  return quote === "all" || /[\w+\-.: ]/.test(delimiter) || nullText !== "";
}

function writeQuoted(text: string, { quote, delimiter, nullText }: CsvOptions): string {
  const quoted = `'"' || REPLACE(${text}, '"', '""') || '"'`;
  if (quote === "all") return quoted;
  const tests = [...new Set(["", nullText])].map((empty) => `${text} = ${quoteText(empty)}`);
  tests.push(`STARTSWITH(${text}, '\uFEFF')`);
  for (const special of [quoteText(delimiter), `'"'`, String.raw`'\n'`, String.raw`'\r'`])
    tests.push(`CONTAINS(${text}, ${special})`);
  return `IFF(${tests.join(" OR ")}, ${quoted}, ${text})`;
}
