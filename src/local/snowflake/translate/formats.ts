/** Snowflake's formats of dates and numbers. */

import { unsupported } from "../engine/errors.ts";

const ELEMENTS: readonly (readonly [RegExp, string])[] = [
  [/^YYYY/i, "%Y"],
  [/^YY/i, "%y"],
  [/^MMMM/i, "%B"],
  [/^MON/i, "%b"],
  [/^MM/i, "%m"],
  [/^DD/i, "%d"],
  [/^DY/i, "%a"],
  [/^HH24/i, "%H"],
  [/^HH12/i, "%I"],
  [/^HH/i, "%H"],
  [/^(?:AM|PM)/i, "%p"],
  [/^MI/i, "%M"],
  [/^SS/i, "%S"],
  [/^FF(?:9|(?!\d))/i, "%n"],
  [/^FF6/i, "%f"],
  [/^FF3/i, "%g"],
  [/^\.?FF0/i, ""],
];

/** Whether a format is one of dates, and not of numbers. */
export const DATE_FORMAT = /YY|MM|DD|HH|MI|SS|FF|MON|DY|AM|PM|TZH/i;

/** A Snowflake date format as DuckDB's. Throws EngineError for elements that DuckDB cannot write (FF4, TZH ...). */
export function toStrftime(format: string): string {
  let pattern = "";
  let rest = format;
  while (rest !== "") {
    const [consumed, written] = readElement(rest);
    pattern += written;
    rest = rest.slice(consumed);
  }
  return pattern;
}

function readElement(rest: string): readonly [consumed: number, written: string] {
  const quoted = /^"([^"]*)"/.exec(rest);
  if (quoted !== null) return [quoted[0].length, (quoted[1] ?? "").replaceAll("%", "%%")];
  for (const [element, written] of ELEMENTS) {
    const match = element.exec(rest);
    if (match !== null) return [match[0].length, written];
  }
  if (/^(?:FF\d|TZ)/i.test(rest)) throw unsupported(`date format element ${rest.slice(0, 3)}`);
  const first = rest[0] ?? "";
  return [first.length, first === "%" ? "%%" : first];
}

export interface NumberFormat {
  readonly decimals: number;
  readonly isGrouped: boolean;
  /** Digits in front of the point that are always written. */
  readonly zeros: number;
  readonly hasDollar: boolean;
  /** Characters with the sign, which blanks fill up; 0 with FM. */
  readonly width: number;
}

/** A fixed-position number format: 9, 0, comma or G, point or D, $, FM. */
export function readNumberFormat(format: string): NumberFormat {
  const isFilled = !/^FM/i.test(format);
  const body = format.replace(/^FM/i, "").toUpperCase().replaceAll("G", ",").replaceAll("D", ".");
  if (!/^\$?[09,]*(?:\.[09]*)?$/.test(body) || !/[09]/.test(body))
    throw unsupported(`number format ${format}`);
  const [whole = "", decimals = ""] = body.split(".");
  const digits = whole.replaceAll(/[^09]/g, "");
  const firstZero = digits.indexOf("0");
  return {
    decimals: decimals.length,
    isGrouped: whole.includes(","),
    zeros: firstZero < 0 ? 0 : digits.length - firstZero,
    hasDollar: body.includes("$"),
    width: isFilled ? body.length + 1 : 0,
  };
}
