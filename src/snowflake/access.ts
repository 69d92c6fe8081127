import { ReportError } from "../report/errors.ts";
import type { SnowflakeSettings } from "./settings.ts";
import { readSnowflakeSettings, secretSource, type SnowflakeSource } from "./settings-source.ts";

/** Settings from the variables and the secret's fields; where both say something, the secret is right. */
export function mergeSecret(
  source: SnowflakeSource,
  secretId: string,
  secret: Readonly<Record<string, unknown>>,
): SnowflakeSettings {
  const { SNOWFLAKE_SECRET_ID: _read, ...variables } = source;
  const settings = readSnowflakeSettings({ ...variables, ...secretSource(secret) });
  if (settings === null) {
    throw new ReportError("configuration", `secret ${secretId}: "account" is missing`);
  }
  if ("problems" in settings) {
    const problems = settings.problems.join("; ");
    throw new ReportError("configuration", `secret ${secretId}: ${problems}`);
  }
  return settings;
}
