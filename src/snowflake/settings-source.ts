import type { Authentication, SnowflakeSettings } from "./settings.ts";
import { DEFAULT_TIMEOUTS } from "./settings.ts";

/** Where settings come from: the environment, or the JSON of the secret under the names of `secretSource`. */
export interface SnowflakeSource {
  readonly SNOWFLAKE_ACCOUNT?: string | undefined;
  readonly SNOWFLAKE_ACCESS_URL?: string | undefined;
  readonly SNOWFLAKE_USER?: string | undefined;
  readonly SNOWFLAKE_PRIVATE_KEY?: string | undefined;
  readonly SNOWFLAKE_PRIVATE_KEY_PASSPHRASE?: string | undefined;
  readonly SNOWFLAKE_PASSWORD?: string | undefined;
  readonly SNOWFLAKE_TOKEN?: string | undefined;
  readonly SNOWFLAKE_OAUTH_CLIENT_ID?: string | undefined;
  readonly SNOWFLAKE_OAUTH_CLIENT_SECRET?: string | undefined;
  readonly SNOWFLAKE_OAUTH_TOKEN_URL?: string | undefined;
  readonly SNOWFLAKE_OAUTH_SCOPE?: string | undefined;
  readonly SNOWFLAKE_WORKLOAD_IDENTITY?: string | undefined;
  readonly SNOWFLAKE_SECRET_ID?: string | undefined;
  readonly SNOWFLAKE_ROLE?: string | undefined;
  readonly SNOWFLAKE_WAREHOUSE?: string | undefined;
  readonly SNOWFLAKE_DATABASE?: string | undefined;
  readonly SNOWFLAKE_SCHEMA?: string | undefined;
  readonly SNOWFLAKE_OCSP: SnowflakeSettings["ocsp"];
}

/** Null: nothing about Snowflake is set. Problems name the variable that is missing. */
export function readSnowflakeSettings(
  source: SnowflakeSource,
): SnowflakeSettings | { problems: string[] } | null {
  const account = source.SNOWFLAKE_ACCOUNT;
  if (account === undefined) return refuseOrphans(source);
  // The rest comes from the secret, once it is read.
  if (source.SNOWFLAKE_SECRET_ID !== undefined && !hasAuthentication(source)) return null;
  const authentication = readAuthentication(source);
  if ("problems" in authentication) return authentication;
  return {
    account,
    authentication,
    ocsp: source.SNOWFLAKE_OCSP,
    timeouts: DEFAULT_TIMEOUTS,
    ...given("accessUrl", source.SNOWFLAKE_ACCESS_URL),
    ...given("username", source.SNOWFLAKE_USER),
    ...given("role", source.SNOWFLAKE_ROLE),
    ...given("warehouse", source.SNOWFLAKE_WAREHOUSE),
    ...given("database", source.SNOWFLAKE_DATABASE),
    ...given("schema", source.SNOWFLAKE_SCHEMA),
  };
}

/** The fields of the secret `report-service/snowflake`, as variables. Unknown fields are left alone. */
export function secretSource(secret: Readonly<Record<string, unknown>>): Partial<SnowflakeSource> {
  const fields = Object.entries(SECRET_FIELDS).flatMap(([field, variable]) => {
    const value = secret[field];
    return typeof value === "string" && value !== "" ? [[variable, value] as const] : [];
  });
  return Object.fromEntries(fields);
}

const SECRET_FIELDS = {
  account: "SNOWFLAKE_ACCOUNT",
  user: "SNOWFLAKE_USER",
  password: "SNOWFLAKE_PASSWORD",
  database: "SNOWFLAKE_DATABASE",
  warehouse: "SNOWFLAKE_WAREHOUSE",
  schema: "SNOWFLAKE_SCHEMA",
  role: "SNOWFLAKE_ROLE",
  private_key: "SNOWFLAKE_PRIVATE_KEY",
  private_key_passphrase: "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE",
  token: "SNOWFLAKE_TOKEN",
  oauth_client_id: "SNOWFLAKE_OAUTH_CLIENT_ID",
  oauth_client_secret: "SNOWFLAKE_OAUTH_CLIENT_SECRET",
  oauth_token_url: "SNOWFLAKE_OAUTH_TOKEN_URL",
  oauth_scope: "SNOWFLAKE_OAUTH_SCOPE",
  workload_identity: "SNOWFLAKE_WORKLOAD_IDENTITY",
} as const satisfies Record<string, keyof SnowflakeSource>;

