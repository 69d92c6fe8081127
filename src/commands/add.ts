import { defineCommand } from "citty";
import { basename, extname } from "node:path";
import { z } from "zod";
import { messageOf, ReportError } from "../report/errors.ts";
import { parseReport, type Report, type ReportRow } from "../report/request.ts";
import { addReport, type NewReport } from "../snowflake/reports.ts";
import { withControl } from "./control.ts";
import { print, printJson } from "./output.ts";

/** Command line flag and column of REPORT_CONFIG. */
const FLAGS = {
  name: {
    column: "REPORT_NAME",
    hint: "text",
    description: "Shown to readers (default: the file's name)",
  },
  sql: { column: "REPORT_SQL", hint: "select", description: "One SELECT, instead of a file" },
  format: {
    column: "OUTPUT_FORMAT",
    hint: "list",
    description: "PDF, EXCEL, CSV, PARQUET or several (default: PDF)",
  },
  recipients: {
    column: "EMAIL_RECIPIENTS",
    hint: "list",
    description: "Addresses, separated by commas",
  },
  owner: { column: "OWNER_EMAIL", hint: "address", description: "Told of failures" },
  type: {
    column: "REPORT_TYPE",
    hint: "type",
    description: "ADHOC or SCHEDULED (default: by --cron)",
  },
  cron: { column: "SCHEDULE_CRON", hint: "cron", description: "Five fields: makes it SCHEDULED" },
  timezone: { column: "TIMEZONE", hint: "zone", description: "IANA zone of --cron (default: UTC)" },
  parameters: { column: "PARAMETERS", hint: "json", description: "Values of :name in the SQL" },
  options: {
    column: "OPTIONS",
    hint: "json",
    description: "Title, columns, page, csv ... (see README.md)",
  },
  priority: { column: "PRIORITY", hint: "number", description: "Smaller is sooner" },
  sns: { column: "SNS_TOPIC_ARN", hint: "arn", description: "Topic to tell" },
  slack: { column: "SLACK_WEBHOOK", hint: "name", description: "Name of a configured webhook" },
} as const;

type Flag = keyof typeof FLAGS;
const flagNames = Object.keys(FLAGS).filter((name): name is Flag => name in FLAGS);

export const add = defineCommand({
  meta: { name: "add", description: "Ask for a report: from flags, a .sql file or a .json file" },
  args: {
    file: {
      type: "positional",
      required: false,
      description: "A .sql file with the SELECT, or a .json file with columns of REPORT_CONFIG",
    },
    name: flag("name"),
    sql: flag("sql"),
    format: flag("format"),
    recipients: flag("recipients"),
    owner: flag("owner"),
    type: flag("type"),
    cron: flag("cron"),
    timezone: flag("timezone"),
    parameters: flag("parameters"),
    options: flag("options"),
    priority: flag("priority"),
    sns: flag("sns"),
    slack: flag("slack"),
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    const given: Partial<Record<Flag, string>> = {};
    for (const name of flagNames) {
      const value = args[name];
      if (value !== undefined) given[name] = value;
    }
    const report = await collectReport(args.file, given);
    checkColumns(report);
    const configId = await withControl(({ connection }) => addReport(connection, report));
    if (args.json) printJson({ configId });
    else print(`${configId}  ${String(report["REPORT_NAME"])}: PENDING`);
  },
});

function flag(name: Flag) {
  const { description, hint } = FLAGS[name];
  return { type: "string", description, valueHint: hint } as const;
}

/** The columns from the file, over which the flags win. Throws ReportError `invalid_report` naming what is wrong. */
export async function collectReport(
  file: string | undefined,
  flags: Partial<Record<Flag, string>>,
): Promise<NewReport> {
  const columns: Record<string, string | number> = file === undefined ? {} : await readFile(file);
  for (const [name, value] of Object.entries(flags)) {
    if (isFlag(name)) columns[FLAGS[name].column] = value;
  }
  if (columns["SCHEDULE_CRON"] !== undefined) columns["REPORT_TYPE"] ??= "SCHEDULED";
  if (file !== undefined) columns["REPORT_NAME"] ??= basename(file, extname(file));
  return columns;
}

