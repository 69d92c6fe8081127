/** Session parameters. Source: docs.snowflake.com/en/sql-reference/parameters (defaults and kinds). */

import { invalidParameter, invalidParameterValue, unsupported } from "./errors.ts";

export type ParameterValue = string | number | boolean;

const DEFAULTS = {
  TIMEZONE: "America/Los_Angeles",
  DATE_INPUT_FORMAT: "AUTO",
  TIME_INPUT_FORMAT: "AUTO",
  TIMESTAMP_INPUT_FORMAT: "AUTO",
  DATE_OUTPUT_FORMAT: "YYYY-MM-DD",
  TIME_OUTPUT_FORMAT: "HH24:MI:SS",
  TIMESTAMP_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
  TIMESTAMP_NTZ_OUTPUT_FORMAT: "YYYY-MM-DD HH24:MI:SS.FF3",
  TIMESTAMP_LTZ_OUTPUT_FORMAT: "",
  TIMESTAMP_TZ_OUTPUT_FORMAT: "",
  BINARY_OUTPUT_FORMAT: "HEX",
  QUERY_TAG: "",
  LOCK_TIMEOUT: 43_200,
  STATEMENT_TIMEOUT_IN_SECONDS: 172_800,
  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: 0,
  AUTOCOMMIT: true,
  MULTI_STATEMENT_COUNT: 1,
  ABORT_DETACHED_QUERY: false,
  JS_TREAT_INTEGER_AS_BIGINT: false,
  ERROR_ON_NONDETERMINISTIC_UPDATE: false,
  CLIENT_SESSION_KEEP_ALIVE: false,
  CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY: 3600,
  CLIENT_RESULT_CHUNK_SIZE: 160,
} as const satisfies Record<string, ParameterValue>;

export type ParameterName = keyof typeof DEFAULTS;

type Widen<Value> = Value extends boolean ? boolean : Value extends number ? number : string;
export type Parameters = { readonly [Name in ParameterName]: Widen<(typeof DEFAULTS)[Name]> };

/**
 * The parameters of a new session. The time zone of the local Snowflake is UTC: its real default,
 * America/Los_Angeles, belongs to no account that was set up with care.
 */
export function defaultParameters(): Parameters {
  return { ...DEFAULTS, TIMEZONE: "UTC" };
}

function isParameter(name: string): name is ParameterName {
  return Object.hasOwn(DEFAULTS, name);
}

/** Parameters with one more set. Throws EngineError for an unknown name or a value of the wrong kind. */
export function withParameter(
  parameters: Parameters,
  name: string,
  value: ParameterValue,
): Parameters {
  const key = name.toUpperCase();
  if (!isParameter(key)) throw invalidParameter(key);
  return { ...parameters, [key]: convert(key, value) };
}

/** Back to the default. */
export function withoutParameter(parameters: Parameters, name: string): Parameters {
  const key = name.toUpperCase();
  if (!isParameter(key)) throw invalidParameter(key);
  return { ...parameters, [key]: defaultParameters()[key] };
}

/** Statement parameters that mean something here; a driver sends others too, which are its own business. */
export function withStatementParameters(
  parameters: Parameters,
  given: Readonly<Record<string, ParameterValue>>,
): Parameters {
  let result = parameters;
  for (const [name, value] of Object.entries(given)) {
    if (isParameter(name.toUpperCase())) result = withParameter(result, name, value);
  }
  return result;
}

function convert(name: ParameterName, value: ParameterValue): ParameterValue {
  const kind = typeof DEFAULTS[name];
  if (kind === "boolean") return toBoolean(name, value);
  if (kind === "number") return toCount(name, value);
  if (name.endsWith("_INPUT_FORMAT")) return toInputFormat(name, String(value));
  return name === "TIMEZONE" ? toZone(String(value)) : String(value);
}

/** Texts are read as ISO 8601 here, which AUTO does too. */
function toInputFormat(name: string, format: string): string {
  if (format.toUpperCase() !== "AUTO") throw unsupported(`${name} other than AUTO`);
  return "AUTO";
}

function toBoolean(name: string, value: ParameterValue): boolean {
  const text = String(value).toLowerCase();
  if (text !== "true" && text !== "false") throw invalidParameterValue(String(value), name);
  return text === "true";
}

function toCount(name: string, value: ParameterValue): number {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 0) throw invalidParameterValue(String(value), name);
  return count;
}

function toZone(zone: string): string {
  try {
    Intl.DateTimeFormat("en", { timeZone: zone });
  } catch {
    throw invalidParameterValue(zone, "TIMEZONE");
  }
  return zone;
}
