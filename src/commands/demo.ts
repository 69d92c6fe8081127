import { defineCommand } from "citty";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import examples from "../../snowflake/examples.sql" with { type: "text" };
import { openControl, startWorker } from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import { startEndpoint } from "../local/endpoint.ts";
import { ReportError } from "../report/errors.ts";
import { formatBytes, formatCount } from "../report/message.ts";
import { splitStatements } from "../report/script.ts";
import type { Connection } from "../snowflake/connection.ts";
import { listReports, readHistory, type ReportStatus } from "../snowflake/reports.ts";
import type { SnowflakeSettings } from "../snowflake/settings.ts";
import { localSettings, startLocal } from "../snowflake-access.ts";
import { setUp } from "./control.ts";
import { pointTrigger } from "./local-chain.ts";
import { formatOptional, formatTable, formatTime, print } from "./output.ts";

/** Nobody wants to wait two minutes, nor two seconds, for a demo's task. */
const TASK_TICK = "100ms";

export const demo = defineCommand({
  meta: {
    name: "demo",
    description: "Show the whole path on this machine: five reports from INSERT to files and mail",
  },
  args: {
    out: { type: "string", description: "Folder for files and mail (default: OUTPUT_FOLDER)" },
    scale: {
      type: "string",
      description: "Line items of the sample data (default: LOCAL_SNOWFLAKE_LINE_ITEMS)",
    },
  },
  run: async ({ args }) => {
    const scratch = await mkdtemp(join(tmpdir(), "report-service-demo-"));
    try {
      const config = loadConfig(undefined, {
        LOCAL_SNOWFLAKE_PORT: "0",
        LOCAL_SNOWFLAKE_FILE: "memory",
        LOCAL_SNOWFLAKE_LINE_ITEMS: args.scale,
        LOCAL_TASK_TICK: TASK_TICK,
        OUTPUT_FOLDER: args.out,
        SCRATCH_FOLDER: scratch,
      });
      await showWholePath(config);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  },
});

async function showWholePath(config: Config): Promise<void> {
  const startedMs = performance.now();
  print("1. A local Snowflake starts, with the sample data that every account has.");
  await using server = await startLocal(config);
  const settings = localSettings(config, server.url);
  print(`   ${server.url}, ${formatCount(config.local.lineItems)} line items`);
  print("2. The scripts make the tables, the stream, the procedures and the task.");
  await setUp({ settings });
  await using trigger = await awaitTrigger(config, settings);
  await using connection = await openControl(settings);
  print("3. Five reports are asked for, each by an INSERT INTO REPORT_CONFIG.");
  for (const statement of splitStatements(examples)) await connection.execute(statement.text);
  const transitions = new Transitions();
  transitions.show(await readReports(connection));
  print(`4. The task finds them in the stream, and ${await trigger.message} starts a worker.`);
  await using worker = await startWorker(config, settings, {
    once: true,
    tell: () => {},
    print: (line) => print(`   ${line}`),
    onBeatFailure: (message) => print(`   heartbeat: ${message}`),
  });
  await watch(connection, worker.loop.ended, transitions);
  const reports = await readReports(connection);
  print("5. What there is now:\n");
  await showResult(connection, reports, config);
  print(`\n${((performance.now() - startedMs) / 1_000).toFixed(1)} s in all.`);
  requireAllCompleted(reports);
}

const TRIGGER_TIMEOUT_MS = 60_000;

/** `message` resolves when stream, task, procedure and function have led to a call; it says which. */
async function awaitTrigger(
  config: Config,
  settings: SnowflakeSettings,
): Promise<AsyncDisposable & { readonly message: Promise<string> }> {
  const called = Promise.withResolvers<string>();
  const endpoint = startEndpoint({
    port: 0,
    onTrigger: () => called.resolve(`POST ${endpoint.url}`),
    health: () => ({}),
  });
  await pointTrigger(settings, config, endpoint.url);
  const late = new ReportError(
    "query_failed",
    `nothing called ${endpoint.url} within ${TRIGGER_TIMEOUT_MS / 1_000} s`,
  );
  const timer = setTimeout(() => called.reject(late), TRIGGER_TIMEOUT_MS);
  return {
    message: called.promise.finally(() => clearTimeout(timer)),
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      await endpoint.stop();
    },
  };
}

const WATCH_INTERVAL_MS = 50;
const REPORTS_MAX = 100;

async function readReports(connection: Connection): Promise<ReportStatus[]> {
  const reports = await listReports(connection, { status: null, limit: REPORTS_MAX });
  return reports.toReversed();
}

/** Looks at REPORT_STATUS as a person would, only more often, until the worker has nothing left. */
async function watch(
  connection: Connection,
  ended: Promise<void>,
  transitions: Transitions,
): Promise<void> {
  const ending = ended.then(() => true);
  for (;;) {
    const isEnded = await Promise.race([ending, delay(WATCH_INTERVAL_MS, false)]);
    transitions.show(await readReports(connection));
    if (isEnded) return;
  }
}

/** Prints each change of a report's status once. */
class Transitions {
  #seen = new Map<string, string>();

  show(reports: readonly ReportStatus[]): void {
    for (const report of reports) {
      const status = statusOf(report);
      const before = this.#seen.get(report.configId);
      if (before === status) continue;
      this.#seen.set(report.configId, status);
      const change = before === undefined ? status : `${before} → ${status}`;
      print(`   ${report.name.padEnd(24)}  ${change}`);
    }
  }
}

/** A SCHEDULED report goes back to PENDING when its run is over: both are worth showing. */
function statusOf(report: ReportStatus): string {
  const isBetweenRuns = report.status === "PENDING" && report.lastOutcome !== null;
  return isBetweenRuns
    ? `${report.lastOutcome ?? ""}, next run ${formatTime(report.nextRunAt)} UTC`
    : report.status;
}

async function showResult(
  connection: Connection,
  reports: readonly ReportStatus[],
  config: Config,
): Promise<void> {
  const rows: string[][] = [];
  const files: string[] = [];
  const mails: string[] = [];
  const outbox = relative(process.cwd(), resolve(config.outputFolder, "outbox"));
  for (const report of reports) {
    const { runs, deliveries } = await readHistory(connection, report.configId, 1);
    const artifacts = runs[0]?.artifacts ?? [];
    rows.push([
      report.name,
      statusOf(report).split(",")[0] ?? "",
      formatOptional(report.rowCount, formatCount),
      artifacts.map((artifact) => artifact.format).join(", "),
      formatOptional(report.sizeBytes, formatBytes),
      formatOptional(report.seconds, (seconds) => seconds.toFixed(2)),
      `${deliveries.filter((delivery) => delivery.state === "SENT").length} of ${deliveries.length}`,
    ]);
    files.push(...artifacts.map(({ uri }) => relative(process.cwd(), fileURLToPath(uri))));
    mails.push(...deliveries.map(({ providerId }) => join(outbox, providerId ?? "not sent")));
  }
  print(formatTable(["REPORT", "STATUS", "ROWS", "FILES", "SIZE", "SECONDS", "MAIL SENT"], rows));
  print(`\nFiles\n${files.map((file) => `  ${file}`).join("\n")}`);
  print(`\nMail (open it in a mail client)\n${mails.map((mail) => `  ${mail}`).join("\n")}`);
}

function requireAllCompleted(reports: readonly ReportStatus[]): void {
  const others = reports.filter((report) => report.lastOutcome !== "COMPLETED");
  if (others.length === 0) return;
  const described = others.map((report) => `${report.name}: ${report.lastError ?? report.status}`);
  throw new ReportError("query_failed", `not every report was completed: ${described.join("; ")}`);
}
