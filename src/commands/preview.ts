import { defineCommand } from "citty";
import { mkdir } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { openReportReader, systemClock } from "../app.ts";
import { openSnowflake } from "../snowflake-access.ts";
import { loadConfig } from "../config.ts";
import { loadPresentation } from "../render/presentation.ts";
import { loadRenderers } from "../render/renderers.ts";
import type { Presentation } from "../render/renderer.ts";
import { BURST_SQL } from "../report/burst.ts";
import { ReportError } from "../report/errors.ts";
import { formatBytes, formatCount } from "../report/message.ts";
import { type Parameter, type Parameters, visibleValues } from "../report/parameter-values.ts";
import { bindParameters, type BuiltIn, checkParameters } from "../report/parameters.ts";
import type { Report } from "../report/request.ts";
import type { Reader } from "../snowflake/reader.ts";
import { type RenderedFormat, renderFiles } from "../worker/files.ts";
import { instantParameter } from "../worker/parameters.ts";
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
    if (extname(args.file).toLowerCase() === ".json") {
      throw new ReportError(
        "invalid_report",
        "preview takes a .sql file; the rest are its options",
      );
    }
    const config = loadConfig();
    const columns = await collectReport(args.file, {
      format: args.format,
      name: basename(args.file, extname(args.file)),
      ...(args.options === undefined ? {} : { options: args.options }),
      ...(args.parameters === undefined ? {} : { parameters: args.parameters }),
      ...(args.timezone === undefined ? {} : { timezone: args.timezone }),
    });
    const report = checkColumns(columns);
    checkFormats(report);
    checkBurstParameters(report);
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

/** Before the query, which may take long, and before there are halves of files. */
function checkFormats({ formats }: Report): void {
  if (!formats.includes("PARQUET")) return;
  throw new ReportError(
    "invalid_report",
    "--format: PARQUET is written by Snowflake, which makes no files for a preview; report-service add asks for them",
  );
}

/** Of a burst this shows what one recipient gets, whose parameters have to be given with the others. */
function checkBurstParameters({ sql, parameters, options: { burst } }: Report): void {
  if (burst === undefined) return;
  checkParameters(
    [
      { name: "REPORT_SQL", sql },
      { name: BURST_SQL, sql: burst.sql },
    ],
    parameters,
  );
}

/** Nothing is scheduled here and nothing ran before; --parameters may say otherwise. */
function previewBuiltIns(report: Report, runId: string): Parameters {
  const values = {
    run_id: { type: "TEXT", value: runId, isSecret: false },
    scheduled_for: instantParameter(null),
    last_run_at: instantParameter(null),
  } as const satisfies Record<BuiltIn, Parameter>;
  return Object.fromEntries(report.builtIns.map((name) => [name, values[name]]));
}

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
  const parameters = { ...previewBuiltIns(report, runId), ...report.parameters };
  const statement = bindParameters(report.sql, parameters);
  const result = await reader.query(
    { ...statement, timeoutSeconds, tag, timezone: report.timezone },
    signal,
  );
  const { configId, name: reportName } = report;
  const context = {
    reportName,
    runId,
    queryId: result.queryId,
    rowCount: result.table.rowCount,
    parameters: visibleValues(report.parameters),
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
