/** Functions of dates and times. */

import { compilationError, unsupported } from "../engine/errors.ts";
import { unitOf } from "./date-units.ts";
import { toStrftime } from "./formats.ts";
import { macro } from "./rewriting.ts";
import {
  call,
  castTo,
  type Fields,
  fieldsOf,
  generateDuckDB,
  listOf,
  literalText,
  type Node,
  numberLiteral,
  raw,
  textLiteral,
  textOf,
} from "./sql-ast.ts";

export type ArgumentsRewriter = (args: readonly Node[]) => Node;

const MONTHS: Readonly<Record<string, number>> = { year: 12, quarter: 3, month: 1 };
const DAYS: Readonly<Record<string, number>> = { week: 7, day: 1 };
const NANOSECONDS: Readonly<Record<string, string>> = {
  hour: "3600000000000",
  minute: "60000000000",
  second: "1000000000",
  millisecond: "1000000",
  microsecond: "1000",
  nanosecond: "1",
};

/** DATEADD; the count is rounded to a whole number, as Snowflake does. */
export function addUnits(unit: string, count: Node, when: Node): Node {
  const times = (factor: number | string): Node =>
    raw(`(CAST(${generateDuckDB(count)} AS BIGINT) * CAST(${factor} AS BIGINT))`);
  const months = MONTHS[unit];
  if (months !== undefined) return macro("sf_plus_months", when, times(months));
  const days = DAYS[unit];
  if (days !== undefined) return macro("sf_plus_days", when, times(days));
  const nanoseconds = NANOSECONDS[unit];
  if (nanoseconds === undefined)
    throw compilationError(`'${unit}' is not a valid unit for DATEADD`);
  return macro("sf_plus_ns", when, times(nanoseconds));
}

/** `when + INTERVAL '1 month, 2 days'`. */
export function addInterval(when: Node, interval: Fields, sign: 1 | -1): Node {
  const text = literalText(interval["this"]);
  if (text === undefined) throw unsupported("INTERVAL of an expression");
  const unit = textOf(fieldsOf(interval["unit"])["unit"]);
  const parts = unit === "" ? text.split(/\s*,\s*|(?<=[a-z])\s+(?=[-+\d])/i) : [`${text} ${unit}`];
  return parts.reduce<Node>((sum, part) => {
    const [, count, name] = /^\s*([-+]?\d+)\s*(\w*)\s*$/.exec(part) ?? [];
    if (count === undefined) throw compilationError(`invalid interval '${text}'`);
    return addUnits(
      unitOf(textLiteral(name === "" ? "second" : (name ?? ""))),
      numberLiteral(sign * Number(count)),
      sum,
    );
  }, when);
}

/** DATEDIFF counts the borders between units; a week begins on Monday. */
function subtract(unit: string, from: Node, to: Node): Node {
  if (unit === "nanosecond") {
    return raw(
      `(epoch_ns(${generateDuckDB(macro("sf_ntz", to))}) - epoch_ns(${generateDuckDB(macro("sf_ntz", from))}))`,
    );
  }
  return call("date_diff", textLiteral(unit), macro("sf_us", from), macro("sf_us", to));
}

const EPOCHS: Readonly<Record<string, string>> = {
  epoch: "1000000000",
  epoch_millisecond: "1000000",
  epoch_microsecond: "1000",
  epoch_nanosecond: "1",
};

/** DATE_PART, EXTRACT, YEAR() and its like. */
export function extractPart(written: string, when: Node): Node {
  const unit = unitOf(textLiteral(written));
  const value = macro("sf_when", when);
  const divisor = EPOCHS[unit];
  const text = generateDuckDB(value);
  if (divisor !== undefined) return raw(`CAST(floor(epoch_ns(${text}) / ${divisor}.0) AS BIGINT)`);
  if (unit === "nanosecond") return raw(`(epoch_ns(${text}) % 1000000000)`);
  if (unit === "second") return raw(`CAST(date_part('second', ${text}) AS BIGINT)`);
  return call("date_part", textLiteral(unit === "weekiso" ? "week" : unit), value);
}

export function truncateDate(unit: string, when: Node): Node {
  return macro("sf_truncate_when", textLiteral(unit), macro("sf_when", when));
}

/** A text with a format as a timestamp; `kind` is the macro that makes the wanted type of it. */
function parseWith(kind: string, text: Node, format: Node, tried: boolean): Node {
  const pattern = literalText(format);
  if (pattern === undefined) throw unsupported("a date format that is not a constant");
  const parsed = call(
    tried ? "try_strptime" : "strptime",
    castTo(text, "VARCHAR"),
    textLiteral(toStrftime(pattern)),
  );
  return macro(kind, castTo(parsed, "TIMESTAMP_NS"));
}

function converter(kind: string, tried = false): ArgumentsRewriter {
  return ([value = null, format]) => {
    if (format !== undefined && !/^\d+$/.test(generateDuckDB(format)))
      return parseWith(kind, value, format, tried);
    const converted = macro(kind, value);
    return tried ? call("TRY", converted) : converted;
  };
}