const AUTHENTICATION_VARIABLES = [
  "SNOWFLAKE_PRIVATE_KEY",
  "SNOWFLAKE_PASSWORD",
  "SNOWFLAKE_TOKEN",
  "SNOWFLAKE_OAUTH_CLIENT_ID",
  "SNOWFLAKE_WORKLOAD_IDENTITY",
] as const satisfies (keyof SnowflakeSource)[];

function hasAuthentication(source: SnowflakeSource): boolean {
  return AUTHENTICATION_VARIABLES.some((variable) => source[variable] !== undefined);
}

function refuseOrphans(source: SnowflakeSource): { problems: string[] } | null {
  if (source.SNOWFLAKE_SECRET_ID !== undefined || !hasAuthentication(source)) return null;
  const set = AUTHENTICATION_VARIABLES.filter((variable) => source[variable] !== undefined);
  return { problems: [`SNOWFLAKE_ACCOUNT: is missing, although ${set.join(", ")} is set`] };
}

function readAuthentication(source: SnowflakeSource): Authentication | { problems: string[] } {
  if (source.SNOWFLAKE_WORKLOAD_IDENTITY !== undefined) {
    return { method: "workload-identity", provider: "AWS" };
  }
  if (source.SNOWFLAKE_OAUTH_CLIENT_ID !== undefined) return readOAuth(source);
  if (source.SNOWFLAKE_TOKEN !== undefined)
    return { method: "token", token: source.SNOWFLAKE_TOKEN };
  const privateKey = source.SNOWFLAKE_PRIVATE_KEY;
  const password = source.SNOWFLAKE_PASSWORD;
  if (privateKey === undefined && password === undefined) {
    return {
      problems: [
        `SNOWFLAKE_ACCOUNT: is set, but none of ${AUTHENTICATION_VARIABLES.join(", ")} or SNOWFLAKE_SECRET_ID is`,
      ],
    };
  }
  if (source.SNOWFLAKE_USER === undefined) {
    return { problems: ["SNOWFLAKE_USER: is missing; a key pair and a password need it"] };
  }
  if (privateKey === undefined) return { method: "password", password: password ?? "" };
  return {
    method: "key-pair",
    privateKey,
    ...given("passphrase", source.SNOWFLAKE_PRIVATE_KEY_PASSPHRASE),
  };
}

function readOAuth(source: SnowflakeSource): Authentication | { problems: string[] } {
  const { SNOWFLAKE_OAUTH_CLIENT_ID, SNOWFLAKE_OAUTH_CLIENT_SECRET, SNOWFLAKE_OAUTH_TOKEN_URL } =
    source;
  const problems: string[] = [];
  if (SNOWFLAKE_OAUTH_CLIENT_SECRET === undefined) {
    problems.push("SNOWFLAKE_OAUTH_CLIENT_SECRET: is missing");
  }
  if (SNOWFLAKE_OAUTH_TOKEN_URL === undefined) {
    problems.push("SNOWFLAKE_OAUTH_TOKEN_URL: is missing");
  }
  if (problems.length > 0) return { problems };
  return {
    method: "oauth-client",
    clientId: SNOWFLAKE_OAUTH_CLIENT_ID ?? "",
    clientSecret: SNOWFLAKE_OAUTH_CLIENT_SECRET ?? "",
    tokenUrl: SNOWFLAKE_OAUTH_TOKEN_URL ?? "",
    ...given("scope", source.SNOWFLAKE_OAUTH_SCOPE),
  };
}

/** An absent value is an absent property, which exact optional properties ask for. */
function given<Name extends string>(
  name: Name,
  value: string | undefined,
): Partial<Record<Name, string>> {
  const properties: Partial<Record<Name, string>> = {};
  if (value !== undefined) properties[name] = value;
  return properties;
}
