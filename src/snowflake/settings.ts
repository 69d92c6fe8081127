/** How the service proves who it is. Passwords of service users are blocked by Snowflake since autumn 2026. */
export type Authentication =
  | {
      readonly method: "key-pair";
      /** PEM, PKCS#8 or PKCS#1; line breaks may be written as \n, as environment variables often hold them. */
      readonly privateKey: string;
      readonly passphrase?: string;
    }
  | { readonly method: "password"; readonly password: string }
  /** A programmatic access token. */
  | { readonly method: "token"; readonly token: string }
  | {
      readonly method: "oauth-client";
      readonly clientId: string;
      readonly clientSecret: string;
      /** The token endpoint of the identity provider; Snowflake itself is none for this flow. */
      readonly tokenUrl: string;
      readonly scope?: string;
    }
  /** The task role of the container; the region comes from AWS_REGION. */
  | {
      readonly method: "workload-identity";
      readonly provider: "AWS";
      /** Roles to assume one after the other, as ARNs. */
      readonly impersonationPath?: readonly string[];
    };

export interface SnowflakeSettings {
  readonly account: string;
  /** Full URL, with a port if need be. Default: made from the account. */
  readonly accessUrl?: string;
  /** Needed for key-pair and password. */
  readonly username?: string;
  readonly role?: string;
  readonly warehouse?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly authentication: Authentication;
  /**
   * Whether certificates are checked for revocation by OCSP: "off" as newer drivers do; "fail-open" costs seconds
   * when the responders cannot be reached; "fail-closed" then refuses to connect. Holds for the whole process.
   */
  readonly ocsp: "off" | "fail-open" | "fail-closed";
  readonly timeouts: {
    /** The whole login, with its retries. */
    readonly loginMs: number;
    /** A statement of the control connection that gives no limit of its own. */
    readonly statementMs: number;
    /** How long nothing of a result may arrive before reading gives up. */
    readonly rowsMs: number;
  };
}

export const DEFAULT_TIMEOUTS: SnowflakeSettings["timeouts"] = {
  loginMs: 60_000,
  statementMs: 120_000,
  rowsMs: 60_000,
};

export type ParameterValues = Readonly<Record<string, string | number | boolean>>;

/** What a connection is for: what its session is set to before the first statement. */
export interface ConnectionPurpose {
  /** Instead of the role of the settings. */
  readonly role?: string;
  readonly sessionParameters: ParameterValues;
  /** At most 2,000 characters; a statement can have its own. */
  readonly queryTag?: string;
  /** With "none" the session has the privileges of its one role, not of every role of the user. */
  readonly secondaryRoles?: "none";
}

/**
 * How texts become times, whatever the account or the user is set to: with a TIMESTAMP_INPUT_FORMAT of DD.MM.YYYY the ISO
 * texts that are bound as `?::TIMESTAMP_NTZ` would be refused, or be another day. Literals of report SQL are read so too.
 */
export const INPUT_FORMATS: ParameterValues = {
  DATE_INPUT_FORMAT: "AUTO",
  TIME_INPUT_FORMAT: "AUTO",
  TIMESTAMP_INPUT_FORMAT: "AUTO",
};

/** The session of the control connection (queue, audit, ledger): short waits, UTC, nothing left running. */
export const CONTROL_SESSION: ParameterValues = {
  TIMEZONE: "UTC",
  ...INPUT_FORMATS,
  AUTOCOMMIT: true,
  LOCK_TIMEOUT: 30,
  STATEMENT_TIMEOUT_IN_SECONDS: 120,
  ABORT_DETACHED_QUERY: true,
};
