import { defineCommand } from "citty";
import { mkdir } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { loadRenderers, openReportReader, openSnowflake, systemClock } from "../app.ts";
import { loadConfig } from "../config.ts";
import { loadPresentation } from "../render/presentation.ts";
import type { Presentation } from "../render/renderer.ts";
import { formatBytes, formatCount } from "../report/message.ts";
import type { Report } from "../report/request.ts";
import type { Reader } from "../snowflake/reader.ts";
import { type RenderedFormat, renderFiles } from "../worker/files.ts";
import { checkColumns, collectReport } from "./add.ts";
import { print } from "./output.ts";
import { createProgressLine } from "./progress.ts";

export const preview = defineCommand({
  meta: { name: "preview", description: "Render a .sql file now, without the queue" },
  args: {
    file: { type: "positional", required: true, description: "A .sql file with one SELECT" },
    format: { type: "string", default: "PDF", description: "PDF, EXCEL, CSV or several" },
    options: { type: "string", description: "OPTIONS as JSON: title, columns, page, csv ..." },
    parameters: { type: "string", description: "Values of :name in the SQL, as JSON" },
    timezone: { type: "string", description: "IANA zone of the times in the files" },
    out: { type: "string", description: "Folder for the files (default: OUTPUT_FOLDER/preview)" },
  },
  run: async ({ args }) => {
    const config = loadConfig();
    const columns = await collectReport(args.file, {
      format: args.format,
      name: basename(args.file, extname(args.file)),
      ...(args.options === undefined ? {} : { options: args.options }),
      ...(args.parameters === undefined ? {} : { parameters: args.parameters }),
      ...(args.timezone === undefined ? {} : { timezone: args.timezone }),
    });
    const report = checkColumns(columns);
    const folder = resolve(args.out ?? join(config.outputFolder, "preview"));
    await using access = await openSnowflake(config);
    await using reader = await openReportReader(access.settings, config);
    const presentation = await loadPresentation(config.presentation);
    const timeoutSeconds = config.worker.queryTimeoutSeconds;
    const files = await renderPreview(report, reader, folder, { timeoutSeconds, presentation });
    for (const { format, path, sizeBytes, summary } of files) {
      print(
        `${format.padEnd(5)}  ${formatCount(summary.rowCount)} rows  ${formatBytes(sizeBytes)}  ${path}`,
      );
      for (const warning of summary.warnings) print(`       ! ${warning.message}`);
    }
  },
});

async function renderPreview(
  report: Report,
  reader: Reader,
  folder: string,
  { timeoutSeconds, presentation }: { timeoutSeconds: number; presentation: Presentation },
): Promise<RenderedFormat[]> {
  await mkdir(folder, { recursive: true });
  const { signal } = new AbortController();
  const progress = createProgressLine(process.stderr);
  progress.show("querying");
  const runId = crypto.randomUUID();
  const tag = { app: "report-service", purpose: "preview", run: runId };
  const result = await reader.query(
    { ...report.statement, timeoutSeconds, tag, timezone: report.timezone },
    signal,
  );
  const { configId, name: reportName } = report;
  const context = {
    reportName,
    runId,
    queryId: result.queryId,
    rowCount: result.table.rowCount,
    parameters: report.parameters,
    generatedAt: systemClock.now(),
    dataAsOf: result.dataAsOf,
    timezone: report.options.timezone ?? report.timezone,
    options: report.options,
    presentation,
  };
  const files = await renderFiles(result.table, report.formats, context, {
    renderers: await loadRenderers(),
    folder,
    naming: { configId, fence: 0, runId, reportName, asOf: result.dataAsOf },
    signal,
    onProgress: (rowCount, sizeBytes) =>
      progress.show(
        `${formatCount(rowCount)} of ${formatCount(result.table.rowCount)} rows, ${formatBytes(sizeBytes)}`,
      ),
  });
  progress.clear();
  return files;
}
