/** The real driver, quiet: it probes cloud metadata when it is imported unless it is told not to. */
process.env["SNOWFLAKE_DISABLE_PLATFORM_DETECTION"] = "true";
process.env["SNOWFLAKE_DISABLE_MINICORE"] = "1";
process.env["SF_TELEMETRY_DISABLE_CONNECTION_SHAPE"] = "1";
const { default: snowflake } = await import("snowflake-sdk");

import type { Connection, ConnectionOptions, RowStatement, StatementOption } from "snowflake-sdk";

export interface DriverError extends Error {
  readonly code?: string | number;
  readonly sqlState?: string;
  readonly data?: { readonly queryId?: string; readonly errorCode?: string };
}

/** A connected connection; rejects with what the driver says of a failed login. */
export async function connect(
  server: { readonly url: string },
  options: Partial<ConnectionOptions> = {},
): Promise<Connection> {
  // For the whole process, in which other tests want the text of a VARIANT as it came.
  snowflake.configure({
    logLevel: "OFF",
    disableOCSPChecks: true,
    jsonColumnVariantParser: (text) => JSON.parse(text),
  });
  const connection = snowflake.createConnection({
    accessUrl: server.url,
    account: "local",
    username: "ada",
    password: "secret",
    ...options,
  });
  return new Promise((resolve, reject) => {
    void connection.connectAsync((error) => (error ? reject(error) : resolve(connection)));
  });
}

export interface Executed {
  readonly statement: RowStatement;
  // What rows are depends on the row mode.
  readonly rows: readonly unknown[];
}

export async function execute(
  connection: Connection,
  sqlText: string,
  options: Partial<StatementOption> = {},
): Promise<Executed> {
  return new Promise((resolve, reject) => {
    connection.execute({
      sqlText,
      rowMode: "array",
      ...options,
      complete: (error, statement, rows) => {
        if (error) reject(error);
        else resolve({ statement, rows: rows ?? [] });
      },
    });
  });
}

/** What a promise rejects with; fails if it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<DriverError> {
  return promise.then(
    () => {
      throw new Error("It should have failed.");
    },
    (error: DriverError) => error,
  );
}
