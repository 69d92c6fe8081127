/** The output formats, as OUTPUT_FORMAT names them. */
export const FORMATS = ["PDF", "EXCEL", "CSV", "PARQUET"] as const;
export type Format = (typeof FORMATS)[number];

interface FormatFacts {
  readonly extension: string;
  readonly mediaType: string;
}

const FACTS = {
  PDF: { extension: "pdf", mediaType: "application/pdf" },
  EXCEL: {
    extension: "xlsx",
    mediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  },
  CSV: { extension: "csv", mediaType: "text/csv; charset=utf-8" },
  // Source: the IANA registry of media types.
  PARQUET: { extension: "parquet", mediaType: "application/vnd.apache.parquet" },
} as const satisfies Record<Format, FormatFacts>;

/** A file that a run made and published: what the audit keeps of it. */
export interface Artifact {
  readonly format: Format;
  /** As the recipient sees it, such as "pricing-summary-2026-11-22.pdf". */
  readonly fileName: string;
  readonly mediaType: string;
  readonly uri: string;
  readonly sizeBytes: number;
  readonly rowCount: number;
  /** Lower-case hexadecimal, of the whole file. */
  readonly sha256: string;
  /** Of a burst: whose file it is. Recipients who are to get the same have the same file. */
  readonly recipientKey?: string | undefined;
  readonly recipientEmail?: string | undefined;
}

/** Whether the file is in a stage of Snowflake's own, which signs a link for seven days at most. */
export function isStaged(uri: string): boolean {
  return uri.startsWith("snowflake:");
}

/** Recipients of a burst may share files, each of which is stored once. */
function distinctFiles(artifacts: readonly Artifact[]): Artifact[] {
  return [...new Map(artifacts.map((artifact) => [artifact.uri, artifact])).values()];
}

export function countFiles(artifacts: readonly Artifact[]): number {
  return distinctFiles(artifacts).length;
}

/** In bytes. */
export function sumSizes(artifacts: readonly Artifact[]): number {
  return distinctFiles(artifacts).reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

const NAME_LENGTH_MAX = 100;

/** A name that is safe as a file, a key and a header: [A-Za-z0-9._-], at most 100 characters, no leading dot. */
export function safeName(text: string, fallback: string): string {
  const ascii = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/-{2,}/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, NAME_LENGTH_MAX);
  return ascii === "" ? fallback : ascii;
}

/** The file name that a recipient sees: the report's name and the day it is for (UTC). */
export function artifactFileName(
  reportName: string,
  configId: string,
  format: Format,
  asOf: Date,
  gzip = false,
): string {
  const suffix = `-${asOf.toISOString().slice(0, 10)}.${FACTS[format].extension}${gzip ? ".gz" : ""}`;
  const fallback = safeName(configId, "report");
  const stem = safeName(reportName.toLowerCase(), fallback).slice(
    0,
    NAME_LENGTH_MAX - suffix.length,
  );
  return `${stem}${suffix}`;
}

/** The name that a recipient of a burst chose, with the ending of its format. */
export function givenFileName(name: string, format: Format, gzip = false): string {
  const suffix = `.${FACTS[format].extension}${gzip ? ".gz" : ""}`;
  const stem = name.toLowerCase().endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return `${safeName(stem, "report").slice(0, NAME_LENGTH_MAX - suffix.length)}${suffix}`;
}

export function artifactMediaType(format: Format, gzip = false): string {
  return gzip ? "application/gzip" : FACTS[format].mediaType;
}

/**
 * Where a run's file is stored. The fence is in the key, so a worker that lost its lease
 * can never overwrite the file of the one that took over.
 */
export function artifactKey(
  configId: string,
  fence: number,
  runId: string,
  fileName: string,
): string {
  return `${attemptPrefix(configId, fence)}${safeName(runId, "run")}/${fileName}`;
}

/** What the keys of all files of one claim begin with. */
export function attemptPrefix(configId: string, fence: number): string {
  return `${safeName(configId, "report")}/f${fence}-`;
}
