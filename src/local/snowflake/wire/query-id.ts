const MINUTE_MS = 60_000;
/** Six hexadecimal digits of minutes come round every 32 years. */
const MINUTE_DIGITS = 6;
const SERVER = hex(crypto.getRandomValues(new Uint16Array(1))[0] ?? 0, 4);

let serial = 0;

/**
 * A query id as Snowflake writes them: a UUID in shape, "01" and the time first, a serial number last, so that
 * ids sort by age. Ids of two servers differ by the random second group.
 */
export function newQueryId(now: number = Date.now()): string {
  serial += 1;
  const minutes = hex(Math.floor(now / MINUTE_MS), MINUTE_DIGITS).slice(-MINUTE_DIGITS);
  return `01${minutes}-${SERVER}-${hex(now % MINUTE_MS, 4)}-0000-${hex(serial, 12)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
