import { selectColumns, unknownColumns } from "../render/cell-columns.ts";
import { createTally, listWarnings } from "../render/cell-warnings.ts";
import { writeCsvLabels } from "../render/csv-labels.ts";
import type { RenderWarning } from "../render/renderer.ts";
import { artifactFileName, artifactKey, type Format } from "../report/artifact.ts";
import { ReportError } from "../report/errors.ts";
import type { Report } from "../report/request.ts";
import { readRowOrder } from "../report/row-order.ts";
import {
  findUnloadObstacle,
  isInstant,
  type OrderTerm,
  type Unload,
  type UnloadFormat,
} from "../report/unload.ts";
import type { QueryResult, Stage } from "./ports.ts";
import type { Run } from "./run.ts";

/** A file that the warehouse shall write. */
export interface Plan {
  readonly stage: Stage;
  readonly unload: Unload;
  readonly fileName: string;
  readonly key: string;
  readonly guardedLabels: number;
  readonly warnings: readonly RenderWarning[];
  /** Nothing else makes this file, so a failure is the run's. */
  readonly isNeeded: boolean;
}

/**
 * Null: the file is rendered here. A result without rows is, always: COPY makes no file of it. Throws ReportError
 * `invalid_report` for a format or an option that asks for what cannot be.
 */
export function planUnload(
  run: Run,
  report: Report,
  result: QueryResult,
  format: Format,
): Plan | null {
  const { configId, fence, runId } = run.claim;
  const { pushDown: choice } = report.options;
  const { rowCount, columns } = result.table;
  if (rowCount === 0 || (format !== "CSV" && format !== "PARQUET")) return null;
  const isNeeded = format === "PARQUET" || choice === "always";
  if (!isNeeded && (choice === "never" || rowCount <= run.settings.pushDownRows)) return null;
  const refuse = (reason: string): null => {
    if (!isNeeded) return null;
    const what = format === "PARQUET" ? "OUTPUT_FORMAT: PARQUET" : 'OPTIONS: pushDown "always"';
    throw new ReportError("invalid_report", `${what} is written by Snowflake, but ${reason}`);
  };
  const { stage } = run.ports;
  if (stage === null) return refuse("there is no stage to write to (PUSH_DOWN_STAGE)");
  if (choice === "never") return refuse('OPTIONS.pushDown is "never"');
  const names = columns.map(({ name }) => name);
  const order = readRowOrder(report.sql, names);
  const { unload, guardedLabels } = describeUnload(report, result, format, order ?? []);
  const obstacle = findUnloadObstacle(format, unload.columns, names, report.options.csv);
  if (obstacle !== null) return refuse(obstacle);
  if (order === null && format === "CSV")
    return refuse("its ORDER BY is not by columns of the result alone, so its order would be lost");
  const fileName = nameFile(run, report, result, unload);
  const key = artifactKey(configId, fence, runId, fileName);
  const warnings = listChanges(unload, report, result, order);
  return { stage, unload, fileName, key, guardedLabels, isNeeded, warnings };
}

function describeUnload(
  report: Report,
  result: QueryResult,
  format: UnloadFormat,
  order: readonly OrderTerm[],
): { unload: Unload; guardedLabels: number } {
  const { options } = report;
  const shown = selectColumns(result.table.columns, options);
  const labels = shown.map(({ label }) => label);
  const written = format === "CSV" ? writeCsvLabels(labels, options) : { labels, guarded: 0 };
  const columns = shown.map(({ column: { name, type, scale } }, index) => ({
    name,
    type,
    scale,
    label: written.labels[index] ?? name,
  }));
  const { queryId } = result;
  const timezone = options.timezone ?? report.timezone;
  const unload = { format, order, queryId, csv: options.csv, timezone, columns };
  return { unload, guardedLabels: written.guarded };
}

/** What is known of the file before it is made. */
function listChanges(
  { format, columns, timezone }: Unload,
  { options }: Report,
  { table }: QueryResult,
  order: readonly OrderTerm[] | null,
): RenderWarning[] {
  const unknown = unknownColumns(table.columns, options).length;
  const warnings = listWarnings({ ...createTally(), unknown_column: unknown });
  if (format === "CSV") return warnings;
  const instants = columns.filter(({ type }) => isInstant(type)).map(({ label }) => label);
  if (instants.length > 0) {
    const message = `Parquet files of Snowflake hold no time zone: ${instants.join(", ")} as the clock in ${timezone} shows it.`;
    warnings.push({ code: "zone_left_out", count: instants.length, message });
  }
  if (order === null) {
    const message = "The rows are in no order: ORDER BY is not by columns of the result alone.";
    warnings.push({ code: "order_lost", count: 1, message });
  }
  return warnings;
}

function nameFile(run: Run, report: Report, result: QueryResult, { format, csv }: Unload): string {
  const asOf = run.facts.scheduledFor ?? result.dataAsOf;
  const isZipped = format === "CSV" && csv.gzip;
  return artifactFileName(report.name, run.claim.configId, format, asOf, isZipped);
}
