import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type PreviewedTable, previewTable } from "../render/preview.ts";
import type { RenderContext } from "../render/renderer.ts";
import type { Artifact } from "../report/artifact.ts";
import type { ReportOptions } from "../report/options.ts";
import { visibleValues } from "../report/parameter-values.ts";
import { previewPlace } from "../report/preview.ts";
import type { Report } from "../report/request.ts";
import type { Table } from "../report/table.ts";
import { hashTable } from "./condition.ts";
import { type FileNaming, type RenderedFormat, renderFiles } from "./files.ts";
import type { QueryResult, RenderedFile, RunWarning } from "./ports.ts";
import { pushDown } from "./push-down.ts";
import { whileMoving } from "./query.ts";
import { reportProgress, type Run } from "./run.ts";

/** A report's files on the worker's disk, and those that the warehouse has written. */
export interface MadeFiles {
  readonly formats: readonly RenderedFormat[];
  readonly unloaded: readonly Artifact[];
  /** What mails show without a file being opened; null when nobody is mailed. */
  readonly preview: RenderedFile | null;
}

/**
 * From one pass over the result; its hash too, when the report asks for it. What the warehouse writes comes first, so
 * that what it cannot write can still be rendered; when nothing is left to render or to hash, no row is read here.
 */
export async function makeFiles(
  run: Run,
  report: Report,
  result: QueryResult,
  rendering?: FileNaming["rendering"],
): Promise<MadeFiles> {
  const { ports, facts } = run;
  const startedMs = ports.clock.monotonicMs();
  const context = renderContext(run, report, result);
  const { artifacts: unloaded, formats } = await pushDown(run, report, result);
  const isRead = formats.length > 0 || report.options.sendWhen === "changed";
  const made = isRead
    ? await renderHere(run, { ...report, formats }, result, context, rendering)
    : { formats: [], preview: null };
  facts.renderMs = ports.clock.monotonicMs() - startedMs;
  return { ...made, unloaded };
}

async function renderHere(
  run: Run,
  report: Report,
  result: QueryResult,
  context: RenderContext,
  rendering: FileNaming["rendering"],
): Promise<Omit<MadeFiles, "unloaded">> {
  const { claim, ports, settings, signal, facts } = run;
  const hashed = report.options.sendWhen === "changed" ? hashTable(result.table) : null;
  const previewed = previewForMail(hashed?.table ?? result.table, report, context);
  const folder = join(settings.scratchFolder, claim.runId, rendering?.folder ?? "");
  const files = await renderFiles(
    previewed?.table ?? hashed?.table ?? result.table,
    report.formats,
    context,
    {
      renderers: ports.renderers,
      folder,
      naming: {
        configId: claim.configId,
        fence: claim.fence,
        runId: claim.runId,
        reportName: report.name,
        asOf: facts.scheduledFor ?? result.dataAsOf,
        ...(rendering === undefined ? {} : { rendering }),
      },
      signal,
      onProgress: (rowCount, sizeBytes) => reportProgress(run, "render", rowCount, sizeBytes),
    },
  );
  facts.resultSha256 = hashed?.digest() ?? null;
  const warnings = files.flatMap(({ format, summary }) =>
    summary.warnings.map((warning) => ({ format, ...warning })),
  );
  facts.warnings = [...facts.warnings, ...warnings];
  const preview = previewed === null ? null : await writePreview(previewed, folder, files);
  return { formats: files, preview };
}

/** Null: nobody is mailed. A chart is drawn when a file shows it too. */
function previewForMail(
  table: Table,
  { recipients, formats }: Report,
  context: RenderContext,
): PreviewedTable | null {
  if (recipients.emails.length === 0) return null;
  return previewTable(table, context, formats.includes("PDF") || formats.includes("EXCEL"));
}

async function writePreview(
  previewed: PreviewedTable,
  folder: string,
  [beside]: readonly RenderedFormat[],
): Promise<RenderedFile | null> {
  if (beside === undefined) return null;
  const bytes = Buffer.from(JSON.stringify(await previewed.finish()));
  const path = join(folder, ".preview.json");
  await writeFile(path, bytes);
  return {
    path,
    key: previewPlace(beside.key),
    mediaType: "application/json",
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

function renderContext(run: Run, report: Report, result: QueryResult): RenderContext {
  return {
    reportName: report.name,
    runId: run.claim.runId,
    queryId: result.queryId,
    rowCount: result.table.rowCount,
    parameters: visibleValues(report.parameters),
    generatedAt: run.ports.clock.now(),
    dataAsOf: result.dataAsOf,
    timezone: report.options.timezone ?? report.timezone,
    options: withNotices(report.options, run.facts.warnings),
    presentation: run.settings.presentation,
  };
}

/** What is known before the first row, such as that the report is late, stands under the title of every file. */
function withNotices(options: ReportOptions, warnings: readonly RunWarning[]): ReportOptions {
  if (warnings.length === 0) return options;
  const lines = warnings.map((warning) => warning.message);
  if (options.subtitle !== undefined) lines.push(options.subtitle);
  return { ...options, subtitle: lines.join("\n") };
}

/** Those that were rendered come first: beside the first one is the preview. */
export async function storeFiles(run: Run, files: MadeFiles): Promise<Artifact[]> {
  const { ports, signal, facts } = run;
  reportProgress(run, "store", facts.rowCount ?? 0);
  const startedMs = ports.clock.monotonicMs();
  const artifacts: Artifact[] = [];
  if (files.preview !== null) await ports.store.put(files.preview, signal);
  for (const file of files.formats) {
    const { format, fileName, mediaType, sizeBytes, sha256 } = file;
    const { uri } = await whileMoving(ports.heartbeat, () => ports.store.put(file, signal));
    const { rowCount } = file.summary;
    artifacts.push({ format, fileName, mediaType, uri, sizeBytes, rowCount, sha256 });
    ports.heartbeat.progress();
  }
  facts.storeMs = ports.clock.monotonicMs() - startedMs;
  return [...artifacts, ...files.unloaded];
}
