import type * as Sdk from "snowflake-sdk";
import type { SnowflakeSettings } from "./settings.ts";

export type DriverConnection = Sdk.Connection;
export type DriverStatement = Sdk.RowStatement;
export type DriverColumn = Sdk.Column;
export type DriverOptions = Sdk.ConnectionOptions;
export type StatementOption = Sdk.StatementOption;

/**
 * Read by the driver while it is imported: without them it asks three clouds' metadata services who hosts it
 * (the login waits for that), loads a native library and sends telemetry.
 */
const SWITCHES = {
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: "true",
  SNOWFLAKE_DISABLE_MINICORE: "1",
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: "1",
} as const;

let loading: Promise<typeof Sdk> | undefined;

/**
 * The driver, imported at the first call (about 300 ms and 87 MB: what needs no warehouse does not pay for it) and
 * configured: it logs nothing (by default it would write ./snowflake.log), and a VARIANT stays the text it is
 * (by default text that is not JSON goes through eval).
 */
export async function loadDriver(ocsp: SnowflakeSettings["ocsp"]): Promise<typeof Sdk> {
  loading ??= importDriver();
  const driver = await loading;
  driver.configure({
    logLevel: "OFF",
    jsonColumnVariantParser: (text) => text,
    disableOCSPChecks: ocsp === "off",
    ocspFailOpen: ocsp !== "fail-closed",
  });
  return driver;
}

async function importDriver(): Promise<typeof Sdk> {
  // oxlint-disable-next-line node/no-process-env -- the driver takes these from nowhere else; nothing is read here
  for (const [name, value] of Object.entries(SWITCHES)) process.env[name] = value;
  const module = await import("snowflake-sdk");
  return module.default;
}
