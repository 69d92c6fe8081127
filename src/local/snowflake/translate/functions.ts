/** Snowflake's functions by name. What is in none of these tables is left to the parser's own knowledge. */

import { compilationError, unsupported } from "../engine/errors.ts";
import { MACRO_NAMES } from "./macros.ts";
import { unitOf } from "./date-units.ts";
import { macro, type Rewriting } from "./rewriting.ts";
import {
  call,
  castTo,
  column,
  type Fields,
  generateDuckDB,
  listOf,
  literalNumber,
  literalText,
  type Node,
  numberLiteral,
  raw,
  textLiteral,
  textOf,
} from "./sql-ast.ts";
import { type ArgumentsRewriter, DATE_FUNCTIONS, truncateDate } from "./dates.ts";
import { CONVERSION_FUNCTIONS } from "./conversions.ts";
import { JSON_FUNCTIONS } from "./json.ts";
import { SEQUENCE_COLUMN } from "./sequences.ts";
import { SESSION_FUNCTIONS } from "./session.ts";

/** In front of a function's name while the parser sees it, so that it stays a plain call. */
export const HIDDEN = "SF__";

function renamed(name: string): ArgumentsRewriter {
  return (args) => call(name, ...args);
}

/** DuckDB's function of texts, for arguments of any type. */
function ofTexts(name: string): ArgumentsRewriter {
  return (args) => call(name, ...args.map(asText));
}

function asText(node: Node): Node {
  return literalText(node) === undefined ? macro("sf_text", node) : node;
}

/** `||` of texts; DuckDB would join variants with their quotes. */
export function concatTexts(parts: readonly Node[]): Node {
  return raw(`(${parts.map((part) => generateDuckDB(asText(part))).join(" || ")})`);
}

/** NULL when an argument is, unlike DuckDB's. */
function extreme(name: "greatest" | "least"): ArgumentsRewriter {
  return (args) => {
    const texts = args.map(generateDuckDB);
    const anyNull = texts.map((text) => `${text} IS NULL`).join(" OR ");
    return raw(`CASE WHEN ${anyNull} THEN NULL ELSE ${name}(${texts.join(", ")}) END`);
  };
}

function decode([subject = null, ...pairs]: readonly Node[]): Node {
  const value = generateDuckDB(subject);
  let text = "CASE";
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const [key = null, result = null] = pairs.slice(index, index + 2).map(generateDuckDB);
    text += ` WHEN ${value} IS NOT DISTINCT FROM ${key} THEN ${result}`;
  }
  const otherwise = pairs.length % 2 === 1 ? ` ELSE ${generateDuckDB(pairs.at(-1) ?? null)}` : "";
  return raw(`${text}${otherwise} END`);
}

function sha2([value = null, bits]: readonly Node[]): Node {
  if (bits !== undefined && literalNumber(bits) !== "256")
    throw unsupported("SHA2 of other than 256 bits");
  return call("sha256", asText(value));
}

function truncate([value = null, second]: readonly Node[]): Node {
  if (second === undefined) return call("trunc", value);
  const isDate = literalNumber(second) === undefined && literalText(second) !== undefined;
  return isDate
    ? truncateDate(unitOf(second), value)
    : call("trunc", value, castTo(second, "INTEGER"));
}

function uniform([low = null, high = null]: readonly Node[]): Node {
  const [from, to] = [generateDuckDB(low), generateDuckDB(high)];
  if (/[.eE]/.test(from + to)) return raw(`(${from} + random() * (${to} - ${from}))`);
  return raw(`CAST(floor(${from} + random() * (${to} - ${from} + 1)) AS BIGINT)`);
}

function position([part = null, text = null, start]: readonly Node[]): Node {
  const [what, where] = [generateDuckDB(asText(part)), generateDuckDB(asText(text))];
  if (start === undefined) return raw(`strpos(${where}, ${what})`);
  const from = generateDuckDB(start);
  return raw(`coalesce(nullif(strpos(substr(${where}, ${from}), ${what}), 0) + ${from} - 1, 0)`);
}

function replacePattern([
  text = null,
  pattern = null,
  replacement = textLiteral(""),
]: readonly Node[]): Node {
  return macro("sf_regexp_replace", asText(text), pattern, replacement);
}

const sequence: ArgumentsRewriter = () => column(SEQUENCE_COLUMN);

