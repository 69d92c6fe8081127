/** How long calls of external functions may take, in milliseconds. */
export interface ExternalCallSettings {
  /** One request. Default 30,000: what API Gateway allows. */
  readonly requestTimeoutMs: number;
  /** From the first request of a batch to the last try; Snowflake tells of no figure. Default 60,000. */
  readonly retryTotalMs: number;
  /** The first wait before another try; each next one is twice as long, up to 5 s. Default 250. */
  readonly retryDelayMs: number;
  /** How long a 202 may be followed by others. Default 600,000, which Snowflake documents. */
  readonly pollTotalMs: number;
}

export const EXTERNAL_CALL_DEFAULTS: ExternalCallSettings = {
  requestTimeoutMs: 30_000,
  retryTotalMs: 60_000,
  retryDelayMs: 250,
  pollTotalMs: 600_000,
};
