import type { ReportRow } from "../report/request.ts";

/** A row of a result by column name: text as on the wire, or null. */
export type ResultRow = Readonly<Record<string, string | null>>;

/** A cell that the table declares NOT NULL, or that the statement computes. */
export function textOf(row: ResultRow, column: string): string {
  const value = row[column];
  if (value === undefined || value === null) throw new Error(`column ${column} is missing or null`);
  return value;
}

export function numberOf(row: ResultRow, column: string): number {
  return Number(textOf(row, column));
}

export function numberOrNull(row: ResultRow, column: string): number | null {
  const value = row[column] ?? null;
  return value === null ? null : Number(value);
}

/** A column that holds milliseconds since the epoch. */
export function dateOf(row: ResultRow, column: string): Date {
  return new Date(numberOf(row, column));
}

export function dateOrNull(row: ResultRow, column: string): Date | null {
  const milliseconds = numberOrNull(row, column);
  return milliseconds === null ? null : new Date(milliseconds);
}

/** What a person wrote, from a statement that selects ROW_COLUMNS. */
export function reportRowOf(row: ResultRow): ReportRow {
  return {
    configId: textOf(row, "CONFIG_ID"),
    reportName: textOf(row, "REPORT_NAME"),
    reportType: textOf(row, "REPORT_TYPE"),
    reportSql: textOf(row, "REPORT_SQL"),
    parameters: row["PARAMETERS"] ?? null,
    outputFormat: textOf(row, "OUTPUT_FORMAT"),
    options: row["OPTIONS"] ?? null,
    scheduleCron: row["SCHEDULE_CRON"] ?? null,
    timezone: row["TIMEZONE"] ?? null,
    misfirePolicy: textOf(row, "MISFIRE_POLICY"),
    emailRecipients: row["EMAIL_RECIPIENTS"] ?? null,
    snsTopicArn: row["SNS_TOPIC_ARN"] ?? null,
    slackWebhook: row["SLACK_WEBHOOK"] ?? null,
    ownerEmail: row["OWNER_EMAIL"] ?? null,
    maxAttempts: numberOf(row, "MAX_ATTEMPTS"),
    asOf: dateOrNull(row, "AS_OF_MS"),
  };
}
