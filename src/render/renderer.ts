import type { Format } from "../report/artifact.ts";
import type { ReportOptions } from "../report/options.ts";
import type { Column, Row } from "../report/table.ts";

/**
 * Where a renderer's bytes go. A returned promise is backpressure: the renderer awaits it. Afterwards the bytes are the
 * renderer's to change: a sink that keeps them copies them.
 */
export interface ByteSink {
  write(bytes: Uint8Array): void | Promise<void>;
}

/** What a file says of itself: title block, properties, "About" sheet. */
export interface RenderContext {
  readonly reportName: string;
  readonly runId: string;
  readonly queryId: string;
  /** Rows that the warehouse reported, known before the first row. */
  readonly rowCount: number;
  readonly parameters: Readonly<Record<string, string | number | boolean | null>>;
  readonly generatedAt: Date;
  readonly dataAsOf: Date;
  /** IANA zone in which instants (timestamp_ltz, generatedAt) are shown. */
  readonly timezone: string;
  readonly options: ReportOptions;
  readonly presentation: Presentation;
}

/** How every file of a deployment looks. */
export interface Presentation {
  /** "#rrggbb", for headings and rules; contrast is the renderer's concern. */
  readonly accentColor: string;
  /** At the head of a PDF and on the "About" sheet. */
  readonly logo: {
    readonly bytes: Uint8Array;
    readonly mediaType: "image/png" | "image/jpeg";
  } | null;
  /** Folder with further fonts (.ttf, .otf, .ttc, .otc), for characters that the default ones lack. */
  readonly fontsFolder: string | null;
}

export const DEFAULT_PRESENTATION: Presentation = {
  accentColor: "#1f4e79",
  logo: null,
  fontsFolder: null,
};

/** A change that was made to the data so that it fits the format, with how often. Never silent. */
export interface RenderWarning {
  /** Such as "cell_truncated", "control_character", "missing_glyph", "rows_not_printed", "formula_guarded". */
  readonly code: string;
  readonly count: number;
  /** A sentence for the reader of the file. */
  readonly message: string;
}

export interface RenderSummary {
  /** Rows taken from the table: must equal the rows the warehouse reported. */
  readonly rowCount: number;
  readonly warnings: readonly RenderWarning[];
}

/**
 * One file being written. Call begin once, rows as often as there are batches, finish once.
 * Memory is bounded: bytes leave through the sink as the rows come, whatever their number.
 * After a throw the renderer is of no use; what was written is dropped by the caller.
 */
export interface Renderer {
  begin(columns: readonly Column[]): void | Promise<void>;
  rows(batch: readonly Row[]): void | Promise<void>;
  finish(): Promise<RenderSummary>;
}

export type CreateRenderer = (context: RenderContext, sink: ByteSink) => Renderer;

export type Renderers = Readonly<Record<Format, CreateRenderer>>;