/** TO_VARCHAR of a date or time with a format. */
export function formatDate(value: Node, format: string): Node {
  const [, before = "", zone] = /^(.*?)TZH(:?)TZM$/i.exec(format) ?? [];
  if (zone !== undefined) {
    const offset = generateDuckDB(macro("sf_offset_of", value, textLiteral(zone)));
    if (before === "") return raw(offset);
    return raw(`(${generateDuckDB(formatDate(value, before))} || ${offset})`);
  }
  return call("strftime", macro("sf_shown", value), textLiteral(toStrftime(format)));
}

function part(unit: string): ArgumentsRewriter {
  return ([when = null]) => extractPart(unit, when);
}

function named(pattern: string): ArgumentsRewriter {
  return ([when = null]) => call("strftime", macro("sf_us", when), textLiteral(pattern));
}

/** Unlike DATEADD of months, the end of a month stays the end of a month. */
function addMonths([when = null, count = null]: readonly Node[]): Node {
  const plus = addUnits("month", count, when);
  const [before, after] = [macro("sf_us", when), macro("sf_us", plus)].map(generateDuckDB);
  const missing = raw(`date_diff('day', ${after}, last_day(${after}))`);
  const moved = generateDuckDB(addUnits("day", missing, plus));
  return raw(
    `CASE WHEN last_day(${before}) = CAST(${before} AS DATE) THEN ${moved} ELSE ${generateDuckDB(plus)} END`,
  );
}

function convertZone(args: readonly Node[]): Node {
  const [first = null, second = null, third] = args;
  if (third === undefined) return macro("sf_at_zone", macro("sf_ltz", second), first);
  return macro("sf_between_zones", first, second, macro("sf_ntz", third), macro("sf_us", third));
}

function slice([when = null, width = null, unit]: readonly Node[]): Node {
  const interval = raw(`to_${unitOf(unit)}s(CAST(${generateDuckDB(width)} AS INTEGER))`);
  return macro("sf_slice", macro("sf_us", when), macro("sf_when", when), interval);
}

function fromParts(args: readonly Node[]): Node {
  const [seconds = numberLiteral(0), nanoseconds] = args.slice(5);
  const whole = call(
    "make_timestamp",
    ...args.slice(0, 5).map((arg) => castTo(arg, "BIGINT")),
    castTo(seconds, "DOUBLE"),
  );
  return macro("sf_plus_ns", castTo(whole, "TIMESTAMP_NS"), nanoseconds ?? numberLiteral(0));
}

const add: ArgumentsRewriter = ([unit, count = null, when = null]) =>
  addUnits(unitOf(unit), count, when);
const difference: ArgumentsRewriter = ([unit, from = null, to = null]) =>
  subtract(unitOf(unit), from, to);

export const DATE_FUNCTIONS: Readonly<Record<string, ArgumentsRewriter>> = {
  DATEADD: add,
  TIMEADD: add,
  TIMESTAMPADD: add,
  DATEDIFF: difference,
  TIMEDIFF: difference,
  TIMESTAMPDIFF: difference,
  ADD_MONTHS: addMonths,
  MONTHS_BETWEEN: ([a = null, b = null]) =>
    macro("sf_months_apart", macro("sf_us", a), macro("sf_us", b)),
  DATE_PART: ([unit, when = null]) => extractPart(unitOf(unit), when),
  DATE_TRUNC: ([unit, when = null]) => truncateDate(unitOf(unit), when),
  LAST_DAY: ([when = null, unit]) => {
    if (unit !== undefined && unitOf(unit) !== "month")
      throw unsupported("LAST_DAY of anything but a month");
    return call("last_day", macro("sf_date", when));
  },
  TIME_SLICE: slice,
  CONVERT_TIMEZONE: convertZone,
  DAYNAME: named("%a"),
  MONTHNAME: named("%b"),
  ...Object.fromEntries(
    [
      "YEAR",
      "QUARTER",
      "MONTH",
      "WEEK",
      "WEEKISO",
      "WEEKOFYEAR",
      "DAY",
      "DAYOFMONTH",
      "DAYOFWEEK",
      "DAYOFWEEKISO",
      "DAYOFYEAR",
    ]
      .concat(["HOUR", "MINUTE", "SECOND", "YEAROFWEEK", "YEAROFWEEKISO"])
      .map((unit) => [unit, part(unit.toLowerCase())]),
  ),
  DATE_FROM_PARTS: (args) => call("make_date", ...listOf(args).map((arg) => castTo(arg, "BIGINT"))),
  TIMESTAMP_NTZ_FROM_PARTS: fromParts,
  TIMESTAMP_FROM_PARTS: fromParts,
  TO_DATE: converter("sf_date"),
  DATE: converter("sf_date"),
  TRY_TO_DATE: converter("sf_date", true),
  TO_TIME: converter("sf_time"),
  TO_TIMESTAMP: converter("sf_ntz"),
  TO_TIMESTAMP_NTZ: converter("sf_ntz"),
  TO_TIMESTAMP_LTZ: converter("sf_ltz"),
  TO_TIMESTAMP_TZ: converter("sf_tz"),
  TRY_TO_TIMESTAMP: converter("sf_ntz", true),
  TRY_TO_TIMESTAMP_NTZ: converter("sf_ntz", true),
  TRY_TO_TIMESTAMP_LTZ: converter("sf_ltz", true),
  TRY_TO_TIMESTAMP_TZ: converter("sf_tz", true),
};
