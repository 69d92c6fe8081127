import { z } from "zod";

export type ParameterValue = string | number | boolean | null;

export const PARAMETER_TYPES = [
  "TEXT",
  "NUMBER",
  "BOOLEAN",
  "DATE",
  "TIME",
  "TIMESTAMP_NTZ",
  "TIMESTAMP_LTZ",
  "TIMESTAMP_TZ",
] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/** A value of PARAMETERS that was checked. */
export interface Parameter {
  /** Null: written as a bare JSON value, and bound as what that is. */
  readonly type: ParameterType | null;
  readonly value: ParameterValue;
  /** Bound like any other, and told to nobody: no file, no audit, no message, no log. */
  readonly isSecret: boolean;
}

export type Parameters = Readonly<Record<string, Parameter>>;

const bareSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const typedSchema = z.strictObject({
  type: z.enum(PARAMETER_TYPES),
  value: bareSchema,
  secret: z.boolean().default(false),
});
const parametersSchema = z.record(z.string(), z.union([bareSchema, typedSchema]));

/**
 * Parameters from parsed JSON, or the problems: names and what is expected, never a value. A value is a text, a number,
 * a boolean or null, or `{"type": ..., "value": ..., "secret": true}`.
 */
export function readParameters(json: unknown): { parameters: Parameters } | { problems: string[] } {
  const result = parametersSchema.safeParse(json);
  if (!result.success) {
    const names = new Set(result.error.issues.map((issue) => issue.path.join(".") || "the whole"));
    return {
      problems: [
        'must be a JSON object of texts, numbers, booleans, nulls and {"type": ..., "value": ..., "secret": true}, ' +
          `of type ${PARAMETER_TYPES.join(", ")} (see ${[...names].join(", ")})`,
      ],
    };
  }
  const read: [string, Parameter][] = [];
  const problems: string[] = [];
  for (const [name, given] of Object.entries(result.data)) {
    const parameter = readParameter(given);
    if ("problem" in parameter) problems.push(`${name} ${parameter.problem}`);
    else read.push([name, parameter]);
  }
  return problems.length > 0 ? { problems } : { parameters: Object.fromEntries(read) };
}

function readParameter(
  given: ParameterValue | z.output<typeof typedSchema>,
): Parameter | { problem: string } {
  if (typeof given !== "object" || given === null) {
    return { type: null, value: given, isSecret: false };
  }
  const { type, value, secret } = given;
  const read = value === null ? null : READERS[type](value);
  return read === undefined
    ? { problem: `is no ${type}: ${EXPECTED[type]}` }
    : { type, value: read, isSecret: secret };
}

/** What a value of each type looks like, for a message. */
const EXPECTED = {
  TEXT: "it must be a text",
  NUMBER: "it must be a number, or a text of at most 38 digits with or without a decimal point",
  BOOLEAN: "it must be true or false",
  DATE: 'it must be a day such as "2026-03-02"',
  TIME: 'it must be a time such as "14:05:00"',
  TIMESTAMP_NTZ: 'it must be a wall time such as "2026-03-02T14:05:00", without an offset',
  TIMESTAMP_LTZ: 'it must be a time such as "2026-03-02T14:05:00Z"; without an offset, in TIMEZONE',
  TIMESTAMP_TZ: 'it must be a time with its offset, such as "2026-03-02T14:05:00+01:00"',
} as const satisfies Record<ParameterType, string>;

type Given = string | number | boolean;

/** The value as it is bound; undefined: it is none of that type. */
const READERS = {
  TEXT: (value) => (typeof value === "string" ? value : undefined),
  NUMBER: readNumber,
  BOOLEAN: (value) => (typeof value === "boolean" ? value : undefined),
  DATE: (value) => readMoment(value, { date: true, time: false, offset: "none" }),
  TIME: (value) => readMoment(value, { date: false, time: true, offset: "none" }),
  TIMESTAMP_NTZ: (value) => readMoment(value, { date: true, time: true, offset: "none" }),
  TIMESTAMP_LTZ: (value) => readMoment(value, { date: true, time: true, offset: "optional" }),
  TIMESTAMP_TZ: (value) => readMoment(value, { date: true, time: true, offset: "required" }),
} as const satisfies Record<ParameterType, (value: Given) => string | boolean | undefined>;

