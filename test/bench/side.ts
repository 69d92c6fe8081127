/** One side of a comparison, in a process of its own: does one job and prints what it took as a line of JSON. */
export interface Job {
  readonly side: SideName;
  readonly rowCount: number;
  /** More rows are not printed in a PDF. */
  readonly pdfRowsMax: number;
  /** Of the local Snowflake; empty for sides that read nothing. */
  readonly url: string;
  /** For files; whoever made it removes it. */
  readonly folder: string;
}

/** What a side did, so that nobody wins by doing less. */
export interface Done {
  readonly rowCount: number;
  /** Of the file, or of the texts read. */
  readonly sizeBytes: number;
  /** Of the cells read that are not null, where cells are read and nothing is written. */
  readonly cellCount?: number;
}

/** Prepares (imports, login, the query itself) and gives back the work that is timed. */
export type Side = (job: Job) => Promise<() => Promise<Done>>;

/** Loaded by name, so that a process holds what its own side needs and no more. */
const SIDES = {
  excel: async () => (await import("./sides-excel.ts")).renderExcel,
  exceljs: async () => (await import("./sides-excel.ts")).exceljs,
  pdf: async () => (await import("./sides-pdf.ts")).renderPdf,
  "pdf-lib": async () => (await import("./sides-pdf.ts")).pdfLib,
  "pdf-lib, Helvetica": async () => (await import("./sides-pdf.ts")).pdfLibStandard,
  csv: async () => (await import("./sides-csv.ts")).renderCsv,
  "fast-csv": async () => (await import("./sides-csv.ts")).fastCsv,
  "csv-stringify": async () => (await import("./sides-csv.ts")).csvStringify,
  read: async () => (await import("./sides-wire.ts")).readRaw,
  streamRows: async () => (await import("./sides-wire.ts")).readStream,
  "streamRows + exceljs": async () => (await import("./sides-wire.ts")).exceljsFromStream,
  "wire → CSV": async () => (await import("./sides-wire.ts")).renderFormats(["CSV"]),
  "wire → EXCEL": async () => (await import("./sides-wire.ts")).renderFormats(["EXCEL"]),
  "wire → PDF": async () => (await import("./sides-wire.ts")).renderFormats(["PDF"]),
  "wire → all three": async () =>
    (await import("./sides-wire.ts")).renderFormats(["CSV", "EXCEL", "PDF"]),
} satisfies Record<string, () => Promise<Side>>;

export type SideName = keyof typeof SIDES;

export interface Measure extends Done {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** The most memory that the process had resident at any time, its start and its imports included. */
  readonly peakBytes: number;
}

async function measure(job: Job): Promise<Measure> {
  const side: Side = await SIDES[job.side]();
  const work = await side(job);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const done = await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  return { ...done, seconds, cpuSeconds, peakBytes: await readPeakBytes() };
}

async function readPeakBytes(): Promise<number> {
  // Linux says it to the kilobyte; elsewhere the runtime's own count is what there is.
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const status = await Bun.file("/proc/self/status").text();
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

if (import.meta.main) {
  const measured = await measure(JSON.parse(process.argv[2] ?? ""));
  process.stdout.write(`${JSON.stringify(measured)}\n`);
  process.exit(0);
}
