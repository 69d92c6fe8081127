import { ADJECTIVES, ADVERBS, NOUNS, PREPOSITIONS, VERBS } from "./tpch-words.ts";

/** SQL expressions (DuckDB) that look random and are not: the same key and salt give the same value, always. */

/** Salts below this give independent draws for one key; keys must be whole numbers. */
const SALTS_MAX = 64;

/** A whole number from 0 to count - 1. */
export function draw(key: string, salt: number, count: number): string {
  if (salt >= SALTS_MAX) throw new RangeError(`The salt ${salt} is not below ${SALTS_MAX}.`);
  return `(hash((${key}) * ${SALTS_MAX} + ${salt}) % ${count})::BIGINT`;
}

/** A whole number from `low` to `high`. */
export function drawBetween(key: string, salt: number, low: number, high: number): string {
  return `(${low} + ${draw(key, salt, high - low + 1)})`;
}

export function pick(list: readonly string[], key: string, salt: number): string {
  return `${writeList(list)}[1 + ${draw(key, salt, list.length)}]`;
}

export function writeList(list: readonly string[]): string {
  return `[${list.map((word) => `'${word}'`).join(", ")}]`;
}

/** An amount from whole cents, exact. */
export function fromCents(cents: string): string {
  return `CAST((${cents}) * 0.01 AS DECIMAL(12, 2))`;
}

/**
 * A comment of `low` to `high` characters in the manner of the specification's text grammar, cut off wherever that
 * is, as its generator does. Takes the salts from `salt` to `salt + 10`.
 */
export function comment(key: string, salt: number, low: number, high: number): string {
  const sentences = Math.ceil(high / SENTENCE_LENGTH_MIN);
  const text = Array.from({ length: sentences }, (_, n) =>
    sentence(`${key} + ${n} * 8000000000`, salt),
  );
  return `rtrim(substr(concat_ws(' ', ${text.join(", ")}), 1, ${drawBetween(key, salt + 10, low, high)}))`;
}

/** "thinly sly frets eat idly at the sly frets." */
const SENTENCE_LENGTH_MIN = 40;

function sentence(key: string, salt: number): string {
  const lists = [ADVERBS, ADJECTIVES, NOUNS, VERBS, ADVERBS, PREPOSITIONS];
  const parts = lists.map((list, n) => pick(list, key, salt + n));
  const ending = `${pick(ADJECTIVES, key, salt + 6)} || ' ' || ${pick(NOUNS, key, salt + 7)} || '.'`;
  return `concat_ws(' ', ${parts.join(", ")}, 'the', ${ending})`;
}

/** 10 to 40 characters of the specification's address alphabet; takes the salts `salt` to `salt + 2`. */
export function address(key: string, salt: number): string {
  const seed = `md5((${draw(key, salt, 1_000_000_007)})::VARCHAR)`;
  const more = `md5((${draw(key, salt + 1, 1_000_000_007)})::VARCHAR)`;
  const letters = `translate(to_base64(unhex(${seed} || ${more})), '+/=', ' ,')`;
  return `trim(substr(${letters}, 1, ${drawBetween(key, salt + 2, 10, 40)}))`;
}

/** "25-989-741-2988": the nation's key plus 10, then three groups; takes the salts `salt` to `salt + 2`. */
export function phone(nationKey: string, key: string, salt: number): string {
  const groups = [
    drawBetween(key, salt, 100, 999),
    drawBetween(key, salt + 1, 100, 999),
    drawBetween(key, salt + 2, 1000, 9999),
  ];
  return `concat_ws('-', ${nationKey} + 10, ${groups.join(", ")})`;
}

/** From -999.99 to 9999.99. */
export function balance(key: string, salt: number): string {
  return fromCents(drawBetween(key, salt, -99_999, 999_999));
}
