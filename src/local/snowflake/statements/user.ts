/** CREATE USER, ALTER USER, DROP USER. */

import { createHash } from "node:crypto";
import type { UserEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { statusResult } from "../engine/results.ts";
import { unknownName } from "../roles/errors.ts";
import { TokenReader } from "../translate/tokens.ts";
import { alreadyDropped, changeCatalog, exists, provenance } from "./ddl.ts";

type Properties = Readonly<Record<string, string>>;

/** Sources: docs.snowflake.com/en/sql-reference/sql/create-user, desc-user. */
export const USER_TEXTS = [
  "LOGIN_NAME",
  "DISPLAY_NAME",
  "FIRST_NAME",
  "LAST_NAME",
  "EMAIL",
  "COMMENT",
  "TYPE",
  "DEFAULT_WAREHOUSE",
  "DEFAULT_NAMESPACE",
  "DEFAULT_ROLE",
  "DISABLED",
  "MUST_CHANGE_PASSWORD",
  "NETWORK_POLICY",
];
/** Names of objects, in upper case unless they are quoted. */
const NAMES: ReadonlySet<string> = new Set([
  "DEFAULT_WAREHOUSE",
  "DEFAULT_NAMESPACE",
  "DEFAULT_ROLE",
]);
const FLAGS: ReadonlySet<string> = new Set(["DISABLED", "MUST_CHANGE_PASSWORD"]);
const KEYS = ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"];
const TYPES = ["PERSON", "SERVICE", "LEGACY_SERVICE"];

/** CREATE [OR REPLACE] USER [IF NOT EXISTS] name [property = value ...]. */
export async function createUser(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("CREATE");
  const orReplace = reader.take("OR", "REPLACE");
  reader.expect("USER");
  const ifNotExists = reader.take("IF", "NOT", "EXISTS");
  const name = reader.name();
  const existing = execution.server.storage.catalog.user(name);
  if (existing !== undefined && ifNotExists) return exists(name);
  if (existing !== undefined && !orReplace) throw alreadyExists(name);
  const properties = { ...USER_DEFAULTS, LOGIN_NAME: name, DISPLAY_NAME: name };
  const entry: UserEntry = {
    kind: "user",
    path: [name],
    ...provenance(execution),
    ...withProperties(properties, readProperties(reader)),
  };
  await changeCatalog(execution, [], () => ({ put: [entry] }));
  return statusResult(`User ${name} successfully created.`);
}

/** Since 2024 every role of a new user counts unless that is said otherwise. */
export const USER_DEFAULTS: Properties = {
  TYPE: "PERSON",
  DISABLED: "false",
  DEFAULT_SECONDARY_ROLES: "ALL",
};

function withProperties(
  known: Properties,
  changes: Properties,
): Pick<UserEntry, "properties" | "comment"> {
  const properties = { ...known, ...changes };
  const { TYPE = "PERSON", COMMENT = "" } = properties;
  if (!TYPES.includes(TYPE)) throw compilationError(`invalid value '${TYPE}' for property 'TYPE'`);
  if (TYPE === "SERVICE" && "PASSWORD" in changes)
    throw compilationError("Cannot set PASSWORD on a user with TYPE=SERVICE.");
  return { properties, comment: COMMENT };
}

/** `NAME = value ...`, also with commas between. */
function readProperties(reader: TokenReader): Properties {
  const properties: Record<string, string> = {};
  while (!reader.done) {
    const name = reader.name();
    reader.expect("=");
    Object.assign(properties, readProperty(name, reader));
    reader.take(",");
  }
  return properties;
}

function readProperty(name: string, reader: TokenReader): Properties {
  if (name === "DEFAULT_SECONDARY_ROLES") return { [name]: readSecondaryRoles(reader) };
  if (name === "WORKLOAD_IDENTITY") return { [name]: readIdentity(reader) };
  if (name === "PASSWORD") return { [name]: hash(reader.string()) };
  if (KEYS.includes(name)) return { [name]: reader.string().replaceAll(/\s/g, "") };
  if (!USER_TEXTS.includes(name)) throw compilationError(`invalid property '${name}' for 'USER'`);
  return { [name]: readText(name, reader) };
}

function readText(name: string, reader: TokenReader): string {
  const first = reader.next();
  const parts = [first];
  while (reader.take(".")) parts.push(reader.next());
  const text = parts.map(({ value }) => value).join(".");
  if (name === "TYPE") return text.toUpperCase();
  if (FLAGS.has(name)) return readFlag(name, text);
  return NAMES.has(name) && first.kind === "string" ? text.toUpperCase() : text;
}

function readFlag(name: string, text: string): string {
  const flag = text.toLowerCase();
  if (flag === "true" || flag === "false") return flag;
  throw compilationError(`invalid value '${text}' for property '${name}'`);
}

/** `()` is none, `('ALL')` all. */
function readSecondaryRoles(reader: TokenReader): string {
  const roles = reader.textInBrackets().trim();
  if (roles === "") return "";
  if (roles.toUpperCase() === "'ALL'") return "ALL";
  throw compilationError(`invalid value '(${roles})' for property 'DEFAULT_SECONDARY_ROLES'`);
}

/** `(TYPE = AWS ARN = '...')` as JSON. */
function readIdentity(reader: TokenReader): string {
  const inner = new TokenReader(reader.textInBrackets());
  const identity: Record<string, string> = {};
  while (!inner.done) {
    const name = inner.name();
    inner.expect("=");
    identity[name] = inner.next().value;
    inner.take(",");
  }
  const { TYPE, ARN } = identity;
  if (TYPE === undefined) throw compilationError("missing property 'TYPE' in 'WORKLOAD_IDENTITY'");
  if (TYPE === "AWS" && !/^arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/.+/.test(ARN ?? ""))
    throw compilationError(`invalid value '${ARN ?? ""}' for property 'ARN'`);
  return JSON.stringify(identity);
}

function hash(secret: string): string {
  return `SHA256:${createHash("sha256").update(secret).digest("base64")}`;
}

/** ALTER USER [IF EXISTS] name SET property = value ... | UNSET property, ... */
export async function alterUser(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("ALTER", "USER");
  const isOptional = reader.take("IF", "EXISTS");
  const name = reader.name();
  const user = execution.server.storage.catalog.user(name);
  if (user === undefined && isOptional) return done();
  if (user === undefined) throw unknownName("USER", name);
  const isSet = reader.take("SET");
  if (!isSet) reader.expect("UNSET");
  const changed = isSet
    ? withProperties(user.properties, readProperties(reader))
    : withProperties(withoutProperties(user.properties, reader), {});
  await changeCatalog(execution, [], () => ({ put: [{ ...user, ...changed }] }));
  return done();
}

function withoutProperties(known: Properties, reader: TokenReader): Properties {
  const names = new Set<string>();
  do names.add(reader.name());
  while (reader.take(","));
  reader.expectEnd();
  const rest = Object.entries(known).filter(([name]) => !names.has(name));
  const defaults = Object.entries(USER_DEFAULTS).filter(([name]) => names.has(name));
  return Object.fromEntries([...rest, ...defaults]);
}

function done(): EngineResult {
  return statusResult("Statement executed successfully.");
}

/** DROP USER [IF EXISTS] name. */
export async function dropUser(execution: Execution): Promise<EngineResult> {
  const reader = new TokenReader(execution.sql);
  reader.expect("DROP", "USER");
  const isOptional = reader.take("IF", "EXISTS");
  const name = reader.name();
  reader.expectEnd();
  const user = execution.server.storage.catalog.user(name);
  if (user === undefined && isOptional) return alreadyDropped(name);
  if (user === undefined) throw unknownName("USER", name);
  await changeCatalog(execution, [], () => ({ remove: [user] }));
  return statusResult(`${name} successfully dropped.`);
}
