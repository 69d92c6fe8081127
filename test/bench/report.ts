import { cpus } from "node:os";
import type { Comparison } from "./comparisons.ts";
import type { Measure, SideName } from "./side.ts";

export interface Run {
  readonly side: SideName;
  readonly measure: Measure;
}

/** A comparison's runs at its full size, and the smaller ones. */
export interface Result {
  readonly comparison: Comparison;
  readonly ours: Run;
  readonly peers: readonly Run[];
  readonly growth: readonly Run[];
}

export function rowsPerSecond({ measure }: Run): number {
  return measure.rowCount / measure.seconds;
}

/** "2 cores of AMD EPYC, Bun 1.4.5 on linux x64". */
export function describeMachine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? "unknown";
  return `${cores.length} × ${model}, Bun ${Bun.version}, ${process.platform} ${process.arch}`;
}

/**
 * A table of all comparisons in Markdown, a row for each side. The ratio by CPU leaves out what other processes took
 * of the machine. `judged` marks targets as reached or missed.
 */
export function formatResults(results: readonly Result[], judged: boolean): string {
  const mark = (passed: boolean): string => (!judged ? "" : passed ? "✓ " : "✗ ");
  const rows = results.flatMap((result) => describeResult(result, mark));
  const head = [
    "work",
    "rows",
    "side",
    "rows/s",
    "CPU s",
    "peak RSS",
    "made",
    "ratio",
    "by CPU",
    "target",
  ];
  return formatTable(head, rows);
}

/** How each side's speed and memory change with the rows. */
export function formatGrowth(results: readonly Result[]): string {
  const rows = results.flatMap(({ comparison, ours, peers, growth }) =>
    [ours, ...peers].map(({ side }) => {
      const runs = [...growth, ours, ...peers]
        .filter((run) => run.side === side)
        .toSorted((a, b) => a.measure.rowCount - b.measure.rowCount);
      return [comparison.title, side, runs.map(describeStep).join(" → ")];
    }),
  );
  return formatTable(["work", "side", "rows: rows/s, peak RSS"], rows);
}

function describeStep(run: Run): string {
  const { rowCount, peakBytes } = run.measure;
  return `${formatShort(rowCount)}: ${formatShort(rowsPerSecond(run))}, ${formatMegabytes(peakBytes)}`;
}

type Mark = (passed: boolean) => string;

function describeResult({ comparison, ours, peers }: Result, mark: Mark): string[][] {
  const { peakMegabytesMax, note, target } = comparison;
  const notes: string[] = [];
  if (peakMegabytesMax !== undefined) {
    const passed = ours.measure.peakBytes <= peakMegabytesMax * 1e6;
    notes.push(`${mark(passed)}≤ ${peakMegabytesMax} MB`);
  }
  if (note !== undefined) notes.push(note);
  const own = describeRun(comparison.title, ours, ["", "", notes.join("; ")]);
  const others =
    "ratioMin" in target
      ? peers.map((peer) => {
          const judge = (ratio: number): string =>
            findReason(comparison, peer) ??
            `${mark(ratio >= target.ratioMin)}≥ ${target.ratioMin} ×`;
          return compareSpeed(ours, peer, judge);
        })
      : compareTimes(ours, peers, (ratio) => {
          const verdict = `${mark(ratio <= target.timeRatioMax)}≤ ${target.timeRatioMax} × its time`;
          return comparison.notJudged ?? verdict;
        });
  return [own, ...others];
}

/** Why a peer is not judged, if so. */
function findReason({ peers }: Comparison, { side }: Run): string | undefined {
  return peers.find((peer) => peer.side === side)?.lessDone;
}

function compareSpeed(ours: Run, peer: Run, judge: (ratio: number) => string): string[] {
  const ratio = rowsPerSecond(ours) / rowsPerSecond(peer);
  const byCpu = cpuPerRow(peer) / cpuPerRow(ours);
  return describeRun("", peer, [`${ratio.toFixed(1)} ×`, `${byCpu.toFixed(1)} ×`, judge(ratio)]);
}

/** Only the slowest counts. */
function compareTimes(
  ours: Run,
  peers: readonly Run[],
  judge: (ratio: number) => string,
): string[][] {
  const slowestSeconds = Math.max(...peers.map(({ measure }) => measure.seconds));
  return peers.map((peer) => {
    if (peer.measure.seconds < slowestSeconds) return describeRun("", peer, ["", "", ""]);
    const ratio = ours.measure.seconds / slowestSeconds;
    const byCpu = cpuPerRow(ours) / cpuPerRow(peer);
    return describeRun("", peer, [`${ratio.toFixed(2)} ×`, `${byCpu.toFixed(2)} ×`, judge(ratio)]);
  });
}

function cpuPerRow({ measure }: Run): number {
  return measure.cpuSeconds / measure.rowCount;
}

function describeRun(title: string, run: Run, comparison: readonly string[]): string[] {
  const { rowCount, cpuSeconds, peakBytes, sizeBytes } = run.measure;
  return [
    title,
    formatCount(rowCount),
    run.side,
    formatCount(rowsPerSecond(run)),
    cpuSeconds.toFixed(1),
    formatMegabytes(peakBytes),
    sizeBytes === 0 ? "" : formatMegabytes(sizeBytes),
    ...comparison,
  ];
}

function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

function formatShort(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} k`;
}

function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => (row[at] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
