import { z } from "zod";
import { FORMATS, type Format } from "./artifact.ts";
import { messageOf, ReportError } from "./errors.ts";
import { defaultOptions, isTimezone, parseOptions, type ReportOptions } from "./options.ts";
import { bindParameters } from "./parameters.ts";
import { MISFIRE_POLICIES, type MisfirePolicy, parseSchedule, type Schedule } from "./schedule.ts";
import { checkStatement } from "./statement.ts";

/** What a person wrote into REPORT_CONFIG: unchecked text, as it stands in the row. */
export interface ReportRow {
  readonly configId: string;
  readonly reportName: string;
  readonly reportType: string;
  readonly reportSql: string;
  readonly parameters: string | null;
  readonly outputFormat: string;
  readonly options: string | null;
  readonly scheduleCron: string | null;
  readonly timezone: string | null;
  readonly misfirePolicy: string;
  readonly emailRecipients: string | null;
  readonly snsTopicArn: string | null;
  readonly slackWebhook: string | null;
  readonly ownerEmail: string | null;
  readonly maxAttempts: number;
}

export const REPORT_TYPES = ["ADHOC", "SCHEDULED"] as const;
export type ReportType = (typeof REPORT_TYPES)[number];

export type Parameters = Readonly<Record<string, string | number | boolean | null>>;

/** Who gets the files. */
export interface Recipients {
  readonly emails: readonly string[];
  readonly snsTopicArn: string | null;
  readonly slackWebhook: string | null;
}

/** A report that can be run: everything in its row was checked. */
export interface Report {
  readonly configId: string;
  readonly name: string;
  readonly type: ReportType;
  /** REPORT_SQL with `?` for each parameter, and the values in that order. */
  readonly statement: { readonly sql: string; readonly binds: Parameters[string][] };
  readonly parameters: Parameters;
  readonly formats: readonly Format[];
  readonly options: ReportOptions;
  readonly timezone: string;
  /** Null for an ADHOC report. */
  readonly schedule: Schedule | null;
  readonly misfirePolicy: MisfirePolicy;
  readonly recipients: Recipients;
  readonly ownerEmail: string | null;
}

const EMAILS_MAX = 50;
const ATTEMPTS_MAX = 100;
const parametersSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
);

/**
 * Checks a whole row. Throws one ReportError (`invalid_report`, or `statement_refused` when the SQL is all that is
 * wrong) whose message names every wrong column.
 */
export function parseReport(row: ReportRow, now: Date): Report {
  const problems: ReportError[] = [];
  const parse = <T>(read: () => T, fallback: T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ReportError)) throw error;
      problems.push(error);
      return fallback;
    }
  };
  const timezone = parse(() => parseTimezone(row.timezone), "UTC");
  const parameters = parse(() => parseParameters(row.parameters), null);
  const type = parse(() => parseOne("REPORT_TYPE", row.reportType, REPORT_TYPES), null);
  const report = {
    configId: row.configId,
    name: parse(() => parseName(row.reportName), ""),
    type: type ?? "ADHOC",
    statement: parse(() => parseStatement(row.reportSql, parameters), { sql: "", binds: [] }),
    parameters: parameters ?? {},
    formats: parse(() => parseFormats(row.outputFormat), []),
    options: parse(() => parseOptionsText(row.options), defaultOptions()),
    timezone,
    schedule: parse(() => (type === "SCHEDULED" ? readSchedule(row, timezone, now) : null), null),
    misfirePolicy: parse(
      () => parseOne("MISFIRE_POLICY", row.misfirePolicy, MISFIRE_POLICIES),
      "RUN_ONCE" as const,
    ),
    recipients: {
      emails: parse(() => parseEmails(row.emailRecipients), []),
      snsTopicArn: parse(() => parseTopic(row.snsTopicArn), null),
      slackWebhook: parse(() => parseWebhookName(row.slackWebhook), null),
    },
    ownerEmail: parse(() => parseOwner(row.ownerEmail), null),
  } satisfies Report;
  parse(() => checkMaxAttempts(row.maxAttempts), undefined);
  if (problems.length > 0) throw combineProblems(problems);
  return report;
}

/** Who is told that a row is wrong: OWNER_EMAIL when that much of it can be read. */
export function readOwnerEmail(row: ReportRow): string | null {
  try {
    return parseOwner(row.ownerEmail);
  } catch {
    return null;
  }
}

