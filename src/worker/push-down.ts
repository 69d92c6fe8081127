import { dirname } from "node:path/posix";
import { createTally, listWarnings } from "../render/cell-warnings.ts";
import type { RenderWarning } from "../render/renderer.ts";
import {
  type Artifact,
  artifactMediaType,
  attemptPrefix,
  type Format,
} from "../report/artifact.ts";
import { messageOf, ReportError } from "../report/errors.ts";
import type { Report } from "../report/request.ts";
import type { Unload } from "../report/unload.ts";
import type { QueryResult, StagedFile, UnloadRequest } from "./ports.ts";
import { type Plan, planUnload } from "./push-down-plan.ts";
import { queryTag, whileMoving } from "./query.ts";
import { reportProgress, type Run } from "./run.ts";

/** What the warehouse wrote of a report, and what is left to render. */
export interface PushedDown {
  readonly artifacts: readonly Artifact[];
  readonly formats: readonly Format[];
}

/**
 * Lets the warehouse write what it shall write, from the result that is there already, and notes it in the run, so that
 * it is removed when the run does not end well. Under "auto" a CSV file that the warehouse cannot write is left to be
 * rendered. Throws ReportError: what Stage.unload throws, `rows_missing` when a file holds another number of rows than
 * the query gave, `invalid_report` for a format or an option that rules pushing down out.
 */
export async function pushDown(run: Run, report: Report, result: QueryResult): Promise<PushedDown> {
  const artifacts: Artifact[] = [];
  const formats: Format[] = [];
  const plans = report.formats.map((format) => planUnload(run, report, result, format));
  if (plans.some((plan) => plan !== null)) await removeDead(run);
  for (const [index, format] of report.formats.entries()) {
    const plan = plans[index] ?? null;
    const written = plan === null ? null : await unload(run, plan);
    if (written === null) formats.push(format);
    else artifacts.push(...written);
  }
  return { artifacts, formats };
}

/** What the stage holds of this run. Nobody could find it any more, so no failure of this changes the outcome. */
export async function removeUnloaded(
  run: Run,
  prefix: string | null = run.unloaded,
): Promise<void> {
  const { stage } = run.ports;
  if (stage === null || prefix === null) return;
  try {
    await stage.remove(prefix);
  } catch (thrown) {
    const message = `Files of this run may be left in the stage, at ${prefix}: ${messageOf(thrown)}`;
    const warning = { format: null, code: "files_left", count: 1, message };
    run.facts.warnings = [...run.facts.warnings, warning];
  }
}

/** A worker that died over this report has removed nothing; its attempt was the claim before this one. */
async function removeDead(run: Run): Promise<void> {
  const { configId, fence, takenOver } = run.claim;
  if (takenOver) await removeUnloaded(run, attemptPrefix(configId, fence - 1));
}

/** Null: the warehouse could not, and the file is rendered instead. */
async function unload(run: Run, plan: Plan): Promise<Artifact[] | null> {
  const { facts, signal } = run;
  try {
    return await writeFiles(run, plan);
  } catch (thrown) {
    signal.throwIfAborted();
    if (plan.isNeeded || !isOfStage(thrown)) throw thrown;
    const message = `Snowflake could not write the CSV file, so it was rendered: ${messageOf(thrown)}`;
    facts.warnings = [
      ...facts.warnings,
      { format: "CSV", code: "not_pushed_down", count: 1, message },
    ];
    await removeUnloaded(run, plan.key);
    return null;
  }
}

/** A refused statement, a stage that may not be used, or a file that cannot be read: rendering needs none of them. */
function isOfStage(thrown: unknown): boolean {
  if (!(thrown instanceof ReportError)) return false;
  return thrown.code === "query_failed" || thrown.code === "store_failed";
}

async function writeFiles(run: Run, plan: Plan): Promise<Artifact[]> {
  const { facts, signal } = run;
  const { stage, unload: wanted, warnings, fileName, guardedLabels } = plan;
  const { format } = wanted;
  const rowCount = facts.rowCount ?? 0;
  run.unloaded = `${dirname(plan.key)}/`;
  reportProgress(run, "unload", 0);
  const request = requestUnload(run, plan);
  const { files, guardedCells } = await whileMoving(run.ports.heartbeat, () =>
    stage.unload(request, signal),
  );
  checkRows(format, files, rowCount);
  const counted = listWarnings({ ...createTally(), formula_guarded: guardedCells + guardedLabels });
  const all = [...warnings, ...counted, ...describeParts(files, wanted)];
  facts.warnings = [...facts.warnings, ...all.map((warning) => ({ format, ...warning }))];
  return describeArtifacts(files, fileName, wanted);
}

function requestUnload(run: Run, { unload: wanted, key }: Plan): UnloadRequest {
  const { claim, facts, settings } = run;
  let sizeBytes = 0;
  return {
    unload: wanted,
    key,
    timeoutSeconds: settings.queryTimeoutSeconds,
    tag: queryTag(claim, "unload"),
    onBytes: (received) => {
      sizeBytes += received;
      reportProgress(run, "unload", facts.rowCount ?? 0, sizeBytes);
    },
  };
}

function checkRows(format: Format, files: readonly StagedFile[], rowCount: number): void {
  const written = files.reduce((sum, file) => sum + file.rowCount, 0);
  if (written === rowCount) return;
  const message = `${format} holds ${written} rows, but the warehouse reported ${rowCount}`;
  throw new ReportError("rows_missing", message);
}

function describeParts(files: readonly StagedFile[], { order }: Unload): RenderWarning[] {
  if (files.length === 1) return [];
  const sorted = order.length > 0 ? "; the rows are in order within each, not across them" : "";
  const message = `One file would be too large for Snowflake, so there are ${files.length}${sorted}.`;
  return [{ code: "several_files", count: files.length, message }];
}

/** Several files are numbered: "lines-2026-11-22-1.csv". */
function describeArtifacts(
  files: readonly StagedFile[],
  fileName: string,
  { format, csv }: Unload,
): Artifact[] {
  const mediaType = artifactMediaType(format, format === "CSV" && csv.gzip);
  return files.map((file, index) => {
    const number = files.length === 1 ? "" : `-${index + 1}`;
    const numbered = fileName.replace(/(?=\.(?:csv|parquet)(?:\.gz)?$)/, number);
    const { uri, sizeBytes, rowCount, sha256 } = file;
    return { format, fileName: numbered, mediaType, uri, sizeBytes, rowCount, sha256 };
  });
}
