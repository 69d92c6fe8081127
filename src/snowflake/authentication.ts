import type { DriverOptions } from "./driver.ts";
import type { Authentication, ConnectionPurpose, SnowflakeSettings } from "./settings.ts";

/**
 * The driver's options. The authenticator is always in capitals: an unknown or lower-case one makes the driver fall
 * back to a password. The query tag is not among them: the driver would force it on every statement.
 */
export function driverOptions(
  settings: SnowflakeSettings,
  purpose: ConnectionPurpose,
): DriverOptions {
  return {
    account: settings.account,
    application: "report-service",
    ...pickGiven({
      accessUrl: settings.accessUrl,
      username: settings.username,
      role: purpose.role ?? settings.role,
      warehouse: settings.warehouse,
      database: settings.database,
      schema: settings.schema,
    }),
    ...authenticatorOptions(settings.authentication),
    // A caller that waits and tries again knows better how long; the driver's own 7 retries take up to 5 minutes.
    sfRetryMaxLoginRetries: 1,
    representNullAsStringNull: false,
    rowMode: "array",
  };
}

function authenticatorOptions(authentication: Authentication): DriverOptions {
  switch (authentication.method) {
    case "key-pair":
      return {
        authenticator: "SNOWFLAKE_JWT",
        privateKey: normalisePem(authentication.privateKey),
        ...pickGiven({ privateKeyPass: authentication.passphrase }),
      };
    case "password":
      return { authenticator: "SNOWFLAKE", password: authentication.password };
    case "token":
      return { authenticator: "PROGRAMMATIC_ACCESS_TOKEN", token: authentication.token };
    case "oauth-client":
      return {
        authenticator: "OAUTH_CLIENT_CREDENTIALS",
        oauthClientId: authentication.clientId,
        oauthClientSecret: authentication.clientSecret,
        oauthTokenRequestUrl: authentication.tokenUrl,
        ...pickGiven({ oauthScope: authentication.scope }),
      };
    case "workload-identity":
      return {
        authenticator: "WORKLOAD_IDENTITY",
        workloadIdentityProvider: authentication.provider,
        ...pickGiven({
          workloadIdentityImpersonationPath: authentication.impersonationPath?.slice(),
        }),
      };
  }
}

/** The driver takes a key only when it begins and ends with its marker lines. */
function normalisePem(pem: string): string {
  return pem.replaceAll("\\n", "\n").replaceAll("\r\n", "\n").trim();
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The driver distinguishes an option that is absent from one that is undefined. */
function pickGiven<T extends object>(options: T): Given<T> {
  const given: Given<T> = { ...options };
  for (const name of Object.keys(options)) {
    if (Reflect.get(options, name) === undefined) Reflect.deleteProperty(given, name);
  }
  return given;
}
