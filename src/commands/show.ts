import { defineCommand } from "citty";
import { type Artifact, countFiles, sumSizes } from "../report/artifact.ts";
import { formatBytes, formatCount } from "../report/message.ts";
import {
  type DeliveryStatus,
  findReport,
  readHistory,
  type ReportStatus,
} from "../snowflake/reports.ts";
import { writeSigning } from "../snowflake/unload.ts";
import type { SettledRun } from "../worker/ports.ts";
import { withControl } from "./control.ts";
import { formatTable, formatTime, print, printJson } from "./output.ts";

const RUNS_MAX = 20;

export const show = defineCommand({
  meta: {
    name: "show",
    description: "Show one report: its state, its runs, its files and its deliveries",
  },
  args: {
    id: { type: "positional", required: true, description: "CONFIG_ID, or the beginning of it" },
    json: { type: "boolean", description: "Answer as JSON" },
  },
  run: async ({ args }) => {
    const { report, runs, deliveries } = await withControl(async ({ connection }) => {
      const report = await findReport(connection, args.id);
      return { report, ...(await readHistory(connection, report.configId, RUNS_MAX)) };
    });
    if (args.json) printJson({ ...report, runs, deliveries });
    else print(describe(report, runs, deliveries));
  },
});

function describe(
  report: ReportStatus,
  runs: readonly SettledRun[],
  deliveries: readonly DeliveryStatus[],
): string {
  const head = [
    `${report.name}  (${report.configId})`,
    `${report.type}, ${report.status}${report.nextRunAt === null ? "" : `, next run ${formatTime(report.nextRunAt)} UTC`}`,
    ...(report.rerunOf === null ? [] : [`does run ${report.rerunOf} again`]),
    ...(report.status === "PENDING" && report.waitingSince !== null
      ? [`waiting for its data since ${formatTime(report.waitingSince)} UTC`]
      : []),
    ...(report.lastError === null ? [] : [report.lastError]),
  ];
  return [
    head.join("\n"),
    describeRuns(runs),
    describeFiles(runs[0]),
    describeDeliveries(deliveries),
  ]
    .filter((block) => block !== "")
    .join("\n\n");
}

function describeRuns(runs: readonly SettledRun[]): string {
  if (runs.length === 0) return "no runs yet";
  const rows = runs.map((run) => [
    run.runId.slice(0, 8),
    formatTime(run.startedAt),
    run.outcome,
    ((run.finishedAt.getTime() - run.startedAt.getTime()) / 1_000).toFixed(1),
    run.rowCount === null ? "" : formatCount(run.rowCount),
    run.queryId ?? "",
    run.errorCode === null ? (run.reason ?? "") : `${run.errorCode}: ${run.errorMessage ?? ""}`,
  ]);
  return formatTable(
    ["RUN", "STARTED (UTC)", "OUTCOME", "SECONDS", "ROWS", "QUERY", "ERROR OR REASON"],
    rows,
  );
}

/** More lines than this are figures, and what is wrong. */
const LINES_MAX = 20;

function describeFiles(run: SettledRun | undefined): string {
  if (run === undefined || run.artifacts.length === 0) return "";
  const warnings = run.warnings.map(
    ({ format, message, recipientKey }) =>
      `! ${recipientKey === undefined ? "" : `${recipientKey}: `}${format ?? ""} ${message}`,
  );
  const left = warnings.length - LINES_MAX;
  const told = left > 0 ? [...warnings.slice(0, LINES_MAX), `! and ${left} more`] : warnings;
  return [describeArtifacts(run.artifacts), ...describeFetching(run.artifacts), ...told].join("\n");
}

/** Nobody can open an address in a stage: Snowflake gives a link to it, here to the first of them. */
function describeFetching(artifacts: readonly Artifact[]): string[] {
  const staged = artifacts.find(({ uri }) => uri.startsWith("snowflake:"));
  if (staged === undefined) return [];
  return [`a link to a snowflake:// file: ${writeSigning(staged.uri)};`];
}

function describeArtifacts(artifacts: readonly Artifact[]): string {
  if (artifacts.length > LINES_MAX) {
    const files = `${formatCount(countFiles(artifacts))} files of ${formatBytes(sumSizes(artifacts))}`;
    return `${files}; --json lists them`;
  }
  const isBurst = artifacts.some(({ recipientKey }) => recipientKey !== undefined);
  const files = artifacts.map((artifact) => [
    artifact.format,
    ...(isBurst ? [artifact.recipientKey ?? ""] : []),
    formatBytes(artifact.sizeBytes),
    artifact.sha256.slice(0, 12),
    artifact.uri,
  ]);
  return formatTable(["FILE", ...(isBurst ? ["KEY"] : []), "SIZE", "SHA-256", "WHERE"], files);
}

function describeDeliveries(deliveries: readonly DeliveryStatus[]): string {
  if (deliveries.length === 0) return "";
  const isBurst = deliveries.some(({ recipientKey }) => recipientKey !== null);
  const isMany = deliveries.length > LINES_MAX;
  const shown = isMany ? deliveries.filter(({ state }) => UNSENT.has(state)) : deliveries;
  const rows = shown
    .slice(0, UNSENT_MAX)
    .map((delivery) => [
      delivery.channel,
      delivery.kind,
      ...(isBurst ? [delivery.recipientKey ?? ""] : []),
      delivery.target,
      delivery.state,
      delivery.error ?? delivery.providerId ?? "",
    ]);
  const heads = ["CHANNEL", "KIND", ...(isBurst ? ["KEY"] : []), "TARGET", "STATE", ""];
  const left = shown.length - rows.length;
  return [
    isMany ? `${formatCount(deliveries.length)} deliveries: ${countStates(deliveries)}` : "",
    rows.length === 0 ? "" : formatTable(heads, rows),
    left > 0 ? `and ${formatCount(left)} more; --json lists them` : "",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

const UNSENT: ReadonlySet<string> = new Set(["FAILED", "UNKNOWN"]);
const UNSENT_MAX = 100;

function countStates(deliveries: readonly DeliveryStatus[]): string {
  const counts = new Map<string, number>();
  for (const { state } of deliveries) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${formatCount(count)} ${state}`)
    .join(", ");
}
