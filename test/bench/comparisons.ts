import type { SideName } from "./side.ts";

/** Row counts of a full run and of a quick one. */
export interface Sizes {
  readonly full: number;
  readonly quick: number;
}

export interface Peer {
  readonly side: SideName;
  readonly rows: Sizes;
  /** Why it is shown and not judged: it does less than the others. */
  readonly lessDone?: string;
}

export interface Comparison {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly ours: SideName;
  readonly rows: Sizes;
  readonly peers: readonly Peer[];
  /** At least so many times the rows per second of each peer; or at most so many times the time of the slowest. */
  readonly target: { readonly ratioMin: number } | { readonly timeRatioMax: number };
  readonly peakMegabytesMax?: number;
  /** Smaller sizes at which the sides are run as well, to see how their cost grows. */
  readonly growth: { readonly full: readonly number[]; readonly quick: readonly number[] };
  /** Default: the most that a report may ask for. */
  readonly pdfRowsMax?: number;
  readonly readsWire: boolean;
  /** The sides are run at least so often, for a ratio that is near what single runs differ by. */
  readonly runs?: number;
  /** Why times are shown and not judged: the target is for another case. */
  readonly notJudged?: string;
  readonly note?: string;
}

const TEXTS: Sizes = { full: 1_000_000, quick: 100_000 };
const GROWTH = { full: [10_000, 100_000], quick: [10_000] };
const WIRE_GROWTH = { full: [10_000, 100_000], quick: [] };
const WORKBOOK: Sizes = { full: 1_000_000, quick: 30_000 };
const PRINTED: Sizes = { full: 100_000, quick: 10_000 };

export const COMPARISONS: readonly Comparison[] = [
  {
    name: "excel",
    title: "EXCEL",
    ours: "excel",
    rows: WORKBOOK,
    peers: [{ side: "exceljs", rows: WORKBOOK }],
    target: { ratioMin: 10 },
    peakMegabytesMax: 200,
    growth: GROWTH,
    readsWire: false,
  },
  {
    name: "pdf",
    title: "PDF",
    ours: "pdf",
    rows: { full: 100_000, quick: 10_000 },
    // It keeps every page in memory, some 4 GB for 100,000 rows.
    peers: [
      { side: "pdf-lib", rows: { full: 10_000, quick: 1_000 } },
      {
        side: "pdf-lib, Helvetica",
        rows: { full: 10_000, quick: 1_000 },
        lessDone: "not judged: what is not ASCII is written as ?",
      },
    ],
    target: { ratioMin: 25 },
    peakMegabytesMax: 250,
    growth: { full: [10_000], quick: [1_000] },
    readsWire: false,
  },
  {
    name: "csv",
    title: "CSV",
    ours: "csv",
    rows: TEXTS,
    peers: [
      { side: "fast-csv", rows: TEXTS },
      { side: "csv-stringify", rows: TEXTS },
    ],
    target: { ratioMin: 4 },
    peakMegabytesMax: 150,
    growth: GROWTH,
    readsWire: false,
  },
  {
    name: "read",
    title: "reading through snowflake-sdk",
    ours: "read",
    rows: TEXTS,
    peers: [{ side: "streamRows", rows: TEXTS }],
    target: { ratioMin: 3 },
    peakMegabytesMax: 350,
    growth: WIRE_GROWTH,
    readsWire: true,
  },
  {
    name: "path",
    title: "wire → EXCEL file",
    ours: "wire → EXCEL",
    rows: WORKBOOK,
    peers: [{ side: "streamRows + exceljs", rows: WORKBOOK }],
    target: { ratioMin: 6 },
    peakMegabytesMax: 400,
    growth: WIRE_GROWTH,
    readsWire: true,
  },
  {
    name: "formats",
    title: "three formats in one pass",
    ours: "wire → all three",
    rows: WORKBOOK,
    peers: eachFormat(WORKBOOK),
    target: { timeRatioMax: 1.3 },
    growth: { full: [100_000], quick: [] },
    pdfRowsMax: 20_000,
    readsWire: true,
    runs: 7,
    note: "20,000 rows in the PDF, as by default; middle run of 7",
  },
  {
    name: "formats-whole",
    title: "the same, all rows in the PDF",
    ours: "wire → all three",
    rows: PRINTED,
    peers: eachFormat(PRINTED),
    target: { timeRatioMax: 1.3 },
    notJudged: "not judged: more than is printed by default, so that PDF takes as long as EXCEL",
    growth: { full: [], quick: [] },
    readsWire: true,
    runs: 3,
  },
];

function eachFormat(rows: Sizes): Comparison["peers"] {
  return [
    { side: "wire → CSV", rows },
    { side: "wire → EXCEL", rows },
    { side: "wire → PDF", rows },
  ];
}
