import type { Column, ColumnType, Row } from "../../src/report/table.ts";

/** Ten columns as reports have them: numbers of each kind, dates, texts of which one is neither ASCII nor free of quotes. */
export const COLUMNS: readonly Column[] = [
  describe("ID", "fixed", 0, false),
  describe("QUANTITY", "fixed"),
  describe("AMOUNT", "fixed", 2),
  describe("RATE", "real"),
  describe("IS_OPEN", "boolean"),
  describe("ORDERED_ON", "date"),
  describe("CHANGED_AT", "timestamp_ntz", 9),
  describe("CUSTOMER", "text"),
  describe("CITY", "text"),
  describe("NOTE", "text"),
];

/** Rows that differ; longer tables go through them again and again, so that no clock sees rows being made. */
const POOL_ROWS = 20_000;
/** As many as the reader of the warehouse hands over at a time. */
const BATCH_ROWS = 5_000;
const NULL_PART = 0.05;

const CITIES = ["Berlin", "Rotterdam", "Porto", "San Jose", "Nairobi", "Osaka", "Lima", "Quebec"];
const NOTES = [
  'Grüße, "bald"',
  "Łódź & Kraków <2>",
  "Αθήνα: 10 €",
  "Привет; \\ok",
  "plain and short",
  "Hà Nội, 5 µm",
  'a "b", c',
  "São Paulo – ok",
];

/** The same rows at every call, in every process. */
export function createPool(): readonly Row[] {
  const random = createRandom(20_260_102);
  return Array.from({ length: POOL_ROWS }, (_, index) =>
    createRow(index, random).map((cell, at) => (at > 0 && random() < NULL_PART ? null : cell)),
  );
}

/** `rowCount` rows of the pool, in batches. */
export function* takeBatches(pool: readonly Row[], rowCount: number): Generator<readonly Row[]> {
  for (let taken = 0; taken < rowCount;) {
    const start = taken % pool.length;
    const size = Math.min(BATCH_ROWS, rowCount - taken, pool.length - start);
    yield pool.slice(start, start + size);
    taken += size;
  }
}

/** The query that gives `rowCount` of them; see server.ts. */
export function queryFor(rowCount: number): string {
  return `SELECT * FROM BENCH LIMIT ${rowCount}`;
}

function describe(name: string, type: ColumnType, scale = 0, nullable = true): Column {
  const precision = type !== "fixed" ? 0 : scale === 0 ? 38 : 12;
  return { name, type, nullable, precision, scale };
}

function createRow(index: number, random: () => number): string[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const cents = String(below(100)).padStart(2, "0");
  return [
    String(1_000_000 + index),
    String(1 + below(50)),
    `${below(2) === 0 ? "" : "-"}${below(1_000_000)}.${cents}`,
    String(below(10_000_000) / 1_000_000 - 5),
    String(below(2)),
    String(18_000 + below(2_500)),
    `${1_600_000_000 + below(160_000_000)}.${String(below(1000)).padStart(3, "0")}000000`,
    `Customer#${String(below(150_000)).padStart(9, "0")}`,
    CITIES[below(CITIES.length)]!,
    NOTES[below(NOTES.length)]!,
  ];
}

/** mulberry32: 32 bits of state, the same numbers everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
