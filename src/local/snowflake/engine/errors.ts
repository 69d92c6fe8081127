/**
 * Failures in Snowflake's words. Codes and states are those that the driver's users see
 * (docs.snowflake.com, and the driver's own tests); where DuckDB is the one that failed its message is
 * mapped, and what has no counterpart keeps DuckDB's sentence under 100183.
 */

import { EngineError } from "../engine.ts";

const COMPILATION = "SQL compilation error:\n";

export function syntaxError(sql: string, position: number, unexpected: string): EngineError {
  const lines = sql.slice(0, position).split("\n");
  const line = lines.length;
  const column = lines.at(-1)?.length ?? 0;
  const message = `${COMPILATION}syntax error line ${line} at position ${column} unexpected '${unexpected}'.`;
  return new EngineError("001003", "42000", message);
}

export function parseError(detail: string): EngineError {
  return new EngineError("001003", "42000", `${COMPILATION}syntax error: ${detail}`);
}

export function unsupported(what: string): EngineError {
  return new EngineError("000002", "0A000", `Unsupported feature '${what}'.`);
}

export function invalidIdentifier(name: string): EngineError {
  return new EngineError(
    "000904",
    "42000",
    `${COMPILATION}error line 1 at position 0\ninvalid identifier '${name}'`,
  );
}

/** Kind as Snowflake writes it: "Object", "Table", "Schema" ... */
export function doesNotExist(kind: string, name: string): EngineError {
  return new EngineError(
    "002003",
    kind === "Database" || kind === "Schema" ? "02000" : "42S02",
    `${COMPILATION}${kind} '${name}' does not exist or not authorized.`,
  );
}

export function alreadyExists(name: string): EngineError {
  return new EngineError("002002", "42710", `${COMPILATION}Object '${name}' already exists.`);
}

export function noCurrent(kind: "database" | "schema"): EngineError {
  const code = kind === "database" ? "090105" : "090106";
  const what = `Cannot perform operation. This session does not have a current ${kind}. Call 'USE ${kind.toUpperCase()}', or use a qualified name.`;
  return new EngineError(code, "22000", what);
}

export function compilationError(message: string): EngineError {
  return new EngineError("002023", "22000", COMPILATION + message);
}

export function invalidParameter(name: string): EngineError {
  return new EngineError("001008", "22023", `${COMPILATION}invalid parameter '${name}'`);
}

export function invalidParameterValue(value: string, name: string): EngineError {
  return new EngineError(
    "001008",
    "22023",
    `${COMPILATION}invalid value '${value}' for parameter '${name}'`,
  );
}

export function nullInColumn(detail: string): EngineError {
  return new EngineError(
    "100072",
    "22000",
    `NULL result in a non-nullable column${detail === "" ? "" : ` ${detail}`}`,
  );
}

export function cancelled(): EngineError {
  return new EngineError("000604", "57014", "SQL execution canceled");
}

export function timedOut(seconds: number): EngineError {
  return new EngineError(
    "000630",
    "57014",
    `Statement reached its statement or warehouse timeout of ${seconds} second(s) and was canceled.`,
  );
}

export function lockRefused(table: string, queryId: string, why: string): EngineError {
  return new EngineError(
    "000625",
    "57014",
    `Statement '${queryId}' has locked table '${table}': ${why}`,
  );
}

export function statementCount(actual: number, desired: number): EngineError {
  return new EngineError(
    "000008",
    "0A000",
    `Actual statement count ${actual} did not match the desired statement count ${desired}.`,
  );
}

export function emptyStatement(): EngineError {
  return new EngineError("000900", "42601", `${COMPILATION}Empty SQL statement.`);
}

type Mapping = readonly [RegExp, (match: RegExpMatchArray) => EngineError];

