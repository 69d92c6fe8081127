import { join } from "node:path";
import type { Presentation, RenderContext, Renderers } from "../render/renderer.ts";
import type { Artifact } from "../report/artifact.ts";
import { ReportError } from "../report/errors.ts";
import { type Outcome, outcomeOfError, refuseCrashing, settlementOf } from "../report/outcome.ts";
import { parseReport, readOwnerEmail, type Report } from "../report/request.ts";
import { chooseOccurrence } from "../report/schedule.ts";
import { type RenderedFormat, renderFiles } from "./files.ts";
import { writeThroughOutage } from "./outage.ts";
import { runQuery } from "./query.ts";
import type { Claim, Clock, Heartbeat, Queue, RunFacts, Store, Warehouse } from "./ports.ts";

export interface ExecutePorts {
  readonly queue: Queue;
  readonly warehouse: Warehouse;
  readonly store: Store;
  readonly renderers: Renderers;
  readonly heartbeat: Pick<Heartbeat, "progress" | "ageMs">;
  readonly clock: Clock;
  readonly onProgress: (progress: Progress) => void;
}

export interface ExecuteSettings {
  /** Files are made in a folder of the run below this one. */
  readonly scratchFolder: string;
  readonly queryTimeoutSeconds: number;
  readonly presentation: Presentation;
  /** Told of a failure when the report names no owner. */
  readonly operatorEmail: string | null;
  /** A beat older than this means that another worker may soon own the report. */
  readonly selfFenceMs: number;
}

/** Where a run is, for whoever watches. */
export interface Progress {
  readonly claim: Claim;
  readonly phase: "query" | "render" | "store" | "settle";
  readonly rowCount: number;
  /** Of all files of the run, while they are made. */
  readonly sizeBytes: number;
  readonly rowsTotal: number | null;
}

export interface Executed {
  readonly outcome: Outcome;
  readonly facts: RunFacts;
}

/**
 * One report from claim to settlement: read the row, query, render, store, settle. Whatever happens becomes an outcome
 * in the one catch, and the one fenced write that follows is made from it. Throws only when that write cannot be made
 * (the warehouse is gone): the lease then runs out and another worker takes over.
 */
export async function execute(
  claim: Claim,
  ports: ExecutePorts,
  settings: ExecuteSettings,
  signal: AbortSignal,
): Promise<Executed> {
  const run: Run = { claim, ports, settings, signal, facts: emptyFacts(), report: null };
  const outcome = await attempt(run);
  if (outcome.kind === "lease_lost") return { outcome, facts: run.facts };
  reportProgress(run, "settle", run.facts.rowCount ?? 0);
  const settlement = settlementOf(outcome, {
    runId: claim.runId,
    report: run.report,
    occurrence: run.facts.scheduledFor,
    ownerEmail: readOwnerEmail(claim.row) ?? settings.operatorEmail,
  });
  const owned = await writeThroughOutage(
    () => ports.queue.settleIfOwned(claim, settlement, run.facts),
    () => ports.heartbeat.ageMs() <= settings.selfFenceMs,
    ports.clock,
  );
  return { outcome: owned ? outcome : { kind: "lease_lost" }, facts: run.facts };
}

interface Run {
  readonly claim: Claim;
  readonly ports: ExecutePorts;
  readonly settings: ExecuteSettings;
  readonly signal: AbortSignal;
  readonly facts: { -readonly [Name in keyof RunFacts]: RunFacts[Name] };
  report: Report | null;
}

async function attempt(run: Run): Promise<Outcome> {
  const { claim, ports } = run;
  try {
    run.signal.throwIfAborted();
    if (claim.cancelRequested) return { kind: "cancelled" };
    refuseCrashing(claim);
    refuseDuplicates(claim);
    run.report = parseReport(claim.row, claim.claimedAt);
    if (!isOccurrenceToRun(run, run.report)) return { kind: "missed" };
    const files = await makeFiles(run, run.report);
    const artifacts = await storeFiles(run, files);
    keepLease(run);
    return { kind: "completed", artifacts };
  } catch (thrown) {
    const reason: unknown = run.signal.aborted ? run.signal.reason : thrown;
    return outcomeOfError(reason, claim, ports.clock.random());
  }
}

