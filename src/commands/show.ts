import { defineCommand } from "citty";
import { formatBytes, formatCount } from "../report/message.ts";
import {
  type DeliveryStatus,
  findReport,
  readHistory,
  type ReportStatus,
} from "../snowflake/reports.ts";
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
    run.errorCode === null ? "" : `${run.errorCode}: ${run.errorMessage ?? ""}`,
  ]);
  return formatTable(
    ["RUN", "STARTED (UTC)", "OUTCOME", "SECONDS", "ROWS", "QUERY", "ERROR"],
    rows,
  );
}

function describeFiles(run: SettledRun | undefined): string {
  if (run === undefined || run.artifacts.length === 0) return "";
  const files = run.artifacts.map((artifact) => [
    artifact.format,
    formatBytes(artifact.sizeBytes),
    artifact.sha256.slice(0, 12),
    artifact.uri,
  ]);
  const warnings = run.warnings.map((warning) => `! ${warning.format ?? ""} ${warning.message}`);
  return [formatTable(["FILE", "SIZE", "SHA-256", "WHERE"], files), ...warnings].join("\n");
}

function describeDeliveries(deliveries: readonly DeliveryStatus[]): string {
  if (deliveries.length === 0) return "";
  const rows = deliveries.map((delivery) => [
    delivery.channel,
    delivery.kind,
    delivery.target,
    delivery.state,
    delivery.error ?? delivery.providerId ?? "",
  ]);
  return formatTable(["CHANNEL", "KIND", "TARGET", "STATE", ""], rows);
}
