import { ReportError } from "../../report/errors.ts";
import type { ReportOptions } from "../../report/options.ts";
import { cutText } from "../../report/short-text.ts";

/** Source: "Rename a worksheet", Microsoft support; the length is in UTF-16 units. */
const LENGTH_MAX = 31;
const FORBIDDEN = String.raw`[\]:*?/\\\p{Cc}\uFFFE\uFFFF`;
export const ABOUT_SHEET = "About";
export const CHART_SHEET = "Chart";
const FALLBACK = "Data";

/**
 * Names of the data sheets by their index: "Orders", "Orders 2", "Orders 3". A title is made to fit; a name that the
 * options give is not changed: throws ReportError `invalid_report` when Excel would not take it.
 */
export function createSheetNames(
  options: ReportOptions,
  reportName: string,
): (index: number) => string {
  const reserved = listReserved(options);
  const { sheetName } = options.excel;
  const base =
    sheetName === undefined
      ? cleanName(options.title ?? reportName, reserved)
      : checkName(sheetName, reserved);
  return (index) => (index === 0 ? base : numberName(base, ` ${index + 1}`));
}

/** A sheet's name as it stands in a formula, between apostrophes. */
export function quoteSheetName(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

/** In lower case: Excel tells no names apart by case. */
function listReserved({ excel, chart }: ReportOptions): ReadonlySet<string> {
  const names = ["history"];
  if (excel.about) names.push(ABOUT_SHEET.toLowerCase());
  if (chart !== undefined) names.push(CHART_SHEET.toLowerCase());
  return new Set(names);
}

function checkName(name: string, reserved: ReadonlySet<string>): string {
  const problem = findProblem(name, reserved);
  if (problem === null) return name;
  throw new ReportError("invalid_report", `OPTIONS: excel.sheetName: ${problem}`);
}

function findProblem(name: string, reserved: ReadonlySet<string>): string | null {
  if (name.length > LENGTH_MAX) return "is longer than 31 characters";
  if (name.trim() === "") return "is blank";
  if (!name.isWellFormed() || new RegExp(`[${FORBIDDEN}]`, "u").test(name)) {
    return "must not hold any of [ ] : * ? / \\ or control characters";
  }
  if (/^'|'$/.test(name)) return "must not begin or end with an apostrophe";
  if (reserved.has(name.toLowerCase()))
    return `"${name}" is the name of another sheet, or reserved`;
  return null;
}

/** Apostrophes become typographic ones: at an end they are not allowed, and a title is only a hint here. */
function cleanName(title: string, reserved: ReadonlySet<string>): string {
  const text = title
    .toWellFormed()
    .replace(new RegExp(`[${FORBIDDEN}]+`, "gu"), " ")
    .replaceAll("'", "\u2019")
    .replace(/\s+/g, " ");
  const name = cutText(text.trimStart(), LENGTH_MAX).trimEnd();
  return name === "" || reserved.has(name.toLowerCase()) ? FALLBACK : name;
}

function numberName(base: string, suffix: string): string {
  return cutText(base, LENGTH_MAX - suffix.length).trimEnd() + suffix;
}
