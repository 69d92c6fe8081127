/** Compares the renderers and the reader with what others would use. Each side runs in a process of its own. */
import { mkdtemp, rm } from "node:fs/promises";
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
  --repeat N   runs each side N times and counts its fastest run (default 1; 3 for formats)
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
  server: Server | null,
): Promise<Result> {
  const url = comparison.readsWire ? (server?.url ?? "") : "";
  const pdfRowsMax = comparison.pdfRowsMax ?? PDF_ROWS_MAX;
  const runs = size === "full" ? Math.max(repeat, comparison.runs ?? 1) : repeat;
  const run = (side: SideName, rowCount: number): Promise<Run> =>
    runFastest({ side, rowCount, url, pdfRowsMax }, runs);
  const growth: Run[] = [];
  for (const rowCount of comparison.growth[size]) {
    growth.push(await run(comparison.ours, rowCount));
    for (const peer of comparison.peers) {
      if (rowCount < peer.rows[size]) growth.push(await run(peer.side, rowCount));
    }
  }
  const ours = await run(comparison.ours, comparison.rows[size]);
  const peers: Run[] = [];
  for (const peer of comparison.peers) peers.push(await run(peer.side, peer.rows[size]));
  checkCells([ours, ...peers]);
  return { comparison, ours, peers, growth };
}

async function runFastest(job: Omit<Job, "folder">, repeat: number): Promise<Run> {
  const { side, rowCount } = job;
  const runs: Run[] = [];
  for (let index = 0; index < repeat; index += 1) {
    const folder = await mkdtemp(join(tmpdir(), "bench-"));
    try {
      runs.push({ side, measure: await runSide({ ...job, folder }) });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const fastest = runs.toSorted((a, b) => a.measure.seconds - b.measure.seconds)[0];
  if (fastest === undefined) throw new Error("nothing was run");
  const speed = Math.round(rowsPerSecond(fastest)).toLocaleString("en-US");
  process.stderr.write(`  ${side}, ${rowCount.toLocaleString("en-US")} rows: ${speed} rows/s\n`);
  return fastest;
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
  const results: Result[] = [];
  for (const comparison of settings.comparisons) {
    process.stderr.write(`${comparison.title}\n`);
    results.push(await runComparison(comparison, settings, server));
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  process.stdout.write(`${describeMachine()}; ${settings.size} sizes, ${seconds} s in all\n\n`);
  const isFull = settings.size === "full";
  process.stdout.write(`${formatResults(results, isFull)}\n\n${formatGrowth(results)}\n`);
}

await main();
