import { type Artifact, countFiles, sumSizes } from "../report/artifact.ts";
import type { ReportError } from "../report/errors.ts";
import { formatBytes, formatCount } from "../report/message.ts";
import type { Delivered } from "./deliver.ts";
import type { Executed } from "./execute.ts";
import type { Claim } from "./ports.ts";
import type { Progress } from "./run.ts";

/** What a worker does, for its log. The loop tells; who listens decides how it looks. */
export type WorkerEvent =
  | { readonly kind: "started"; readonly lanes: number }
  | { readonly kind: "claimed"; readonly claim: Claim; readonly lane: number }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "executed"; readonly claim: Claim; readonly executed: Executed }
  | { readonly kind: "delivered"; readonly delivered: Delivered }
  | { readonly kind: "idle"; readonly waitMs: number; readonly nextDueAt: Date | null }
  | { readonly kind: "triggered" }
  | { readonly kind: "backing-off"; readonly error: ReportError; readonly delayMs: number }
  | { readonly kind: "unobserved"; readonly error: ReportError }
  | { readonly kind: "stopping"; readonly running: number }
  | { readonly kind: "stopped" };

export type Level = "debug" | "info" | "warn" | "error";

/** One line for an event, with the report, the step and the code in it. */
export function describeEvent(event: WorkerEvent): { level: Level; text: string } {
  switch (event.kind) {
    case "started":
      return { level: "info", text: `worker started, ${event.lanes} lanes` };
    case "claimed": {
      const { row, attempt, maxAttempts, runId } = event.claim;
      const text = `${row.reportName}: claimed by lane ${event.lane}, attempt ${attempt} of ${maxAttempts}, run ${runId}`;
      return { level: "info", text };
    }
    case "progress":
      return { level: "debug", text: describeProgress(event.progress) };
    case "executed":
      return describeExecuted(event.claim, event.executed);
    case "delivered":
      return describeDelivered(event.delivered);
    case "idle": {
      const next = event.nextDueAt === null ? "" : `, next due ${event.nextDueAt.toISOString()}`;
      const wait = `${Math.round(event.waitMs / 1000)} s`;
      return { level: "debug", text: `nothing is pending; looking again in ${wait}${next}` };
    }
    case "triggered":
      return { level: "info", text: "triggered" };
    case "backing-off": {
      const text = `${event.error.code}: ${event.error.message}; trying again in ${Math.round(event.delayMs / 1000)} s`;
      return { level: "warn", text };
    }
    case "unobserved": {
      const text = `what the queue holds could not be told: ${event.error.message}`;
      return { level: "warn", text };
    }
    case "stopping":
      return { level: "info", text: `stopping; ${event.running} running` };
    case "stopped":
      return { level: "info", text: "worker stopped" };
  }
}

/** Such as "Line items: render 30,000 of 60,000 rows, 8.1 MB". */
export function describeProgress(progress: Progress): string {
  const { claim, phase, rowCount, rowsTotal, sizeBytes, recipient } = progress;
  const place =
    recipient === null
      ? ""
      : ` recipient ${formatCount(recipient.number)} of ${formatCount(recipient.total)},`;
  const rows =
    rowsTotal === null ? "" : ` ${formatCount(rowCount)} of ${formatCount(rowsTotal)} rows`;
  const bytes = sizeBytes === 0 ? "" : `, ${formatBytes(sizeBytes)}`;
  return `${claim.row.reportName}: ${phase}${place}${rows}${bytes}`;
}

function describeExecuted(claim: Claim, executed: Executed): { level: Level; text: string } {
  const { outcome, facts } = executed;
  const name = claim.row.reportName;
  switch (outcome.kind) {
    case "completed": {
      const files = describeArtifacts(outcome.artifacts);
      const text = `${name}: COMPLETED, ${formatCount(facts.rowCount ?? 0)} rows, ${files}`;
      if (facts.reason !== null) return { level: "warn", text: `${text}; ${facts.reason}` };
      return { level: "info", text };
    }
    case "retry":
    case "postponed": {
      const wait = Math.round(outcome.delayMs / 1000);
      const published = facts.reason === null ? "" : `; ${facts.reason}`;
      const text = `${name}: ${outcome.error.code}: ${outcome.error.message}; again in ${wait} s${published}`;
      return { level: "warn", text };
    }
    case "failed":
      return {
        level: "error",
        text: `${name}: FAILED, ${outcome.error.code}: ${outcome.error.message}`,
      };
    case "skipped":
      return { level: "info", text: `${name}: SKIPPED, ${facts.reason ?? ""}` };
    case "waiting": {
      const wait = Math.round(outcome.delayMs / 1000);
      const text = `${name}: WAITING, it ${facts.reason ?? ""}; looks again in ${wait} s`;
      return { level: "info", text };
    }
    case "missed":
      return { level: "warn", text: `${name}: occurrence missed, dropped by its misfire policy` };
    case "cancelled":
      return { level: "info", text: `${name}: CANCELLED` };
    case "interrupted":
      return { level: "info", text: `${name}: given back, because the worker stops` };
    case "lease_lost":
      return { level: "warn", text: `${name}: the lease was lost; nothing was written` };
  }
}

const FILES_TOLD_MAX = 4;

function describeArtifacts(artifacts: readonly Artifact[]): string {
  if (artifacts.length > FILES_TOLD_MAX) {
    const sizeBytes = sumSizes(artifacts);
    return `${formatCount(countFiles(artifacts))} files of ${formatBytes(sizeBytes)}`;
  }
  return artifacts
    .map(({ fileName, sizeBytes }) => `${fileName} ${formatBytes(sizeBytes)}`)
    .join(", ");
}

function describeDelivered({ claim, result, recorded }: Delivered): { level: Level; text: string } {
  const whose = claim.recipientKey === null ? "" : ` for ${claim.recipientKey}`;
  const what = `${claim.channel} to ${claim.target}${whose}`;
  if (!recorded) return { level: "warn", text: `${what}: the lease was lost; nothing was written` };
  switch (result.state) {
    case "SENT":
      return { level: "info", text: `${what}: sent` };
    case "NEW":
      return {
        level: "warn",
        text: `${what}: ${result.error}; again in ${Math.round(result.delayMs / 1000)} s`,
      };
    case "FAILED":
    case "UNKNOWN":
      return { level: "error", text: `${what}: ${result.state}, ${result.error}` };
  }
}
