/** Dates and times on an axis. All times are wall time in milliseconds, as if in UTC. */

const MILLISECONDS_PER_DAY = 86_400_000;

/** What vega needs of a language (d3-time-format's locale). */
export interface TimeLocale {
  readonly dateTime: string;
  readonly date: string;
  readonly time: string;
  readonly periods: [string, string];
  readonly days: Days;
  readonly shortDays: Days;
  readonly months: Months;
  readonly shortMonths: Months;
}

type Days = [string, string, string, string, string, string, string];
type Months = [...Days, string, string, string, string, string];

export function readTimeLocale(locale: string): TimeLocale {
  return {
    dateTime: "%Y-%m-%d %H:%M:%S",
    date: "%Y-%m-%d",
    time: "%H:%M:%S",
    periods: ["AM", "PM"],
    days: nameDays(locale, "long"),
    shortDays: nameDays(locale, "short"),
    months: nameMonths(locale, "long"),
    shortMonths: nameMonths(locale, "short"),
  };
}

function nameDays(locale: string, weekday: "long" | "short"): Days {
  const format = openFormat(locale, { weekday });
  // 1970-01-04 was a Sunday.
  const name = (day: number): string => format((day + 3) * MILLISECONDS_PER_DAY);
  return [name(0), name(1), name(2), name(3), name(4), name(5), name(6)];
}

function nameMonths(locale: string, month: "long" | "short"): Months {
  const format = openFormat(locale, { month });
  const name = (at: number): string => format(Date.UTC(2026, at, 15));
  const half: Days = [name(0), name(1), name(2), name(3), name(4), name(5), name(6)];
  return [...half, name(7), name(8), name(9), name(10), name(11)];
}

/** The ticks of an axis of time: vega takes the coarsest unit that a tick begins. */
export function chooseTickFormats(locale: string): Record<string, string> {
  const day = readDayOrder(locale);
  return {
    year: "%Y",
    quarter: "%b %Y",
    month: "%b %Y",
    week: day,
    date: day,
    day,
    hours: "%H:%M",
    minutes: "%H:%M",
    seconds: "%H:%M:%S",
    milliseconds: "%H:%M:%S.%L",
  };
}

/** Day and month in the order of the locale: "%b %-d" in English, "%-d. %b" in German. */
function readDayOrder(locale: string): string {
  const format = new Intl.DateTimeFormat(locale, { ...UTC, month: "short", day: "numeric" });
  const parts = format.formatToParts(0);
  const texts = parts.map(({ type, value }) => {
    if (type === "month") return "%b";
    return type === "day" ? "%-d" : value.replaceAll("%", "%%");
  });
  return texts.join("");
}

/** Texts for bars of days or times: only as much as tells them apart, else all of it. */
export function nameTimes(times: readonly number[], locale: string): string[] {
  const format = openFormat(locale, chooseParts(times));
  const texts = times.map(format);
  if (new Set(texts).size === texts.length) return texts;
  return times.map((time) => new Date(time).toISOString().replace("T", " ").slice(0, -1));
}

function chooseParts(times: readonly number[]): Intl.DateTimeFormatOptions {
  const dates = times.map((time) => new Date(time));
  const hasClock = times.some((time) => time % MILLISECONDS_PER_DAY !== 0);
  const years = new Set(dates.map((date) => date.getUTCFullYear()));
  const year = years.size > 1 ? { year: "numeric" as const } : {};
  const day = { ...year, month: "short", day: "numeric" } as const;
  if (hasClock) return { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (!dates.every((date) => date.getUTCDate() === 1)) return day;
  if (years.size > 1 && dates.every((date) => date.getUTCMonth() === 0)) return { year: "numeric" };
  return { year: "numeric", month: "short" };
}

const UTC = { timeZone: "UTC", numberingSystem: "latn", calendar: "gregory" } as const;

function openFormat(locale: string, parts: Intl.DateTimeFormatOptions): (time: number) => string {
  const dates = new Intl.DateTimeFormat(locale, { ...UTC, ...parts });
  return (time) => dates.format(time);
}