function combineProblems(problems: readonly ReportError[]): ReportError {
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) return first;
  return new ReportError("invalid_report", problems.map((problem) => problem.message).join("; "));
}

function parseName(text: string): string {
  if (text.trim() === "") refuse("REPORT_NAME", "is empty");
  // A line break in a name would be one in the subject of a mail.
  if (/\p{Cc}/u.test(text)) refuse("REPORT_NAME", "has a control character or a line break");
  return text.trim();
}

function parseOne<const T extends string>(column: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text.trim().toUpperCase());
  return found ?? refuse(column, `"${text}" is not one of ${allowed.join(", ")}`);
}

function parseFormats(text: string): Format[] {
  const names = splitList(text);
  if (names.length === 0) refuse("OUTPUT_FORMAT", `is empty; it may be ${FORMATS.join(", ")}`);
  return [...new Set(names.map((name) => parseOne("OUTPUT_FORMAT", name, FORMATS)))];
}

function parseStatement(sql: string, parameters: Parameters | null): Report["statement"] {
  checkStatement(sql);
  return parameters === null ? { sql, binds: [] } : bindParameters(sql, parameters);
}

function parseParameters(text: string | null): Parameters {
  const result = parametersSchema.safeParse(parseJson("PARAMETERS", text));
  if (result.success) return result.data;
  const paths = result.error.issues.map((issue) => issue.path.join(".") || "the whole").join(", ");
  return refuse(
    "PARAMETERS",
    `must be a JSON object of texts, numbers, booleans and nulls (see ${paths})`,
  );
}

function parseOptionsText(text: string | null): ReportOptions {
  const options = parseOptions(parseJson("OPTIONS", text));
  return "problems" in options ? refuse("OPTIONS", options.problems.join("; ")) : options;
}

function parseJson(column: string, text: string | null): unknown {
  if (text === null || text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuse(column, `is not JSON: ${messageOf(error)}`);
  }
}

function parseTimezone(text: string | null): string {
  const name = text?.trim() ?? "";
  if (name === "") return "UTC";
  return isTimezone(name) ? name : refuse("TIMEZONE", `"${name}" is not an IANA time zone`);
}

function readSchedule(row: ReportRow, timezone: string, now: Date): Schedule {
  const cron = row.scheduleCron?.trim() ?? "";
  if (cron === "") refuse("SCHEDULE_CRON", "is empty, and a SCHEDULED report needs one");
  return parseSchedule(cron, timezone, now);
}

function parseEmails(text: string | null): string[] {
  const addresses = splitList(text ?? "");
  if (addresses.length > EMAILS_MAX) {
    refuse(
      "EMAIL_RECIPIENTS",
      `has ${addresses.length} addresses; at most ${EMAILS_MAX} are allowed`,
    );
  }
  return [...new Set(addresses.map((address) => parseEmail("EMAIL_RECIPIENTS", address)))];
}

function parseOwner(text: string | null): string | null {
  const address = text?.trim() ?? "";
  return address === "" ? null : parseEmail("OWNER_EMAIL", address);
}

function parseEmail(column: string, address: string): string {
  return z.email().safeParse(address).success
    ? address
    : refuse(column, `"${address}" is not an e-mail address`);
}

function parseTopic(text: string | null): string | null {
  const arn = text?.trim() ?? "";
  if (arn === "") return null;
  return /^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/.test(arn)
    ? arn
    : refuse("SNS_TOPIC_ARN", `"${arn}" is not the ARN of an SNS topic`);
}

function parseWebhookName(text: string | null): string | null {
  const name = text?.trim() ?? "";
  if (name === "") return null;
  return /^[A-Za-z0-9_-]{1,100}$/.test(name)
    ? name
    : refuse("SLACK_WEBHOOK", "must be the name of a configured webhook, not its URL");
}

function checkMaxAttempts(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > ATTEMPTS_MAX) {
    refuse("MAX_ATTEMPTS", `${count} is not a whole number from 1 to ${ATTEMPTS_MAX}`);
  }
}

function splitList(text: string): string[] {
  return text
    .split(/[,;]/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function refuse(column: string, reason: string): never {
  throw new ReportError("invalid_report", `${column}: ${reason}`);
}