/** Of a NUMBER of Snowflake, in all and after the point. */
const DIGITS_MAX = 38;
const FRACTION_DIGITS_MAX = 37;

/** As text: a JSON number of JavaScript holds 15 digits, a NUMBER of Snowflake 38. */
function readNumber(value: Given): string | undefined {
  if (typeof value === "boolean") return undefined;
  const text = String(value).trim();
  const [, whole = "", fraction = ""] = /^[+-]?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const digits = whole.replace(/^0+/, "").length + fraction.length;
  if (whole === "" || digits > DIGITS_MAX || fraction.length > FRACTION_DIGITS_MAX)
    return undefined;
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return undefined;
  }
  return text;
}

const MOMENT =
  /^(?:(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d))?(?<separator>[T ]?)(?:(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?<fraction>\.\d{1,9})?)?)?(?<offset>Z|[+-]\d\d:\d\d)?$/;

/** ISO 8601, with a space between day and time, and an offset in figures, as Snowflake reads all of them. */
function readMoment(
  value: Given,
  parts: { date: boolean; time: boolean; offset: "none" | "optional" | "required" },
): string | undefined {
  const found = typeof value === "string" ? MOMENT.exec(value)?.groups : undefined;
  if (found === undefined) return undefined;
  const { year, month, day, separator, hour, minute, second = "00", fraction = "", offset } = found;
  if ((year !== undefined) !== parts.date || (hour !== undefined) !== parts.time) return undefined;
  if ((separator !== "") !== (parts.date && parts.time)) return undefined;
  if (offset === undefined ? parts.offset === "required" : parts.offset === "none")
    return undefined;
  const date = year === undefined ? undefined : `${year}-${month}-${day}`;
  const time = hour === undefined ? undefined : `${hour}:${minute}:${second}`;
  if (!isMoment(date ?? "2000-01-01", time ?? "00:00:00") || !isOffset(offset)) return undefined;
  const zone = offset === undefined ? "" : ` ${offset === "Z" ? "+00:00" : offset}`;
  const clock = time === undefined ? undefined : `${time}${fraction}`;
  return `${[date, clock].filter((part) => part !== undefined).join(" ")}${zone}`;
}

/** Date would make 2 March of 30 February. */
function isMoment(date: string, time: string): boolean {
  const instant = new Date(`${date}T${time}Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(`${date}T${time}`);
}

function isOffset(offset: string | undefined): boolean {
  if (offset === undefined || offset === "Z") return true;
  const [hours = Number.NaN, minutes = Number.NaN] = offset.slice(1).split(":").map(Number);
  return hours <= 14 && minutes < 60;
}

/** The names and values that a reader of the file may see. */
export function visibleValues(parameters: Parameters): Record<string, ParameterValue> {
  const visible = Object.entries(parameters).filter(([, { isSecret }]) => !isSecret);
  return Object.fromEntries(visible.map(([name, { value }]) => [name, value]));
}

/** The same in the form of PARAMETERS, so that what the audit keeps can be asked for again. */
export function writeParameters(parameters: Parameters): Record<string, unknown> {
  const visible = Object.entries(parameters).filter(([, { isSecret }]) => !isSecret);
  return Object.fromEntries(
    visible.map(([name, { type, value }]) => [name, type === null ? value : { type, value }]),
  );
}

/** A sentence of somebody else, such as the warehouse's, without the secrets that it may quote. */
export function hideSecrets(text: string, parameters: Parameters): string {
  const secrets = Object.values(parameters)
    .filter(({ isSecret, value }) => isSecret && value !== null && value !== "")
    .map(({ value }) => String(value))
    .toSorted((a, b) => b.length - a.length);
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), text);
}
