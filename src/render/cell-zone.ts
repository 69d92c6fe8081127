/** Offsets of IANA zones from UTC, cached by UTC day: Intl costs about 1 µs a call, a cached day some 20 ns. */

const SECONDS_PER_DAY = 86_400;
/** The instants that Date and Intl accept: 100,000,000 days either side of 1970. */
export const EPOCH_SECONDS_MAX = 8_640_000_000_000;
/** More distinct days than this in one file empties the cache: 140 years of days stay. */
const DAYS_CACHED_MAX = 51_200;

/** One UTC day of a zone. When the clocks do not change in it, both offsets are the same. */
interface ZoneDay {
  readonly day: number;
  /** Offset before the change and from it on, in seconds. */
  readonly before: number;
  readonly after: number;
  /** Epoch seconds of the change. */
  readonly changeAt: number;
}

interface Zone {
  readonly format: Intl.DateTimeFormat;
  readonly days: Map<number, ZoneDay>;
  last: ZoneDay;
}

const zones = new Map<string, Zone>();

/** Seconds to add to UTC for the wall time in `timezone` at that instant. Throws RangeError for an unknown zone. */
export function zoneOffset(timezone: string, epochSeconds: number): number {
  const zone = zones.get(timezone) ?? openZone(timezone);
  const day = Math.floor(epochSeconds / SECONDS_PER_DAY);
  const facts = zone.last.day === day ? zone.last : findDay(zone, day);
  return epochSeconds < facts.changeAt ? facts.before : facts.after;
}

function openZone(timezone: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    timeZoneName: "longOffset",
  });
  const zone = { format, days: new Map(), last: measureDay(format, 0) };
  zones.set(timezone, zone);
  return zone;
}

function findDay(zone: Zone, day: number): ZoneDay {
  let facts = zone.days.get(day);
  if (facts === undefined) {
    if (zone.days.size >= DAYS_CACHED_MAX) zone.days.clear();
    facts = measureDay(zone.format, day);
    zone.days.set(day, facts);
  }
  zone.last = facts;
  return facts;
}

/** Finds the second of the change by halving; one change of the clocks in a UTC day is looked for. */
function measureDay(format: Intl.DateTimeFormat, day: number): ZoneDay {
  let low = day * SECONDS_PER_DAY;
  let high = low + SECONDS_PER_DAY;
  const before = measureOffset(format, low);
  const after = measureOffset(format, high);
  if (before === after) return { day, before, after, changeAt: low };
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (measureOffset(format, middle) === before) low = middle;
    else high = middle;
  }
  return { day, before, after, changeAt: high };
}

/** The zone's name ends the text: "GMT", "GMT+05:30", and with seconds for local mean times: "GMT-04:56:02". */
function measureOffset(format: Intl.DateTimeFormat, epochSeconds: number): number {
  const instant = Math.min(Math.max(epochSeconds, -EPOCH_SECONDS_MAX), EPOCH_SECONDS_MAX) * 1000;
  const match = /GMT(?:([+\-\u2212])(\d+)(?::(\d+))?(?::(\d+))?)?$/.exec(format.format(instant));
  if (match === null) throw new RangeError(`No offset in "${format.format(instant)}"`);
  const [, sign, hours = "0", minutes = "0", seconds = "0"] = match;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === undefined || sign === "+" || size === 0 ? size : -size;
}
