/**
 * CREATE, ALTER, DROP, DESCRIBE and SHOW of API integrations.
 * Source: docs.snowflake.com/en/sql-reference/sql/create-api-integration
 */

import { fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError, doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import type { ApiIntegrationEntry } from "../engine/routines.ts";
import { statusResult } from "../engine/results.ts";
import { isShown } from "../roles/authorize.ts";
import { securableOf } from "../roles/securables.ts";
import { TokenReader } from "../translate/tokens.ts";
import { startCreation } from "./create.ts";
import { alreadyDropped, changeCatalog, exists, provenance } from "./ddl.ts";
import { answer, type Header, readScope, seconds, texts, TIME } from "./show-scope.ts";

type Property =
  | "provider"
  | "roleArn"
  | "apiKey"
  | "allowedPrefixes"
  | "blockedPrefixes"
  | "isEnabled"
  | "comment";
type Properties = { -readonly [Name in Property]?: ApiIntegrationEntry[Name] };

const PROVIDERS = /^AWS_(?:GOV_)?(?:PRIVATE_)?API_GATEWAY$/;
/** Of the account that the integration would be called from; nothing is signed with it here. */
const LOCAL_USER_ARN = "arn:aws:iam::000000000000:user/local-snowflake";

type ReadProperty = (reader: TokenReader, properties: Properties) => void;

const READERS: Readonly<Record<string, ReadProperty>> = {
  API_PROVIDER: (reader, properties) => {
    const provider = reader.next().value.toUpperCase();
    if (!PROVIDERS.test(provider)) throw unsupported(`API_PROVIDER ${provider}`);
    properties.provider = provider;
  },
  API_AWS_ROLE_ARN: (reader, properties) => {
    properties.roleArn = reader.string();
  },
  API_KEY: (reader, properties) => {
    properties.apiKey = reader.string();
  },
  API_ALLOWED_PREFIXES: (reader, properties) => {
    properties.allowedPrefixes = readPrefixes(reader);
  },
  API_BLOCKED_PREFIXES: (reader, properties) => {
    properties.blockedPrefixes = readPrefixes(reader);
  },
  ENABLED: (reader, properties) => {
    if (reader.take("FALSE")) properties.isEnabled = false;
    else {
      reader.expect("TRUE");
      properties.isEnabled = true;
    }
  },
  COMMENT: (reader, properties) => {
    properties.comment = reader.string();
  },
};

function readProperties(reader: TokenReader): Properties {
  const properties: Properties = {};
  while (!reader.done) {
    const name = reader.name();
    const read = READERS[name];
    if (read === undefined) throw compilationError(`invalid property '${name}' for 'INTEGRATION'`);
    reader.expect("=");
    read(reader, properties);
    reader.take(",");
  }
  return properties;
}

function readPrefixes(reader: TokenReader): string[] {
  reader.expect("(");
  const prefixes: string[] = [];
  while (!reader.take(")")) {
    const prefix = reader.string();
    if (!isAddress(prefix))
      throw compilationError(
        `invalid URL prefix found in: '${prefix}' (https, or http to this machine)`,
      );
    prefixes.push(prefix);
    if (!reader.at(")")) reader.expect(",");
  }
  return prefixes;
}

/** Snowflake takes https only; here a server on this machine may be called without. */
export function isAddress(url: string): boolean {
  return (
    /^https:\/\/[^/]+/.test(url) ||
    /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?:[:/]|$)/.test(url)
  );
}

/** CREATE [OR REPLACE] API INTEGRATION [IF NOT EXISTS] name properties. */
export async function createIntegration(execution: Execution): Promise<EngineResult> {
  const { reader, orReplace, ifNotExists } = startCreation(execution.sql, "API", "INTEGRATION");
  const name = reader.name();
  const existing = execution.server.storage.catalog.callables.integration(name);
  if (existing !== undefined && ifNotExists) return exists(name);
  if (existing !== undefined && !orReplace) throw alreadyExists(name);
  const { provider, roleArn, allowedPrefixes, isEnabled, ...rest } = readProperties(reader);
  const missing = {
    API_PROVIDER: provider,
    API_AWS_ROLE_ARN: roleArn,
    API_ALLOWED_PREFIXES: allowedPrefixes,
    ENABLED: isEnabled,
  };
  for (const [property, value] of Object.entries(missing))
    if (value === undefined) throw compilationError(`Missing option(s): [${property}]`);
  const entry: ApiIntegrationEntry = {
    kind: "api integration",
    path: [name],
    provider: provider ?? "",
    roleArn: roleArn ?? "",
    allowedPrefixes: allowedPrefixes ?? [],
    isEnabled: isEnabled ?? false,
    apiKey: rest.apiKey ?? "",
    blockedPrefixes: rest.blockedPrefixes ?? [],
    comment: rest.comment ?? "",
    externalId: `LOCAL_SFCRole=1_${crypto.randomUUID()}`,
    ...provenance(execution),
  };
  await changeCatalog(execution, [], () => ({ put: [entry] }));
  return statusResult(`Integration ${name} successfully created.`);
}

