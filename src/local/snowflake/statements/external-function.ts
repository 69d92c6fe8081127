/**
 * CREATE EXTERNAL FUNCTION.
 * Source: docs.snowflake.com/en/sql-reference/sql/create-external-function
 */

import { completePath, fullName } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { alreadyExists, compilationError, doesNotExist } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { CONTEXT_FUNCTIONS } from "../engine/external/request.ts";
import type {
  ApiIntegrationEntry,
  Compression,
  ExternalFunctionEntry,
} from "../engine/routines.ts";
import { statusResult } from "../engine/results.ts";
import { namesOf } from "../translate/context.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { startCreation } from "./create.ts";
import { changeCatalog, exists, provenance } from "./ddl.ts";
import { isAddress } from "./integration.ts";
import {
  hasTypes,
  readArguments,
  readReturns,
  readText,
  takeNullHandling,
} from "./routine-text.ts";

type Clauses = Omit<
  ExternalFunctionEntry,
  "kind" | "path" | "arguments" | "createdAtMs" | "owner" | "isSecure"
>;
type Reading = { -readonly [Name in keyof Clauses]?: Clauses[Name] };

/** CREATE [OR REPLACE] [SECURE] EXTERNAL FUNCTION [IF NOT EXISTS] name(arguments) ... AS 'url'. */
export async function createExternalFunction(execution: Execution): Promise<EngineResult> {
  const start = startCreation(execution.sql, "EXTERNAL", "FUNCTION");
  const { reader, orReplace, ifNotExists } = start;
  const path = completePath(reader.path(), namesOf(execution));
  const { catalog } = execution.server.storage;
  catalog.requireSchema(path.slice(0, 2));
  const list = readArguments(reader);
  const types = list.map(({ type }) => type);
  const existing = catalog.callables
    .named("function", path)
    .find((entry) => hasTypes(entry, types));
  if (existing !== undefined && ifNotExists) return exists(path[2]);
  if (existing !== undefined && !orReplace) throw alreadyExists(fullName(path));
  const clauses = readClauses(reader);
  requireAllowed(clauses.url, findIntegration(clauses.integration, execution));
  const isSecure = /^CREATE\s+(?:OR\s+REPLACE\s+)?SECURE\b/i.test(execution.sql);
  const origin = provenance(execution);
  await changeCatalog(execution, [], () => ({
    put: [{ kind: "function", path, arguments: list, isSecure, ...clauses, ...origin }],
  }));
  return statusResult(`Function ${path[2]} successfully created.`);
}

function readClauses(reader: TokenReader): Clauses {
  const read: Reading = {};
  while (read.url === undefined) readClause(reader, read);
  reader.expectEnd();
  const { returns, integration, url } = read;
  if (returns === undefined) throw compilationError("An external function needs a RETURNS clause.");
  if (integration === undefined) throw compilationError("Missing option(s): [API_INTEGRATION]");
  return {
    isStrict: false,
    volatility: "VOLATILE",
    comment: "",
    headers: [],
    contextHeaders: [],
    batchRowsMax: null,
    compression: "AUTO",
    ...read,
    returns,
    integration,
    url,
  };
}

function readClause(reader: TokenReader, read: Reading): void {
  const isStrict = takeNullHandling(reader);
  if (isStrict !== undefined) read.isStrict = isStrict;
  else if (reader.take("RETURNS")) read.returns = readReturns(reader);
  else if (reader.take("VOLATILE")) read.volatility = "VOLATILE";
  else if (reader.take("IMMUTABLE")) read.volatility = "IMMUTABLE";
  else if (reader.take("COMMENT")) read.comment = readText(reader);
  else if (reader.take("API_INTEGRATION", "=")) read.integration = reader.name();
  else if (reader.take("HEADERS", "=")) read.headers = readHeaders(reader);
  else if (reader.take("CONTEXT_HEADERS", "=")) read.contextHeaders = readContextHeaders(reader);
  else if (reader.take("MAX_BATCH_ROWS", "=")) read.batchRowsMax = readRowsMax(reader);
  else if (reader.take("COMPRESSION", "=")) read.compression = readCompression(reader);
  else {
    reader.expect("AS");
    read.url = reader.string();
  }
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^`|~-]+$/;

/** `('name' = 'value', ...)`; a name has no underscore. */
function readHeaders(reader: TokenReader): [string, string][] {
  reader.expect("(");
  const headers: [string, string][] = [];
  do {
    const name = reader.string();
    if (!HEADER_NAME.test(name)) throw compilationError(`Invalid header name '${name}'.`);
    reader.expect("=");
    headers.push([name, reader.string()]);
  } while (reader.take(","));
  reader.expect(")");
  return headers;
}

function readContextHeaders(reader: TokenReader): string[] {
  reader.expect("(");
  const names: string[] = [];
  do {
    const name = reader.name();
    if (!CONTEXT_FUNCTIONS.has(name)) throw compilationError(`Invalid context header '${name}'.`);
    names.push(name);
  } while (reader.take(","));
  reader.expect(")");
  return names;
}

function readRowsMax(reader: TokenReader): number {
  const written = reader.next().value;
  const count = Number(written);
  if (!Number.isInteger(count) || count < 1)
    throw compilationError(`invalid value '${written}' for property 'MAX_BATCH_ROWS'`);
  return count;
}

const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  NONE: "NONE",
  AUTO: "AUTO",
  GZIP: "GZIP",
  DEFLATE: "DEFLATE",
};

function readCompression(reader: TokenReader): Compression {
  const written = reader.next().value.toUpperCase();
  const compression = COMPRESSIONS[written];
  if (compression === undefined)
    throw compilationError(`invalid value '${written}' for property 'COMPRESSION'`);
  return compression;
}

/** Throws EngineError 002003. */
export function findIntegration(name: string, { server }: Execution): ApiIntegrationEntry {
  const found = server.storage.catalog.callables.integration(name);
  if (found === undefined) throw doesNotExist("Integration", fullName([name]));
  return found;
}

/** Throws EngineError unless the integration is enabled and lets this address be called; a blocked prefix wins. */
export function requireAllowed(url: string, integration: ApiIntegrationEntry): void {
  const name = integration.path[0];
  if (!integration.isEnabled) throw compilationError(`API integration ${name} is not enabled.`);
  const begins = (prefix: string): boolean => url.startsWith(prefix);
  const isAllowed =
    isAddress(url) &&
    URL.canParse(url) &&
    integration.allowedPrefixes.some(begins) &&
    !integration.blockedPrefixes.some(begins);
  if (isAllowed) return;
  throw compilationError(`URL '${url}' is not allowed by API integration ${name}.`);
}