const MAPPINGS: readonly Mapping[] = [
  [/INTERRUPT|Interrupted/, () => cancelled()],
  [/Division by zero/i, () => new EngineError("100051", "22012", "Division by zero")],
  [
    // Behind DuckDB's own word for error(); other messages quote the statement, which may hold the text too.
    /^(?:Invalid Input Error: )?SF_ERROR (\d{6}) (\w{5}) ([\s\S]*)/,
    (m) => new EngineError(m[1] ?? "", m[2] ?? "", m[3] ?? ""),
  ],
  [/NOT NULL constraint failed: (\S+)/, (m) => nullInColumn(`'${m[1]?.split(".").at(-1) ?? ""}'`)],
  [
    /CHECK constraint failed on table (\S+) with expression CHECK\(+length\("?([^")]+)"?\) <= (\d+)/,
    (m) => tooLong(m),
  ],
  [
    /CHECK constraint failed on table (\S+) with expression (CHECK\([\s\S]*\))/,
    (m) =>
      new EngineError(
        "100535",
        "23514",
        `CHECK constraint failed on table ${m[1] ?? ""}: ${m[2] ?? ""}`,
      ),
  ],
  [
    /Could not convert string ['"]([\s\S]*?)['"] to (DECIMAL|INT|BIGINT|DOUBLE|FLOAT|HUGEINT)/i,
    (m) => notRecognised(m),
  ],
  [
    /Could not cast value .* to DECIMAL|Casting value .* to type DECIMAL|Casting .* out of range/i,
    () => outOfRange(),
  ],
  [
    /(?:invalid (?:date|timestamp|time) field format|date field value out of range|timestamp field value out of range): "([\s\S]*?)"/i,
    (m) => badDate(m[1] ?? ""),
  ],
  [
    /Could not convert string '([\s\S]*?)' to (?:INT64|TIMESTAMP|DATE|TIME)/i,
    (m) => badDate(m[1] ?? ""),
  ],
  [
    /Could not convert string ['"]([\s\S]*?)['"] to BOOL/i,
    (m) => new EngineError("100037", "22018", `Boolean value '${m[1] ?? ""}' is not recognized`),
  ],
  [
    /Malformed JSON[\s\S]*/i,
    (m) => new EngineError("100069", "22P02", `Error parsing JSON: ${m[0]}`),
  ],
  [/Table with name "?([^"\s]+)"? does not exist/i, (m) => doesNotExist("Object", m[1] ?? "")],
  [
    /Referenced (?:column|table) "([^"]+)" (?:was )?not found|column "?([^"\s]+)"? (?:does not exist|not found)/i,
    (m) => invalidIdentifier(m[1] ?? m[2] ?? ""),
  ],
  [
    /does not have a column (?:named|with name) "?([^"\s]+)"?/i,
    (m) => invalidIdentifier(m[1] ?? ""),
  ],
  [
    /(?:Scalar |Aggregate |Table |Macro )?Function with name "?([^"\s]+)"? does not exist/i,
    (m) => unknownFunction(m[1] ?? ""),
  ],
  [/Ambiguous reference to (?:column|table)[^"]*"([^"]+)"/i, (m) => ambiguous(m[1] ?? "")],
  [
    /column "([^"]+)" must appear in the GROUP BY/i,
    (m) => compilationError(`[${m[1] ?? ""}] is not a valid group by expression`),
  ],
  [
    /expected (\d+) columns? but (\d+) values were supplied|has (\d+) columns available but (\d+) columns specified/i,
    (m) => valueCount(Number(m[1] ?? m[4]), Number(m[2] ?? m[3])),
  ],
  [/Overflow in|out of range/i, () => outOfRange()],
  [/Conflict on|Transaction conflict|write-write conflict/i, () => conflict()],
];

export function valueCount(expected: number, actual: number): EngineError {
  const message = `${COMPILATION}Insert value list does not match column list expecting ${expected} but got ${actual}`;
  return new EngineError("002020", "21S01", message);
}

function tooLong(match: RegExpMatchArray): EngineError {
  const what = `String for column ${match[2] ?? ""} is too long and would be truncated (limit ${match[3] ?? ""})`;
  return new EngineError("100078", "22000", what);
}

function notRecognised(match: RegExpMatchArray): EngineError {
  return new EngineError("100038", "22018", `Numeric value '${match[1] ?? ""}' is not recognized`);
}

function badDate(value: string): EngineError {
  return new EngineError("100040", "22007", `Date '${value}' is not recognized`);
}

function outOfRange(): EngineError {
  return new EngineError("100046", "22003", "Number out of representable range");
}

function unknownFunction(name: string): EngineError {
  const shown = name.replace(/^sf_+/i, "").toUpperCase();
  return new EngineError("002140", "42601", `${COMPILATION}Unknown function ${shown}`);
}

function ambiguous(name: string): EngineError {
  return new EngineError("001007", "42702", `${COMPILATION}ambiguous column name '${name}'`);
}

/** DuckDB is optimistic: what Snowflake would have made wait fails here. The caller may run it again. */
function conflict(): EngineError {
  return new EngineError(
    "000625",
    "57014",
    "Statement was aborted: another transaction changed the same rows.",
  );
}

/** Anything thrown while a statement ran, as the client has to see it. */
export function asEngineError(thrown: unknown): EngineError {
  if (thrown instanceof EngineError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  for (const [pattern, build] of MAPPINGS) {
    const match = pattern.exec(message);
    if (match !== null) return withCause(build(match), thrown);
  }
  const shown = message.replace(
    /^(?:Binder|Parser|Catalog|Conversion|Invalid Input|Not implemented) Error: /i,
    "",
  );
  return new EngineError("100183", "P0000", `${COMPILATION}${shown}`, thrown);
}

function withCause(error: EngineError, cause: unknown): EngineError {
  error.cause = cause;
  return error;
}