function isFlag(name: string): name is Flag {
  return name in FLAGS;
}

const COLUMNS: ReadonlySet<string> = new Set([
  ...flagNames.map((name) => FLAGS[name].column),
  "CONFIG_ID",
  "MISFIRE_POLICY",
  "MAX_ATTEMPTS",
  "NEXT_RUN_AT",
  "RUN_AFTER",
  "AS_OF",
]);

const columnsSchema = z.record(
  z.string().transform((name) => name.toUpperCase()),
  z.union([z.string(), z.number(), z.record(z.string(), z.unknown())]),
);

async function readFile(path: string): Promise<Record<string, string | number>> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new ReportError("invalid_report", `${path}: no such file`);
  const text = await file.text();
  if (extname(path).toLowerCase() !== ".json") return { REPORT_SQL: text };
  try {
    const parsed = columnsSchema.parse(JSON.parse(text));
    // OPTIONS and PARAMETERS may be written as objects in a file; the columns hold their text.
    return Object.fromEntries(
      Object.entries(parsed).map(([column, value]) => [
        refuseUnknown(path, column),
        typeof value === "object" ? JSON.stringify(value) : value,
      ]),
    );
  } catch (error) {
    if (error instanceof ReportError) throw error;
    throw new ReportError("invalid_report", `${path}: ${messageOf(error)}`, { cause: error });
  }
}

function refuseUnknown(path: string, column: string): string {
  if (COLUMNS.has(column)) return column;
  const known = [...COLUMNS].join(", ");
  throw new ReportError("invalid_report", `${path}: ${column} is not one of ${known}`);
}

/** The report that the columns ask for. The worker checks every row anyway; this tells before there is one. */
export function checkColumns(columns: NewReport): Report {
  const text = (column: string, fallback: string): string => String(columns[column] ?? fallback);
  const optional = (column: string): string | null =>
    columns[column] === undefined ? null : String(columns[column]);
  const row: ReportRow = {
    configId: text("CONFIG_ID", "new"),
    reportName: text("REPORT_NAME", ""),
    reportType: text("REPORT_TYPE", "ADHOC"),
    reportSql: text("REPORT_SQL", ""),
    parameters: optional("PARAMETERS"),
    outputFormat: text("OUTPUT_FORMAT", "PDF"),
    options: optional("OPTIONS"),
    scheduleCron: optional("SCHEDULE_CRON"),
    timezone: optional("TIMEZONE"),
    misfirePolicy: text("MISFIRE_POLICY", "RUN_ONCE"),
    emailRecipients: optional("EMAIL_RECIPIENTS"),
    snsTopicArn: optional("SNS_TOPIC_ARN"),
    slackWebhook: optional("SLACK_WEBHOOK"),
    ownerEmail: optional("OWNER_EMAIL"),
    maxAttempts: readInteger("MAX_ATTEMPTS", optional("MAX_ATTEMPTS")) ?? 1,
    asOf: readTime("AS_OF", optional("AS_OF")),
  };
  readInteger("PRIORITY", optional("PRIORITY"));
  for (const column of ["NEXT_RUN_AT", "RUN_AFTER"]) readTime(column, optional(column));
  return parseReport(row, new Date());
}

function readInteger(column: string, text: string | null): number | null {
  if (text === null) return null;
  if (/^-?\d{1,5}$/.test(text.trim())) return Number(text);
  throw new ReportError(
    "invalid_report",
    `${column}: "${text}" is not a whole number of up to five digits`,
  );
}

/** UTC, as the columns are. */
function readTime(column: string, text: string | null): Date | null {
  if (text === null) return null;
  const time = new Date(`${text.trim().replace(" ", "T").replace(/Z$/, "")}Z`);
  if (!Number.isNaN(time.getTime())) return time;
  throw new ReportError(
    "invalid_report",
    `${column}: "${text}" is not a time such as 2026-03-02T14:05:00`,
  );
}
