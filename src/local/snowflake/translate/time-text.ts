/** A date or time as text in one of Snowflake's formats, also with the elements that DuckDB's strftime has not. */

import { toStrftime } from "./formats.ts";
import { quoteText } from "./sql-ast.ts";

export type TimeType = "DATE" | "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ";

/** Text in double quotes is as it is; the others are what strftime cannot write. */
const PIECES = /"[^"]*"|TZH:?TZM|TZH|FF[124578]/gi;

/** DuckDB's expression. Throws EngineError for an element that is not known (TZD ...). */
export function writeTimeText(value: string, type: TimeType, format: string): string {
  const { wall, offsetMinutes } = writeWall(value, type);
  const pieces: string[] = [];
  let end = 0;
  const addPlain = (text: string): void => {
    if (text !== "") pieces.push(`strftime(${wall}, ${quoteText(toStrftime(text))})`);
  };
  let plain = "";
  for (const match of format.matchAll(PIECES)) {
    plain += format.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[0].startsWith('"')) {
      plain += match[0];
      continue;
    }
    addPlain(plain);
    plain = "";
    pieces.push(writeElement(match[0].toUpperCase(), wall, offsetMinutes));
  }
  addPlain(plain + format.slice(end));
  return pieces.length === 0 ? "''" : `(${pieces.join(" || ")})`;
}

/** What the clock shows, and minutes from UTC. */
function writeWall(value: string, type: TimeType): { wall: string; offsetMinutes: string } {
  switch (type) {
    case "TIME":
      return { wall: `make_timestamp_ns(epoch_ns(${value}))`, offsetMinutes: "0" };
    case "TIMESTAMP_TZ":
      return { wall: `sf_wall(${value})`, offsetMinutes: `${value}.o` };
    case "TIMESTAMP_LTZ":
      return {
        wall: `CAST(${value} AS TIMESTAMP)`,
        offsetMinutes: `date_diff('minute', timezone('UTC', ${value}), CAST(${value} AS TIMESTAMP))`,
      };
    case "DATE":
    case "TIMESTAMP_NTZ":
      return { wall: value, offsetMinutes: "0" };
  }
}

function writeElement(element: string, wall: string, offsetMinutes: string): string {
  if (element.startsWith("FF")) return `left(strftime(${wall}, '%n'), ${element.slice(2)})`;
  const offset = `sf_offset(${offsetMinutes})`;
  if (element === "TZHTZM") return offset;
  if (element === "TZH") return `left(${offset}, 3)`;
  return `regexp_replace(${offset}, '(\\d\\d)(\\d\\d)$', '\\1:\\2')`;
}
