import { gunzipSync } from "node:zlib";

/** A call of `POST /trigger`, whoever serves it. */
export interface TriggerRequest {
  /** By lower-case name; null when there is none. */
  readonly header: (name: string) => string | null;
  /** Null: it was longer than `TRIGGER_BODY_BYTES_MAX` and is not here. */
  readonly body: Uint8Array | null;
}

/** What a trigger's caller sent: nothing that matters, or the rows of a Snowflake external function call. */
export type TriggerCall = { readonly rowNumbers: readonly number[] | null } | { problem: string };

export const TRIGGER_BODY_BYTES_MAX = 4_096;

/** Checks a call's body, which may be empty or gzip, at most `TRIGGER_BODY_BYTES_MAX` bytes either way. */
export function readTriggerCall(request: TriggerRequest): TriggerCall {
  const bytes =
    request.body === null ? null : unpack(request.body, request.header("content-encoding"));
  if (bytes === null) {
    return {
      problem: `The body is longer than ${TRIGGER_BODY_BYTES_MAX} bytes; it may be empty or {}`,
    };
  }
  if ("problem" in bytes) return bytes;
  const text = new TextDecoder().decode(bytes.unpacked);
  const body = text.trim() === "" ? {} : parseObject(text);
  if (body === null) {
    return { problem: "The body is not a JSON object; it may be empty or {}" };
  }
  return isSnowflakeCall(request) ? readRows(body) : { rowNumbers: null };
}

/** The batch id that Snowflake repeats when it sends a call again, or an id of our own. */
export function requestIdOf(request: TriggerRequest): string {
  return request.header("sf-external-function-query-batch-id") ?? crypto.randomUUID();
}

/**
 * The body of the answer: to a person as it is, to Snowflake one value for each row it sent, in the same order.
 * Source: docs.snowflake.com/en/sql-reference/external-functions-data-format
 */
export function writeTriggerReply(
  rowNumbers: readonly number[] | null,
  done: Readonly<Record<string, unknown>>,
): object {
  if (rowNumbers === null) return done;
  return { data: rowNumbers.map((number) => [number, { ok: true, ...done }]) };
}

/**
 * Snowflake marks its calls of an external function with this header.
 * Source: docs.snowflake.com/en/sql-reference/external-functions-data-format
 */
function isSnowflakeCall(request: TriggerRequest): boolean {
  return request.header("sf-external-function-format") !== null;
}

/** `{"data": [[0, ...arguments], [1, ...arguments]]}`, where the first element is the number of the row. */
function readRows(body: object): TriggerCall {
  const rows: unknown = "data" in body ? body.data : undefined;
  const numbers = Array.isArray(rows) ? rows.map(rowNumber) : [null];
  const valid = numbers.filter((number) => number !== null);
  return valid.length === numbers.length
    ? { rowNumbers: valid }
    : { problem: 'The body is not {"data": [[0, ...], ...]}, as an external function sends it' };
}

function rowNumber(row: unknown): number | null {
  const number: unknown = Array.isArray(row) ? row[0] : null;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : null;
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Snowflake compresses on AWS unless the function says COMPRESSION = NONE. Null: it is too long once unpacked. */
function unpack(
  bytes: Uint8Array,
  encoding: string | null,
): { unpacked: Uint8Array } | { problem: string } | null {
  if (encoding === null || encoding === "identity") return { unpacked: bytes };
  if (encoding !== "gzip") {
    return { problem: `The body's encoding is ${encoding}; it may be gzip or none` };
  }
  try {
    return { unpacked: gunzipSync(bytes, { maxOutputLength: TRIGGER_BODY_BYTES_MAX }) };
  } catch (thrown) {
    return isTooLong(thrown)
      ? null
      : { problem: "The body is not gzip, although its encoding says so" };
  }
}

function isTooLong(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE";
}
