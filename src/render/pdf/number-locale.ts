/** How a locale writes numbers, read from Intl once; the digits are always 0-9, which the font has. */

export interface NumberLocale {
  readonly decimal: string;
  readonly group: string;
  readonly minus: string;
  /** Digits in the group next to the decimal separator, and in the groups before it (3 and 2 in India). */
  readonly firstGroup: number;
  readonly nextGroups: number;
  /** Numbers with fewer integer digits are not grouped: 5 in Spanish and Polish, otherwise 4. */
  readonly groupedFrom: number;
  readonly percentPrefix: string;
  readonly percentSuffix: string;
}

export function readNumberLocale(locale: string): NumberLocale {
  const format = new Intl.NumberFormat(locale, { numberingSystem: "latn" });
  const parts = format.formatToParts(-123_456_789_012.5);
  const groups = parts.filter((part) => part.type === "integer").map((part) => part.value.length);
  const hasGroups = groups.length > 1;
  const groupsFour = format.formatToParts(1234).some((part) => part.type === "group");
  const firstGroup = hasGroups ? (groups.at(-1) ?? 3) : Number.POSITIVE_INFINITY;
  return {
    decimal: findPart(parts, "decimal", "."),
    group: findPart(parts, "group", ","),
    minus: findPart(parts, "minusSign", "-").replaceAll(/[\u200E\u200F\u061C]/g, ""),
    firstGroup,
    nextGroups: groups.length > 2 ? (groups.at(-2) ?? firstGroup) : firstGroup,
    groupedFrom: groupsFour ? 4 : 5,
    ...readPercent(locale),
  };
}

function findPart(
  parts: readonly Intl.NumberFormatPart[],
  type: Intl.NumberFormatPartTypes,
  otherwise: string,
): string {
  return parts.find((part) => part.type === type)?.value ?? otherwise;
}

function readPercent(locale: string): { percentPrefix: string; percentSuffix: string } {
  const format = new Intl.NumberFormat(locale, { style: "percent", numberingSystem: "latn" });
  const [before = "", after = "%"] = format.format(0.05).split("5");
  const strip = (text: string): string => text.replaceAll(/[\u200E\u200F\u061C]/g, "");
  return { percentPrefix: strip(before), percentSuffix: strip(after) };
}
