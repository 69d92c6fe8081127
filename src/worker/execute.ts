import type { Artifact } from "../report/artifact.ts";
import { ReportError } from "../report/errors.ts";
import { type Outcome, outcomeOfError, refuseCrashing, settlementOf } from "../report/outcome.ts";
import type { Parameters } from "../report/parameter-values.ts";
import { parseReport, readOwnerEmail, type Report } from "../report/request.ts";
import { makeFiles, storeFiles } from "./artifacts.ts";
import { executeBurst } from "./burst/burst.ts";
import { unmetByCount, unmetByHash } from "./condition.ts";
import { checkReady } from "./gate.ts";
import { isOccurrenceToRun } from "./occurrence.ts";
import { writeThroughOutage } from "./outage.ts";
import { collectParameters, withoutSecrets } from "./parameters.ts";
import { queryReport } from "./query.ts";
import type { Claim, RunFacts } from "./ports.ts";
import { removeUnloaded } from "./push-down.ts";
import {
  type ExecutePorts,
  type ExecuteSettings,
  reportProgress,
  type Run,
  startRun,
} from "./run.ts";

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
  const run = startRun(claim, ports, settings, signal);
  const outcome = await attempt(run);
  if (outcome.kind !== "completed") await removeUnloaded(run);
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
  if (owned) return { outcome, facts: run.facts };
  if (outcome.kind === "completed") await removeUnloaded(run);
  return { outcome: { kind: "lease_lost" }, facts: run.facts };
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
    const parameters = await collectParameters(run, run.report);
    const waiting = await checkReady(run, run.report, parameters);
    if (waiting !== null) return waiting;
    const outcome = await makeReport(run, run.report, parameters);
    if (outcome.kind !== "skipped") keepLease(run);
    return outcome;
  } catch (thrown) {
    const reason: unknown = run.signal.aborted ? run.signal.reason : thrown;
    return outcomeOfError(withoutSecrets(reason, run.report), claim, ports.clock.random());
  }
}

function refuseDuplicates(claim: Claim): void {
  if (claim.rowsClaimed > 1) {
    const reason = `${claim.rowsClaimed} rows have "${claim.configId}"; give each its own`;
    throw new ReportError("invalid_report", `CONFIG_ID: ${reason}`);
  }
}

async function makeReport(run: Run, report: Report, parameters: Parameters): Promise<Outcome> {
  const { burst } = report.options;
  if (burst !== undefined) return await executeBurst(run, report, burst, parameters);
  const artifacts = await makeArtifacts(run, report, parameters);
  return artifacts === null ? { kind: "skipped" } : { kind: "completed", artifacts };
}

/** Null: the condition of sendWhen is not met, and nothing is stored. */
async function makeArtifacts(
  run: Run,
  report: Report,
  parameters: Parameters,
): Promise<Artifact[] | null> {
  const { facts, ports } = run;
  const result = await queryReport(run, report, parameters);
  const unmet = unmetByCount(report.options.sendWhen, result.table.rowCount);
  if (unmet !== null) return skip(run, unmet);
  const files = await makeFiles(run, report, result);
  if (facts.resultSha256 !== null) {
    const last = await ports.queue.lastCompleted(run.claim.configId);
    const unchanged = unmetByHash(facts.resultSha256, last);
    if (unchanged !== null) return skip(run, unchanged);
  }
  return await storeFiles(run, files);
}

function skip(run: Run, reason: string): null {
  run.facts.reason = reason;
  return null;
}

/** A worker that could not beat for long publishes nothing, although the fenced write would refuse it anyway. */
function keepLease(run: Run): void {
  run.signal.throwIfAborted();
  if (run.ports.heartbeat.ageMs() > run.settings.selfFenceMs) {
    throw new ReportError("lease_lost", "no heartbeat reached the database for too long");
  }
}
