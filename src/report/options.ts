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

const excelOptions = z.strictObject({
  /** Name of the data sheet; default: the title. */
  sheetName: z.string().min(1).max(31).optional(),
  freezeHeader: z.boolean().default(true),
  autofilter: z.boolean().default(true),
  /** The sheet at the end that says what the file is. */
  about: z.boolean().default(true),
});

const pdfOptions = z.strictObject({
  /** More rows than this are not printed; the file and the audit say so. */
  rowsMax: z.number().int().min(1).max(200_000).default(20_000),
});

const margin = z.number().min(5).max(60);

const pageOptions = z.strictObject({
  size: z.enum(["A4", "Letter"]).default("A4"),
  orientation: z.enum(["auto", "portrait", "landscape"]).default("auto"),
  /** Millimetres: one for all sides, or each by itself (a side that is left out keeps its default). */
  margins: z
    .union([
      margin.transform((all) => ({ top: all, right: all, bottom: all, left: all })),
      z.strictObject({
        top: margin.optional(),
        right: margin.optional(),
        bottom: margin.optional(),
        left: margin.optional(),
      }),
    ])
    .optional(),
});

export const AGGREGATES = ["sum", "average", "min", "max", "count"] as const;

/** By column: what is shown of it under a group, or at the end. */
const aggregates = z.record(z.string(), z.enum(AGGREGATES));

const columnNames = z.union([
  z.string().transform((name) => [name]),
  z.array(z.string()).min(1).max(10),
]);

const chartOptions = z.strictObject({
  type: z.enum(["bar", "line", "area", "pie"]),
  /** The column of the categories or the axis. */
  x: z.string(),
  /**
   * One column of numbers, or several, each of which is a series. Rows of one x and series are added up; a line goes
   * through each of them.
   */
  y: columnNames,
  /** A column whose values are the series; with one `y` only. */
  series: z.string().optional(),
  title: z.string().min(1).max(200).optional(),
  /** Millimetres, in a PDF. */
  height: z.number().min(30).max(200).default(80),
});

const readyOptions = z.strictObject({
  /** One SELECT whose first cell of the first row is true when the data are ready. Same parameters as REPORT_SQL. */
  sql: z.string().min(1).max(100_000),
  checkEveryMinutes: z.number().int().min(1).max(1_440).default(5),
  /** From the occurrence of a SCHEDULED report, from the first check of an ADHOC one. */
  deadlineMinutes: z.number().int().min(1).max(44_640).default(120),
  /** After the deadline: the report is sent and says that it is late, or it fails. */
  late: z.enum(["send", "fail"]).default("send"),
});

const burstOptions = z.strictObject({
  /**
   * One SELECT that gives a row a recipient: KEY, EMAIL and, when wanted, PARAMETERS, FILE_NAME, FORMAT, LOCALE and
   * TIMEZONE. Same parameters as REPORT_SQL.
   */
  sql: z.string().min(1).max(100_000),
  /** REPORT_SQL is run once, and each recipient gets the rows in which this column is their KEY. */
  splitBy: z.string().min(1).max(255).optional(),
});

export const SEND_CONDITIONS = ["always", "rows", "empty", "changed"] as const;

export const optionsSchema = z.strictObject({
  title: z.string().min(1).max(200).optional(),
  subtitle: z.string().min(1).max(500).optional(),
  columns: z.record(z.string(), columnOptions).default({}),
  /** BCP 47, for numbers in a PDF, and for numbers and months in charts. */
  locale: z.string().refine(isLocale, "is not a locale").default("en-US"),
  /** IANA zone in which instants (TIMESTAMP_LTZ) are shown. Default: the report's TIMEZONE, else UTC. */
  timezone: z.string().refine(isTimezone, "is not an IANA time zone").optional(),
  page: pageOptions.prefault({}),
  /**
   * Columns whose values make the groups of a PDF and an EXCEL sheet, the outermost first. A group ends where a value
   * changes, so the query has to order by them.
   */
  groupBy: z
    .union([z.string().transform((name) => [name]), z.array(z.string()).max(3)])
    .default([]),
  /** Under each group; needs groupBy. */
  subtotals: aggregates.default({}),
  /** At the end. In EXCEL these are formulas. */
  totals: aggregates.default({}),
  /** At the top of a PDF, and as a picture in EXCEL. */
  chart: chartOptions.optional(),
  /** Otherwise the run is SKIPPED: nothing is stored and nothing sent. */
  sendWhen: z.enum(SEND_CONDITIONS).default("always"),
  /** The report waits until its data are ready. */
  readyWhen: readyOptions.optional(),
  /** Each recipient gets only their own rows. */
  burst: burstOptions.optional(),
  /**
   * Whether Snowflake itself writes a CSV file: "auto", when it has more rows than PUSH_DOWN_ROWS. PARQUET it always
   * writes.
   */
  pushDown: z.enum(["auto", "always", "never"]).default("auto"),
  csv: csvOptions.prefault({}),
  excel: excelOptions.prefault({}),
  pdf: pdfOptions.prefault({}),
});

export type Aggregate = (typeof AGGREGATES)[number];
export type ChartOptions = z.output<typeof chartOptions>;
export type ReportOptions = z.output<typeof optionsSchema>;
export type ColumnOptions = z.output<typeof columnOptions>;
export type CsvOptions = z.output<typeof csvOptions>;
export type ReadyOptions = z.output<typeof readyOptions>;
export type BurstOptions = z.output<typeof burstOptions>;
export type SendCondition = (typeof SEND_CONDITIONS)[number];
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

export function isLocale(name: string): boolean {
  try {
    return Intl.getCanonicalLocales(name).length === 1;
  } catch {
    return false;
  }
}