function refuseDuplicates(claim: Claim): void {
  if (claim.rowsClaimed > 1) {
    const reason = `${claim.rowsClaimed} rows have "${claim.configId}"; give each its own`;
    throw new ReportError("invalid_report", `CONFIG_ID: ${reason}`);
  }
}

/** Notes which occurrence a run of a SCHEDULED report is for. False: its misfire policy drops it. */
function isOccurrenceToRun(run: Run, report: Report): boolean {
  const { claimedAt, nextRunAt, takenOver } = run.claim;
  if (report.schedule === null) return true;
  // What a dead worker chose was never written, so its successor chooses again.
  const attempt = takenOver ? 1 : run.claim.attempt;
  const planned = nextRunAt ?? claimedAt;
  const { schedule, misfirePolicy } = report;
  const due = chooseOccurrence(schedule, misfirePolicy, planned, attempt, claimedAt);
  run.facts.scheduledFor = due.occurrence;
  run.facts.missed = due.missed;
  return due.run;
}

async function makeFiles(run: Run, report: Report): Promise<RenderedFormat[]> {
  const { claim, ports, settings, signal, facts } = run;
  reportProgress(run, "query", 0);
  const startedMs = ports.clock.monotonicMs();
  const result = await runQuery(claim, report, ports, settings.queryTimeoutSeconds, signal);
  facts.queryId = result.queryId;
  facts.rowCount = result.table.rowCount;
  const readyMs = ports.clock.monotonicMs();
  facts.queryMs = readyMs - startedMs;
  const context = renderContext(
    run,
    report,
    result.queryId,
    result.table.rowCount,
    result.dataAsOf,
  );
  const files = await renderFiles(result.table, report.formats, context, {
    renderers: ports.renderers,
    folder: join(settings.scratchFolder, claim.runId),
    naming: {
      configId: claim.configId,
      fence: claim.fence,
      runId: claim.runId,
      reportName: report.name,
      asOf: facts.scheduledFor ?? result.dataAsOf,
    },
    signal,
    onProgress: (rowCount, sizeBytes) => reportProgress(run, "render", rowCount, sizeBytes),
  });
  facts.renderMs = ports.clock.monotonicMs() - readyMs;
  facts.warnings = files.flatMap(({ format, summary }) =>
    summary.warnings.map((warning) => ({ format, ...warning })),
  );
  return files;
}

function renderContext(
  run: Run,
  report: Report,
  queryId: string,
  rowCount: number,
  dataAsOf: Date,
): RenderContext {
  return {
    reportName: report.name,
    runId: run.claim.runId,
    queryId,
    rowCount,
    parameters: report.parameters,
    generatedAt: run.ports.clock.now(),
    dataAsOf,
    timezone: report.options.timezone ?? report.timezone,
    options: report.options,
    presentation: run.settings.presentation,
  };
}

async function storeFiles(run: Run, files: readonly RenderedFormat[]): Promise<Artifact[]> {
  const { ports, signal, facts } = run;
  reportProgress(run, "store", facts.rowCount ?? 0);
  const startedMs = ports.clock.monotonicMs();
  const artifacts: Artifact[] = [];
  for (const file of files) {
    const { format, fileName, mediaType, sizeBytes, sha256 } = file;
    const { uri } = await ports.store.put(file, signal);
    const { rowCount } = file.summary;
    artifacts.push({ format, fileName, mediaType, uri, sizeBytes, rowCount, sha256 });
    ports.heartbeat.progress();
  }
  facts.storeMs = ports.clock.monotonicMs() - startedMs;
  return artifacts;
}

/** A worker that could not beat for long publishes nothing, although the fenced write would refuse it anyway. */
function keepLease(run: Run): void {
  run.signal.throwIfAborted();
  if (run.ports.heartbeat.ageMs() > run.settings.selfFenceMs) {
    throw new ReportError("lease_lost", "no heartbeat reached the database for too long");
  }
}

function reportProgress(run: Run, phase: Progress["phase"], rowCount: number, sizeBytes = 0): void {
  const { claim, ports, facts } = run;
  ports.heartbeat.progress();
  ports.onProgress({ claim, phase, rowCount, sizeBytes, rowsTotal: facts.rowCount });
}

function emptyFacts(): Run["facts"] {
  return {
    scheduledFor: null,
    missed: [],
    queryId: null,
    rowCount: null,
    queryMs: null,
    renderMs: null,
    storeMs: null,
    warnings: [],
  };
}
