import { gunzipSync } from "node:zlib";
import { BadRequest } from "./reply.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** As large as a request may get once unpacked: a bulk bind is at most 128 MB on Snowflake's side too. */
const BODY_BYTES_MAX = 512 * 1024 * 1024;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The body of a request, gzip or not, as a JSON object. Throws BadRequest. */
export async function readJsonBody(request: Request): Promise<JsonObject> {
  const text = await readTextBody(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BadRequest(
      `The request body is not JSON: ${error instanceof Error ? error.message : "unreadable"}.`,
      error,
    );
  }
  if (!isJsonObject(value)) throw new BadRequest("The request body is JSON, but not an object.");
  return value;
}

/** Drivers may send gzip: some announce it, and the bytes tell in any case. */
async function readTextBody(request: Request): Promise<string> {
  const bytes = Buffer.from(await request.arrayBuffer());
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!packed && request.headers.get("content-encoding") === "gzip") {
    throw new BadRequest("The request body is announced as gzip, but is not.");
  }
  if (!packed) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes, { maxOutputLength: BODY_BYTES_MAX }).toString("utf8");
  } catch (error) {
    throw new BadRequest("The request body is not readable gzip.", error);
  }
}

/** A field that must be an object if it is there at all. */
export function readObject(body: JsonObject, name: string): JsonObject {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw new BadRequest(`The field ${name} must be an object.`);
  return value;
}

/** A text field; absent, null and empty are all null. */
export function readText(body: JsonObject, name: string): string | null {
  const value = body[name];
  if (value === undefined || value === null || value === "") return null;
  if (typeof value !== "string") throw new BadRequest(`The field ${name} must be text.`);
  return value;
}

/** A flag; absent and null are false. */
export function readFlag(body: JsonObject, name: string): boolean {
  const value = body[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw new BadRequest(`The field ${name} must be true or false.`);
  return value;
}

export type Scalars = Readonly<Record<string, string | number | boolean>>;

/** Parameters by name, upper case; a null value is left out, anything but a scalar is refused. */
export function readScalars(body: JsonObject, name: string): Scalars {
  const scalars: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(readObject(body, name))) {
    if (value === null) continue;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      throw new BadRequest(`${name}.${key} must be text, a number, true or false.`);
    }
    scalars[key.toUpperCase()] = value;
  }
  return scalars;
}
