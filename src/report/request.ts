import type { Format } from "./artifact.ts";
import { BURST_SQL, checkBurst } from "./burst.ts";
import { messageOf, ReportError } from "./errors.ts";
import { defaultOptions, isTimezone, parseOptions, type ReportOptions } from "./options.ts";
import { type Parameters, readParameters } from "./parameter-values.ts";
import { type BuiltIn, checkParameters, type NamedStatement } from "./parameters.ts";
import {
  parseEmails,
  parseOwner,
  parseTopic,
  parseWebhookName,
  type Recipients,
} from "./recipients.ts";
import { parseFormats, parseOne, refuse } from "./row-text.ts";
import { MISFIRE_POLICIES, type MisfirePolicy, parseSchedule, type Schedule } from "./schedule.ts";
import { checkStatement, checkStatementNamed } from "./statement.ts";

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
  /** The SQL sees the data as they were then. */
  readonly asOf: Date | null;
}

export const REPORT_TYPES = ["ADHOC", "SCHEDULED"] as const;
export type ReportType = (typeof REPORT_TYPES)[number];

/** A report that can be run: everything in its row was checked. */
export interface Report {
  readonly configId: string;
  readonly name: string;
  readonly type: ReportType;
  /** REPORT_SQL, to be bound with the parameters and the built-in ones. */
  readonly sql: string;
  readonly parameters: Parameters;
  /** Those that the SQL uses and PARAMETERS does not give. */
  readonly builtIns: readonly BuiltIn[];
  /** Null: the data of now. */
  readonly asOf: Date | null;
  readonly formats: readonly Format[];
  readonly options: ReportOptions;
  readonly timezone: string;
  /** Null for an ADHOC report. */
  readonly schedule: Schedule | null;
  readonly misfirePolicy: MisfirePolicy;
  readonly recipients: Recipients;
  readonly ownerEmail: string | null;
}

/** What a message calls the SQL of the data-ready condition. */
export const READY_SQL = "OPTIONS.readyWhen.sql";

const ATTEMPTS_MAX = 100;

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
  const options = parse(() => parseOptionsText(row.options), defaultOptions());
  const type = parse(() => parseOne("REPORT_TYPE", row.reportType, REPORT_TYPES), null);
  const report = {
    configId: row.configId,
    name: parse(() => parseName(row.reportName), ""),
    type: type ?? "ADHOC",
    sql: row.reportSql,
    parameters: parameters ?? {},
    builtIns: parse(() => checkStatements(row.reportSql, options, parameters), []),
    asOf: parse(() => parseAsOf(row.asOf, now), null),
    formats: parse(() => parseFormats("OUTPUT_FORMAT", row.outputFormat), []),
    options,
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
  parse(() => checkBurst(options, report.formats, row.emailRecipients), undefined);
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

/** Parameters that cannot be read at all are told once, not again for each name. */
function checkStatements(
  sql: string,
  options: ReportOptions,
  parameters: Parameters | null,
): readonly BuiltIn[] {
  checkStatement(sql);
  const { burst, readyWhen } = options;
  const isOpen = burst !== undefined && burst.splitBy === undefined;
  const others: NamedStatement[] = [];
  if (readyWhen !== undefined) others.push({ name: READY_SQL, sql: readyWhen.sql });
  if (burst !== undefined) others.push({ name: BURST_SQL, sql: burst.sql });
  for (const other of others) checkStatementNamed(other.name, other.sql);
  const statements = [{ name: "REPORT_SQL", sql, isOpen }, ...others];
  return parameters === null ? [] : checkParameters(statements, parameters);
}

function parseParameters(text: string | null): Parameters {
  const read = readParameters(parseJson("PARAMETERS", text));
  return "problems" in read ? refuse("PARAMETERS", read.problems.join("; ")) : read.parameters;
}

function parseAsOf(asOf: Date | null, now: Date): Date | null {
  if (asOf !== null && asOf > now) refuse("AS_OF", `${asOf.toISOString()} is in the future`);
  return asOf;
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

function checkMaxAttempts(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > ATTEMPTS_MAX) {
    refuse("MAX_ATTEMPTS", `${count} is not a whole number from 1 to ${ATTEMPTS_MAX}`);
  }
}
