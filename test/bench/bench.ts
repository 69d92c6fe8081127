/** Compares the renderers and the reader with what others would use. Each side runs in a process of its own. */
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runSide, type Server, startServer } from "./children.ts";
import { type Comparison, COMPARISONS, type Sizes } from "./comparisons.ts";
import {
  describeMachine,
  formatGrowth,
  formatResults,
  type Result,
  rowsPerSecond,
  type Run,
} from "./report.ts";
import type { Job, SideName } from "./side.ts";

const HELP = `bun run bench [--quick] [--only NAME] [--repeat N]

  --quick      smaller sizes; ends within a minute, judges nothing (the targets are for the full sizes)
  --only NAME  one comparison, or several with commas: ${COMPARISONS.map(({ name }) => name).join(", ")}
  --repeat N   runs the sides N times, in turn, and counts each side's middle run (default 1; 7 for formats)
  --help       this text
`;

interface Settings {
  readonly size: keyof Sizes;
  readonly repeat: number;
  readonly comparisons: readonly Comparison[];
}

function readSettings(): Settings | null {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      repeat: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const repeat = Number(values.repeat);
  if (!Number.isInteger(repeat) || repeat < 1) throw new Error("--repeat: a whole number from 1");
  const names = values.only?.split(",") ?? COMPARISONS.map(({ name }) => name);
  const comparisons = names.map((name) => {
    const found = COMPARISONS.find((comparison) => comparison.name === name);
    if (found === undefined) throw new Error(`--only: there is no "${name}"`);
    return found;
  });
  return { size: values.quick ? "quick" : "full", repeat, comparisons };
}

/** The most that a report may ask for (options.ts). */
const PDF_ROWS_MAX = 200_000;

async function runComparison(
  comparison: Comparison,
  { size, repeat }: Settings,
  bench: Bench,
): Promise<Result> {
  const url = comparison.readsWire ? (bench.server?.url ?? "") : "";
  const pdfRowsMax = comparison.pdfRowsMax ?? PDF_ROWS_MAX;
  const runs = size === "full" ? Math.max(repeat, comparison.runs ?? 1) : repeat;
  const describe = (side: SideName, rowCount: number) => ({ side, rowCount, url, pdfRowsMax });
  const growth: Run[] = [];
  for (const rowCount of comparison.growth[size]) {
    const peers = comparison.peers.filter(({ rows }) => rowCount < rows[size]);
    const sides = [comparison.ours, ...peers.map(({ side }) => side)];
    const jobs = sides.map((side) => describe(side, rowCount));
    growth.push(...(await runInTurn(jobs, repeat, bench.folder)));
  }
  const ours = describe(comparison.ours, comparison.rows[size]);
  const peers = comparison.peers.map(({ side, rows }) => describe(side, rows[size]));
  const [own, ...others] = await runInTurn([ours, ...peers], runs, bench.folder);
  if (own === undefined) throw new Error("nothing was run");
  checkCells([own, ...others]);
  return { comparison, ours: own, peers: others, growth };
}

interface Bench {
  readonly server: Server | null;
  /** Under which each run has a folder of its own. */
  readonly folder: string;
}

/**
 * The middle run of each. In turn, because a machine that others use is now fast and now slow for some time: then that
 * falls on all of them.
 */
async function runInTurn(
  jobs: readonly Omit<Job, "folder">[],
  repeat: number,
  folder: string,
): Promise<Run[]> {
  const rounds: Run[][] = [];
  for (let index = 0; index < repeat; index += 1) {
    const round: Run[] = [];
    for (const job of jobs) round.push(await runOnce(job, folder));
    rounds.push(round);
  }
  return jobs.map((_, place) => {
    const runs = rounds.flatMap((round) => round.slice(place, place + 1));
    const middle = runs.toSorted((a, b) => a.measure.seconds - b.measure.seconds)[repeat >> 1];
    if (middle === undefined) throw new Error("nothing was run");
    return middle;
  });
}

async function runOnce(job: Omit<Job, "folder">, parent: string): Promise<Run> {
  const folder = await mkdtemp(join(parent, "bench-"));
  try {
    const run = { side: job.side, measure: await runSide({ ...job, folder }) };
    const speed = Math.round(rowsPerSecond(run)).toLocaleString("en-US");
    const rows = job.rowCount.toLocaleString("en-US");
    process.stderr.write(`  ${job.side}, ${rows} rows: ${speed} rows/s\n`);
    return run;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const MEMORY_FOLDER = "/dev/shm";
const FILES_BYTES_MAX = 500_000_000;

/** In memory where there is room: what a disk still writes of a run's files takes time from the next run. */
async function selectFolder(): Promise<string> {
  const space = await statfs(MEMORY_FOLDER).catch(() => null);
  const isRoomy = space !== null && space.bavail * space.bsize >= FILES_BYTES_MAX;
  return isRoomy ? MEMORY_FOLDER : tmpdir();
}

/** Sides that read must have read the same cells. */
function checkCells(runs: readonly Run[]): void {
  const counts = new Set(runs.map(({ measure }) => measure.cellCount));
  if (counts.size > 1) throw new Error(`the sides read different cells: ${[...counts].join(", ")}`);
}

async function main(): Promise<void> {
  const settings = readSettings();
  if (settings === null) {
    process.stdout.write(HELP);
    return;
  }
  const startedMs = performance.now();
  const isServerNeeded = settings.comparisons.some(({ readsWire }) => readsWire);
  await using stack = new AsyncDisposableStack();
  const server = isServerNeeded ? stack.use(await startServer()) : null;
  const bench = { server, folder: await selectFolder() };
  const results: Result[] = [];
  for (const comparison of settings.comparisons) {
    process.stderr.write(`${comparison.title}\n`);
    results.push(await runComparison(comparison, settings, bench));
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  process.stdout.write(`${describeMachine()}; ${settings.size} sizes, ${seconds} s in all\n\n`);
  const isFull = settings.size === "full";
  process.stdout.write(`${formatResults(results, isFull)}\n\n${formatGrowth(results)}\n`);
}

await main();
