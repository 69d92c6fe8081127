/** A stage: a named place for files within a schema. */

export interface StageEntry {
  readonly kind: "stage";
  readonly path: readonly [string, string, string];
  readonly comment: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly owner: string;
  /** With SNOWFLAKE_SSE files can be fetched by a presigned URL; with the default, SNOWFLAKE_FULL, they cannot. */
  readonly encryption: "SNOWFLAKE_FULL" | "SNOWFLAKE_SSE";
  readonly hasDirectory: boolean;
  /** The inside of FILE_FORMAT = (...), for a COPY INTO that gives none. */
  readonly fileFormat: string;
}
