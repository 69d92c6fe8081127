import { z } from "zod";

/** What REPORT_CONFIG.OPTIONS may say. Strict: a name that is not listed here is refused with its path. */
const columnOptions = z.strictObject({
  label: z.string().min(1).max(200).optional(),
  /** A number format as in spreadsheets for EXCEL ("#,##0.00", "0.0%"); PDF follows its decimals. */
  format: z.string().min(1).max(100).optional(),
  /** Characters, as spreadsheets count them. */
  width: z.number().min(2).max(255).optional(),
  align: z.enum(["left", "right", "center"]).optional(),
  hidden: z.boolean().optional(),
});

const csvOptions = z.strictObject({
  delimiter: z.string().length(1).default(","),
  /** A byte order mark lets Excel see UTF-8. */
  bom: z.boolean().default(false),
  header: z.boolean().default(true),
  nullText: z.string().max(100).default(""),
  quote: z.enum(["minimal", "all"]).default("minimal"),
  lineEnd: z.enum(["crlf", "lf"]).default("crlf"),
  gzip: z.boolean().default(false),
  /** Puts ' before text that a spreadsheet would run as a formula. Breaks byte-exact machine readers. */
  formulaGuard: z.boolean().default(true),
});

const pdfOptions = z.strictObject({
  /** More rows than this are not printed; the file and the audit say so. */
  rowsMax: z.number().int().min(1).max(200_000).default(20_000),
});

const pageOptions = z.strictObject({
  size: z.enum(["A4", "Letter"]).default("A4"),
  orientation: z.enum(["auto", "portrait", "landscape"]).default("auto"),
});

export const optionsSchema = z.strictObject({
  title: z.string().min(1).max(200).optional(),
  subtitle: z.string().min(1).max(500).optional(),
  columns: z.record(z.string(), columnOptions).default({}),
  /** BCP 47, for numbers and dates in a PDF. */
  locale: z.string().refine(isLocale, "is not a locale").default("en-US"),
  /** IANA zone in which instants (TIMESTAMP_LTZ) are shown. Default: the report's TIMEZONE, else UTC. */
  timezone: z.string().refine(isTimezone, "is not an IANA time zone").optional(),
  page: pageOptions.prefault({}),
  csv: csvOptions.prefault({}),
  pdf: pdfOptions.prefault({}),
});

export type ReportOptions = z.output<typeof optionsSchema>;
export type ColumnOptions = z.output<typeof columnOptions>;
export type CsvOptions = z.output<typeof csvOptions>;
export type PageOptions = z.output<typeof pageOptions>;

/** The options of a report that asks for nothing special. */
export function defaultOptions(): ReportOptions {
  return optionsSchema.parse({});
}

/** Options from parsed JSON, or the problems, each with its path ("page.size: ..."). */
export function parseOptions(json: unknown): ReportOptions | { problems: string[] } {
  const result = optionsSchema.safeParse(json);
  if (result.success) return result.data;
  return { problems: result.error.issues.map(describeIssue) };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${[...issue.path, key].join(".")} is not an option`).join("; ");
  }
  return `${issue.path.join(".") || "the whole"}: ${issue.message}`;
}

export function isTimezone(name: string): boolean {
  // Intl takes offsets such as "+02:00" too; a Snowflake session does not.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isLocale(name: string): boolean {
  try {
    return Intl.getCanonicalLocales(name).length === 1;
  } catch {
    return false;
  }
}
