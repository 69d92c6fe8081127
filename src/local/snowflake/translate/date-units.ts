/** The names that a unit of time goes by. Source: docs.snowflake.com/en/sql-reference/functions-date-time */

import { compilationError } from "../engine/errors.ts";
import { fieldsIf, fieldsOf, literalText, type Node, textOf } from "./sql-ast.ts";

const UNITS: Readonly<Record<string, string>> = {};
for (const names of [
  "year y yy yyy yyyy yr years yrs",
  "quarter q qtr qtrs quarters",
  "month mm mon mons months",
  "week w wk weekofyear woy wy weeks",
  "day d dd days dayofmonth",
  "hour h hh hr hours hrs",
  "minute m mi min minutes mins",
  "second s sec seconds secs",
  "millisecond ms msec milliseconds",
  "microsecond us usec microseconds",
  "nanosecond ns nsec nanosec nsecond nanoseconds nanosecs nseconds",
  "dow weekday dayofweek dw",
  "isodow weekday_iso dayofweekiso dayofweek_iso dow_iso",
  "doy yearday dayofyear dy",
  "weekiso week_iso weekofyeariso weekofyear_iso",
  "isoyear yearofweekiso yearofweek",
  "epoch epoch_second epoch_seconds",
  "epoch_millisecond epoch_milliseconds",
  "epoch_microsecond epoch_microseconds",
  "epoch_nanosecond epoch_nanoseconds",
]) {
  const [unit = "", ...others] = names.split(" ");
  for (const name of [unit, ...others]) (UNITS as Record<string, string>)[name] = unit;
}

/** The unit that an argument names: `day`, 'day', d ... */
export function unitOf(node: Node | undefined): string {
  const columnName = textOf(fieldsOf(fieldsIf(node, "column")?.["name"])["name"]);
  const written = literalText(node) ?? (columnName || textOf(fieldsIf(node, "var")?.["this"]));
  const unit = UNITS[written.toLowerCase().replaceAll(/[\s_]+(?=of|year|iso)/g, "_")];
  if (unit === undefined) throw compilationError(`'${written}' is not a valid date/time component`);
  return unit;
}