interface Target {
  readonly reader: TokenReader;
  readonly name: string;
  readonly entry: ApiIntegrationEntry | undefined;
}

/** The reader behind `VERB [API] INTEGRATION [IF EXISTS] name`. Throws EngineError 002003 when it has to exist. */
function readTarget(verb: string, execution: Execution): Target {
  const reader = new TokenReader(execution.sql);
  reader.expect(verb);
  reader.take("API");
  reader.expect("INTEGRATION");
  const isOptional = reader.take("IF", "EXISTS");
  const name = reader.name();
  const entry = execution.server.storage.catalog.callables.integration(name);
  if (entry === undefined && !isOptional) throw doesNotExist("Integration", fullName([name]));
  return { reader, name, entry };
}

const UNSET: Readonly<Record<string, Properties>> = {
  API_KEY: { apiKey: "" },
  API_BLOCKED_PREFIXES: { blockedPrefixes: [] },
  ENABLED: { isEnabled: false },
  COMMENT: { comment: "" },
};

function readUnset(reader: TokenReader): Properties {
  let properties: Properties = {};
  do {
    const name = reader.name();
    const unset = UNSET[name];
    if (unset === undefined) throw compilationError(`invalid property '${name}' for 'INTEGRATION'`);
    properties = { ...properties, ...unset };
  } while (reader.take(","));
  reader.expectEnd();
  return properties;
}

/** ALTER [API] INTEGRATION [IF EXISTS] name SET properties | UNSET name, ... */
export async function alterIntegration(execution: Execution): Promise<EngineResult> {
  const { reader, entry } = readTarget("ALTER", execution);
  if (entry !== undefined) {
    const isSet = reader.take("SET");
    if (!isSet) reader.expect("UNSET");
    const changed = { ...entry, ...(isSet ? readProperties(reader) : readUnset(reader)) };
    await changeCatalog(execution, [], () => ({ put: [changed] }));
  }
  return statusResult("Statement executed successfully.");
}

/** DROP [API] INTEGRATION [IF EXISTS] name. */
export async function dropIntegration(execution: Execution): Promise<EngineResult> {
  const { reader, name, entry } = readTarget("DROP", execution);
  reader.expectEnd();
  if (entry === undefined) return alreadyDropped(name);
  await changeCatalog(execution, [], () => ({ remove: [entry] }));
  return statusResult(`${name} successfully dropped.`);
}

/** DESCRIBE [API] INTEGRATION name, of which `reader` has taken the words before the name. */
export function describeIntegration(reader: TokenReader, execution: Execution): EngineResult {
  const name = reader.name();
  reader.expectEnd();
  const entry = execution.server.storage.catalog.callables.integration(name);
  if (entry === undefined) throw doesNotExist("Integration", fullName([name]));
  const text = (property: string, value: string): string[] => [property, "String", value, ""];
  return answer(texts("property", "property_type", "property_value", "property_default"), [
    ["ENABLED", "Boolean", String(entry.isEnabled), "false"],
    text("API_KEY", entry.apiKey === "" ? "" : "******"),
    text("API_PROVIDER", entry.provider),
    text("API_AWS_IAM_USER_ARN", LOCAL_USER_ARN),
    text("API_AWS_ROLE_ARN", entry.roleArn),
    text("API_AWS_EXTERNAL_ID", entry.externalId),
    ["API_ALLOWED_PREFIXES", "List", entry.allowedPrefixes.join(","), "[]"],
    ["API_BLOCKED_PREFIXES", "List", entry.blockedPrefixes.join(","), "[]"],
    text("COMMENT", entry.comment),
  ]);
}

/** SHOW [API] INTEGRATIONS [LIKE]. */
export function showIntegrations(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const header: Header = [
    ...texts("name", "type", "category", "enabled", "comment"),
    ["created_on", TIME],
  ];
  const entries = execution.server.storage.catalog.callables.list("api integration");
  return answer(
    header,
    entries
      .filter((entry) => scope.matches(entry.path[0]) && isShown(securableOf(entry), execution))
      .map(({ path, isEnabled, comment, createdAtMs }) => [
        path[0],
        "EXTERNAL_API",
        "API",
        String(isEnabled),
        comment,
        seconds(createdAtMs),
      ]),
  );
}
