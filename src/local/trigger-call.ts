import { gunzipSync } from "node:zlib";
import { errorCode } from "./atomic-file.ts";

/** What a trigger's caller sent: nothing that matters, or the rows of a Snowflake external function call. */
export type TriggerCall = { readonly rowNumbers: readonly number[] | null } | { problem: string };

const TRIGGER_BODY_BYTES_MAX = 4_096;

/** Reads and checks the body, which may be absent or gzip, at most `TRIGGER_BODY_BYTES_MAX` bytes either way. */
export async function readTriggerCall(request: Request): Promise<TriggerCall> {
  const sent = await readLimited(request);
  const bytes = sent === null ? null : unpack(sent, request.headers.get("content-encoding"));
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
export function requestIdOf(request: Request): string {
  return request.headers.get("sf-external-function-query-batch-id") ?? crypto.randomUUID();
}

/**
 * Snowflake marks its calls of an external function with this header.
 * Source: docs.snowflake.com/en/sql-reference/external-functions-data-format
 */
function isSnowflakeCall(request: Request): boolean {
  return request.headers.has("sf-external-function-format");
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

/** Null: it is too long; the rest is not read. */
async function readLimited(request: Request): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > TRIGGER_BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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
    return errorCode(thrown) === "ERR_BUFFER_TOO_LARGE"
      ? null
      : { problem: "The body is not gzip, although its encoding says so" };
  }
}
