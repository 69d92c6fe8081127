/**
 * What can be granted on what (docs.snowflake.com/en/user-guide/security-access-control-privileges), as far as the
 * local Snowflake has such things.
 */

export type SecurableKind =
  | "ACCOUNT"
  | "DATABASE"
  | "SCHEMA"
  | "TABLE"
  | "VIEW"
  | "STREAM"
  | "TASK"
  | "PROCEDURE"
  | "FUNCTION"
  | "STAGE"
  | "WAREHOUSE"
  | "INTEGRATION"
  | "ROLE"
  | "USER";

/** What lies in a schema, by the plural that `ON ALL` and `ON FUTURE` use. */
export const SCHEMA_OBJECTS = {
  TABLES: "TABLE",
  VIEWS: "VIEW",
  STREAMS: "STREAM",
  TASKS: "TASK",
  PROCEDURES: "PROCEDURE",
  FUNCTIONS: "FUNCTION",
  STAGES: "STAGE",
} as const satisfies Readonly<Record<string, SecurableKind>>;

const CREATE_IN_SCHEMA = [
  "CREATE TABLE",
  "CREATE VIEW",
  "CREATE STREAM",
  "CREATE TASK",
  "CREATE PROCEDURE",
  "CREATE FUNCTION",
  "CREATE STAGE",
];

/** The privileges of each kind but OWNERSHIP, which each of them has. */
export const PRIVILEGES = {
  ACCOUNT: [
    "CREATE DATABASE",
    "CREATE WAREHOUSE",
    "CREATE ROLE",
    "CREATE USER",
    "CREATE INTEGRATION",
    "EXECUTE TASK",
    "EXECUTE MANAGED TASK",
    "MANAGE GRANTS",
    "MONITOR EXECUTION",
    "MONITOR USAGE",
  ],
  DATABASE: ["USAGE", "CREATE SCHEMA", "MODIFY", "MONITOR"],
  SCHEMA: ["USAGE", "MODIFY", "MONITOR", ...CREATE_IN_SCHEMA],
  TABLE: ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"],
  VIEW: ["SELECT", "REFERENCES"],
  STREAM: ["SELECT"],
  TASK: ["MONITOR", "OPERATE"],
  PROCEDURE: ["USAGE"],
  FUNCTION: ["USAGE"],
  STAGE: ["USAGE", "READ", "WRITE"],
  WAREHOUSE: ["USAGE", "OPERATE", "MONITOR", "MODIFY"],
  INTEGRATION: ["USAGE"],
  ROLE: [],
  USER: ["MONITOR"],
} as const satisfies Readonly<Record<SecurableKind, readonly string[]>>;

/** What the system roles have without a grant; ACCOUNTADMIN has everything. */
export const SYSTEM_PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  SYSADMIN: ["CREATE DATABASE", "CREATE WAREHOUSE"],
  SECURITYADMIN: ["MANAGE GRANTS"],
  USERADMIN: ["CREATE ROLE", "CREATE USER"],
};

/** The system roles, each with those whose privileges it has. Every role has those of PUBLIC. */
export const SYSTEM_ROLES: Readonly<Record<string, readonly string[]>> = {
  ACCOUNTADMIN: ["SYSADMIN", "SECURITYADMIN"],
  SECURITYADMIN: ["USERADMIN"],
  SYSADMIN: [],
  USERADMIN: [],
  PUBLIC: [],
};

/** Databases that Snowflake shares with an account: `GRANT IMPORTED PRIVILEGES` opens all of one. */
export const SHARED_DATABASES: ReadonlySet<string> = new Set([
  "SNOWFLAKE",
  "SNOWFLAKE_SAMPLE_DATA",
]);

export function isSecurableKind(word: string): word is SecurableKind {
  return word in PRIVILEGES;
}

const NAMED_ALONE = ["DATABASE", "WAREHOUSE", "INTEGRATION", "ROLE", "USER"] as const;

/** What lies in the account itself, under one name. */
export function isNamedAlone(kind: SecurableKind): kind is (typeof NAMED_ALONE)[number] {
  return NAMED_ALONE.some((each) => each === kind);
}
