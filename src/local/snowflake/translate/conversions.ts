/** Functions that make one type of another: TO_VARCHAR, TO_NUMBER and their like. */

import { unsupported } from "../engine/errors.ts";
import { DATE_FORMAT, readNumberFormat } from "./formats.ts";
import { macro } from "./rewriting.ts";
import {
  call,
  castTo,
  generateDuckDB,
  literalNumber,
  literalText,
  type Node,
  raw,
  textLiteral,
} from "./sql-ast.ts";
import { castNode, numberType, typeOf } from "./snowflake-types.ts";
import { type ArgumentsRewriter, formatDate } from "./dates.ts";

function toText([value = null, format]: readonly Node[]): Node {
  if (format === undefined) return macro("sf_text", value);
  const pattern = literalText(format);
  if (pattern === undefined) throw unsupported("a format that is not a constant");
  if (/^(?:HEX|UTF-8|BASE64)$/i.test(pattern)) return macro("sf_text", value);
  return DATE_FORMAT.test(pattern) ? formatDate(value, pattern) : formatNumber(value, pattern);
}

function formatNumber(value: Node, format: string): Node {
  const { decimals, isGrouped, zeros, hasDollar, width } = readNumberFormat(format);
  const magnitude = `abs(CAST(${generateDuckDB(value)} AS DECIMAL(38, ${decimals})))`;
  const [whole, fraction] = [
    `split_part(CAST(${magnitude} AS VARCHAR), '.', 1)`,
    `split_part(CAST(${magnitude} AS VARCHAR), '.', 2)`,
  ];
  const bare =
    zeros === 0 && decimals > 0 ? `CASE ${whole} WHEN '0' THEN '' ELSE ${whole} END` : whole;
  const padded =
    zeros > 1 ? `lpad(${whole}, CAST(greatest(${zeros}, length(${whole})) AS INTEGER), '0')` : bare;
  const grouped = isGrouped
    ? `reverse(regexp_replace(reverse(${padded}), '(\\d{3})(?=\\d)', '\\1,', 'g'))`.replace(
        "(?=\\d)",
        "",
      )
    : padded;
  const digits = isGrouped ? `ltrim(${grouped}, ',')` : grouped;
  const sign = `CASE WHEN ${generateDuckDB(value)} < 0 THEN '-' ELSE '' END`;
  const text = `${sign} || '${hasDollar ? "$" : ""}' || ${digits}${decimals > 0 ? ` || '.' || ${fraction}` : ""}`;
  return raw(width > 0 ? `lpad(${text}, ${width}, ' ')` : `(${text})`);
}

function toNumber(tried: boolean): ArgumentsRewriter {
  return ([value = null, ...rest]) => {
    const format = literalText(rest[0]);
    const [precision, scale] = (format === undefined ? rest : rest.slice(1)).map((node) =>
      Number(literalNumber(node)),
    );
    const plain =
      format === undefined
        ? value
        : call("replace", castTo(value, "VARCHAR"), textLiteral(","), textLiteral(""));
    return castNode(plain, numberType(precision ?? 38, scale ?? 0), tried);
  };
}

export const CONVERSION_FUNCTIONS: Readonly<Record<string, ArgumentsRewriter>> = {
  TO_VARCHAR: toText,
  TO_CHAR: toText,
  TO_NUMBER: toNumber(false),
  TO_DECIMAL: toNumber(false),
  TO_NUMERIC: toNumber(false),
  TRY_TO_NUMBER: toNumber(true),
  TRY_TO_DECIMAL: toNumber(true),
  TRY_TO_NUMERIC: toNumber(true),
  TO_DOUBLE: ([value = null]) => castTo(value, "DOUBLE"),
  TRY_TO_DOUBLE: ([value = null]) => castTo(value, "DOUBLE", "try_cast"),
  TO_BOOLEAN: ([value = null]) => macro("sf_bool", value),
  TRY_TO_BOOLEAN: ([value = null]) => call("TRY", macro("sf_bool", value)),
  TO_BINARY: ([value = null, format]) =>
    /^UTF-?8$/i.test(literalText(format) ?? "")
      ? call("encode", value)
      : castNode(value, typeOf("BINARY")),
};