const OTHERS: Readonly<Record<string, ArgumentsRewriter>> = {
  NVL: renamed("coalesce"),
  IFNULL: renamed("coalesce"),
  DECODE: decode,
  GREATEST: extreme("greatest"),
  LEAST: extreme("least"),
  ...CONVERSION_FUNCTIONS,
  SHA2: sha2,
  SHA2_HEX: sha2,
  SHA1: ofTexts("sha1"),
  MD5: ofTexts("md5"),
  MD5_HEX: ofTexts("md5"),
  HEX_ENCODE: ofTexts("hex"),
  BASE64_ENCODE: ([value = null]) => call("base64", call("encode", asText(value))),
  BASE64_DECODE_STRING: ([value = null]) => call("decode", call("from_base64", value)),
  STARTSWITH: ofTexts("prefix"),
  ENDSWITH: ofTexts("suffix"),
  CONTAINS: ofTexts("contains"),
  LEN: ofTexts("length"),
  LENGTH: ofTexts("length"),
  UPPER: ofTexts("upper"),
  LOWER: ofTexts("lower"),
  CONCAT: concatTexts,
  CHARINDEX: position,
  LPAD: ([text = null, width = null, pad = textLiteral(" ")]) => macro("sf_lpad", text, width, pad),
  RPAD: ([text = null, width = null, pad = textLiteral(" ")]) => macro("sf_rpad", text, width, pad),
  REPLACE: ([text = null, from = null, to = textLiteral("")]) =>
    call("replace", asText(text), asText(from), asText(to)),
  REGEXP_LIKE: ([text = null, pattern = null]) => call("regexp_full_match", asText(text), pattern),
  RLIKE: ([text = null, pattern = null]) => call("regexp_full_match", asText(text), pattern),
  REGEXP_REPLACE: replacePattern,
  REGEXP_SUBSTR: ([text = null, pattern = null]) =>
    macro("sf_regexp_substr", asText(text), pattern),
  STRTOK: ([text = null, separators = textLiteral(" "), index = numberLiteral(1)]) =>
    macro("sf_strtok", text, separators, index),
  SPLIT_PART: ([text = null, separator = null, index = null]) =>
    call("split_part", asText(text), separator, castTo(index, "BIGINT")),
  EDITDISTANCE: ofTexts("levenshtein"),
  UUID_STRING: () => raw("CAST(uuid() AS VARCHAR)"),
  RANDOM: () => raw("CAST((random() - 0.5) * 18446744073709549568 AS BIGINT)"),
  UNIFORM: uniform,
  HASH: (args) =>
    raw(
      `CAST(CAST(hash(${args.map(generateDuckDB).join(", ")}) AS HUGEINT) - 9223372036854775808 AS BIGINT)`,
    ),
  SEQ1: sequence,
  SEQ2: sequence,
  SEQ4: sequence,
  SEQ8: sequence,
  TRUNC: truncate,
  TRUNCATE: truncate,
  BOOLAND_AGG: renamed("bool_and"),
  BOOLOR_AGG: renamed("bool_or"),
  ARRAY_UNIQUE_AGG: ([value = null]) =>
    call("to_json", raw(`list(DISTINCT ${generateDuckDB(value)})`)),
  APPROX_PERCENTILE: ([value = null, share = null]) =>
    call("quantile_cont", castTo(value, "DOUBLE"), share),
  MEDIAN: ([value = null]) => {
    const text = generateDuckDB(value);
    return raw(
      `cast_to_type(quantile_cont(CAST(${text} AS DOUBLE), 0.5), any_value(${text}) * 1.000)`,
    );
  },
  BITAND: ([a = null, b = null]) =>
    raw(`(CAST(${generateDuckDB(a)} AS BIGINT) & CAST(${generateDuckDB(b)} AS BIGINT))`),
  BITOR: ([a = null, b = null]) =>
    raw(`(CAST(${generateDuckDB(a)} AS BIGINT) | CAST(${generateDuckDB(b)} AS BIGINT))`),
  MOD: ([a = null, b = null]) => macro("sf_mod", a, b),
  ...DATE_FUNCTIONS,
  ...JSON_FUNCTIONS,
};

/** Macros that are called as the Snowflake function, with its arguments as they come. */
const PLAIN_MACROS = [
  "ZEROIFNULL",
  "NULLIFZERO",
  "NVL2",
  "DIV0",
  "DIV0NULL",
  "SQUARE",
  "EQUAL_NULL",
  "INITCAP",
  "SPACE",
  "REGEXP_COUNT",
  "PARSE_JSON",
  "TRY_PARSE_JSON",
  "TYPEOF",
  "IS_NULL_VALUE",
  "ARRAY_SIZE",
  "ARRAY_CONTAINS",
  "OBJECT_KEYS",
  "ARRAY_TO_STRING",
  "TO_JSON",
  "SPLIT",
].filter((name) => MACRO_NAMES.has(`sf_${name.toLowerCase()}`));

/** Names that the parser must see as plain calls; some of them are handled where they stand (RATIO_TO_REPORT OVER). */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(OTHERS),
  ...PLAIN_MACROS,
  ...Object.keys(SESSION_FUNCTIONS),
  "RATIO_TO_REPORT",
  "FLATTEN",
  "GENERATOR",
  "SPLIT_TO_TABLE",
]);

export function rewriteFunction(fields: Fields, rewriting: Rewriting): Node | undefined {
  const written = textOf(fields["name"]).toUpperCase();
  const name = written.startsWith(HIDDEN) ? written.slice(HIDDEN.length) : written;
  const args = listOf(fields["args"]);
  const session = SESSION_FUNCTIONS[name];
  if (session !== undefined) return session(args, rewriting);
  if (!written.startsWith(HIDDEN)) return undefined;
  if (PLAIN_MACROS.includes(name)) return macro(`sf_${name.toLowerCase()}`, ...args);
  const rewrite = OTHERS[name];
  if (rewrite === undefined) throw compilationError(`${name} cannot be used here`);
  if (fields["distinct"] === true) return distinct(rewrite, args);
  return rewrite(args);
}

/** An aggregate over distinct values, of those that we write ourselves. */
function distinct(rewrite: ArgumentsRewriter, args: readonly Node[]): Node {
  const text = generateDuckDB(rewrite(args));
  return raw(text.replace("(", "(DISTINCT "));
}
