/** What an external function's service answers. Only the documented form is taken. */

import { createHash } from "node:crypto";
import { EngineError } from "../../engine.ts";

/** Source: docs.snowflake.com/en/sql-reference/external-functions-introduction (limitations). */
const REPLY_BYTES_MAX = 10 * 1024 * 1024;

/** The call, as errors name it. */
export interface CallName {
  readonly name: string;
  readonly batchId: string;
}

/** Wording and code as Snowflake's users quote them. */
export function requestFailed({ name }: CallName, why: string): EngineError {
  return new EngineError(
    "100350",
    "P0000",
    `Request failed for external function ${name}. Error: ${why}`,
  );
}

/** An answer that says no. */
export function serviceRefused({ name }: CallName, status: number, body: string): EngineError {
  const message = `Request failed for external function ${name} with remote service error: ${status} '${body}'`;
  return new EngineError("100351", "P0000", message);
}

function malformed({ name, batchId }: CallName, why: string): EngineError {
  const message = `Error parsing JSON response for external function ${name} with request batch id: ${batchId}. Error: ${why}`;
  return new EngineError("100287", "22P02", message);
}

/**
 * The value of each row, as JSON text: one for every row that was sent, in the same order.
 * Throws EngineError 100287 for anything else.
 */
export function readReply(
  call: CallName,
  body: Uint8Array,
  contentMd5: string | null,
  rowCount: number,
): string[] {
  if (body.length > REPLY_BYTES_MAX)
    throw malformed(call, `the response is larger than ${REPLY_BYTES_MAX} bytes`);
  if (contentMd5 !== null && createHash("md5").update(body).digest("base64") !== contentMd5)
    throw malformed(call, "the Content-MD5 header does not match the body");
  const rows = readData(call, new TextDecoder().decode(body));
  if (rows.length !== rowCount)
    throw malformed(call, `expected ${rowCount} rows, but received ${rows.length}`);
  return rows.map((row, index) => readRow(call, row, index));
}

function readData(call: CallName, text: string): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw malformed(call, `the response is not JSON: ${why}`);
  }
  const data: unknown =
    typeof parsed === "object" && parsed !== null && "data" in parsed ? parsed.data : undefined;
  if (!Array.isArray(data))
    throw malformed(call, 'top-level JSON object must contain "data" JSON array element');
  return data;
}

function readRow(call: CallName, row: unknown, index: number): string {
  const cells: readonly unknown[] = Array.isArray(row) ? row : [];
  if (cells.length !== 2)
    throw malformed(
      call,
      `index ${index} contains ${cells.length} elements, but 2 elements are expected`,
    );
  if (cells[0] !== index)
    throw malformed(
      call,
      `row number ${index} is expected at index ${index}, but ${JSON.stringify(cells[0])} was found`,
    );
  return JSON.stringify(cells[1]);
}
